"""Vehicles that negotiate with their stations: their needs get a charging profile, their schedules are held against it.

OCPP 2.0.1 part 2, K15 (needs), K16 (renegotiated by the CSMS) and K17 (by the vehicle). The profile is sent by a job,
which is committed with the needs: a station that is answered Accepted gets one.
"""

from collections.abc import Sequence
from dataclasses import replace

from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import ev_charging_pb2 as ev
from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.times import SECOND_US, from_timestamp
from station_svc.core.events import of_frame
from station_svc.core.rows import Frame
from station_svc.features.smart_charging import ev_limits, ev_store, limit_store, store
from station_svc.features.smart_charging.ev_rows import NO_TRANSACTION, PENDING, EvRow
from station_svc.features.smart_charging.rows import ACTIVE, IN_FORCE, TX_PROFILE, ProfileRow
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import NewJob

KIND = "ev_charging_profile"
# A station that names ever new EVSEs is not followed beyond this.
MOST_OF_STATION = 200
# The station is answered first.
_ANSWERED_US = SECOND_US // 2
# A profile that comes later than this is for a vehicle that has gone on without it.
_EXPIRE_US = 600 * SECOND_US


def record_needs(connection: Connection, reports: Sequence[tuple[Frame, ev.EvChargingNeedsReport]]) -> None:
    """Needs, each with a job for its profile where the transaction is known. See station_svc.feature.ReportHandler."""
    for frame, report in reports:
        known = ev_store.find(connection, frame.tenant_id, frame.station_id, report.evse_id)
        if known is not None and (known.epoch, known.ordinal) >= (frame.epoch, frame.ordinal):
            continue
        if known is None and ev_store.count(connection, frame.tenant_id, frame.station_id) >= MOST_OF_STATION:
            continue
        row = EvRow(
            tenant_id=frame.tenant_id,
            station_id=frame.station_id,
            evse_id=report.evse_id,
            transaction_id=without_nul(report.transaction_id),
            state=PENDING if report.transaction_id else NO_TRANSACTION,
            needs=report.needs.SerializeToString(),
            epoch=frame.epoch,
            ordinal=frame.ordinal,
            receive_us=frame.receive_us,
            update_us=frame.receive_us,
        )
        ev_store.save(connection, row)
        outbox.append(connection, [_event("ev_charging.needs", frame, row)])
        if row.state == PENDING:
            queue_profile(connection, row, frame.receive_us)


def record_schedules(connection: Connection, reports: Sequence[tuple[Frame, ev.EvChargingScheduleReport]]) -> None:
    """Schedules that vehicles have chosen; one above the limits is sent a profile again, up to a bound (K16)."""
    for frame, report in reports:
        row = ev_store.find(connection, frame.tenant_id, frame.station_id, report.evse_id)
        if row is None or (row.epoch, row.ordinal) >= (frame.epoch, frame.ordinal):
            continue
        begin_us = from_timestamp(report.time_base) if report.HasField("time_base") else frame.receive_us
        row = replace(
            row,
            schedule=report.schedule.SerializeToString(),
            schedule_us=begin_us,
            exceeds=False,
            update_us=frame.receive_us,
        )
        if row.state != PENDING:  # else it is judged by the profile that is on its way
            row = judge(connection, row, frame.receive_us)
        ev_store.save(connection, row)
        outbox.append(connection, [_event("ev_charging.schedule", frame, row)])


def judge(connection: Connection, row: EvRow, now_us: int) -> EvRow:
    """Holds the vehicle's schedule against the profile; one above it queues the profile again, up to a bound."""
    if row.schedule is None or row.schedule_us is None:
        return row
    schedule = pb.ChargingSchedule.FromString(row.schedule)
    row = replace(row, exceeds=_is_above(connection, row, schedule, row.schedule_us))
    if not row.exceeds or not row.may_renegotiate:
        return row
    queue_profile(connection, row, now_us)
    return row.renegotiating(now_us)


def queue_profile(connection: Connection, row: EvRow, now_us: int) -> None:
    """Queues the job that sends a profile. Its payload names the needs: a job of earlier ones does nothing."""
    new = NewJob(
        tenant_id=row.tenant_id,
        kind=KIND,
        station_id=row.station_id,
        payload=f"{row.evse_id} {row.epoch} {row.ordinal}".encode(),
        run_us=now_us + _ANSWERED_US,
        expire_us=now_us + _EXPIRE_US,
    )
    job_store.add(connection, new, now_us)


def profile_for(connection: Connection, row: EvRow, now_us: int) -> pb.ChargingProfile:
    """The profile for needs, within the limits of the station, of its EVSE, and of other systems that hold now."""
    needs = ev.EvChargingNeeds.FromString(row.needs)
    terms, end_us = ev_limits.terms_of(needs), ev_limits.stay_end_us(needs, now_us)
    limits: list[Sequence[ev_limits.Step]] = []
    for held in store.live(connection, tenant_id=row.tenant_id, station_id=row.station_id):
        if held.state == ACTIVE and held.evse_id in (0, row.evse_id) and _is_limit(held, row):
            profile = pb.ChargingProfile.FromString(held.profile)
            limits.append(ev_limits.profile_steps(profile, terms, now_us=now_us, end_us=end_us))
    for limit in limit_store.of_station(connection, row.tenant_id, row.station_id):
        if limit.state == IN_FORCE and limit.evse_id in (0, row.evse_id):
            found = limit_store.schedules_of(limit)
            profile = pb.ChargingProfile(kind=pb.CHARGING_PROFILE_KIND_ABSOLUTE, schedules=found)
            limits.append(ev_limits.profile_steps(profile, terms, now_us=now_us, end_us=end_us))
    return ev_limits.make_profile(needs, limits, transaction_id=row.transaction_id, now_us=now_us)


def _is_limit(held: ProfileRow, row: EvRow) -> bool:
    """Whether a held profile limits the one for a vehicle, whose stack level is 0: all but those of transactions.

    An operator's profile for this transaction does too; one of level 0 is replaced.
    """
    return held.purpose != TX_PROFILE or (held.transaction_id == row.transaction_id and held.stack_level > 0)


def _is_above(connection: Connection, row: EvRow, schedule: pb.ChargingSchedule, begin_us: int) -> bool:
    """Whether a schedule is above the latest profile for the transaction, whoever set that."""
    latest = _latest_profile(connection, row)
    if latest is None:
        return False
    terms = ev_limits.terms_of(ev.EvChargingNeeds.FromString(row.needs))
    end_us = begin_us + ev_limits.MOST_STAY_US
    span = {"begin_us": begin_us, "first_us": begin_us, "last_us": end_us}
    profile = pb.ChargingProfile.FromString(latest.profile)
    limits = ev_limits.profile_steps(profile, terms, now_us=begin_us, end_us=end_us)
    return ev_limits.is_above(ev_limits.schedule_steps(schedule, terms, **span), limits)


def _latest_profile(connection: Connection, row: EvRow) -> ProfileRow | None:
    live = store.live(connection, tenant_id=row.tenant_id, station_id=row.station_id)
    held = [
        one
        for one in live
        if one.state == ACTIVE and one.purpose == TX_PROFILE and one.transaction_id == row.transaction_id
    ]
    return max(held, key=lambda one: (one.stack_level, one.number), default=None)


def _event(kind: str, frame: Frame, row: EvRow) -> OutboxEvent:
    return of_frame(
        kind,
        frame,
        {
            "evseId": row.evse_id,
            "transactionId": row.transaction_id,
            "exceedsLimits": row.exceeds,
            "renegotiationCount": row.renegotiations,
        },
    )
