"""The tenants for the mesh: TenantDirectoryService, and the directory of auth_svc itself, from its own database."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
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
from mesh.runtime.times import SECOND_US, Clock

SERVICES = ("station", "transaction", "auth", "notification")
# It gets the events of the others, and is done only when nothing of theirs can come any more.
LAST = "notification"
# Their rows of a removed tenant stay: the id is never given again.
KEPT_TABLES = ("tenant", "tenant_erasure")
# More than TenantService takes: then the message would be too large for gRPC.
_MOST = 10_000
MOST_WAIT_S = 15.0


class LocalTenants:
    """The tenants of auth_svc's own database. See mesh.identity.tenants.TenantSource.

    auth_svc's own directory reads them every three seconds and after each change of its own; those of other processes
    wait for what it finds.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._latest: tuple[str, Sequence[tenant_pb2.Tenant]] | None = None
        self._changed = asyncio.Event()
        self._is_stopping = False

    async def read(self) -> tuple[str, Sequence[tenant_pb2.Tenant]]:
        """All tenants, and the name of this state. Raises MeshError."""
        latest = await self._read()
        if self._latest is None or self._latest[0] != latest[0]:
            self._latest = latest
            self._wake()
        return latest

    async def read_other(self, etag: str, wait_s: float) -> tuple[str, Sequence[tenant_pb2.Tenant]]:
        """The same, as soon as the state is another one than that of `etag`, or after `wait_s` seconds."""
        latest = self._latest
        if latest is None or latest[0] != etag or not 0 < wait_s <= MOST_WAIT_S or self._is_stopping:
            return await self.read()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        return self._latest or latest

    def stop(self) -> None:
        """Answers those who wait for a change: none would end by itself before the service does."""
        self._is_stopping = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _read(self) -> tuple[str, Sequence[tenant_pb2.Tenant]]:
        rows = await self._database.read(partial(tenant_store.list_tenants, after="", limit=_MOST))
        tenants = [tenant_values.to_message(row) for row in rows]
        digest = hashlib.sha256()
        for tenant in tenants:
            digest.update(tenant.SerializeToString(deterministic=True))
        return digest.hexdigest(), tenants

    async def fetch(self, etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        present, tenants = await self.read()
        return None if present == etag else (present, [from_message(one) for one in tenants])


class TenantErasures:
    """The progress of erasures, and the end of a removal once every service has found nothing that is left."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def report(self, tenant_id: str, service: str, *, erased_rows: int, finished: bool) -> None:
        """Notes a run of a service. Raises MeshError TENANT_NOT_FOUND where the tenant is not being removed."""
        note = partial(
            _note_erasure,
            tenant_id=tenant_id,
            service=service,
            erased_rows=erased_rows,
            finished=finished,
            now_us=self._clock(),
        )
        await self._database.write(note)

    async def report_own(self, tenant_id: str, erased_rows: int, finished: bool) -> None:
        """Notes a run of auth_svc itself. See mesh.tenant_erasure.Report."""
        await self.report(tenant_id, "auth", erased_rows=erased_rows, finished=finished)


def _note_erasure(
    connection: Connection, *, tenant_id: str, service: str, erased_rows: int, finished: bool, now_us: int
) -> None:
    tenant = tenant_store.get_tenant(connection, tenant_id, for_update=True)
    if tenant is None or tenant.state != TenantState.REMOVING:
        raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.TENANT_NOT_FOUND, "no tenant of this id is being removed")
    known = {row.service: row for row in tenant_store.list_erasures(connection, [tenant_id]).get(tenant_id, ())}
    before = known.get(service)
    finish_us = now_us if finished else None
    if finished and service != LAST and before is not None and before.finish_us is not None:
        finish_us = before.finish_us
    tenant_store.note_erasure(
        connection, tenant_id=tenant_id, service=service, erased_rows=erased_rows, finish_us=finish_us
    )
    ends = {name: row.finish_us for name, row in known.items()} | {service: finish_us}
    others = [ends.get(name) for name in SERVICES if name != LAST]
    last_us = ends.get(LAST)
    if last_us is not None and all(end_us is not None and end_us <= last_us for end_us in others):
        values: dict[str, str | int] = {"state": int(TenantState.REMOVED), "display_name": ""}
        tenant_store.set_values(connection, tenant, values, now_us=now_us)


class TenantDirectoryServicer(TenantDirectoryServiceServicer):
    """Serves the mesh only."""

    def __init__(self, *, tenants: LocalTenants, erasures: TenantErasures) -> None:
        self._tenants = tenants
        self._erasures = erasures

    async def GetTenantDirectory(
        self, request: pb.GetTenantDirectoryRequest, context: Context
    ) -> pb.GetTenantDirectoryResponse:
        """All tenants, unless the caller has them."""
        etag, tenants = await self._tenants.read_other(request.etag, request.wait.ToMicroseconds() / SECOND_US)
        return pb.GetTenantDirectoryResponse(etag=etag, tenants=() if etag == request.etag else tenants)

    async def ReportTenantErasure(
        self, request: pb.ReportTenantErasureRequest, context: Context
    ) -> pb.ReportTenantErasureResponse:
        """Notes the progress of a service."""
        if request.service not in SERVICES:
            raise invalid_field("service", f"one of {', '.join(SERVICES)} is needed")
        await self._erasures.report(
            request.tenant_id, request.service, erased_rows=request.erased_rows, finished=request.finished
        )
        return pb.ReportTenantErasureResponse()
