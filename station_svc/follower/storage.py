"""How long what stations do over some time is kept, from its beginning, and what they reported of it."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.follower.models import task, task_report

STORAGE = Storage(
    present=[task],
    history=[task_report],
    retention=[Retention(name="TASK", days=365, removals=[aged(task.c.create_us), aged(task_report.c.receive_us)])],
)
