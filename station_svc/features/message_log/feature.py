"""Registers the message log with the service."""

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import DriverTable, emptied
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature
from station_svc.features.message_log.message_store import remove_old
from station_svc.features.message_log.models import ORDER, PARTITIONS, message

_OF_MANY_DRIVERS = "SendLocalList"


def _about(row: Row, _driver: Driver) -> Row:
    """A frame as its driver may see it: without those who are on a list beside them."""
    return {**row, "payload": ""} if row["action"] == _OF_MANY_DRIVERS else row


MESSAGES = Retention(name="MESSAGE", days=30, removals=[remove_old], partitions=PARTITIONS)
FEATURE = Feature(
    storage=Storage(
        history=[message],
        retention=[MESSAGES],
        drivers=[
            DriverTable(
                table=message,
                decide=emptied("payload"),
                about=_about,
                order=ORDER,
                sqlite_order=("station_id", "epoch", "ordinal"),
            )
        ],
    )
)
