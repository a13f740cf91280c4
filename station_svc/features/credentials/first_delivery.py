"""A station's first credential, delivered to one that an operator accepts: the work of one kind of job.

A station that connects under `pending` authenticates with nothing. Once it is accepted, any client with its id could
connect as it, so a credential is delivered to it: over its present socket, or the next one. Where the station does not
accept it, the station and an event show that, until an operator gives it a credential in another way.
"""

from functools import partial

import grpc
from csms.station.v1 import command_service_pb2, station_pb2
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.digests import make_credential
from station_svc.features.credentials import store
from station_svc.features.credentials.security import COMPONENT, PASSWORD, TAKEN, HandOver
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, JobState, NewJob
from station_svc.jobs.runner import UNTIL_STATION, Again, Done, FinalError, JobKind
from station_svc.jobs.sender import JobSender

log = get_logger(__name__)

KIND = "first_credential"


def queue(connection: Connection, *, tenant_id: str, station_id: str, username: str, now_us: int) -> None:
    """Queues the delivery of a credential to an accepted station, unless it has one or a delivery is under way."""
    if not store.begin_first(connection, tenant_id=tenant_id, station_id=station_id):
        return
    unique_key = f"credential:{station_id}"
    new = NewJob(tenant_id=tenant_id, kind=KIND, station_id=station_id, slot=unique_key, username=username)
    job_store.add(connection, new, now_us)


class FirstCredential:
    """Hands accepted stations their first credential. `kind` is for the job queue."""

    def __init__(self, *, database: Database, sender: JobSender, closer: SocketCloser) -> None:
        self._database = database
        self._sender = sender
        self._closer = closer

    @property
    def kind(self) -> JobKind:
        """Kind of the job: it sends to stations that have not booted since they were accepted, too."""
        return JobKind(run=self.run, ended=self.ended, needs_station=False)

    async def run(self, job: JobRow) -> Done | Again:
        """Sends it once. Raises MeshError, and FinalError where the station rejects it."""
        find = partial(store.find_credential_status, tenant_id=job.tenant_id, station_id=job.station_id)
        credential_status = await self._database.read(find)
        if credential_status is None or credential_status.has_credential or not credential_status.is_accepted:
            return Done()
        try:
            status = await self._send(job)
        except MeshError as error:
            if error.reason is Reason.STATION_OFFLINE:
                return _when_it_is_there()
            # Of the others the station surely has no credential. One that has not booted yet may take it then.
            if error.reason is not Reason.CALL_ERROR and not error.reason.is_final:
                raise
            return _later_or_never(error, booted=credential_status.is_booted)
        if status in TAKEN:
            return Done()
        name = command_service_pb2.SetVariableStatus.Name(status).removeprefix("SET_VARIABLE_STATUS_")
        refusal = MeshError(
            grpc.StatusCode.ABORTED, Reason.CREDENTIAL_REFUSED, f"the station did not take its credential: {name}"
        )
        return _later_or_never(refusal, booted=credential_status.is_booted)

    def ended(self, connection: Connection, job: JobRow, error: MeshError | None, now_us: int) -> None:
        """Records on the station, and publishes, that it was not reached."""
        if job.state is JobState.DONE:
            return
        why = error or MeshError(grpc.StatusCode.CANCELLED, Reason.CANCELLED, "it was cancelled")
        if store.fail_first(connection, tenant_id=job.tenant_id, station_id=job.station_id, error=why, now_us=now_us):
            log.warning("station has no credential", station_id=job.station_id, reason=why.reason)

    async def _send(self, job: JobRow) -> command_service_pb2.SetVariableStatus.ValueType:
        credential = make_credential()
        variable = station_pb2.Variable(component=COMPONENT, variable=PASSWORD, value=credential)
        answer = await self._sender.send(
            job,
            "set_variables",
            command_service_pb2.SetVariablesRequest(station_id=job.station_id, variables=[variable]),
            command_service_pb2.SetVariablesResponse,
            hooks=HandOver(credential=credential, closer=self._closer),
        )
        [result] = answer.results
        return result.status


def _later_or_never(error: MeshError, *, booted: bool) -> Again:
    if booted:
        raise FinalError(error)
    return _when_it_is_there()


def _when_it_is_there() -> Again:
    """The boot that is answered with Accepted wakes the job."""
    return Again(decide=lambda _db, _job, _now_us: UNTIL_STATION)
