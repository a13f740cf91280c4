"""Renewal of stations' certificates ahead of their end: the station is asked for a new signing request.

OCPP 2.0.1 part 2, A02 and A03; 1.6 security whitepaper, 4.2.4. A certificate is due once two thirds of its validity
have passed, as for auth_svc. A station that does not act on it is asked again every day until the end.
"""

from collections.abc import Mapping

from csms.common.v1 import certificate_pb2
from csms.station.v1 import command_service_pb2
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US
from station_svc.features.certificates import renewal_store as store
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, NewJob
from station_svc.jobs.runner import Done, FinalError, JobKind
from station_svc.jobs.sender import JobSender

log = get_logger(__name__)

KIND = "certificate_renewal"
"""The kind of job that asks a station to request a new certificate."""

# Housekeeping takes a turn every five seconds: so many stations of a fleet that was set up in one day are asked for new
# certificates at once.
MOST_PER_TURN = 5
ASKED_AGAIN_US = DAY_US
MOST_ATTEMPTS = 3

_TRIGGERS: Mapping[int, command_service_pb2.MessageTrigger.ValueType] = {
    certificate_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE: command_service_pb2.MESSAGE_TRIGGER_SIGN_V2G_CERTIFICATE
}
_TRIGGER = command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE


def end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    """Queues a job for each certificate that is due, a few in a turn. Always 0: a turn is one chunk. See DueHandler."""
    for due in store.take_due(connection, now_us=now_us, again_us=now_us + ASKED_AGAIN_US, limit=_bounded(limit)):
        job = NewJob(
            tenant_id=due.tenant_id,
            kind=KIND,
            station_id=due.station_id,
            payload=str(due.certificate_type).encode(),
            slot=f"{KIND}:{due.station_id}:{due.certificate_type}",
            run_us=now_us,
            expire_us=due.expire_us,
        )
        job_store.add(connection, job, now_us)
    return 0


def _bounded(limit: int) -> int:
    return min(limit, MOST_PER_TURN)


class CertificateRenewal:
    """The job: it ends with the station's answer, and the station's request is another matter (delivery.py)."""

    def __init__(self, *, sender: JobSender) -> None:
        self._sender = sender

    @property
    def kind(self) -> JobKind:
        """For the job queue."""
        return JobKind(run=self.run, most_attempts=MOST_ATTEMPTS)

    async def run(self, job: JobRow) -> Done:
        """Asks the station. Raises MeshError where another attempt may help, FinalError where none does."""
        request = command_service_pb2.TriggerMessageRequest(
            station_id=job.station_id, requested_message=_TRIGGERS.get(int(job.payload), _TRIGGER)
        )
        try:
            answer = await self._sender.send(
                job, "trigger_message", request, command_service_pb2.TriggerMessageResponse
            )
        except MeshError as error:
            if error.reason.was_answered:
                raise FinalError(error) from error
            raise
        if answer.status != command_service_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED:
            word = command_service_pb2.TriggerMessageStatus.Name(answer.status)
            log.warning("a station does not renew its certificate", station_id=job.station_id, status=word)
        return Done()
