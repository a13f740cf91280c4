"""A station that keeps to another OCPP version than before: a kind of job, and what features do then.

Some stations probe: they connect with one version, boot, and come back with the other one, each time they start (quirk
3). So a boot over another version only queues the job, which looks again once the station has kept to its version for
a while. Nothing follows from a version that it has left again by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from mesh.runtime.times import SECOND_US
from station_svc.core.lock_store import lock_stations
from station_svc.core.reports import VersionChange
from station_svc.feature import Feature
from station_svc.ingest import version_store
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, NewJob
from station_svc.jobs.runner import Again, JobKind

KIND = "version_change"
DELAY_S = 60


class VersionChanges:
    """Carries out the jobs. `delay_s`: seconds since its boot that a station has to keep to a version."""

    def __init__(self, *, features: Iterable[Feature], delay_s: int) -> None:
        self._followers = [one.on_version_changes for one in features if one.on_version_changes]
        self._delay_us = delay_s * SECOND_US

    @property
    def kind(self) -> JobKind:
        """Kind of the job. It needs the station: one that is not connected keeps to no version."""
        return JobKind(run=self.run)

    def queue(self, connection: Connection, changes: Sequence[VersionChange]) -> None:
        """Queues the job of each station. One that waits stays, since it has the version that the station kept to."""
        for change in changes:
            new = NewJob(
                tenant_id=change.tenant_id,
                kind=KIND,
                station_id=change.station_id,
                payload=change.before.encode(),
                slot=f"{KIND}:{change.station_id}",
                run_us=change.receive_us + self._delay_us,
            )
            job_store.add(connection, new, change.receive_us)

    async def run(self, job: JobRow) -> Again:
        """One turn. It decides in the transaction that records it, so that no boot comes in between."""
        del job
        return Again(decide=self._decide)

    def _decide(self, connection: Connection, job: JobRow, now_us: int) -> int | None:
        lock_stations(connection, {job.station})
        present = version_store.find_present(connection, *job.station, before=job.payload.decode())
        if present is None or present.after == present.before:
            return None
        due_us = present.receive_us + self._delay_us
        if now_us < due_us:
            return due_us
        for follow in self._followers:
            follow(connection, [replace(present, receive_us=now_us)])
        return None
