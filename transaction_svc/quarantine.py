"""What could not be recorded for its own content: kept as it came, and run again when a person says so."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem
from sqlalchemy import Connection

from mesh import outbox
from mesh.database import Database, commit_batch
from mesh.errors import MeshError
from mesh.outbox import OutboxEvent
from mesh.times import Clock
from transaction_svc import intake
from transaction_svc import quarantine_store as store
from transaction_svc.kinds import KINDS
from transaction_svc.quarantine_store import DISMISSED, RECORDED, Quarantined

AnyItem = TransactionEventItem | MeterValuesItem


class Quarantine:
    """Keeps items that failed, and runs them again."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep(self, failed: Sequence[tuple[AnyItem, MeshError]]) -> None:
        """Keeps items with what they failed with; the same from the same station once. Raises MeshError UNAVAILABLE."""
        now_us = self._clock()
        rows = [_row(item, error, now_us) for item, error in failed]
        await self._database.write(partial(_keep, rows=rows, now_us=now_us))

    async def rerun(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        """Records an item as the ingest does, and marks it in the same transaction; returns it as it is then.

        Where it fails again, that is noted. Raises MeshError QUARANTINED_ITEM_NOT_FOUND or UNAVAILABLE.
        """
        now_us = self._clock()
        await self._get(tenant_id, quarantine_id)

        def work(connection: Connection, ids: Sequence[str]) -> Sequence[Quarantined]:
            return [_rerun(connection, tenant_id, each, now_us) for each in ids]

        [outcome] = await commit_batch(self._database, [quarantine_id], work)
        if isinstance(outcome, MeshError):
            return await self._database.write(
                partial(_note, tenant_id=tenant_id, quarantine_id=quarantine_id, failure=outcome, now_us=now_us)
            )
        return outcome

    async def dismiss(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        """Marks an item as dealt with. Raises MeshError as `rerun`, and QUARANTINED_ITEM_RECORDED."""
        dismissing = partial(_dismiss, tenant_id=tenant_id, quarantine_id=quarantine_id, now_us=self._clock())
        return await self._database.write(dismissing)

    async def _get(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        return await self._database.read(partial(find, tenant_id=tenant_id, quarantine_id=quarantine_id))


def find(connection: Connection, tenant_id: str, quarantine_id: str, *, lock: bool = False) -> Quarantined:
    """An item. Raises MeshError NOT_FOUND."""
    found = None if "\0" in quarantine_id else store.get(connection, tenant_id, quarantine_id, lock=lock)
    if found is None:
        raise MeshError(
            grpc.StatusCode.NOT_FOUND,
            "QUARANTINED_ITEM_NOT_FOUND",
            f"nothing in quarantine is called {quarantine_id!r}",
        )
    return found


def _keep(connection: Connection, rows: Iterable[dict[str, Any]], now_us: int) -> None:
    by_key = {(row["tenant_id"], row["quarantine_id"]): row for row in rows}
    added = store.add(connection, [by_key[key] for key in sorted(by_key)])
    outbox.append(
        connection,
        # Where no tenant is named, there is nobody to tell.
        [_event(row, now_us) for key, row in sorted(by_key.items()) if key[1] in added and key[0]],
    )


def _event(row: dict[str, Any], now_us: int) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"transaction.quarantined/{row['quarantine_id']}/{now_us}",
        tenant_id=row["tenant_id"],
        type="transaction.quarantined",
        station_id=row["station_id"],
        event_time_us=now_us,
        data={"quarantineId": row["quarantine_id"], "reason": row["reason"], "message": row["message"]},
    )


def _rerun(connection: Connection, tenant_id: str, quarantine_id: str, now_us: int) -> Quarantined:
    found = find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:
        return found
    kind = KINDS[found.kind]
    item = kind.message.FromString(intake.decode(found.item))
    [done] = kind.record(connection, [kind.read(item, now_us)], now_us)
    return store.change(
        connection,
        tenant_id,
        quarantine_id,
        state=RECORDED,
        transaction_id=done.transaction_id,
        run_count=found.run_count + 1,
        update_us=now_us,
    )


def _note(
    connection: Connection, tenant_id: str, quarantine_id: str, *, failure: MeshError, now_us: int
) -> Quarantined:
    found = find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:  # by somebody else, meanwhile
        return found
    return store.change(
        connection,
        tenant_id,
        quarantine_id,
        reason=failure.reason,
        message=failure.message,
        run_count=found.run_count + 1,
        update_us=now_us,
    )


def _dismiss(connection: Connection, tenant_id: str, quarantine_id: str, *, now_us: int) -> Quarantined:
    found = find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "QUARANTINED_ITEM_RECORDED",
            f"{quarantine_id!r} has been recorded; there is nothing to dismiss",
        )
    if found.state == DISMISSED:
        return found
    return store.change(connection, tenant_id, quarantine_id, state=DISMISSED, update_us=now_us)


def _row(item: AnyItem, error: MeshError, now_us: int) -> dict[str, Any]:
    origin, kind = item.origin, item.DESCRIPTOR.name
    tenant_id, station_id = origin.tenant_id.replace("\0", "�"), origin.station_id.replace("\0", "�")
    named = f"{kind}\0{tenant_id}\0{station_id}\0".encode()
    return {
        "tenant_id": tenant_id,
        "quarantine_id": hashlib.blake2b(named + _content(item), digest_size=16).hexdigest(),
        "station_id": station_id,
        "kind": kind,
        "item": intake.encode(item.SerializeToString(deterministic=True)),
        "reason": error.reason,
        "message": error.message,
        "now_us": now_us,
    }


def _content(item: AnyItem) -> bytes:
    """What the station said, without how it came here: a repeat is kept once."""
    bare = type(item)()
    bare.MergeFrom(item)  # type: ignore[arg-type]  # of its own type
    bare.ClearField("origin")
    return bare.SerializeToString(deterministic=True)
