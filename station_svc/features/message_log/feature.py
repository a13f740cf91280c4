"""Registers the message log with the service."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature
from station_svc.features.message_log.models import message

FEATURE = Feature(
    storage=Storage(
        history=[message],
        retention=[Retention(name="MESSAGE", days=30, removals=[aged(message.c.message_us)])],
    ),
)
