"""Security events as stations report them: stored, and told to whoever wants to know."""

from collections.abc import Sequence

from csms.station.v1.security_event_pb2 import SecurityEvent
from sqlalchemy import Connection

from mesh import outbox
from mesh.times import from_timestamp
from station_svc import events
from station_svc.rows import Frame
from station_svc.security_events import store
from station_svc.security_events.rows import SecurityEventRow


def record(db: Connection, reports: Sequence[tuple[Frame, SecurityEvent]]) -> None:
    """Stores security events and tells of them. See station_svc.ingest.reports.Handler."""
    rows = [_to_row(frame, event) for frame, event in reports]
    store.add(db, rows)
    outbox.append(db, map(events.security_event, rows))


def _to_row(frame: Frame, event: SecurityEvent) -> SecurityEventRow:
    return SecurityEventRow(
        frame=frame,
        type=event.type,
        tech_info=event.tech_info,
        criticality=event.criticality,
        event_us=from_timestamp(event.event_time) if event.HasField("event_time") else None,
    )
