"""Registers vendors' own messages with the service."""

from mesh.driver_tables import DriverTable, emptied
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources, as_it_is
from station_svc.features.data_transfer.models import data_transfer


def _build(_resources: Resources) -> FeatureParts:
    return FeatureParts(commands={"DataTransfer": as_it_is})


FEATURE = Feature(
    storage=Storage(
        history=[data_transfer],
        retention=[Retention(name="DATA_TRANSFER", days=30, removals=[aged(data_transfer.c.receive_us)])],
        drivers=[DriverTable(table=data_transfer, decide=emptied("data"))],
    ),
    build=_build,
)
