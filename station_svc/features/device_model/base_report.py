"""Asks a station for its whole device model, where it speaks another OCPP version than before: a kind of job."""

import hashlib
from collections.abc import Sequence

from csms.station.v1 import device_model_pb2 as pb
from sqlalchemy import Connection

from station_svc.core.reports import VersionChange
from station_svc.features.device_model.reports import ReportHooks
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, NewJob
from station_svc.jobs.runner import Done, JobKind
from station_svc.jobs.sender import JobSender

KIND = "base_report"
_MOST_ATTEMPTS = 5
# Versions without reports: the keys of 1.6 are read by GetVariables.
_WITHOUT = frozenset({"1.6"})


def follow_versions(connection: Connection, changes: Sequence[VersionChange]) -> None:
    """Queues the request for each station whose new version has reports."""
    for change in changes:
        if change.after not in _WITHOUT:
            job_store.add(
                connection,
                NewJob(
                    tenant_id=change.tenant_id,
                    kind=KIND,
                    station_id=change.station_id,
                    slot=f"{KIND}:{change.station_id}",
                ),
                change.receive_us,
            )


class BaseReports:
    """Carries out the jobs. `kind` is for the job queue."""

    def __init__(self, *, sender: JobSender) -> None:
        self._sender = sender

    @property
    def kind(self) -> JobKind:
        """Kind of the job."""
        return JobKind(run=self.run, most_attempts=_MOST_ATTEMPTS)

    async def run(self, job: JobRow) -> Done:
        """Requests the report; its parts come later. A station that refuses has none. Raises MeshError."""
        request = pb.GetBaseReportRequest(
            station_id=job.station_id,
            report_base=pb.REPORT_BASE_FULL_INVENTORY,
            variable_report_id=_number(job.request_id()),
        )
        await self._sender.send(job, "get_base_report", request, pb.GetBaseReportResponse, hooks=ReportHooks(request))
        return Done()


def _number(request_id: str) -> int:
    """The number of a report: the same one when a replica takes the attempt over."""
    return 1 + int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4]) % (2**31 - 1)
