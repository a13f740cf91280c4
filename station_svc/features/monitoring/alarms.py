"""Events of stations: alarms that they open and close, readings that are kept, both within a station's limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from csms.station.v1 import alarm_pb2 as pb
from google.protobuf import json_format
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.times import from_timestamp
from station_svc.core.rows import Frame
from station_svc.features.monitoring import alarm_store, monitor_store
from station_svc.features.monitoring.limits import MOST_BYTES, Budget
from station_svc.features.monitoring.rows import OPEN, AlarmRow, Event, EventReportRow, opened

_StationKey = tuple[str, str]
_Subject = tuple[str, str, str]
_FEWEST_BYTES_LEFT = 16


@dataclass(kw_only=True)
class _Batch:
    """The changes by the reports of a batch. `latest` is the latest alarm of each subject."""

    latest: dict[_Subject, AlarmRow]
    severities: Mapping[tuple[str, str, int], int]
    budgets: dict[_StationKey, Budget]
    changed: dict[tuple[str, str, str], AlarmRow] = field(default_factory=dict)
    news: list[OutboxEvent] = field(default_factory=list)


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.EventReport]]) -> None:
    """Takes events. See station_svc.feature.ReportHandler. A frame that was taken already changes nothing."""
    known = alarm_store.known_frames(connection, [frame for frame, _report in reports])
    fresh = {frame.version: (frame, report) for frame, report in reports if frame.version not in known}
    if not fresh:
        return
    events = {version: list(_to_events(*one)) for version, one in fresh.items()}
    alerts = [event for found in events.values() for event, is_alert in found if is_alert]
    batch = _Batch(
        latest=alarm_store.latest(connection, {(*event.frame.station, event.subject) for event in alerts}),
        severities=monitor_store.severities(
            connection, {(*event.frame.station, event.monitor_id) for event in alerts if event.monitor_id is not None}
        ),
        budgets=alarm_store.find_budgets(connection, {frame.station for frame, _report in fresh.values()}),
    )
    rows = [_take(batch, *fresh[version], events[version]) for version in sorted(fresh)]
    alarm_store.add_reports(connection, rows)
    alarm_store.save(connection, batch.changed.values())
    alarm_store.save_budgets(connection, batch.budgets.values())
    outbox.append(connection, batch.news)


def _take(batch: _Batch, frame: Frame, report: pb.EventReport, events: Sequence[tuple[Event, bool]]) -> EventReportRow:
    """Applies the events of one frame; returns the row with those that were taken."""
    before = batch.budgets.get(frame.station) or Budget(
        tenant_id=frame.tenant_id, station_id=frame.station_id, window_us=frame.receive_us
    )
    budget = before.at(frame.receive_us)
    was_dropping = budget.dropped > 0
    kept = pb.EventReport()
    kept.CopyFrom(report)
    del kept.entries[:]
    size = 0
    for (event, is_alert), entry in zip(events, report.entries, strict=True):
        budget, is_taken = budget.with_event(is_alert=is_alert)
        if is_alert and (is_taken or event.cleared):
            _apply(batch, event)
        size += entry.ByteSize() + _FEWEST_BYTES_LEFT
        if is_taken and size <= MOST_BYTES:
            kept.entries.append(entry)
    batch.budgets[frame.station] = budget
    if budget.dropped and not was_dropping:
        batch.news.append(_dropping(frame))
    content = json_format.MessageToJson(kept, indent=None)
    return EventReportRow(frame=frame, content=content, dropped=len(report.entries) - len(kept.entries))


def _apply(batch: _Batch, event: Event) -> None:
    """Opens an alarm, counts it once more, or closes it. Events of frames before the latest one change nothing."""
    key = (*event.frame.station, event.subject)
    alarm = batch.latest.get(key)
    if alarm is not None and event.frame.version < (alarm.epoch, alarm.ordinal):
        return
    is_open = alarm is not None and alarm.state == OPEN
    monitor = None if event.monitor_id is None else (*event.frame.station, event.monitor_id)
    severity = None if monitor is None else batch.severities.get(monitor)
    if event.cleared:
        if alarm is None or not is_open:
            return
        row = alarm.cleared(event)
    elif alarm is not None and is_open:
        row = alarm.again(event, severity)
    else:
        row = opened(event, severity)
    batch.latest[key] = row
    batch.changed[row.tenant_id, row.station_id, row.alarm_id] = row
    if event.cleared or not is_open:
        batch.news.append(_event(row, event))


def _to_events(frame: Frame, report: pb.EventReport) -> Iterator[tuple[Event, bool]]:
    """The events of a frame, each with whether it is an alert: Delta and Periodic are readings (N07, N08)."""
    for position, entry in enumerate(report.entries):
        variable = entry.variable
        event = Event(
            frame=frame,
            position=position,
            event_id=entry.event_id,
            cause_event_id=entry.cause_event_id if entry.HasField("cause_event_id") else None,
            event_us=from_timestamp(entry.event_time) if entry.HasField("event_time") else frame.receive_us,
            component=variable.component,
            component_instance=variable.component_instance,
            evse_id=variable.evse.evse_id,
            connector_id=variable.evse.connector_id,
            variable=variable.variable,
            variable_instance=variable.variable_instance,
            value=variable.value,
            monitor_id=entry.monitor_id if entry.HasField("monitor_id") else None,
            notification_type=entry.notification_type,
            tech_code=entry.tech_code,
            tech_info=entry.tech_info,
            transaction_id=entry.transaction_id,
            cleared=entry.cleared,
        )
        yield event, entry.trigger == pb.EVENT_TRIGGER_ALERTING


def _event(row: AlarmRow, event: Event) -> OutboxEvent:
    kind = "alarm.opened" if row.state == OPEN else "alarm.closed"
    data = {
        "alarmId": row.alarm_id,
        "component": row.component,
        "variable": row.variable,
        "evseId": row.evse_id,
        "connectorId": row.connector_id,
        "value": row.value,
        "techCode": row.tech_code,
        "techInfo": row.tech_info,
    }
    if row.severity is not None:
        data["severity"] = row.severity
    return OutboxEvent(
        event_id=f"{kind}:{event.alarm_id}",
        tenant_id=row.tenant_id,
        type=kind,
        station_id=row.station_id,
        event_time_us=event.frame.receive_us,
        data=data,
    )


def _dropping(frame: Frame) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"station.events_dropped:{frame.epoch}:{frame.ordinal}",
        tenant_id=frame.tenant_id,
        type="station.events_dropped",
        station_id=frame.station_id,
        event_time_us=frame.receive_us,
        data={},
    )
