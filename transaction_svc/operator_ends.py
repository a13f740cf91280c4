"""Ends transactions for operators."""

from functools import partial

import grpc
from sqlalchemy import Connection

from mesh.database import Database
from mesh.errors import MeshError, invalid_field
from mesh.operators import Caller
from mesh.times import Clock
from transaction_svc import ends, recorder, store
from transaction_svc.book import Book
from transaction_svc.ends import Closure
from transaction_svc.fold import Fold

MOST_REASON = 500


class OperatorEnds:
    """Ends one transaction at a time."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def end(self, caller: Caller, station_id: str, transaction_id: str, reason: str) -> None:
        """Ends the latest transaction of this name, unless this very request has done so before.

        Raises MeshError TRANSACTION_ENDED, INVALID_FIELD.
        """
        if not reason.strip() or len(reason) > MOST_REASON or "\0" in reason:
            raise invalid_field("reason", f"1 to {MOST_REASON} characters are needed")
        closure = Closure(
            origin=ends.OPERATOR, request_us=self._clock(), username=caller.username, reason=reason.strip()
        )
        name = (caller.tenant_id, station_id, transaction_id)
        await self._database.write(partial(_end, name=name, closure=closure))


def _end(connection: Connection, *, name: tuple[str, str, str], closure: Closure) -> None:
    tenant_id, station_id, transaction_id = name
    wanted = {
        "n": 0,
        "tenant_id": tenant_id,
        "station_id": station_id,
        "content_key": "",
        "transaction_id": transaction_id,
    }
    book = Book()
    for lookup in store.lock_and_look_up(connection, [store.station_lock(station_id)], [wanted]):
        tx = book.adopt(lookup.tx)
        if tx.fold.ended:
            if _is_repeat(tx.fold, closure):
                return
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "TRANSACTION_ENDED",
                f"transaction {transaction_id!r} of station {station_id!r} has ended already",
            )
        tx.fold.closure = closure
        tx.changed = True
    recorder.write_back(connection, book, now_us=closure.request_us)


def _is_repeat(state: Fold, closure: Closure) -> bool:
    before = state.closure
    return before is not None and (before.origin, before.username, before.reason) == (
        closure.origin,
        closure.username,
        closure.reason,
    )
