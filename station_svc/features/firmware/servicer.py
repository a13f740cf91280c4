"""FirmwareService: firmware updates as operators read them, between protobuf and rows."""

from collections.abc import Mapping

from csms.station.v1 import firmware_pb2, firmware_service_pb2
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceServicer

from mesh.database import Database
from mesh.filters import Field, choice
from mesh.grpc_types import Context
from mesh.times import Clock, to_timestamp
from station_svc.features.firmware.updates import KIND
from station_svc.follower import store
from station_svc.follower.reader import TaskReader, set_times
from station_svc.follower.rows import TaskReport, TaskRow

_STATE = choice(dict(firmware_service_pb2.FirmwareUpdateState.items()), "FIRMWARE_UPDATE_STATE_")


class FirmwareServicer(FirmwareServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._reader = TaskReader(kind=KIND, database=database, clock=clock)

    async def GetFirmwareUpdate(
        self, request: firmware_service_pb2.GetFirmwareUpdateRequest, context: Context
    ) -> firmware_service_pb2.GetFirmwareUpdateResponse:
        """Reads one update."""
        del context
        task, reports = await self._reader.get(request.station_id, request.firmware_update_id)
        update = _to_update(task)
        update.status_reports.extend(map(_to_status_report, reports))
        return firmware_service_pb2.GetFirmwareUpdateResponse(firmware_update=update)

    async def ListFirmwareUpdates(
        self, request: firmware_service_pb2.ListFirmwareUpdatesRequest, context: Context
    ) -> firmware_service_pb2.ListFirmwareUpdatesResponse:
        """Lists updates, newest first."""
        del context
        rows, token = await self._reader.list(request, _filters)
        return firmware_service_pb2.ListFirmwareUpdatesResponse(
            firmware_updates=map(_to_update, rows), next_page_token=token
        )


def _filters(now_us: int) -> Mapping[str, Field]:
    return store.filters(now_us, state=_STATE)


def _to_update(task: TaskRow) -> firmware_service_pb2.FirmwareUpdate:
    update = firmware_service_pb2.FirmwareUpdate(
        station_id=task.station_id,
        firmware_update_id=task.task_id,
        state=firmware_service_pb2.FirmwareUpdateState.ValueType(task.state),
        status=firmware_pb2.FirmwareStatus.ValueType(task.status),
        reported_status=task.reported_status,
        signed=task.is_signed,
        retries=task.retries,
        retry_interval_s=task.retry_interval_s,
        answer=firmware_pb2.UpdateFirmwareStatus.ValueType(task.answer),
        failure_reason=task.failure_reason,
        station_made=task.station_made,
        request_id=task.request_id,
        username=task.username,
        previous_version=task.previous_version,
        installed_version=task.installed_version,
    )
    if not task.station_made:
        update.firmware.location = task.location
        if task.retrieve_us is not None:
            update.firmware.retrieve_time.CopyFrom(to_timestamp(task.retrieve_us))
        if task.install_us is not None:
            update.firmware.install_time.CopyFrom(to_timestamp(task.install_us))
    set_times(update, task)
    return update


def _to_status_report(report: TaskReport) -> firmware_pb2.FirmwareStatusReport:
    return firmware_pb2.FirmwareStatusReport(
        status=firmware_pb2.FirmwareStatus.ValueType(report.status),
        reported_status=report.reported_status,
        firmware_update_id=report.named_id,
        receive_time=to_timestamp(report.frame.receive_us),
    )
