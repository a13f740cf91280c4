"""The SQL of rollouts. Each function is part of a transaction.

Locks are taken in one order: job, rollout, targets. A transaction that changes a target locks its rollout, whose counts
change with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.audit import entries as audit
from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.events import outbox
from mesh.identity.callers import WHOLE_TENANT, Scope
from mesh.placements.conditions import StationConditions
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core import placement_store
from station_svc.core.list_store import paged
from station_svc.core.models import PLACEMENTS, node, station, station_connection
from station_svc.jobs import store as job_store
from station_svc.jobs.models import job
from station_svc.rollouts import events
from station_svc.rollouts.models import rollout, rollout_target
from station_svc.rollouts.rows import RolloutRow, RolloutState, TargetRow, TargetState

MOST_TARGETS = 50_000
_MOST_NAMED = 5
_ROLLOUT = [rollout.c[one.name] for one in fields(RolloutRow)]
_TARGET = [rollout_target.c[one.name] for one in fields(TargetRow)]


def create(
    connection: Connection,
    row: RolloutRow,
    *,
    condition: ColumnElement[bool] | None,
    station_ids: Collection[str] = (),
) -> RolloutRow:
    """Adds a rollout with the stations that a condition finds; of `station_ids`, where some are given, all of them.

    Raises MeshError NO_STATIONS, TOO_MANY_STATIONS, STATION_NOT_FOUND.
    """
    found = _selected(row, condition, station_ids)
    insert = sa.insert(rollout_target).from_select(["tenant_id", "rollout_id", "station_id", "state"], found)
    total = connection.execute(insert).rowcount
    if total < len(station_ids):
        raise _missing(connection, row, station_ids)
    if not total:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.NO_STATIONS,
            "the filter finds no station; ListStations takes the same filter, ListRolloutTargets that of a retry",
        )
    if total > MOST_TARGETS:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.TOO_MANY_STATIONS,
            f"the filter finds more than {MOST_TARGETS} stations: make several rollouts, each with a narrower one",
        )
    made = replace(row, total=total)
    connection.execute(sa.insert(rollout).values(asdict(made)))
    outbox.append(connection, [events.created(made)])
    _audit(connection, None, made, time_us=made.create_us)
    return made


def _selected(row: RolloutRow, condition: ColumnElement[bool] | None, station_ids: Collection[str]) -> sa.Select[Any]:
    """The targets of a new rollout, one more than it may have."""
    joined = station.outerjoin(station_connection, station_connection.c.epoch == station.c.latest_epoch).outerjoin(
        node, node.c.node_id == station_connection.c.node_id
    )
    found = (
        sa.select(
            station.c.tenant_id,
            sa.literal(row.rollout_id).label("rollout_id"),
            station.c.station_id,
            sa.literal(int(TargetState.PENDING)).label("state"),
        )
        .select_from(joined)
        .where(station.c.tenant_id == row.tenant_id)
        .limit(MOST_TARGETS + 1)
    )
    if condition is not None:
        found = found.where(condition)
    return found.where(station.c.station_id.in_(station_ids)) if station_ids else found


def _missing(connection: Connection, row: RolloutRow, station_ids: Collection[str]) -> MeshError:
    """NOT_FOUND, reason STATION_NOT_FOUND: with some of the listed stations that are not there for the caller."""
    query = sa.select(rollout_target.c.station_id).where(_of(row))
    missing = sorted(set(station_ids) - set(connection.execute(query).scalars()))
    named = ", ".join(map(repr, missing[:_MOST_NAMED])) + (", …" if len(missing) > _MOST_NAMED else "")
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.STATION_NOT_FOUND,
        f"{len(missing)} of the listed stations are not there: {named}",
    )


def targets_of(row: RolloutRow, condition: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """Of stations that are targets of a rollout for which this holds (`target_filters`)."""
    query = sa.select(rollout_target.c.station_id).where(_of(row))
    return station.c.station_id.in_(query if condition is None else query.where(condition))


_AUDITED = (
    "display_name",
    "filter",
    "kind",
    "max_parallel",
    "stop_after_failures",
    "start_us",
    "expire_us",
    "stop_reason",
)


def audited_fields(row: RolloutRow) -> dict[str, Any]:
    """The audited fields of a rollout. What it does at each station is audited as its commands are."""
    return {"state": row.state.name, **{name: getattr(row, name) for name in _AUDITED}}


_audit = partial(audit.row_changed, resource_type="rollout", resource=lambda row: row.rollout_id, image=audited_fields)


def find_request(connection: Connection, tenant_id: str, request_id: str) -> RolloutRow | None:
    """The rollout that was created with this request id."""
    where = (rollout.c.tenant_id == tenant_id) & (rollout.c.request_id == request_id)
    return _one(connection, sa.select(*_ROLLOUT).where(where))


def get(connection: Connection, tenant_id: str, rollout_id: str, scope: Scope = WHOLE_TENANT) -> RolloutRow:
    """One rollout that a scope covers. Raises MeshError ROLLOUT_NOT_FOUND."""
    query = sa.select(*_ROLLOUT).where(_is(tenant_id, rollout_id))
    if (covered := in_scope(tenant_id, scope)) is not None:
        query = query.where(covered)
    return _found(_one(connection, query), rollout_id)


def is_in_scope(connection: Connection, row: RolloutRow, scope: Scope) -> bool:
    """Whether a scope covers a rollout."""
    covered = in_scope(row.tenant_id, scope)
    if covered is None:
        return True
    query = sa.select(rollout.c.rollout_id).where(_is(row.tenant_id, row.rollout_id), covered)
    return connection.execute(query).first() is not None


def in_scope(tenant_id: str, scope: Scope) -> ColumnElement[bool] | None:
    """Of rollouts that a scope covers: it covers a station of theirs, and no station of theirs is beyond it.

    Stations that were removed do not count. None where the scope covers all.
    """
    covered = placement_store.conditions(tenant_id).in_scope(scope)
    return None if covered is None else _has_station(covered) & ~_has_station(~covered)


def _has_station(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of rollouts with a station for which this holds."""
    mine = (rollout_target.c.tenant_id == rollout.c.tenant_id) & (rollout_target.c.rollout_id == rollout.c.rollout_id)
    same = (station.c.tenant_id == rollout_target.c.tenant_id) & (station.c.station_id == rollout_target.c.station_id)
    return sa.exists().where(mine, same, condition).correlate(rollout)


def filters(tenant_id: str) -> Mapping[str, Field]:
    """The fields that rollouts may be filtered by: where one of their stations stands."""
    fields = placement_store.conditions(tenant_id).fields()
    return {name: _of_a_station(field) for name, field in fields.items()}


def _of_a_station(field: Field) -> Field:
    """A field of stations, as one of the rollouts that have such a station."""
    has, member = field.has, field.member
    return Field(
        rollout.c.rollout_id,
        has=None if has is None else lambda value: _has_station(has(value)),
        member=None if member is None else lambda key: _of_a_station(member(key)),
    )


def lock(connection: Connection, tenant_id: str, rollout_id: str) -> RolloutRow:
    """One rollout, held for this transaction. Raises MeshError ROLLOUT_NOT_FOUND."""
    query = sa.select(*_ROLLOUT).where(_is(tenant_id, rollout_id)).with_for_update()
    return _found(_one(connection, query), rollout_id)


def list_(connection: Connection, tenant_id: str, page: Page) -> Sequence[RolloutRow]:
    """Rollouts, newest first; `page.after` is (create_us, rollout_id)."""
    query = sa.select(*_ROLLOUT).where(rollout.c.tenant_id == tenant_id)
    query = paged(query, page, rollout.c.create_us, rollout.c.rollout_id, newest_first=True)
    return [_rollout(row) for row in connection.execute(query).mappings()]


def set_state(
    connection: Connection, row: RolloutRow, state: RolloutState, now_us: int, *, stop_reason: int = 0
) -> RolloutRow:
    """Changes the state of a rollout, which this transaction holds, with its event."""
    changed = replace(row, state=state, stop_reason=stop_reason, update_us=now_us)
    _audit(connection, row, changed, time_us=now_us)
    if not changed.pending and not changed.running and not state.is_open:
        changed = replace(changed, end_us=now_us)
    return _save(connection, changed, events.state_changed(changed, now_us))


def move(
    connection: Connection,
    row: RolloutRow,
    targets: Sequence[TargetRow],
    state: TargetState,
    now_us: int,
    *,
    error: MeshError | None = None,
) -> RolloutRow:
    """Moves targets of a rollout, which this transaction holds, from one state to another; counts and events with it.

    The rollout ends with its last target.
    """
    if not targets:
        return row
    status = None if error is None else error.to_status().SerializeToString()
    reason = "" if error is None else str(error.reason)
    time = {"start_us": now_us} if state is TargetState.RUNNING else {"end_us": now_us}
    key = rollout_target.c.station_id.in_([target.station_id for target in targets])
    where = (rollout_target.c.tenant_id == row.tenant_id) & (rollout_target.c.rollout_id == row.rollout_id) & key
    changed_to = {"state": state, "held": False, "error": status, "error_reason": reason}
    connection.execute(sa.update(rollout_target).where(where).values(**changed_to, **time))
    outbox.append(connection, [events.target_changed(row, one.station_id, state, error, now_us) for one in targets])
    counts = {name: getattr(row, name) for name in ("running", state.name.lower())}
    counts["running"] -= sum(target.state is TargetState.RUNNING for target in targets)
    counts[state.name.lower()] += len(targets)
    changed = replace(row, **counts)
    if changed.pending or changed.running:
        return _save(connection, changed)
    end = changed.state if changed.state is RolloutState.STOPPED else RolloutState.DONE
    if end is changed.state:
        return _save(connection, replace(changed, end_us=now_us))
    return set_state(connection, changed, end, now_us)


def get_target(connection: Connection, row: RolloutRow, station_id: str) -> TargetRow:
    """One station of a rollout, which has it."""
    query = sa.select(*_TARGET).where(_of(row), rollout_target.c.station_id == station_id)
    return _target(connection.execute(query).mappings().one())


def list_targets(connection: Connection, row: RolloutRow, page: Page) -> Sequence[TargetRow]:
    """Stations of a rollout by id, each with the last attempt's error; `page.after` is the id of the last one."""
    target_key = sa.literal(f"{row.unique_key}:").concat(rollout_target.c.station_id)
    query = (
        sa.select(*_TARGET, job.c.error.label("job_error"))
        .outerjoin(job, (job.c.tenant_id == rollout_target.c.tenant_id) & (job.c.slot == target_key))
        .where(_of(row))
    )
    found = []
    for each in connection.execute(paged(query, page, rollout_target.c.station_id)).mappings():
        values = {**each}
        last = values.pop("job_error")
        found.append(_target({**values, "error": values["error"] or last}))
    return found


def target_filters(tenant_id: str, states: Mapping[str, int]) -> Mapping[str, Field]:
    """The fields that stations of a rollout may be filtered by; `states` are the words for a state."""
    placements = StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=rollout_target.c.station_id)

    def state(text: str) -> int:
        if text.upper() not in states:
            raise ValueError(f"one of {', '.join(states)} is needed")
        return states[text.upper()]

    return {
        "station_id": Field(rollout_target.c.station_id),
        "state": Field(rollout_target.c.state, state),
        "answer_status": Field(rollout_target.c.answer_status, str.upper),
        "answer_reason": Field(rollout_target.c.answer_reason),
        "error_reason": Field(rollout_target.c.error_reason, str.upper),
        **placements.fields(),
    }


def pending(connection: Connection, row: RolloutRow, limit: int) -> Sequence[TargetRow]:
    """Some of the stations at which a rollout has not begun."""
    query = sa.select(*_TARGET).where(_of(row), rollout_target.c.state == TargetState.PENDING).limit(limit)
    return [_target(found) for found in connection.execute(query).mappings()]


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A station that is given its job. `held`: it is there, and its job waits for a place; `removed`: it is no more."""

    station_id: str
    held: bool
    removed: bool


def take_unqueued(connection: Connection, row: RolloutRow, now_us: int, limit: int) -> Sequence[Queued]:
    """Some stations that have no job yet, noted as having one from now on."""
    query = (
        sa.select(rollout_target.c.station_id)
        .where(_of(row), rollout_target.c.state == TargetState.PENDING, ~rollout_target.c.queued)
        .order_by(rollout_target.c.station_id)
        .limit(limit)
    )
    ids = list(connection.execute(query).scalars())
    if not ids:
        return []
    known = {
        key[1]: found
        for key, found in job_store.stations(connection, [(row.tenant_id, one) for one in ids], now_us).items()
    }
    ready = [one for one in ids if one in known and known[one].ready]
    mine, held = rollout_target.c.station_id.in_(ids), rollout_target.c.station_id.in_(ready)
    connection.execute(sa.update(rollout_target).where(_of(row), mine).values(queued=True))
    connection.execute(sa.update(rollout_target).where(_of(row), held).values(held=True))
    return [Queued(station_id=one, held=one in known and known[one].ready, removed=one not in known) for one in ids]


def release(connection: Connection, row: RolloutRow, now_us: int) -> None:
    """Lets the jobs of as many held stations run as a rollout, which this transaction holds, has places for."""
    if not row.free:
        return
    query = (
        sa.select(rollout_target.c.station_id)
        .where(_of(row), rollout_target.c.state == TargetState.PENDING, rollout_target.c.held)
        .order_by(rollout_target.c.station_id)
        .limit(row.free)
    )
    ids = list(connection.execute(query).scalars())
    if ids:
        mine = rollout_target.c.station_id.in_(ids)
        connection.execute(sa.update(rollout_target).where(_of(row), mine).values(held=False))
        keys = [row.target_key(station_id) for station_id in ids]
        job_store.pull_forward(connection, row.tenant_id, keys, run_us=now_us)


def update_target(connection: Connection, row: RolloutRow, station_id: str, **values: Any) -> None:
    """Changes columns of one target other than its state."""
    connection.execute(
        sa.update(rollout_target).where(_of(row), rollout_target.c.station_id == station_id).values(values)
    )


def boot_of(connection: Connection, tenant_id: str, station_id: str, *, locked: bool = False) -> tuple[int, int]:
    """The frame of a station's latest boot; (0, 0) before the first. `locked`: none comes before this transaction."""
    query = sa.select(station.c.boot_epoch, station.c.boot_ordinal).where(
        station.c.tenant_id == tenant_id, station.c.station_id == station_id
    )
    if locked:
        query = query.with_for_update()
    found = connection.execute(query).first()
    return (0, 0) if found is None else (found[0], found[1])


def profiles_of(
    connection: Connection, tenant_id: str, station_id: str, *, locked: bool = False
) -> tuple[int | None, int]:
    """The security profile of a station, and the one that it was sent; (None, 0) where the station was removed.

    `locked`: neither changes before the end of this transaction.
    """
    query = sa.select(station.c.security_profile, station.c.next_security_profile).where(
        station.c.tenant_id == tenant_id, station.c.station_id == station_id
    )
    if locked:
        query = query.with_for_update()
    found = connection.execute(query).first()
    return (None, 0) if found is None else (found[0], found[1])


def _save(connection: Connection, row: RolloutRow, *published: outbox.OutboxEvent) -> RolloutRow:
    names = ("state", "stop_reason", "running", "succeeded", "failed", "skipped", "cancelled", "update_us", "end_us")
    values = {name: getattr(row, name) for name in names}
    connection.execute(sa.update(rollout).where(_is(row.tenant_id, row.rollout_id)).values(values))
    outbox.append(connection, published)
    return row


def _one(connection: Connection, query: sa.Select[Any]) -> RolloutRow | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else _rollout(row)


def _found(row: RolloutRow | None, rollout_id: str) -> RolloutRow:
    if row is None:
        raise not_found(rollout_id)
    return row


def not_found(rollout_id: str) -> MeshError:
    """NOT_FOUND, reason ROLLOUT_NOT_FOUND: also for a rollout of another tenant."""
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.ROLLOUT_NOT_FOUND, f"there is no rollout {rollout_id!r}")


def _rollout(row: Any) -> RolloutRow:
    return RolloutRow(**{**row, "state": RolloutState(row["state"]), "work": bytes(row["work"])})


def _target(row: Any) -> TargetRow:
    return TargetRow(**{**row, "state": TargetState(row["state"])})


def _is(tenant_id: str, rollout_id: str) -> ColumnElement[bool]:
    return (rollout.c.tenant_id == tenant_id) & (rollout.c.rollout_id == rollout_id)


def _of(row: RolloutRow) -> ColumnElement[bool]:
    return (rollout_target.c.tenant_id == row.tenant_id) & (rollout_target.c.rollout_id == row.rollout_id)


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` stations of rollouts that ended before a moment, then the rollouts; returns how many."""
    old = (rollout.c.tenant_id == rollout_target.c.tenant_id) & (rollout.c.rollout_id == rollout_target.c.rollout_id)
    key = sa.tuple_(*rollout_target.primary_key.columns)
    targets = (
        sa.select(*rollout_target.primary_key.columns)
        .join(rollout, old)
        .where(rollout.c.end_us < before_us)
        .limit(limit)
    )
    count = connection.execute(sa.delete(rollout_target).where(key.in_(targets))).rowcount
    if count < limit:
        count += connection.execute(sa.delete(rollout).where(rollout.c.end_us < before_us)).rowcount
    return count
