"""DriverErasureService for operators, and DriverErasureDirectoryService for the services that erase."""

from functools import partial

from csms.auth.v1 import driver_erasure_directory_service_pb2 as directory_pb
from csms.auth.v1 import driver_erasure_pb2
from csms.auth.v1 import driver_erasure_service_pb2 as pb
from csms.auth.v1.driver_erasure_directory_service_pb2_grpc import DriverErasureDirectoryServiceServicer
from csms.auth.v1.driver_erasure_service_pb2_grpc import DriverErasureServiceServicer

from auth_svc import driver_erasure_store
from auth_svc.driver_erasure_store import DriverErasureRow, ErasureReport
from auth_svc.driver_erasures import SERVICES, DriverErasures, is_due, not_found
from auth_svc.normalization import MAX_TOKEN, is_plain
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import to_timestamp

_REMOTE = tuple(service for service in SERVICES if service != "auth")


class DriverErasureServicer(DriverErasureServiceServicer):
    """DriverErasureService."""

    def __init__(self, *, database: Database, erasures: DriverErasures) -> None:
        self._database = database
        self._erasures = erasures

    async def CreateDriverErasure(
        self, request: pb.CreateDriverErasureRequest, context: Context
    ) -> pb.CreateDriverErasureResponse:
        """Begins one."""
        if not is_plain(request.id_token.strip(), MAX_TOKEN):
            raise invalid_field("id_token", f"1 to {MAX_TOKEN} printable characters are needed")
        erasure = await self._erasures.begin(current_caller().tenant_id, request.id_token)
        return pb.CreateDriverErasureResponse(driver_erasure=_to_message(erasure))

    async def GetDriverErasure(
        self, request: pb.GetDriverErasureRequest, context: Context
    ) -> pb.GetDriverErasureResponse:
        """Reads one."""
        read = partial(driver_erasure_store.get, tenant_id=current_caller().tenant_id, erasure_id=request.erasure_id)
        erasure = await self._database.read(read)
        if erasure is None:
            raise not_found(request.erasure_id)
        return pb.GetDriverErasureResponse(driver_erasure=_to_message(erasure))

    async def ListDriverErasures(
        self, request: pb.ListDriverErasuresRequest, context: Context
    ) -> pb.ListDriverErasuresResponse:
        """Lists them."""
        page = page_of(request, [int, str])
        read = partial(
            driver_erasure_store.list_erasures,
            tenant_id=current_caller().tenant_id,
            after=page.after,
            limit=page.limit,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: (row.create_us, row.erasure_id))
        return pb.ListDriverErasuresResponse(driver_erasures=map(_to_message, rows), next_page_token=token)


class DriverErasureDirectoryServicer(DriverErasureDirectoryServiceServicer):
    """Serves the mesh only."""

    def __init__(self, *, erasures: DriverErasures) -> None:
        self._erasures = erasures

    async def ListPendingDriverErasures(
        self, request: directory_pb.ListPendingDriverErasuresRequest, context: Context
    ) -> directory_pb.ListPendingDriverErasuresResponse:
        """The erasures that a service has to carry out."""
        _check_service(request.service)
        pending = await self._erasures.pending_for(request.service)
        return directory_pb.ListPendingDriverErasuresResponse(
            erasures=[_to_pending(row, service=request.service) for row in pending]
        )

    async def ReportDriverErasure(
        self, request: directory_pb.ReportDriverErasureRequest, context: Context
    ) -> directory_pb.ReportDriverErasureResponse:
        """Notes what a service did."""
        _check_service(request.service)
        report = ErasureReport(
            service=request.service,
            removed_rows=request.removed_rows,
            changed_rows=request.changed_rows,
            waiting_rows=request.waiting_rows,
            finish_us=None,
        )
        await self._erasures.record(request.tenant_id, request.erasure_id, report, finished=request.finished)
        return directory_pb.ReportDriverErasureResponse()


def _check_service(service: str) -> None:
    if service not in _REMOTE:
        raise invalid_field("service", f"one of {', '.join(_REMOTE)} is needed")


def _to_pending(row: DriverErasureRow, *, service: str) -> directory_pb.PendingDriverErasure:
    return directory_pb.PendingDriverErasure(
        tenant_id=row.tenant_id,
        erasure_id=row.erasure_id,
        id_tokens=row.id_tokens,
        pseudonym=row.pseudonym,
        create_time=to_timestamp(row.create_us),
        due=is_due(row, service),
    )


def _to_message(row: DriverErasureRow) -> driver_erasure_pb2.DriverErasure:
    is_finished = row.finish_us is not None
    return driver_erasure_pb2.DriverErasure(
        erasure_id=row.erasure_id,
        state=driver_erasure_pb2.DRIVER_ERASURE_STATE_FINISHED
        if is_finished
        else driver_erasure_pb2.DRIVER_ERASURE_STATE_RUNNING,
        create_time=to_timestamp(row.create_us),
        finish_time=None if row.finish_us is None else to_timestamp(row.finish_us),
        reports=[_to_report(one) for one in row.reports],
    )


def _to_report(report: ErasureReport) -> driver_erasure_pb2.DriverErasureReport:
    return driver_erasure_pb2.DriverErasureReport(
        service=report.service,
        removed_rows=report.removed_rows,
        changed_rows=report.changed_rows,
        waiting_rows=report.waiting_rows,
        finish_time=None if report.finish_us is None else to_timestamp(report.finish_us),
    )
