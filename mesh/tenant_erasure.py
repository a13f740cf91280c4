"""Erases the rows of tenants that are being removed, in the schema of one service.

The state in the directory starts it, also after a restart: what is erased is gone, and the rest is found. Each run is
reported to auth_svc, which ends the removal once every service has found nothing that is left. Runs go on until then,
since batches, relays and jobs of the tenant may have been on their way.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

import grpc
from csms.auth.v1.tenant_directory_service_pb2 import ReportTenantErasureRequest
from csms.auth.v1.tenant_directory_service_pb2_grpc import TenantDirectoryServiceStub
from sqlalchemy import MetaData

from mesh.database.engine import Database
from mesh.database.retention import in_chunks
from mesh.database.tenant_rows import remove_rows, tables_of_tenants
from mesh.identity.tenants import TenantDirectory, TenantState
from mesh.runtime.background import PeriodicTask
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

EVERY_S = 6.0
# A station's message may be under way for 20 s, and its socket is closed within seconds.
GRACE_S = 30.0
TIMEOUT_S = 5.0

_AUDIT = ("audit_entry", "audit_head", "audit_record", "audit_record_start")

EraseAudit = Callable[..., int]
"""`erase(connection, tenant_id=…)` removes the audit entries of a tenant, and returns how many."""

Report = Callable[[str, int, bool], Awaitable[None]]
"""Reports the rows that a run erased of a tenant, and whether nothing is left. Raises MeshError."""


def reports_to(channel: grpc.aio.Channel, service: str) -> Report:
    """Reports of a service over its channel to auth_svc."""
    stub = TenantDirectoryServiceStub(channel)

    async def report(tenant_id: str, erased_rows: int, finished: bool) -> None:
        request = ReportTenantErasureRequest(
            tenant_id=tenant_id, service=service, erased_rows=erased_rows, finished=finished
        )
        try:
            await stub.ReportTenantErasure(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    return report


class TenantErasure:
    """Erases the rows of tenants that are being removed. Run `run` beside the servers; replicas may do so at once.

    `keep` are tables whose rows of tenants stay. Tables of the audit refuse to have rows deleted: each of `erase_audit`
    moves the start of its chains first, and returns how many entries it removed.
    """

    def __init__(
        self,
        *,
        database: Database,
        metadata: MetaData,
        directory: TenantDirectory,
        report: Report,
        erase_audit: Sequence[EraseAudit],
        keep: Collection[str] = (),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._tables = tables_of_tenants(metadata, keep={*keep, *_AUDIT})
        self._directory = directory
        self._report = report
        self._erase_audit = erase_audit
        self._clock_s = clock_s
        self._begun_s: dict[str, float] = {}  # when this process first found each tenant being removed

    async def run(self) -> None:
        """Erases until it is cancelled."""
        await PeriodicTask("erasure of tenants", self.erase_all, every_s=EVERY_S).run()

    async def erase_all(self) -> None:
        """One run for each tenant that is being removed. Raises MeshError; the next run goes on."""
        removing = [one.tenant_id for one in self._directory.all() if one.state is TenantState.REMOVING]
        self._begun_s = {tenant_id: self._begun_s.get(tenant_id, self._clock_s()) for tenant_id in removing}
        for tenant_id in removing:
            await self._erase(tenant_id)

    async def _erase(self, tenant_id: str) -> None:
        settled = self._clock_s() - self._begun_s[tenant_id] >= GRACE_S
        rows = 0
        for table in self._tables:
            rows += await in_chunks(self._database, partial(remove_rows, table=table, tenant_id=tenant_id))
        for erase in self._erase_audit:
            rows += await self._database.write(partial(erase, tenant_id=tenant_id))
        if rows:
            log.info("rows of a removed tenant erased", tenant_id=tenant_id, rows=rows)
        await self._report(tenant_id, rows, settled and not rows)
