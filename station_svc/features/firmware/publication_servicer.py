"""FirmwarePublicationService: publications as operators read them, between protobuf and rows."""

from collections.abc import Mapping

from csms.common.v1 import status_info_pb2
from csms.station.v1 import firmware_publication_pb2
from csms.station.v1 import firmware_publication_service_pb2 as service_pb
from csms.station.v1.firmware_publication_service_pb2_grpc import FirmwarePublicationServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import Field, choice
from mesh.grpc.types import Context
from mesh.runtime.times import Clock, to_timestamp
from station_svc.features.firmware.publications import KIND, decode_locations
from station_svc.follower import store
from station_svc.follower.reader import ActivityReader, set_times
from station_svc.follower.rows import ActivityReport, ActivityRow

_STATE = choice(dict(service_pb.FirmwarePublicationState.items()), "FIRMWARE_PUBLICATION_STATE_")


class FirmwarePublicationServicer(FirmwarePublicationServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._reader = ActivityReader(kind=KIND, database=database, clock=clock)

    async def GetFirmwarePublication(
        self, request: service_pb.GetFirmwarePublicationRequest, context: Context
    ) -> service_pb.GetFirmwarePublicationResponse:
        """Reads one publication."""
        del context
        activity, reports = await self._reader.get(request.station_id, request.firmware_publication_id)
        publication = _to_publication(activity)
        publication.status_reports.extend(map(_to_status_report, reports))
        return service_pb.GetFirmwarePublicationResponse(firmware_publication=publication)

    async def ListFirmwarePublications(
        self, request: service_pb.ListFirmwarePublicationsRequest, context: Context
    ) -> service_pb.ListFirmwarePublicationsResponse:
        """Lists publications, newest first."""
        del context
        rows, token = await self._reader.list(request, _filters)
        return service_pb.ListFirmwarePublicationsResponse(
            firmware_publications=map(_to_publication, rows), next_page_token=token
        )


def _filters(now_us: int) -> Mapping[str, Field]:
    return store.filters(now_us, state=_STATE)


def _to_publication(activity: ActivityRow) -> service_pb.FirmwarePublication:
    publication = service_pb.FirmwarePublication(
        station_id=activity.station_id,
        firmware_publication_id=activity.task_id,
        state=service_pb.FirmwarePublicationState.ValueType(activity.state),
        status=firmware_publication_pb2.PublishFirmwareStatus.ValueType(activity.status),
        reported_status=activity.reported_status,
        location=activity.location,
        checksum=activity.checksum,
        published_locations=decode_locations(activity.published_locations),
        retries=activity.retries,
        retry_interval_s=activity.retry_interval_s,
        answer=status_info_pb2.GenericStatus.ValueType(activity.answer),
        failure_reason=activity.failure_reason,
        station_made=activity.station_made,
        request_id=activity.request_id,
        username=activity.username,
    )
    set_times(publication, activity)
    return publication


def _to_status_report(report: ActivityReport) -> firmware_publication_pb2.FirmwarePublicationReport:
    return firmware_publication_pb2.FirmwarePublicationReport(
        status=firmware_publication_pb2.PublishFirmwareStatus.ValueType(report.status),
        reported_status=report.reported_status,
        firmware_publication_id=report.named_id,
        receive_time=to_timestamp(report.frame.receive_us),
    )
