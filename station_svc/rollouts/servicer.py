"""RolloutService: rollouts as operators see them, between protobuf and rows."""

import hashlib
import re
import secrets
from collections.abc import Callable
from functools import partial

import grpc
from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceServicer
from google.protobuf.message import Message
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.exc import IntegrityError

from mesh.audit import entries as audit
from mesh.contract.requests import check_text
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Scope, current_caller, current_scope
from mesh.identity.permissions import scope_of
from mesh.placements.conditions import both
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.masking import is_secret
from mesh.runtime.times import DAY_US, SECOND_US, Clock, from_timestamp
from station_svc.commands.guard import is_credential, use_rotate_credential
from station_svc.commands.profiles import profile_among
from station_svc.core import placement_store, station_store
from station_svc.feature import Preparations
from station_svc.jobs import store as job_store
from station_svc.rollouts import commands, store
from station_svc.rollouts import firmware as firmware_rollout
from station_svc.rollouts import variables as variables_rollout
from station_svc.rollouts.messages import to_message, to_target
from station_svc.rollouts.rows import STOPPED_BY_OPERATOR, RolloutRow, RolloutState
from station_svc.rollouts.runner import own_job

_MOST_NAME = 255
_MOST_VARIABLES = 50
_MOST_PARALLEL = 1000
_USUAL_PARALLEL = 10
_MOST_LISTED = 10_000
_FAILED = "state = FAILED"
_SHORTEST_TIMEOUT_S = 60
_USUAL_US = 30 * DAY_US
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")  # the form that gateways require of a location, too
_PREFIX = "ROLLOUT_TARGET_STATE_"
_STATES = {
    word: number
    for name, number in pb.RolloutTargetState.items()
    if number
    for word in (name, name.removeprefix(_PREFIX))
}

Change = Callable[[Connection, RolloutRow, int], RolloutRow]


class RolloutServicer(RolloutServiceServicer):
    """Serves operators. A rollout of another tenant is not there for them."""

    def __init__(self, *, database: Database, clock: Clock, preparations: Preparations) -> None:
        self._database = database
        self._clock = clock
        self._preparations = preparations

    async def CreateRollout(self, request: pb.CreateRolloutRequest, context: Context) -> pb.CreateRolloutResponse:
        """Adds a rollout and queues the job that keeps it going."""
        now_us = self._clock()
        if request.WhichOneof("work") == commands.KIND:
            await commands.check(request.command, self._preparations, context)
        tenant_id, scope = current_caller().tenant_id, current_scope()
        station_ids = _listed(request)
        wanted = to_condition(request.filter, station_store.station_filters(tenant_id, now_us))
        row = _to_row(request, now_us)
        condition = both(wanted, _allowed(row, scope))
        create = partial(_create, row=row, condition=condition, scope=scope, station_ids=station_ids)
        return pb.CreateRolloutResponse(rollout=to_message(await self._add(create)))

    async def RetryRollout(self, request: pb.RetryRolloutRequest, context: Context) -> pb.RetryRolloutResponse:
        """Adds a rollout of the same work, at some of the stations of an earlier one."""
        del context
        now_us = self._clock()
        tenant_id, scope = current_caller().tenant_id, current_scope()
        fields = store.target_filters(tenant_id, _STATES)
        chosen = to_condition(request.filter.strip() or _FAILED, fields)
        earlier = await self._read(request.rollout_id)
        row = _to_retry(request, earlier, now_us)
        condition = both(store.targets_of(earlier, chosen), _allowed(row, scope))
        create = partial(_create, row=row, condition=condition, scope=scope)
        return pb.RetryRolloutResponse(rollout=to_message(await self._add(create)))

    async def GetRollout(self, request: pb.GetRolloutRequest, context: Context) -> pb.GetRolloutResponse:
        """Reads one rollout."""
        del context
        return pb.GetRolloutResponse(rollout=to_message(await self._read(request.rollout_id)))

    async def ListRollouts(self, request: pb.ListRolloutsRequest, context: Context) -> pb.ListRolloutsResponse:
        """Lists rollouts, newest first."""
        del context
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.filters(tenant_id))
        condition = both(wanted, store.in_scope(tenant_id, current_scope()))
        page = page_of(request, (int, str), binding=request.filter, condition=condition)
        rows = await self._database.read(lambda connection: store.list_(connection, tenant_id, page))
        rows, token = page.cut(rows, lambda row: (row.create_us, row.rollout_id))
        return pb.ListRolloutsResponse(rollouts=map(to_message, rows), next_page_token=token)

    async def ListRolloutTargets(
        self, request: pb.ListRolloutTargetsRequest, context: Context
    ) -> pb.ListRolloutTargetsResponse:
        """Lists the stations of a rollout, by id."""
        del context
        condition = to_condition(request.filter, store.target_filters(current_caller().tenant_id, _STATES))
        binding = f"{request.rollout_id}\n{request.filter}"
        page = page_of(request, (str,), binding=binding, condition=condition, default=200)
        row = await self._read(request.rollout_id)
        rows = await self._database.read(lambda connection: store.list_targets(connection, row, page))
        rows, token = page.cut(rows, lambda target: (target.station_id,))
        return pb.ListRolloutTargetsResponse(targets=map(to_target, rows), next_page_token=token)

    async def PauseRollout(self, request: pb.PauseRolloutRequest, context: Context) -> pb.PauseRolloutResponse:
        """Lets it begin at no further station."""
        del context
        return pb.PauseRolloutResponse(rollout=await self._change(request.rollout_id, _pause))

    async def ResumeRollout(self, request: pb.ResumeRolloutRequest, context: Context) -> pb.ResumeRolloutResponse:
        """Resumes a paused rollout."""
        del context
        return pb.ResumeRolloutResponse(rollout=await self._change(request.rollout_id, _resume))

    async def StopRollout(self, request: pb.StopRolloutRequest, context: Context) -> pb.StopRolloutResponse:
        """Ends it."""
        del context
        return pb.StopRolloutResponse(rollout=await self._change(request.rollout_id, _stop))

    async def _add(self, create: Callable[[Connection], RolloutRow]) -> RolloutRow:
        try:
            return await self._database.write(create)
        except IntegrityError:  # another one of the same request id was created at the same time
            return await self._database.write(create)

    async def _read(self, rollout_id: str) -> RolloutRow:
        tenant_id, scope = current_caller().tenant_id, current_scope()
        return await self._database.read(
            lambda connection: store.get(connection, tenant_id, _storable(rollout_id), scope)
        )

    async def _change(self, rollout_id: str, change: Change) -> pb.Rollout:
        tenant_id, scope, now_us = current_caller().tenant_id, current_scope(), self._clock()

        def work(connection: Connection) -> RolloutRow:
            row = store.get(connection, tenant_id, _storable(rollout_id), scope)
            job_store.lock_unique_key(connection, tenant_id, row.unique_key)  # before the rollout, as its job does
            changed = change(connection, store.lock(connection, tenant_id, rollout_id), now_us)
            job_store.pull_forward(connection, tenant_id, [row.unique_key], run_us=now_us)
            return changed

        return to_message(await self._database.write(work))


# --- requests ------------------------------------------------------------------------------------------------------


def _listed(request: pb.CreateRolloutRequest) -> frozenset[str]:
    """The stations that are listed; none where there is a filter. Raises MeshError INVALID_FIELD."""
    if bool(request.filter.strip()) is bool(request.station_ids):
        raise invalid_field(
            "filter", 'is required, or station_ids in its place; `station_id != ""` finds every station'
        )
    if len(request.station_ids) > _MOST_LISTED:
        raise invalid_field("station_ids", f"at most {_MOST_LISTED} are taken: use a filter")
    if not all(station_id and is_storable(station_id) for station_id in request.station_ids):
        raise invalid_field("station_ids", "has an empty one, or one with U+0000")
    return frozenset(request.station_ids)


def _allowed(row: RolloutRow, scope: Scope) -> ColumnElement[bool] | None:
    """Of stations that the caller may reach: by the permission of rollouts, and by that of the command itself.

    Raises MeshError ROLE_TOO_LOW where the caller does not have the second one.
    """
    placements = placement_store.conditions(row.tenant_id)
    if row.kind != commands.KIND:
        return placements.in_scope(scope)
    command = commands.name_of(pb.CommandRollout.FromString(row.work))
    own = scope_of(current_caller(), commands.permission_of(command))
    return both(placements.in_scope(scope), placements.in_scope(own))


def _create(
    connection: Connection,
    *,
    row: RolloutRow,
    condition: ColumnElement[bool] | None,
    scope: Scope,
    station_ids: frozenset[str] = frozenset(),
) -> RolloutRow:
    if row.request_id is not None:
        earlier = store.find_request(connection, row.tenant_id, row.request_id)
        if earlier is not None:
            if earlier.digest != row.digest or not store.is_in_scope(connection, earlier, scope):
                raise MeshError(
                    grpc.StatusCode.ABORTED,
                    Reason.REQUEST_ID_REUSED,
                    "this request_id belongs to a different rollout: give this one its own",
                )
            audit.unchanged()
            return earlier
    made = store.create(connection, row, condition=condition, station_ids=station_ids)
    job_store.add(connection, own_job(made), made.create_us)
    return made


def _pause(connection: Connection, row: RolloutRow, now_us: int) -> RolloutRow:
    _expect_open(row)
    if row.state is RolloutState.PAUSED:
        return _unchanged(row)
    return store.set_state(connection, row, RolloutState.PAUSED, now_us)


def _resume(connection: Connection, row: RolloutRow, now_us: int) -> RolloutRow:
    _expect_open(row)
    if row.state is not RolloutState.PAUSED:
        return _unchanged(row)
    state = RolloutState.SCHEDULED if row.start_us > now_us else RolloutState.RUNNING
    return store.set_state(connection, row, state, now_us)


def _stop(connection: Connection, row: RolloutRow, now_us: int) -> RolloutRow:
    if not row.state.is_open:
        return _unchanged(row)
    return store.set_state(connection, row, RolloutState.STOPPED, now_us, stop_reason=STOPPED_BY_OPERATOR)


def _unchanged(row: RolloutRow) -> RolloutRow:
    audit.unchanged()
    return row


def _expect_open(row: RolloutRow) -> None:
    if not row.state.is_open:
        raise MeshError(grpc.StatusCode.FAILED_PRECONDITION, Reason.ROLLOUT_ENDED, "this rollout has ended")


def _to_row(request: pb.CreateRolloutRequest, now_us: int) -> RolloutRow:
    caller = current_caller()
    check_text("display_name", request.display_name, most=_MOST_NAME)
    if not 0 <= request.max_parallel <= _MOST_PARALLEL:
        raise invalid_field("max_parallel", f"0 to {_MOST_PARALLEL} is needed")
    if request.stop_after_failures < 0:
        raise invalid_field("stop_after_failures", "must not be negative")
    start_us = max(now_us, from_timestamp(request.start_time) if request.HasField("start_time") else now_us)
    expire_us = from_timestamp(request.expire_time) if request.HasField("expire_time") else start_us + _USUAL_US
    if expire_us <= start_us:
        raise invalid_field("expire_time", "must be after the rollout begins")
    kind, work = _work(request)
    return RolloutRow(
        tenant_id=caller.tenant_id,
        rollout_id=secrets.token_hex(8),
        display_name=request.display_name,
        filter=request.filter,
        kind=kind,
        work=work,
        max_parallel=request.max_parallel or _USUAL_PARALLEL,
        stop_after_failures=request.stop_after_failures,
        start_us=start_us,
        expire_us=expire_us,
        state=RolloutState.SCHEDULED,
        username=caller.username,
        request_id=request.request_id or None,
        digest=_digest(request),
        create_us=now_us,
        update_us=now_us,
    )


def _to_retry(request: pb.RetryRolloutRequest, earlier: RolloutRow, now_us: int) -> RolloutRow:
    check_text("display_name", request.display_name, most=_MOST_NAME)
    expire_us = from_timestamp(request.expire_time) if request.HasField("expire_time") else now_us + _USUAL_US
    if expire_us <= now_us:
        raise invalid_field("expire_time", "must be after the rollout begins")
    return RolloutRow(
        tenant_id=earlier.tenant_id,
        rollout_id=secrets.token_hex(8),
        display_name=request.display_name or earlier.display_name,
        filter="",
        kind=earlier.kind,
        work=earlier.work,
        max_parallel=earlier.max_parallel,
        stop_after_failures=earlier.stop_after_failures,
        start_us=now_us,
        expire_us=expire_us,
        state=RolloutState.SCHEDULED,
        username=current_caller().username,
        request_id=request.request_id or None,
        digest=_digest(request),
        create_us=now_us,
        update_us=now_us,
        retry_of=earlier.rollout_id,
    )


def _digest(request: Message) -> str:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()


def _work(request: pb.CreateRolloutRequest) -> tuple[str, bytes]:
    """The work at each station: its kind, and its message as it is stored."""
    kind = request.WhichOneof("work")
    if kind == variables_rollout.KIND:
        _check_variables(request.variables)
    elif kind == firmware_rollout.KIND:
        _check_firmware(request.firmware)
    elif kind != commands.KIND:  # which `commands.check` has checked
        raise invalid_field("work", "is required")
    return kind, getattr(request, kind).SerializeToString(deterministic=True)


def _check_variables(work: pb.VariablesRollout) -> None:
    if not 0 < len(work.variables) <= _MOST_VARIABLES:
        raise invalid_field("variables.variables", f"1 to {_MOST_VARIABLES} are needed")
    for index, variable in enumerate(work.variables):
        field = f"variables.variables[{index}].variable"
        if not variable.variable:
            raise invalid_field(field, "is required")
        if is_credential(variable.variable):
            raise use_rotate_credential(variable.variable)
        if is_secret(variable.variable):
            raise invalid_field(field, "is each station's own, by which it proves itself; it is not rolled out")
    profile_among(work.variables, field="variables.variables")


def _check_firmware(work: pb.FirmwareRollout) -> None:
    if not work.firmware.location:
        raise invalid_field("firmware.firmware.location", "is required")
    if not _URI.fullmatch(work.firmware.location):
        raise invalid_field("firmware.firmware.location", "is no URI, such as ftp://example.org/file")
    for name in ("retries", "retry_interval_s"):
        if getattr(work, name) < 0:
            raise invalid_field(f"firmware.{name}", "must not be negative")
    if work.HasField("timeout") and not _SHORTEST_TIMEOUT_S <= work.timeout.seconds <= _USUAL_US // SECOND_US:
        raise invalid_field("firmware.timeout", "a minute to 30 days is needed")


def _storable(rollout_id: str) -> str:
    if not is_storable(rollout_id):
        raise store.not_found(rollout_id)
    return rollout_id
