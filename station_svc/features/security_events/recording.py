"""Security events that stations report: stored and published."""

from collections.abc import Sequence

from csms.station.v1 import security_event_pb2
from csms.station.v1.security_event_pb2 import SecurityEvent
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.times import from_timestamp, to_timestamp
from station_svc.core.events import of_frame
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.features.security_events import store
from station_svc.features.security_events.rows import SecurityEventRow


def record(connection: Connection, reports: Sequence[tuple[Frame, SecurityEvent]]) -> None:
    """Stores and publishes security events. See station_svc.feature.ReportHandler."""
    rows = [_to_row(frame, event) for frame, event in reports]
    store.add(connection, rows)
    outbox.append(connection, map(_event, rows))


def _to_row(frame: Frame, event: SecurityEvent) -> SecurityEventRow:
    return SecurityEventRow(
        frame=frame,
        type=event.type,
        tech_info=event.tech_info,
        criticality=event.criticality,
        event_us=from_timestamp(event.event_time) if event.HasField("event_time") else None,
    )


def _event(event: SecurityEventRow) -> OutboxEvent:
    """The outbox event of a security event."""
    data = {
        "type": event.type,
        "techInfo": event.tech_info,
        "criticality": name_of(security_event_pb2.SecurityEventCriticality.Name, event.criticality),
    }
    if event.event_us is not None:
        data["eventTime"] = to_timestamp(event.event_us).ToJsonString()
    return of_frame("station.security_event", event.frame, data)
