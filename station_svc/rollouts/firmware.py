"""A rollout of firmware at one station: requests the update once, then follows its FirmwareUpdate.

Where the answer is lost the update is followed all the same: the station's reports, or the version in its next boot,
show whether the station received the request. An update that may have begun is never requested again.
"""

import secrets
from functools import partial

import grpc
import msgspec
from csms.station.v1 import firmware_pb2, rollout_service_pb2
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason, Sent
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, SECOND_US, Clock, to_timestamp
from station_svc.features.firmware import updates
from station_svc.follower import store as activity_store
from station_svc.follower.rows import DONE, FAILED, REJECTED, SUPERSEDED, ActivityRow
from station_svc.jobs.runner import Again, Done, FinalError
from station_svc.jobs.sender import JobSender
from station_svc.rollouts.rows import TargetRow
from station_svc.rollouts.runner import Assignment, save_progress

KIND = "firmware"
USUAL_TIMEOUT_US = DAY_US
LOOK_US = 30 * SECOND_US
# A station that failed may try again: it has failed for good once it has not for this long.
TRY_AGAIN_US = 600 * SECOND_US


class _Progress(msgspec.Struct, frozen=True):
    """Progress of the update. `asked`: it was requested, or may have been. The other fields are of the request."""

    asked: bool = False
    attempt: int = -1
    update_id: int = 0
    retrieve_us: int = 0


class FirmwareWork:
    """Has a station update its firmware."""

    def __init__(self, *, database: Database, sender: JobSender, clock: Clock) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock

    def patience_us(self, work: bytes) -> int:
        """As the rollout has it."""
        request = rollout_service_pb2.FirmwareRollout.FromString(work)
        return request.timeout.ToMicroseconds() if request.HasField("timeout") else USUAL_TIMEOUT_US

    def left_at(self, connection: Connection, target: TargetRow) -> str:
        """The station's last report."""
        activity = _find(connection, target.tenant_id, target.station_id, target.firmware_update_id)
        if activity is None:
            return ""
        if not activity.reported_status:
            return "the station was asked, and has reported nothing"
        return f"the station last reported {activity.reported_status}"

    async def __call__(self, assignment: Assignment) -> Done | Again:
        """One run of the job. Raises MeshError, FinalError."""
        text = assignment.target.progress
        progress = msgspec.json.decode(text, type=_Progress) if text else _Progress()
        if progress.asked:
            return await self._follow(assignment, progress.update_id)
        return await self._ask(assignment, progress)

    async def _ask(self, assignment: Assignment, progress: _Progress) -> Done | Again:
        job, work = assignment.job, rollout_service_pb2.FirmwareRollout.FromString(assignment.rollout.work)
        if work.version and work.version == await self._version(assignment):
            return Done()
        if progress.attempt != job.attempt:  # else this one was begun, and its outcome can be found
            update_id = 1 + secrets.randbelow(2**31 - 1)
            progress = _Progress(attempt=job.attempt, update_id=update_id, retrieve_us=self._clock())
            await self._save(assignment, progress)
        sent = _to_request(job.station_id, work, progress)
        try:
            answer = await self._sender.send(
                job,
                "update_firmware",
                sent,
                firmware_pb2.UpdateFirmwareResponse,
                part="update",
                hooks=updates.hooks_of(sent),
            )
        except MeshError as error:
            if error.reason is Reason.CALL_ERROR:
                raise FinalError(error) from error
            if error.reason.sent is not Sent.YES:  # else perhaps taken, though no answer came that says so
                raise
        else:
            if answer.status not in _TAKEN:
                word = firmware_pb2.UpdateFirmwareStatus.Name(answer.status).removeprefix("UPDATE_FIRMWARE_STATUS_")
                raise FinalError(_failed(Reason.FIRMWARE_REFUSED, f"the station will not update its firmware: {word}"))
        await self._save(assignment, msgspec.structs.replace(progress, asked=True))
        return Again(run_us=self._clock() + LOOK_US)

    async def _follow(self, assignment: Assignment, update_id: int) -> Done | Again:
        activity = await self._activity(assignment, update_id)
        if activity is None:
            raise FinalError(_failed(Reason.FIRMWARE_FAILED, "nothing is known of the update any more"))
        if activity.state == DONE:
            return Done()
        if activity.state == SUPERSEDED:
            raise FinalError(_failed(Reason.FIRMWARE_SUPERSEDED, "another update took its place"))
        has_failed = activity.state == FAILED and self._clock() - activity.update_us >= TRY_AGAIN_US
        if has_failed or activity.state == REJECTED:
            status = activity.reported_status or activity.failure_reason
            raise FinalError(_failed(Reason.FIRMWARE_FAILED, f"the update failed: {status}"))
        return Again(run_us=self._clock() + LOOK_US)

    async def _activity(self, assignment: Assignment, update_id: int) -> ActivityRow | None:
        job = assignment.job
        return await self._database.read(lambda connection: _find(connection, job.tenant_id, job.station_id, update_id))

    async def _version(self, assignment: Assignment) -> str:
        job = assignment.job
        return await self._database.read(
            lambda connection: activity_store.firmware_version(connection, job.tenant_id, job.station_id)
        )

    async def _save(self, assignment: Assignment, progress: _Progress) -> None:
        text = msgspec.json.encode(progress).decode()
        number = progress.update_id
        save = partial(save_progress, assignment=assignment, progress=text, firmware_update_id=number)
        await self._database.write(save)


_TAKEN = frozenset(
    {firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED, firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED}
)


def _find(connection: Connection, tenant_id: str, station_id: str, update_id: int) -> ActivityRow | None:
    return activity_store.find(
        connection, tenant_id=tenant_id, station_id=station_id, kind=updates.KIND.name, task_id=update_id
    )


def _to_request(
    station_id: str, work: rollout_service_pb2.FirmwareRollout, progress: _Progress
) -> firmware_pb2.UpdateFirmwareRequest:
    request = firmware_pb2.UpdateFirmwareRequest(
        station_id=station_id,
        firmware=work.firmware,
        retries=work.retries if work.HasField("retries") else None,
        retry_interval_s=work.retry_interval_s if work.HasField("retry_interval_s") else None,
        firmware_update_id=progress.update_id,
    )
    if not request.firmware.HasField("retrieve_time"):
        request.firmware.retrieve_time.CopyFrom(to_timestamp(progress.retrieve_us))
    return request


def _failed(reason: Reason, message: str) -> MeshError:
    return MeshError(grpc.StatusCode.ABORTED, reason, message)
