"""FirmwareService: firmware updates as operators read them, between protobuf and rows."""

from collections.abc import Mapping

from csms.station.v1 import firmware_pb2, firmware_service_pb2
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import Field, choice
from mesh.grpc.types import Context
from mesh.runtime.times import Clock, to_timestamp
from station_svc.features.firmware.updates import KIND
from station_svc.follower import store
from station_svc.follower.reader import ActivityReader, set_times
from station_svc.follower.rows import ActivityReport, ActivityRow

_STATE = choice(dict(firmware_service_pb2.FirmwareUpdateState.items()), "FIRMWARE_UPDATE_STATE_")


class FirmwareServicer(FirmwareServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._reader = ActivityReader(kind=KIND, database=database, clock=clock)

    async def GetFirmwareUpdate(
        self, request: firmware_service_pb2.GetFirmwareUpdateRequest, context: Context
    ) -> firmware_service_pb2.GetFirmwareUpdateResponse:
        """Reads one update."""
        del context
        activity, reports = await self._reader.get(request.station_id, request.firmware_update_id)
        update = _to_update(activity)
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


def _to_update(activity: ActivityRow) -> firmware_service_pb2.FirmwareUpdate:
    update = firmware_service_pb2.FirmwareUpdate(
        station_id=activity.station_id,
        firmware_update_id=activity.task_id,
        state=firmware_service_pb2.FirmwareUpdateState.ValueType(activity.state),
        status=firmware_pb2.FirmwareStatus.ValueType(activity.status),
        reported_status=activity.reported_status,
        signed=activity.is_signed,
        retries=activity.retries,
        retry_interval_s=activity.retry_interval_s,
        answer=firmware_pb2.UpdateFirmwareStatus.ValueType(activity.answer),
        failure_reason=activity.failure_reason,
        station_made=activity.station_made,
        request_id=activity.request_id,
        username=activity.username,
        previous_version=activity.previous_version,
        installed_version=activity.installed_version,
    )
    if not activity.station_made:
        update.firmware.location = activity.location
        if activity.retrieve_us is not None:
            update.firmware.retrieve_time.CopyFrom(to_timestamp(activity.retrieve_us))
        if activity.install_us is not None:
            update.firmware.install_time.CopyFrom(to_timestamp(activity.install_us))
    set_times(update, activity)
    return update


def _to_status_report(report: ActivityReport) -> firmware_pb2.FirmwareStatusReport:
    return firmware_pb2.FirmwareStatusReport(
        status=firmware_pb2.FirmwareStatus.ValueType(report.status),
        reported_status=report.reported_status,
        firmware_update_id=report.named_id,
        receive_time=to_timestamp(report.frame.receive_us),
    )
