"""Erasures of drivers: begun, carried out by the services, and ended when all of them are done."""

import secrets
import uuid
from collections.abc import Sequence
from functools import partial

import grpc
from sqlalchemy import Connection

from auth_svc import driver_erasure_store, id_token_store, models, seen_token_store
from auth_svc.driver_erasure_store import DriverErasureRow, ErasureReport
from mesh.audit import entries as audit
from mesh.contract.drivers import Driver
from mesh.contract.id_tokens import match_key
from mesh.database.engine import Database
from mesh.database.erasure_progress import Progress
from mesh.database.row_walk import Row
from mesh.driver_erasure import PendingErasure
from mesh.driver_tables import REMOVE, Decision, DriverTable, outbox_rows
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock

# In the order in which they erase, one after the other. The first waits for the ends of transactions: until then
# stations send the id token, which the later ones record. The last gets the events of all.
SERVICES = ("transaction", "station", "auth", "notification")
# In a tenant, and in a response for a service.
MOST_RUNNING = 100
MOST_PENDING = 500
_PREFIX = "erased-"


def _of_driver(row: Row, driver: Driver) -> Decision:
    return REMOVE if driver.is_token(row["id_token"]) else None


_SEEN = DriverTable(table=models.seen_token, decide=_of_driver)

TABLES = (_SEEN, outbox_rows(models.outbox))
"""The tables of auth_svc that may name a driver. The row of the id token itself is removed as the erasure begins."""

EXPORTED = (DriverTable(table=models.id_token, decide=_of_driver), _SEEN)
"""The tables that the export of a driver reads."""


class DriverErasures:
    """The erasures, and what services report of them. See mesh.driver_erasure.ErasureSource for auth_svc's own part."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(self, tenant_id: str, id_token: str) -> DriverErasureRow:
        """Begins an erasure, unless one of this id token is running. Raises MeshError DRIVER_ERASURE_LIMIT_REACHED."""
        begin = partial(_begin, tenant_id=tenant_id, text=id_token.strip(), now_us=self._clock())
        return await self._database.write(begin)

    async def pending_for(self, service: str) -> Sequence[DriverErasureRow]:
        """The erasures that a service has not finished, the oldest first."""
        rows = await self._database.read(partial(driver_erasure_store.running, limit=MOST_PENDING))
        return [row for row in rows if row.ends.get(service) is None]

    async def record(self, tenant_id: str, erasure_id: str, report: ErasureReport, *, finished: bool) -> None:
        """Notes what a service did so far. Raises MeshError DRIVER_ERASURE_NOT_FOUND where it is not running."""
        record = partial(
            _record,
            tenant_id=tenant_id,
            erasure_id=erasure_id,
            report=report,
            finished=finished,
            now_us=self._clock(),
        )
        await self._database.write(record)

    async def pending(self) -> Sequence[PendingErasure]:
        """See ErasureSource."""
        return [
            PendingErasure(erasure_id=row.erasure_id, driver=driver_of(row), is_due=is_due(row, "auth"))
            for row in await self.pending_for("auth")
        ]

    async def report(self, progress: Progress, *, finished: bool) -> None:
        """See ErasureSource."""
        report = ErasureReport(
            service="auth",
            removed_rows=progress.removed_rows,
            changed_rows=progress.changed_rows,
            waiting_rows=progress.waiting_rows,
            finish_us=None,
        )
        await self.record(progress.tenant_id, progress.erasure_id, report, finished=finished)


def driver_of(row: DriverErasureRow) -> Driver:
    """The driver of an erasure that runs."""
    return Driver(tenant_id=row.tenant_id, id_tokens=row.id_tokens, pseudonym=row.pseudonym)


def is_due(row: DriverErasureRow, service: str) -> bool:
    """Whether the services before this one are done."""
    return all(row.ends.get(before) is not None for before in SERVICES[: SERVICES.index(service)])


def not_found(erasure_id: str) -> MeshError:
    """NOT_FOUND, reason DRIVER_ERASURE_NOT_FOUND."""
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.DRIVER_ERASURE_NOT_FOUND,
        f"there is no erasure {erasure_id[:64]!r}, or it is finished",
    )


def _begin(connection: Connection, *, tenant_id: str, text: str, now_us: int) -> DriverErasureRow:
    driver_erasure_store.lock_tenant(connection, tenant_id)
    running = driver_erasure_store.running(connection, tenant_id=tenant_id, limit=MOST_RUNNING)
    same = [one for one in running if match_key(one.id_tokens[0]) == match_key(text)]
    if same:
        audit.unchanged()
        return same[0]
    if len(running) >= MOST_RUNNING:
        raise MeshError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            Reason.DRIVER_ERASURE_LIMIT_REACHED,
            f"{MOST_RUNNING} erasures are running: try again when some of them are finished",
        )
    group = driver_erasure_store.own_group(connection, tenant_id, text)
    erasure = DriverErasureRow(
        tenant_id=tenant_id,
        erasure_id=str(uuid.uuid4()),
        id_tokens=(text, group) if group else (text,),
        pseudonym=_PREFIX + secrets.token_hex(8),
        create_us=now_us,
        finish_us=None,
    )
    driver_erasure_store.add(connection, erasure)
    id_token_store.delete_id_token(connection, tenant_id, text, now_us=now_us)
    seen_token_store.remove(connection, tenant_id, text)
    # The entry has no token: with its time it would tell whose the pseudonym is.
    audit.acted(
        connection,
        tenant_id=tenant_id,
        resource_type="driver_erasure",
        resource=erasure.erasure_id,
        time_us=now_us,
    )
    return erasure


def _record(
    connection: Connection, *, tenant_id: str, erasure_id: str, report: ErasureReport, finished: bool, now_us: int
) -> None:
    erasure = driver_erasure_store.get(connection, tenant_id, erasure_id, for_update=True)
    if erasure is None or erasure.finish_us is not None:
        raise not_found(erasure_id)
    known = next((one for one in erasure.reports if one.service == report.service), None)
    report = _merged(report, known, finish_us=now_us if finished else None)
    driver_erasure_store.save_report(connection, erasure, report)
    ends = {**erasure.ends, report.service: report.finish_us}
    if all(ends.get(service) is not None for service in SERVICES):
        driver_erasure_store.finish(connection, erasure, now_us=now_us)


def _merged(report: ErasureReport, known: ErasureReport | None, *, finish_us: int | None) -> ErasureReport:
    """A report as it is stored: one whose process has lost its count does not take back what was reported."""
    least = known or ErasureReport(
        service=report.service, removed_rows=0, changed_rows=0, waiting_rows=0, finish_us=None
    )
    return ErasureReport(
        service=report.service,
        removed_rows=max(report.removed_rows, least.removed_rows),
        changed_rows=max(report.changed_rows, least.changed_rows),
        waiting_rows=report.waiting_rows,
        finish_us=least.finish_us or finish_us,
    )
