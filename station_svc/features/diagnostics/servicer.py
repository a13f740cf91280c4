"""LogService: uploads of logs as operators read them, between protobuf and rows."""

from collections.abc import Mapping

from csms.station.v1 import log_pb2, log_service_pb2
from csms.station.v1.log_service_pb2_grpc import LogServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import Field, choice
from mesh.grpc.types import Context
from mesh.runtime.times import Clock, to_timestamp
from station_svc.features.diagnostics.uploads import KIND
from station_svc.follower import store
from station_svc.follower.reader import ActivityReader, set_times
from station_svc.follower.rows import ActivityReport, ActivityRow

_STATE = choice(dict(log_service_pb2.LogUploadState.items()), "LOG_UPLOAD_STATE_")
_LOG_TYPE = choice(dict(log_pb2.LogType.items()), "LOG_TYPE_")


class LogServicer(LogServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._reader = ActivityReader(kind=KIND, database=database, clock=clock)

    async def GetLogUpload(
        self, request: log_service_pb2.GetLogUploadRequest, context: Context
    ) -> log_service_pb2.GetLogUploadResponse:
        """Reads one upload."""
        del context
        activity, reports = await self._reader.get(request.station_id, request.log_upload_id)
        upload = _to_upload(activity)
        upload.status_reports.extend(map(_to_status_report, reports))
        return log_service_pb2.GetLogUploadResponse(log_upload=upload)

    async def ListLogUploads(
        self, request: log_service_pb2.ListLogUploadsRequest, context: Context
    ) -> log_service_pb2.ListLogUploadsResponse:
        """Lists uploads, newest first."""
        del context
        rows, token = await self._reader.list(request, _filters)
        return log_service_pb2.ListLogUploadsResponse(log_uploads=map(_to_upload, rows), next_page_token=token)


def _filters(now_us: int) -> Mapping[str, Field]:
    return store.filters(now_us, state=_STATE, log_type=_LOG_TYPE)


def _to_upload(activity: ActivityRow) -> log_service_pb2.LogUpload:
    upload = log_service_pb2.LogUpload(
        station_id=activity.station_id,
        log_upload_id=activity.task_id,
        state=log_service_pb2.LogUploadState.ValueType(activity.state),
        status=log_pb2.UploadLogStatus.ValueType(activity.status),
        reported_status=activity.reported_status,
        log_type=log_pb2.LogType.ValueType(activity.log_type),
        file_name=activity.file_name,
        retries=activity.retries,
        retry_interval_s=activity.retry_interval_s,
        answer=log_pb2.LogStatus.ValueType(activity.answer),
        failure_reason=activity.failure_reason,
        station_made=activity.station_made,
        request_id=activity.request_id,
        username=activity.username,
    )
    if not activity.station_made:
        upload.log.remote_location = activity.location
        if activity.oldest_us is not None:
            upload.log.oldest_time.CopyFrom(to_timestamp(activity.oldest_us))
        if activity.latest_us is not None:
            upload.log.latest_time.CopyFrom(to_timestamp(activity.latest_us))
    set_times(upload, activity)
    return upload


def _to_status_report(report: ActivityReport) -> log_pb2.LogStatusReport:
    return log_pb2.LogStatusReport(
        status=log_pb2.UploadLogStatus.ValueType(report.status),
        reported_status=report.reported_status,
        log_upload_id=report.named_id,
        receive_time=to_timestamp(report.frame.receive_us),
    )
