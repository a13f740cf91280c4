"""Mends of quarantined items: the replacement is recorded in one transaction with who made it, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.contract.texts import is_storable
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from transaction_svc import quarantine_store as store
from transaction_svc import received_items
from transaction_svc.gateway_client import AnyItem
from transaction_svc.item_types import ITEM_TYPES
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.quarantine_store import RECORDED, Mend, Quarantined

MOST_MENDS = 20


@dataclass(frozen=True, kw_only=True)
class NewMend:
    """An operator's request: `item` replaces a typed message, `payload` (JSON) a raw one."""

    item: AnyItem | None
    payload: str
    reason: str
    username: str


class NotMendableError(MeshError):
    """The state of the item does not allow a mend."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(grpc.StatusCode.FAILED_PRECONDITION, reason, message)


def apply_mend(
    connection: Connection,
    *,
    tenant_id: str,
    quarantine_id: str,
    item: AnyItem,
    mend: NewMend,
    now_us: int,
    meters: MeterTerms,
    failure: MeshError | None = None,
) -> Quarantined:
    """Records `item` in the place of a quarantined item's content, and the mend; with `failure`, the mend alone.

    A repeat of the mend with which the item was recorded changes nothing. Raises NotMendableError.
    """
    found = find(connection, tenant_id, quarantine_id, lock=True)
    content = received_items.encode(bare_content(item))
    if found.state == RECORDED:
        if found.mends and found.mends[-1].item == content and not found.mends[-1].failure_reason:
            audit.unchanged()
            return found
        raise NotMendableError(
            Reason.QUARANTINED_ITEM_RECORDED,
            f"{quarantine_id!r} has been recorded with other content; it cannot be mended",
        )
    if len(found.mends) >= MOST_MENDS:
        raise NotMendableError(
            Reason.MEND_LIMIT_REACHED,
            f"{quarantine_id!r} has been mended {MOST_MENDS} times, which is the most there may be",
        )
    store.add_mend(connection, _to_mend(found, item, content, mend=mend, failure=failure, now_us=now_us))
    audit_run(connection, found, now_us, details={"reason": mend.reason}, failure=failure)
    if failure is not None:
        return note_failure(connection, found, failure, now_us)
    return ingest_item(connection, found, item, now_us, meters)


def audit_run(
    connection: Connection,
    found: Quarantined,
    now_us: int,
    *,
    details: Mapping[str, Any] | None = None,
    failure: MeshError | None = None,
) -> None:
    """Records what an operator did with an item. Its content is a driver's, and is not repeated here."""
    audit.acted(
        connection,
        tenant_id=found.tenant_id,
        resource_type="quarantined_item",
        resource=found.quarantine_id,
        station_id=found.station_id,
        details=details,
        outcome=audit.OK if failure is None else str(failure.reason),
        time_us=now_us,
    )


def _to_mend(
    found: Quarantined, item: AnyItem, content: str, *, mend: NewMend, failure: MeshError | None, now_us: int
) -> Mend:
    return Mend(
        tenant_id=found.tenant_id,
        quarantine_id=found.quarantine_id,
        mend_no=len(found.mends) + 1,
        kind=item.DESCRIPTOR.name,
        item=content,
        payload=mend.payload,
        reason=mend.reason,
        username=mend.username,
        mend_us=now_us,
        failure_reason=failure.reason if failure is not None else "",
        failure_message=failure.message if failure is not None else "",
    )


def ingest_item(
    connection: Connection, found: Quarantined, item: AnyItem, now_us: int, meters: MeterTerms
) -> Quarantined:
    """Records an item as the ingest does, with the origin of the quarantined one."""
    item.origin.CopyFrom(to_item(found.kind, found.item).origin)
    item_type = ITEM_TYPES[item.DESCRIPTOR.name]
    [done] = item_type.ingest(connection, [item_type.read(item, now_us)], now_us, meters)
    publish_settled(connection, found, store.RECORDED, now_us)
    return store.change(
        connection,
        found.tenant_id,
        found.quarantine_id,
        state=RECORDED,
        transaction_id=done.transaction_id,
        run_count=found.run_count + 1,
        update_us=now_us,
    )


def publish_settled(connection: Connection, found: Quarantined, state: str, now_us: int) -> None:
    """Publishes that an item does not need a person any more."""
    event = OutboxEvent(
        event_id=f"transaction.quarantine_settled/{found.quarantine_id}/{now_us}",
        tenant_id=found.tenant_id,
        type="transaction.quarantine_settled",
        station_id=found.station_id,
        event_time_us=now_us,
        data={"quarantineId": found.quarantine_id, "state": f"QUARANTINE_STATE_{state}"},
    )
    outbox.append(connection, [event])


def note_failure(connection: Connection, found: Quarantined, failure: MeshError, now_us: int) -> Quarantined:
    """Stores the error of a run that could not record the item."""
    return store.change(
        connection,
        found.tenant_id,
        found.quarantine_id,
        reason=failure.reason,
        message=failure.message,
        run_count=found.run_count + 1,
        update_us=now_us,
    )


def find(connection: Connection, tenant_id: str, quarantine_id: str, *, lock: bool = False) -> Quarantined:
    """An item. Raises MeshError NOT_FOUND."""
    found = store.get(connection, tenant_id, quarantine_id, lock=lock) if is_storable(quarantine_id) else None
    if found is None:
        raise not_found(quarantine_id)
    return found


def not_found(quarantine_id: str) -> MeshError:
    """NOT_FOUND, reason QUARANTINED_ITEM_NOT_FOUND: also for an item whose station the caller may not see."""
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.QUARANTINED_ITEM_NOT_FOUND,
        f"nothing in quarantine is called {quarantine_id!r}",
    )


def to_item(kind: str, text: str) -> AnyItem:
    """Decodes an item from a table."""
    item: AnyItem = ITEM_TYPES[kind].message.FromString(received_items.decode(text))
    return item


def bare_content(item: AnyItem) -> bytes:
    """The content of an item, serialized: all but its origin."""
    bare: AnyItem = type(item)()
    bare.MergeFrom(item)  # type: ignore[arg-type]  # of its own type
    bare.ClearField("origin")
    return bare.SerializeToString(deterministic=True)
