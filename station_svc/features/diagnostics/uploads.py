"""Uploads of logs: what begins one, and what stations report of it."""

import secrets
from collections.abc import Sequence
from functools import partial

from csms.station.v1 import log_pb2, log_service_pb2
from sqlalchemy import Connection

from mesh.contract.texts import replace_nul
from mesh.runtime.error_reasons import Reason
from mesh.runtime.masking import mask_text
from mesh.runtime.times import from_timestamp
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.follower import activities
from station_svc.follower.rows import DONE, FAILED, SUPERSEDED, ActivityKind, ActivityReport

KIND = ActivityKind(
    name="log_upload",
    states={
        log_pb2.UPLOAD_LOG_STATUS_UPLOADING: log_service_pb2.LOG_UPLOAD_STATE_UPLOADING,
        log_pb2.UPLOAD_LOG_STATUS_UPLOADED: DONE,
        log_pb2.UPLOAD_LOG_STATUS_BAD_MESSAGE: FAILED,
        log_pb2.UPLOAD_LOG_STATUS_NOT_SUPPORTED_OPERATION: FAILED,
        log_pb2.UPLOAD_LOG_STATUS_PERMISSION_DENIED: FAILED,
        log_pb2.UPLOAD_LOG_STATUS_UPLOAD_FAILURE: FAILED,
        log_pb2.UPLOAD_LOG_STATUS_ACCEPTED_CANCELED: SUPERSEDED,
    },
    event_type="station.log_upload_changed",
    id_name="logUploadId",
    state_name=partial(name_of, log_service_pb2.LogUploadState.Name),
    status_name=partial(name_of, log_pb2.UploadLogStatus.Name),
    exists_reason=Reason.LOG_UPLOAD_EXISTS,
    not_found_reason=Reason.LOG_UPLOAD_NOT_FOUND,
)


def complete(sent: log_pb2.GetLogRequest) -> None:
    """Fills in what is sent, in place: a number, and a kind of log, where it has none."""
    sent.log_upload_id = sent.log_upload_id or 1 + secrets.randbelow(2**31 - 1)
    sent.log_type = sent.log_type or log_pb2.LOG_TYPE_DIAGNOSTICS


def hooks_of(sent: log_pb2.GetLogRequest) -> activities.ActivityHooks:
    """The hooks of a request, as `complete` made it: it makes a LogUpload."""
    log = sent.log
    columns = {
        "location": replace_nul(mask_text(log.remote_location)),
        "log_type": sent.log_type,
        "oldest_us": from_timestamp(log.oldest_time) if log.HasField("oldest_time") else None,
        "latest_us": from_timestamp(log.latest_time) if log.HasField("latest_time") else None,
        "retries": sent.retries if sent.HasField("retries") else None,
        "retry_interval_s": sent.retry_interval_s if sent.HasField("retry_interval_s") else None,
    }
    return activities.ActivityHooks(KIND, sent.log_upload_id, columns)


def record(connection: Connection, reports: Sequence[tuple[Frame, log_pb2.LogStatusReport]]) -> None:
    """Takes what stations report of their uploads. See station_svc.feature.ReportHandler."""
    activities.record(connection, KIND, [_to_report(frame, report) for frame, report in reports])


def _to_report(frame: Frame, report: log_pb2.LogStatusReport) -> ActivityReport:
    return ActivityReport(
        frame=frame,
        status=report.status,
        reported_status=report.reported_status,
        named_id=report.log_upload_id if report.HasField("log_upload_id") else None,
    )
