"""Rollouts and their stations as the contract shows them: from rows to messages."""

from csms.station.v1 import rollout_service_pb2 as pb
from google.rpc import status_pb2

from mesh.runtime.masking import mask_text
from mesh.runtime.times import to_timestamp
from station_svc.rollouts import commands
from station_svc.rollouts import firmware as firmware_rollout
from station_svc.rollouts.rows import RolloutRow, TargetRow


def to_message(row: RolloutRow) -> pb.Rollout:
    """A rollout, without its secrets."""
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
        retry_of=row.retry_of,
    )
    getattr(message, row.kind).MergeFromString(row.work)
    if row.kind == firmware_rollout.KIND:
        firmware = message.firmware.firmware
        firmware.location = mask_text(firmware.location)
        firmware.ClearField("signing_certificate")
        firmware.ClearField("signature")
    if row.kind == commands.KIND:
        commands.mask(message.command)
    if row.end_us is not None:
        message.end_time.CopyFrom(to_timestamp(row.end_us))
    return message


def to_target(row: TargetRow) -> pb.RolloutTarget:
    """One of its stations."""
    message = pb.RolloutTarget(
        station_id=row.station_id,
        state=pb.RolloutTargetState.ValueType(row.state),
        reboot_required=row.reboot_required,
        firmware_update_id=row.firmware_update_id,
        answer_status=row.answer_status,
        answer_reason=row.answer_reason,
    )
    if row.answer is not None:
        message.answer.MergeFromString(row.answer)
    if row.error is not None:
        message.error.CopyFrom(status_pb2.Status.FromString(row.error))
    if row.start_us is not None:
        message.start_time.CopyFrom(to_timestamp(row.start_us))
    if row.end_us is not None:
        message.end_time.CopyFrom(to_timestamp(row.end_us))
    return message
