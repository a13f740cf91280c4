"""How long what stations do over some time is kept, from its beginning, and what they reported of it."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.follower.models import activity, activity_report

STORAGE = Storage(
    present=[activity],
    history=[activity_report],
    retention=[
        Retention(name="TASK", days=365, removals=[aged(activity.c.create_us), aged(activity_report.c.receive_us)])
    ],
)
