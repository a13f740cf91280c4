"""RolloutService: rollouts as operators see them, between protobuf and rows."""

import hashlib
import re
import secrets
from collections.abc import Callable
from functools import partial

import grpc
from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceServicer
from google.rpc import status_pb2
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
from mesh.placements.conditions import both
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.masking import is_secret, mask_text
from mesh.runtime.times import DAY_US, SECOND_US, Clock, from_timestamp, to_timestamp
from station_svc.commands.guard import is_credential, use_rotate_credential
from station_svc.core import placement_store, station_store
from station_svc.jobs import store as job_store
from station_svc.rollouts import firmware as firmware_rollout
from station_svc.rollouts import store
from station_svc.rollouts import variables as variables_rollout
from station_svc.rollouts.rows import STOPPED_BY_OPERATOR, RolloutRow, RolloutState, TargetRow
from station_svc.rollouts.runner import own_job

_MOST_NAME = 255
_MOST_VARIABLES = 50
_MOST_PARALLEL = 1000
_USUAL_PARALLEL = 10
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

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def CreateRollout(self, request: pb.CreateRolloutRequest, context: Context) -> pb.CreateRolloutResponse:
        """Adds a rollout and queues the job that keeps it going."""
        del context
        now_us = self._clock()
        if not request.filter.strip():
            raise invalid_field("filter", 'is required; `station_id != ""` finds every station')
        tenant_id, scope = current_caller().tenant_id, current_scope()
        wanted = to_condition(request.filter, station_store.station_filters(tenant_id, now_us))
        condition = both(wanted, placement_store.conditions(tenant_id).in_scope(scope))
        create = partial(_create, row=_to_row(request, now_us), condition=condition, scope=scope)
        try:
            row = await self._database.write(create)
        except IntegrityError:  # another one of the same request id was created at the same time
            row = await self._database.write(create)
        return pb.CreateRolloutResponse(rollout=_to_message(row))

    async def GetRollout(self, request: pb.GetRolloutRequest, context: Context) -> pb.GetRolloutResponse:
        """Reads one rollout."""
        del context
        return pb.GetRolloutResponse(rollout=_to_message(await self._read(request.rollout_id)))

    async def ListRollouts(self, request: pb.ListRolloutsRequest, context: Context) -> pb.ListRolloutsResponse:
        """Lists rollouts, newest first."""
        del context
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.filters(tenant_id))
        condition = both(wanted, store.in_scope(tenant_id, current_scope()))
        page = page_of(request, (int, str), binding=request.filter, condition=condition)
        rows = await self._database.read(lambda connection: store.list_(connection, tenant_id, page))
        rows, token = page.cut(rows, lambda row: (row.create_us, row.rollout_id))
        return pb.ListRolloutsResponse(rollouts=map(_to_message, rows), next_page_token=token)

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
        return pb.ListRolloutTargetsResponse(targets=map(_to_target, rows), next_page_token=token)

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

        return _to_message(await self._database.write(work))


# --- requests ------------------------------------------------------------------------------------------------------


def _create(
    connection: Connection, *, row: RolloutRow, condition: ColumnElement[bool] | None, scope: Scope
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
    made = store.create(connection, row, condition=condition)
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
        digest=hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest(),
        create_us=now_us,
        update_us=now_us,
    )


def _work(request: pb.CreateRolloutRequest) -> tuple[str, bytes]:
    """The work at each station: its kind, and its message as it is stored."""
    kind = request.WhichOneof("work")
    if kind == variables_rollout.KIND:
        _check_variables(request.variables)
    elif kind == firmware_rollout.KIND:
        _check_firmware(request.firmware)
    else:
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
        if is_secret(variable.variable) or variable.variable.lower() == "securityprofile":
            raise invalid_field(field, "is each station's own, by which it proves itself; it is not rolled out")


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


# --- answers -------------------------------------------------------------------------------------------------------


def _to_message(row: RolloutRow) -> pb.Rollout:
    message = pb.Rollout(
        rollout_id=row.rollout_id,
        display_name=row.display_name,
        filter=row.filter,
        max_parallel=row.max_parallel,
        stop_after_failures=row.stop_after_failures,
        start_time=to_timestamp(row.start_us),
        expire_time=to_timestamp(row.expire_us),
        state=pb.RolloutState.ValueType(row.state),
        stop_reason=pb.RolloutStopReason.ValueType(row.stop_reason),
        progress=pb.RolloutProgress(
            total=row.total,
            pending=row.pending,
            running=row.running,
            succeeded=row.succeeded,
            failed=row.failed,
            skipped=row.skipped,
            cancelled=row.cancelled,
        ),
        username=row.username,
        request_id=row.request_id or "",
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
    )
    getattr(message, row.kind).MergeFromString(row.work)
    if row.kind == firmware_rollout.KIND:
        firmware = message.firmware.firmware
        firmware.location = mask_text(firmware.location)
        firmware.ClearField("signing_certificate")
        firmware.ClearField("signature")
    if row.end_us is not None:
        message.end_time.CopyFrom(to_timestamp(row.end_us))
    return message


def _to_target(row: TargetRow) -> pb.RolloutTarget:
    message = pb.RolloutTarget(
        station_id=row.station_id,
        state=pb.RolloutTargetState.ValueType(row.state),
        reboot_required=row.reboot_required,
        firmware_update_id=row.firmware_update_id,
    )
    if row.error is not None:
        message.error.CopyFrom(status_pb2.Status.FromString(row.error))
    if row.start_us is not None:
        message.start_time.CopyFrom(to_timestamp(row.start_us))
    if row.end_us is not None:
        message.end_time.CopyFrom(to_timestamp(row.end_us))
    return message
