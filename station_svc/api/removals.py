"""Notifies transaction_svc that a station was removed, so that it ends the transactions that are open there.

A job, queued in the transaction of the removal: it is done at least once, however long transaction_svc is unavailable.
"""

import grpc
import msgspec
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    NotifyStationEventsRequest,
    StationEventItem,
    StationRemoved,
)
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub

from mesh.runtime.errors import MeshError, from_rpc_error, from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock, to_timestamp
from station_svc.jobs.rows import JobRow, NewJob
from station_svc.jobs.runner import Again, Done, JobKind

log = get_logger(__name__)

KIND = "station_removal"
TIMEOUT_S = 5.0
# While transaction_svc is unavailable, or older than its contract: an upgrade may be under way.
RETRY_US = 60 * SECOND_US
# Once more after this, for what the station's last connection still had under way.
SECOND_TIME_US = 60 * SECOND_US
MOST_ATTEMPTS = 10
_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNIMPLEMENTED})


class _Removal(msgspec.Struct):
    station_id: str
    through_epoch: int  # the station's last connection
    remove_us: int
    times: int = 0  # how often transaction_svc has accepted it


def new_job(*, tenant_id: str, station_id: str, through_epoch: int, now_us: int) -> NewJob:
    """The job that a removal leaves. It names no station: of one that was removed, every job ends."""
    removal = _Removal(station_id=station_id, through_epoch=through_epoch, remove_us=now_us)
    return NewJob(tenant_id=tenant_id, kind=KIND, station_id="", payload=msgspec.json.encode(removal))


class StationRemovals:
    """Does the job; `channel` is to transaction_svc."""

    def __init__(self, *, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._transactions = TransactionIngestServiceStub(channel)
        self._clock = clock

    @property
    def kind(self) -> JobKind:
        """For the job queue."""
        return JobKind(run=self.run, needs_station=False, most_attempts=MOST_ATTEMPTS)

    async def run(self, job: JobRow) -> Done | Again:
        """One attempt. Raises MeshError where transaction_svc refuses the removal."""
        removal = msgspec.json.decode(job.payload, type=_Removal)
        try:
            await self._notify(job.tenant_id, removal)
        except MeshError as error:
            if error.code not in _PASSING:
                raise
            log.warning("removal not passed on yet", station_id=removal.station_id, error=error.reason)
            return Again(run_us=self._clock() + RETRY_US)
        removal.times += 1
        if removal.times > 1:
            return Done()
        return Again(run_us=self._clock() + SECOND_TIME_US, payload=msgspec.json.encode(removal))

    async def _notify(self, tenant_id: str, removal: _Removal) -> None:
        origin = Origin(
            tenant_id=tenant_id,
            station_id=removal.station_id,
            epoch=removal.through_epoch,
            receive_time=to_timestamp(removal.remove_us),
        )
        request = NotifyStationEventsRequest(items=[StationEventItem(origin=origin, removal=StationRemoved())])
        try:
            response = await self._transactions.NotifyStationEvents(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        [result] = response.results
        if result.HasField("error"):
            raise from_status(result.error)
