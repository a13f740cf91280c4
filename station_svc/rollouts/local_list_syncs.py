"""A rollout that brings local lists in line with the id tokens, at one station: requests the sync and follows it."""

from functools import partial

import msgspec
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.errors import from_status
from mesh.runtime.times import SECOND_US, Clock
from station_svc.features.local_lists import store
from station_svc.features.local_lists.sync import SyncRequest, request_sync
from station_svc.jobs.runner import Again, Done, FinalError
from station_svc.rollouts.runner import Assignment, save_progress

LOOK_US = 5 * SECOND_US


class _Progress(msgspec.Struct, frozen=True):
    """The time of the request, by which a sync is known to be this one or a later one."""

    request_us: int


class LocalListSyncs:
    """Has a station's local list synced, as SyncLocalList does."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, assignment: Assignment, *, full: bool) -> Done | Again:
        """One run of the job. Raises MeshError, FinalError."""
        text, job = assignment.target.progress, assignment.job
        if not text:
            request = partial(_request, assignment=assignment, full=full, now_us=self._clock())
            await self._database.write(request)
            return Again(run_us=self._clock() + LOOK_US)
        asked_us = msgspec.json.decode(text, type=_Progress).request_us
        row = await self._database.read(lambda connection: store.read(connection, job.tenant_id, job.station_id))
        if (row.plan_us or 0) >= asked_us and row.sync_state == store.SYNCED:
            return Done()
        if row.sync_state == store.FAILED and row.error is not None:
            raise FinalError(from_status(status_pb2.Status.FromString(row.error)))
        return Again(run_us=self._clock() + LOOK_US)


def _request(connection: Connection, *, assignment: Assignment, full: bool, now_us: int) -> None:
    """Requests the sync, and notes that it was, in one transaction."""
    job, rollout = assignment.job, assignment.rollout
    request = SyncRequest(
        tenant_id=job.tenant_id,
        station_id=job.station_id,
        username=job.username,
        request_id=f"rollout-{rollout.rollout_id}",
        full=full,
    )
    request_sync(connection, request, now_us)
    asked_us = store.read(connection, job.tenant_id, job.station_id).request_us or now_us
    text = msgspec.json.encode(_Progress(request_us=asked_us)).decode()
    save_progress(connection, assignment=assignment, progress=text)
