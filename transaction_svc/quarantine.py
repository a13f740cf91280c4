"""Quarantine: messages that could not be recorded for their content, kept as they came, for operators to mend."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.contract.texts import replace_nul
from mesh.database.engine import Database, commit_batch
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field, unavailable
from mesh.runtime.times import Clock
from transaction_svc import mends, received_items
from transaction_svc import quarantine_store as store
from transaction_svc.gateway_client import AnyItem, Translator
from transaction_svc.item_types import EVENTS
from transaction_svc.mends import NewMend
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.quarantine_store import DISMISSED, RECORDED, Quarantined

# Bounds per station that is not accepted: anyone can connect one where CSMS_ONBOARDING is `pending`. An operator makes
# room by dismissing or mending.
MOST_UNACCEPTED = 1_000
MOST_UNACCEPTED_CHARACTERS = 4 * 1024 * 1024

Work = Callable[[Connection], Quarantined]


class Quarantine:
    """Keeps items that failed, mends them and runs them again. Without a `translator`, raw ones cannot be mended."""

    def __init__(
        self, *, database: Database, clock: Clock, meters: MeterTerms, translator: Translator | None = None
    ) -> None:
        self._database = database
        self._meters = meters
        self._clock = clock
        self._translator = translator

    async def add(self, failed: Sequence[tuple[AnyItem, MeshError]]) -> Sequence[bool]:
        """Keeps items with their errors, repeats once; returns for each whether it is kept.

        Items of a station that is not accepted are kept up to a bound. Raises MeshError UNAVAILABLE.
        """
        now_us = self._clock()
        rows = [_row(item, error, now_us) for item, error in failed]
        return await self._database.write(partial(_add, rows=rows, now_us=now_us))

    async def rerun(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        """Records an item, or its latest mend, as the ingest does; marks and returns it in the same transaction.

        Another failure is stored with the item. Raises MeshError QUARANTINED_ITEM_NOT_FOUND or UNAVAILABLE.
        """
        now_us = self._clock()
        found = await self._get(tenant_id, quarantine_id)
        note = partial(_note, tenant_id=tenant_id, quarantine_id=quarantine_id, now_us=now_us)
        try:
            translated = await self._retranslate(found)
        except MeshError as error:
            if error.code is grpc.StatusCode.UNAVAILABLE:
                raise
            return await self._database.write(partial(note, failure=error))
        running = partial(_rerun, tenant_id=tenant_id, quarantine_id=quarantine_id, item=translated, now_us=now_us)
        outcome = await self._run(partial(running, meters=self._meters))
        if isinstance(outcome, MeshError):
            return await self._database.write(partial(note, failure=outcome))
        return outcome

    async def mend(self, tenant_id: str, quarantine_id: str, mend: NewMend) -> Quarantined:
        """Replaces an item's content and records it, in one transaction with the mend; returns the item.

        Where the recording fails, the mend is stored with the failure. Raises MeshError as in the contract.
        """
        now_us = self._clock()
        found = await self._get(tenant_id, quarantine_id)
        item = await self._replacement(found, mend)
        mending = partial(
            mends.apply_mend,
            tenant_id=tenant_id,
            quarantine_id=quarantine_id,
            item=item,
            mend=mend,
            now_us=now_us,
            meters=self._meters,
        )
        outcome = await self._run(mending)
        if isinstance(outcome, mends.NotMendableError):
            raise outcome
        if isinstance(outcome, MeshError):
            return await self._database.write(partial(mending, failure=outcome))
        return outcome

    async def dismiss(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        """Marks an item as dealt with. Raises MeshError as `rerun`, and QUARANTINED_ITEM_RECORDED."""
        dismissing = partial(_dismiss, tenant_id=tenant_id, quarantine_id=quarantine_id, now_us=self._clock())
        return await self._database.write(dismissing)

    async def _get(self, tenant_id: str, quarantine_id: str) -> Quarantined:
        return await self._database.read(partial(mends.find, tenant_id=tenant_id, quarantine_id=quarantine_id))

    async def _run(self, work: Work) -> Quarantined | MeshError:
        """Runs `work` in one transaction; returns the error where what it records is refused."""

        def run_each(connection: Connection, works: Sequence[Work]) -> Sequence[Quarantined]:
            return [work(connection) for work in works]

        [outcome] = await commit_batch(self._database, [work], run_each)
        return outcome

    async def _retranslate(self, found: Quarantined) -> AnyItem | None:
        """Translates a raw message without a mend again; None for others, whose content is typed already."""
        item = _raw_of(found)
        if item is None or found.mends or found.state == RECORDED or self._translator is None:
            return None
        return await self._translator.translate(item, item.raw.payload)

    async def _replacement(self, found: Quarantined, mend: NewMend) -> AnyItem:
        """The item that a mend records. Raises MeshError INVALID_FIELD, and the errors of the translator."""
        raw = _raw_of(found)
        if raw is None:
            if mend.item is None or mend.item.DESCRIPTOR.name != found.kind:
                field = "transaction_event" if found.kind == EVENTS.name else "meter_values"
                raise invalid_field("replacement", f"must be {field}: this is what the station sent")
            return mend.item
        if mend.item is not None:
            raise invalid_field("replacement", "must be payload: the message was kept raw")
        if self._translator is None:
            raise unavailable(
                Reason.GATEWAY_NOT_CONFIGURED,
                "transaction_svc knows no gateway that could translate the payload: CSMS_GATEWAY_ADDRESS is not set; "
                "nothing was changed",
            )
        return await self._translator.translate(raw, mend.payload)


def _raw_of(found: Quarantined) -> TransactionEventItem | None:
    """The item of a raw message; None for a typed one."""
    if found.kind != EVENTS.name:
        return None
    item = TransactionEventItem.FromString(received_items.decode(found.item))
    return item if item.HasField("raw") else None


def _add(connection: Connection, rows: Sequence[dict[str, Any]], now_us: int) -> Sequence[bool]:
    kept = list(_bounded(connection, rows))
    by_key = {_key(row): row for row, is_kept in zip(rows, kept, strict=True) if is_kept}
    added = store.add(connection, [by_key[key] for key in sorted(by_key)])
    outbox.append(
        connection,
        # Without a tenant, nobody can be notified.
        [_event(row, now_us) for key, row in sorted(by_key.items()) if key[1] in added and key[0]],
    )
    return kept


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["tenant_id"], row["quarantine_id"]


def _bounded(connection: Connection, rows: Iterable[dict[str, Any]]) -> Iterator[bool]:
    """Whether each row may be kept: all but those beyond the bounds of a station that is not accepted."""
    bounded = {(row["tenant_id"], row["station_id"]) for row in rows if row["reason"] == Reason.STATION_NOT_ACCEPTED}
    present = store.unaccepted(connection, sorted(bounded)) if bounded else {}
    used = {station: list(present.get(station, (0, 0))) for station in bounded}
    for row in rows:
        if row["reason"] != Reason.STATION_NOT_ACCEPTED:
            yield True
            continue
        usage = used[row["tenant_id"], row["station_id"]]
        fits = usage[0] < MOST_UNACCEPTED and usage[1] + row["item_size"] <= MOST_UNACCEPTED_CHARACTERS
        if fits:
            usage[0] += 1
            usage[1] += row["item_size"]
        yield fits


def _event(row: dict[str, Any], now_us: int) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"transaction.quarantined/{row['quarantine_id']}/{now_us}",
        tenant_id=row["tenant_id"],
        type="transaction.quarantined",
        station_id=row["station_id"],
        event_time_us=now_us,
        data={"quarantineId": row["quarantine_id"], "reason": row["reason"], "message": row["message"]},
    )


def _rerun(
    connection: Connection,
    *,
    tenant_id: str,
    quarantine_id: str,
    item: AnyItem | None,
    now_us: int,
    meters: MeterTerms,
) -> Quarantined:
    found = mends.find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:
        audit.unchanged()
        return found
    mends.audit_run(connection, found, now_us)
    if found.mends:
        item = mends.to_item(found.mends[-1].kind, found.mends[-1].item)
    elif item is None:
        item = mends.to_item(found.kind, found.item)
    return mends.ingest_item(connection, found, item, now_us, meters)


def _note(
    connection: Connection, *, tenant_id: str, quarantine_id: str, failure: MeshError, now_us: int
) -> Quarantined:
    found = mends.find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:  # by a concurrent call
        audit.unchanged()
        return found
    mends.audit_run(connection, found, now_us, failure=failure)
    return mends.note_failure(connection, found, failure, now_us)


def _dismiss(connection: Connection, tenant_id: str, quarantine_id: str, *, now_us: int) -> Quarantined:
    found = mends.find(connection, tenant_id, quarantine_id, lock=True)
    if found.state == RECORDED:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.QUARANTINED_ITEM_RECORDED,
            f"{quarantine_id!r} has been recorded; there is nothing to dismiss",
        )
    if found.state == DISMISSED:
        audit.unchanged()
        return found
    mends.audit_run(connection, found, now_us)
    mends.publish_settled(connection, found, DISMISSED, now_us)
    return store.change(connection, tenant_id, quarantine_id, state=DISMISSED, update_us=now_us)


def _row(item: AnyItem, error: MeshError, now_us: int) -> dict[str, Any]:
    origin, kind = item.origin, item.DESCRIPTOR.name
    tenant_id, station_id = replace_nul(origin.tenant_id), replace_nul(origin.station_id)
    # The id is a digest of these and the content without its origin: a repeat is kept once.
    named = f"{kind}\0{tenant_id}\0{station_id}\0".encode()
    encoded = received_items.encode(item.SerializeToString(deterministic=True))
    return {
        "tenant_id": tenant_id,
        "quarantine_id": hashlib.blake2b(named + mends.bare_content(item), digest_size=16).hexdigest(),
        "station_id": station_id,
        "kind": kind,
        "item": encoded,
        "reason": error.reason,
        "message": error.message,
        "now_us": now_us,
        "item_size": len(encoded),
    }
