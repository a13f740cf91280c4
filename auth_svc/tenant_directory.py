"""The tenants for the mesh: TenantDirectoryService, and the directory of auth_svc itself, from its own database."""

import hashlib
from collections.abc import Sequence
from functools import partial

import grpc
from csms.auth.v1 import tenant_directory_service_pb2 as pb
from csms.auth.v1 import tenant_pb2
from csms.auth.v1.tenant_directory_service_pb2_grpc import TenantDirectoryServiceServicer
from sqlalchemy import Connection

from auth_svc import tenant_store, tenant_values
from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.identity.tenants import Tenant, TenantState, from_message
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock

SERVICES = ("station", "transaction", "auth", "notification")
# More than TenantService takes: then the message would be too large for gRPC.
_MOST = 10_000


class LocalTenants:
    """The tenants of auth_svc's own database. See mesh.identity.tenants.TenantSource."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def read(self) -> tuple[str, Sequence[tenant_pb2.Tenant]]:
        """All tenants, and the name of this state. Raises MeshError."""
        rows = await self._database.read(partial(tenant_store.list_tenants, after="", limit=_MOST))
        tenants = [tenant_values.to_message(row) for row in rows]
        digest = hashlib.sha256()
        for tenant in tenants:
            digest.update(tenant.SerializeToString(deterministic=True))
        return digest.hexdigest(), tenants

    async def fetch(self, etag: str) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        present, tenants = await self.read()
        return None if present == etag else (present, [from_message(one) for one in tenants])


class TenantDirectoryServicer(TenantDirectoryServiceServicer):
    """Serves the mesh only."""

    def __init__(self, *, database: Database, tenants: LocalTenants, clock: Clock) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock

    async def GetTenantDirectory(
        self, request: pb.GetTenantDirectoryRequest, context: Context
    ) -> pb.GetTenantDirectoryResponse:
        """All tenants, unless the caller has them."""
        etag, tenants = await self._tenants.read()
        return pb.GetTenantDirectoryResponse(etag=etag, tenants=() if etag == request.etag else tenants)

    async def ReportTenantErasure(
        self, request: pb.ReportTenantErasureRequest, context: Context
    ) -> pb.ReportTenantErasureResponse:
        """Notes the progress of a service."""
        if request.service not in SERVICES:
            raise invalid_field("service", f"one of {', '.join(SERVICES)} is needed")
        now_us = self._clock()

        def note(connection: Connection) -> None:
            tenant = tenant_store.get_tenant(connection, request.tenant_id, for_update=True)
            if tenant is None or tenant.state != TenantState.REMOVING:
                raise MeshError(
                    grpc.StatusCode.NOT_FOUND, Reason.TENANT_NOT_FOUND, "no tenant of this id is being removed"
                )
            tenant_store.note_erasure(
                connection,
                tenant_id=request.tenant_id,
                service=request.service,
                erased_rows=request.erased_rows,
                finish_us=now_us if request.finished else None,
            )
            if tenant_store.is_erased(connection, request.tenant_id, SERVICES):
                values: dict[str, str | int] = {"state": int(TenantState.REMOVED), "display_name": ""}
                tenant_store.set_values(connection, request.tenant_id, values, now_us=now_us)

        await self._database.write(note)
        return pb.ReportTenantErasureResponse()
