"""The SQL of what stations reported of their connectors. Each function is the work of one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from mesh.database.pages import Page
from station_svc.core.history_store import history
from station_svc.core.reports import Status
from station_svc.core.rows import Frame, to_row
from station_svc.features.availability.models import status_report


def list_status_reports(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Status]:
    """Statuses, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(connection, status_report, tenant_id, station_id, page)
    return [to_row(Status, row, frame=to_row(Frame, row), position=0) for row in rows]
