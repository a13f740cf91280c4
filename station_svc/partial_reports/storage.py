"""The storage of reports in parts: catalogue.py registers it."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.partial_reports.models import partial_report

STORAGE = Storage(
    present=[partial_report],
    retention=[Retention(name="PARTIAL_REPORT", days=90, removals=[aged(partial_report.c.update_us)])],
)
