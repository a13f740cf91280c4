"""Registers the message log with the service."""

from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature
from station_svc.features.message_log.message_store import remove_old
from station_svc.features.message_log.models import PARTITIONS, message

MESSAGES = Retention(name="MESSAGE", days=30, removals=[remove_old], partitions=PARTITIONS)
FEATURE = Feature(storage=Storage(history=[message], retention=[MESSAGES]))
