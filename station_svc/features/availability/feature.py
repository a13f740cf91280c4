"""Registers availability with the service."""

from mesh.driver_tables import DriverTable, reworded
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources, as_it_is
from station_svc.features.availability.models import status_report


def _build(_resources: Resources) -> FeatureParts:
    return FeatureParts(commands={"ChangeAvailability": as_it_is})


FEATURE = Feature(
    storage=Storage(
        history=[status_report],
        retention=[Retention(name="STATUS_REPORT", days=90, removals=[aged(status_report.c.receive_us)])],
        drivers=[DriverTable(table=status_report, decide=reworded("info", "vendor_error_code"))],
    ),
    build=_build,
)
