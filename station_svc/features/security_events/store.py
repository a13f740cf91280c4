"""The SQL of security events. Each function is part of, or the whole of, one transaction."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from mesh.database.filters import Field, moment
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.history_store import history
from station_svc.core.rows import Frame, to_row
from station_svc.features.security_events.models import security_event
from station_svc.features.security_events.rows import SecurityEventRow

_ADD = RowStatement(
    """
    INSERT INTO security_event (tenant_id, station_id, epoch, ordinal, type, tech_info, criticality, event_us,
                                receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, type, tech_info, criticality, event_us, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **columns_of(security_event),
)


def add(connection: Connection, rows: Sequence[SecurityEventRow]) -> None:
    """Stores security events; one that is there already stays as it is."""
    _ADD.run(
        connection,
        (
            {
                **row.frame.columns,
                "type": row.type,
                "tech_info": row.tech_info,
                "criticality": row.criticality,
                "event_us": row.event_us,
            }
            for row in rows
        ),
    )


def filters(criticality: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that security events may be filtered by; `criticality` reads one."""
    return {
        "type": Field(security_event.c.type),
        "criticality": Field(security_event.c.criticality, criticality),
        "event_time": Field(security_event.c.event_us, moment),
        "receive_time": Field(security_event.c.receive_us, moment),
    }


def list_security_events(
    connection: Connection, *, tenant_id: str, station_id: str, page: Page
) -> Sequence[SecurityEventRow]:
    """Security events, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(connection, security_event, tenant_id, station_id, page)
    return [to_row(SecurityEventRow, row, frame=to_row(Frame, row)) for row in rows]
