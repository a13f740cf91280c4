"""Limits from elsewhere follow what stations report. OCPP 2.0.1 part 2, K12 and K13."""

from collections.abc import Sequence
from dataclasses import replace

from csms.station.v1.charging_limit_pb2 import ChargingLimit, ChargingLimitClearing
from csms.station.v1.charging_profile_pb2 import ChargingLimitSource
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.features.smart_charging import limit_store
from station_svc.features.smart_charging.rows import IN_FORCE, LIFTED, LimitRow

# A station that names ever new EVSEs is not followed beyond this.
MOST_OF_STATION = 200


def record(connection: Connection, reports: Sequence[tuple[Frame, ChargingLimit]]) -> None:
    """Limits that are in force from now on. See station_svc.feature.ReportHandler."""
    for frame, limit in reports:
        known = limit_store.of_station(connection, *frame.station)
        here = [row for row in known if (row.evse_id, row.limit_source) == (limit.evse_id, limit.limit_source)]
        if any(_is_later(row, frame) for row in here) or (not here and len(known) >= MOST_OF_STATION):
            continue
        row = LimitRow(
            tenant_id=frame.tenant_id,
            station_id=frame.station_id,
            evse_id=limit.evse_id,
            limit_source=limit.limit_source,
            state=IN_FORCE,
            epoch=frame.epoch,
            ordinal=frame.ordinal,
            limit_pb=limit.SerializeToString(),
            receive_us=frame.receive_us,
        )
        limit_store.save(connection, row)
        outbox.append(connection, [_event("charging_limit.set", frame, row)])


def record_clearings(connection: Connection, reports: Sequence[tuple[Frame, ChargingLimitClearing]]) -> None:
    """Limits that are in force no more; without an EVSE, those of the station and of all its EVSEs."""
    for frame, clearing in reports:
        for row in limit_store.of_station(connection, *frame.station):
            is_meant = not clearing.evse_id or row.evse_id == clearing.evse_id
            if row.limit_source != clearing.limit_source or row.state != IN_FORCE or not is_meant:
                continue
            if _is_later(row, frame):
                continue
            moved = replace(row, state=LIFTED, epoch=frame.epoch, ordinal=frame.ordinal, clear_us=frame.receive_us)
            limit_store.save(connection, moved)
            outbox.append(connection, [_event("charging_limit.cleared", frame, moved)])


def _is_later(row: LimitRow, frame: Frame) -> bool:
    """Whether a limit is known from this frame, or from a later one."""
    return (row.epoch, row.ordinal) >= (frame.epoch, frame.ordinal)


def _event(kind: str, frame: Frame, row: LimitRow) -> OutboxEvent:
    source = name_of(ChargingLimitSource.Name, row.limit_source)
    return OutboxEvent(
        event_id=f"{kind}:{frame.epoch}:{frame.ordinal}:{row.evse_id}",  # one message may clear several
        tenant_id=frame.tenant_id,
        type=kind,
        station_id=frame.station_id,
        event_time_us=frame.receive_us,
        data={"evseId": row.evse_id, "limitSource": source},
    )
