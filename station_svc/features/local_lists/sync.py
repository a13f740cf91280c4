"""Brings a station's local list in line with the id tokens of auth_svc: the work of one kind of job.

Each run reads the version of the station's list. Where it is the one that the station last accepted from here, the
changes are sent; otherwise all entries. Each part that is sent is recorded in the transaction of its command's outcome:
if a run ends early, the next one finds the recorded parts and continues there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import grpc
from csms.auth.v1 import authorization_service_pb2 as auth_pb2
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.station.v1 import command_service_pb2, local_list_pb2, station_pb2
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database.engine import Database
from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error
from station_svc.commands.variables import RememberVariables
from station_svc.core.reports import VersionChange
from station_svc.core.station_store import not_found
from station_svc.features.local_lists import events, store
from station_svc.features.local_lists.hooks import RememberList, RememberVersion, to_entry, to_request
from station_svc.features.local_lists.parts import Entry, Limits, Part, choose, next_version, plan
from station_svc.features.local_lists.store import NO_ROOM, UNFIT, DroppedToken
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import NOBODY, JobRow, JobState, NewJob
from station_svc.jobs.runner import Again, Done, FinalError, JobKind
from station_svc.jobs.sender import JobSender

KIND = "local_list_sync"
AUTH_TIMEOUT_S = 10.0
# A run is bounded in time; remaining parts are sent in the next one.
MOST_PARTS = 20
TURN_S = 600.0
# With the queue's backoff, some twenty minutes.
MOST_ATTEMPTS = 10
# How stations call their limits: keys of 1.6, and variables of 2.x. There the most entries in all are no variable, but
# a characteristic of one, which GetVariables does not return.
_COMPONENT = "LocalAuthListCtrlr"
_PART_LIMITS = ("SendLocalListMaxLength", "ItemsPerMessage")
_BYTE_LIMITS = ("BytesPerMessage",)
_TOTAL_LIMITS = ("LocalAuthListMaxLength",)
_QUESTIONS = (
    [station_pb2.Variable(variable=name) for name in ("SendLocalListMaxLength", "LocalAuthListMaxLength")],
    [station_pb2.Variable(component=_COMPONENT, variable=name) for name in ("ItemsPerMessage", "BytesPerMessage")],
)


class LocalListSync:
    """Carries out SyncLocalList. `kind` is for the job queue."""

    def __init__(
        self, *, database: Database, auth: grpc.aio.Channel, sender: JobSender, most_parts: int = MOST_PARTS
    ) -> None:
        self._database = database
        self._auth = AuthorizationServiceStub(auth)
        self._sender = sender
        self._most_parts = most_parts

    @property
    def kind(self) -> JobKind:
        """Kind of the job."""
        return JobKind(run=self.run, ended=self.ended, most_attempts=MOST_ATTEMPTS, turn_s=TURN_S)

    async def run(self, job: JobRow) -> Done | Again:
        """One run: the next parts. Raises MeshError, FinalError where the station keeps no list."""
        version = await self._ask_version(job)
        limits = await self._limits(job)
        wanted = await self._wanted(job.tenant_id)
        parts, some_wait = await self._database.write(partial(_plan, job=job, wanted=wanted, limits=limits))
        dropped = 0
        for part in parts[: self._most_parts]:
            version = next_version(version)
            dropped += await self._send(job, version, part)
        # Tokens that turned out not to fit have left room for others.
        return Again() if len(parts) > self._most_parts or (dropped and some_wait) else Done()

    def ended(self, connection: Connection, job: JobRow, error: MeshError | None, now_us: int) -> None:
        """Publishes the outcome; where another sync was requested meanwhile, it is queued again."""
        row = store.lock(connection, job.tenant_id, job.station_id)
        if row is None:
            return
        if job.state is JobState.DONE and (row.request_us or 0) > (row.plan_us or 0):
            job_store.add(connection, new_job(job.tenant_id, job.station_id, username=job.username), now_us)
            return
        if job.state is JobState.DONE:
            store.update(connection, row, sync_state=store.SYNCED, sync_us=now_us, error=None)
        else:
            status = None if error is None else error.to_status().SerializeToString()
            store.update(connection, row, sync_state=store.FAILED, error=status)
        event = events.local_list_ended(
            tenant_id=job.tenant_id,
            station_id=job.station_id,
            job_id=job.job_id,
            request_id=row.request_id,
            version=row.version,
            error=error,
            now_us=now_us,
        )
        outbox.append(connection, [event])

    async def _ask_version(self, job: JobRow) -> int:
        """The version that the station reports. It is read again in each run: reading changes nothing."""
        request = local_list_pb2.GetLocalListVersionRequest(station_id=job.station_id)
        answer = await self._sender.send(
            job,
            "get_local_list_version",
            request,
            local_list_pb2.GetLocalListVersionResponse,
            part=f"version-{job.turn}",
            hooks=RememberVersion(),
        )
        if not answer.HasField("version_number"):
            raise FinalError(_not_supported())
        return answer.version_number

    async def _limits(self, job: JobRow) -> Limits:
        """The station's limits: as it reported before, or reports now, otherwise the usual ones."""
        known = await self._known_limits(job)
        if not known.keys() & set(_PART_LIMITS):
            await self._read_limits(job)
            known = await self._known_limits(job)
        usual = Limits()
        return Limits(
            part=max(1, min([known[name] for name in _PART_LIMITS if name in known], default=usual.part)),
            part_bytes=min((known[name] for name in _BYTE_LIMITS if name in known), default=None),
            total=min([known[name] for name in _TOTAL_LIMITS if name in known] + [usual.total]),
        )

    async def _known_limits(self, job: JobRow) -> dict[str, int]:
        names = (*_PART_LIMITS, *_BYTE_LIMITS, *_TOTAL_LIMITS)
        return await self._database.read(
            lambda connection: store.find_numbers(connection, job.tenant_id, job.station_id, names)
        )

    async def _read_limits(self, job: JobRow) -> None:
        """Asks for the limits by the names of one version after the other, until the station's gateway takes them."""
        for number, variables in enumerate(_QUESTIONS):
            request = command_service_pb2.GetVariablesRequest(station_id=job.station_id, variables=variables)
            try:
                await self._sender.send(
                    job,
                    "get_variables",
                    request,
                    command_service_pb2.GetVariablesResponse,
                    part=f"limits-{job.turn}-{number}",
                    hooks=RememberVariables(request),
                )
            except MeshError as error:
                # A station that does not report its limits, or cannot be asked, can be sent a list all the same.
                if not error.reason.was_answered and not error.reason.is_final:
                    raise
                if error.reason.is_final:  # not sent: the version has no such variables
                    continue
            return

    async def _wanted(self, tenant_id: str) -> list[Entry]:
        """The tenant's id tokens, as the station should decide by them."""
        wanted: list[Entry] = []
        request = auth_pb2.ListTokensForLocalListsRequest(tenant_id=tenant_id)
        while True:
            try:
                page = await self._auth.ListTokensForLocalLists(request, timeout=AUTH_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
            wanted += [to_entry(token.id_token, token.id_token_info) for token in page.tokens]
            if not page.next_page_token:
                return wanted
            request.page_token = page.next_page_token

    async def _send(self, job: JobRow, version: int, part: Part) -> int:
        """Sends a part; returns how many of its tokens the station's OCPP version cannot name."""
        request = to_request(job.station_id, version, part)
        answer = await self._sender.send(
            job,
            "send_local_list",
            request,
            local_list_pb2.SendLocalListResponse,
            part=f"v{version}",
            hooks=RememberList(request),
        )
        if answer.status == local_list_pb2.SEND_LOCAL_LIST_STATUS_NOT_SUPPORTED:
            raise FinalError(_not_supported())
        if answer.status != local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED:
            word = local_list_pb2.SendLocalListStatus.Name(answer.status)
            raise MeshError(
                grpc.StatusCode.ABORTED,
                Reason.LOCAL_LIST_REFUSED,
                f"the station did not take a part of the list: {word.removeprefix('SEND_LOCAL_LIST_STATUS_')}",
                {"status": word},
            )
        return len(answer.left_out_id_tokens)


@dataclass(frozen=True, kw_only=True)
class SyncRequest:
    """A request for a sync, of an operator or of a rollout."""

    tenant_id: str
    station_id: str
    username: str
    request_id: str
    full: bool


def request_sync(connection: Connection, request: SyncRequest, now_us: int) -> None:
    """Notes a request, and queues the job where none waits. The job is locked first, as its end does too.

    Raises MeshError STATION_NOT_FOUND.
    """
    tenant_id, station_id = request.tenant_id, request.station_id
    waiting = job_store.lock_unique_key(connection, tenant_id, store.unique_key(station_id))
    row = store.lock(connection, tenant_id, station_id)
    if row is None:
        raise not_found(station_id)
    if row.request_id == request.request_id:  # it is repeated: it was noted the first time
        audit.unchanged()
        return
    store.update(
        connection,
        row,
        request_id=request.request_id,
        request_us=max(now_us, (row.request_us or 0) + 1),
        full=row.full or request.full,
        sync_state=store.SYNCING,
        error=None,
    )
    if waiting is None:
        job_store.add(connection, new_job(tenant_id, station_id, username=request.username), now_us)
    audit.acted(
        connection,
        tenant_id=tenant_id,
        resource_type="local_list",
        resource=station_id,
        station_id=station_id,
        details={"requestId": request.request_id, "full": request.full},
        time_us=now_us,
    )


def follow_versions(connection: Connection, changes: Sequence[VersionChange]) -> None:
    """A station that speaks another OCPP version may have lost its list, whose entries have types now or have none."""
    for change in changes:
        if store.forget(connection, change.tenant_id, change.station_id):
            job_store.add(connection, new_job(change.tenant_id, change.station_id, username=NOBODY), change.receive_us)


def new_job(tenant_id: str, station_id: str, *, username: str) -> NewJob:
    """The job that syncs a station's list; there is one at a time."""
    return NewJob(
        tenant_id=tenant_id, kind=KIND, station_id=station_id, slot=store.unique_key(station_id), username=username
    )


def _plan(connection: Connection, *, job: JobRow, wanted: Sequence[Entry], limits: Limits) -> tuple[list[Part], bool]:
    """The parts that are to be sent, and whether some tokens found no room.

    Who is left out is written down, with the request that this plan is for.
    """
    held = job_store.hold(connection, job)
    row = store.lock(connection, job.tenant_id, job.station_id)
    if held is None or row is None:
        raise MeshError(grpc.StatusCode.ABORTED, Reason.JOB_LOST, "another process does this job now")
    unfit = set() if row.full else {one.id_token for one in row.dropped_tokens if one.reason == UNFIT}
    chosen, no_room = choose((entry for entry in wanted if entry.id_token not in unfit), limits.total)
    dropped = [DroppedToken(entry.id_token, UNFIT) for entry in wanted if entry.id_token in unfit]
    dropped += [DroppedToken(entry.id_token, NO_ROOM) for entry in no_room]
    store.update(connection, row, plan_us=row.request_us, left_out=store.encode_dropped(dropped))
    return plan(chosen, None if row.full else row.held, limits), bool(no_room)


def _not_supported() -> MeshError:
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION, Reason.LOCAL_LIST_NOT_SUPPORTED, "the station keeps no local list"
    )
