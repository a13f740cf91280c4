"""What availability adds to the service."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature
from station_svc.features.availability.models import status_report

FEATURE = Feature(
    storage=Storage(
        history=[status_report],
        retention=[Retention(name="STATUS_REPORT", days=90, removals=[aged(status_report.c.receive_us)])],
    ),
)
