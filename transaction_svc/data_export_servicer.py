"""DataExportService: administrators export the rows of their tenant, or those about a driver."""

from collections.abc import AsyncIterator

from csms.transaction.v1 import data_export_service_pb2 as pb
from csms.transaction.v1.data_export_service_pb2_grpc import DataExportServiceServicer
from google.api.httpbody_pb2 import HttpBody

from mesh.data_export import DataExports
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller


class DataExportServicer(DataExportServiceServicer):
    """DataExportService."""

    def __init__(self, *, exports: DataExports) -> None:
        self._exports = exports

    async def ExportTenantData(self, request: pb.ExportTenantDataRequest, context: Context) -> AsyncIterator[HttpBody]:
        """Streams all rows of the tenant."""
        del request, context
        async for body in self._exports.tenant(current_caller().tenant_id):
            yield body

    async def ExportDriverData(self, request: pb.ExportDriverDataRequest, context: Context) -> AsyncIterator[HttpBody]:
        """Streams the rows about a driver."""
        del context
        async for body in self._exports.driver(current_caller().tenant_id, request.id_token):
            yield body
