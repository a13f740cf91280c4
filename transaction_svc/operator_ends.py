"""Ends transactions for operators."""

from collections.abc import Sequence
from functools import partial

import grpc
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.contract.requests import check_text
from mesh.database.engine import Database
from mesh.identity.callers import Caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock
from transaction_svc import ends, ingestion, store, unmatched
from transaction_svc.batch_context import BatchContext
from transaction_svc.ends import Closure
from transaction_svc.tracked_transaction import Name
from transaction_svc.transaction_state import TransactionState

MOST_REASON = 500


class OperatorEnds:
    """Ends one transaction at a time."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def end(self, caller: Caller, name: Name, generation: int, reason: str) -> None:
        """Ends a generation of a name, 0 for the latest; a repeat of the same request changes nothing.

        Raises MeshError TRANSACTION_ENDED, INVALID_FIELD.
        """
        reason = reason.strip()
        check_text("reason", reason, least=1, most=MOST_REASON)
        closure = Closure(origin=ends.OPERATOR, request_us=self._clock(), username=caller.username, reason=reason)
        await self._database.write(partial(_end, name=name, generation=generation, closure=closure))


def _end(connection: Connection, *, name: Name, generation: int, closure: Closure) -> None:
    _tenant_id, station_id, transaction_id = name
    batch = BatchContext()
    for row in _lock(connection, name, generation):
        tx = batch.adopt(row)
        if tx.state.ended:
            if _is_repeat(tx.state, closure):
                audit.unchanged()
                return
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.TRANSACTION_ENDED,
                f"transaction {transaction_id!r} of station {station_id!r} has ended already",
            )
        tx.state.closure = closure
        tx.changed = True
        _audit(connection, name, row.generation, closure)
    ingestion.write_back(connection, batch, now_us=closure.request_us)


def _audit(connection: Connection, name: Name, generation: int, closure: Closure) -> None:
    tenant_id, station_id, transaction_id = name
    audit.acted(
        connection,
        tenant_id=tenant_id,
        resource_type="transaction",
        resource=f"{station_id}/{transaction_id}/{generation}",
        station_id=station_id,
        details={"reason": closure.reason},
        time_us=closure.request_us,
    )


def _lock(connection: Connection, name: Name, generation: int) -> Sequence[store.TransactionRow]:
    """A generation of a name; locks its station."""
    tenant_id, station_id, transaction_id = name
    wanted = unmatched.lookup_row(0, tenant_id, station_id, transaction_id)
    lock = store.station_lock(tenant_id, station_id)
    latest = [lookup.tx for lookup in store.lock_and_look_up(connection, [lock], [wanted])]
    if not generation or any(row.generation == generation for row in latest):
        return latest
    asked = {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
    }
    return [row for row in store.generations(connection, [asked]) if row.generation == generation]


def _is_repeat(state: TransactionState, closure: Closure) -> bool:
    before = state.closure
    return before is not None and (before.origin, before.username, before.reason) == (
        closure.origin,
        closure.username,
        closure.reason,
    )
