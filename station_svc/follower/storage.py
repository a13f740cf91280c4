"""Retention of activities, from their beginning, and of the reports about them."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.follower.models import activity, activity_report

STORAGE = Storage(
    present=[activity],
    history=[activity_report],
    retention=[
        Retention(name="TASK", days=365, removals=[aged(activity.c.create_us), aged(activity_report.c.receive_us)])
    ],
)
