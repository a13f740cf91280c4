"""Refused id tokens, and the number of open transactions that a token holds (OCPP 2.0.1 part 2, C; ConcurrentTx).

A refusal is stored with the event that brought the token, so that the state of the transaction is the same in any order
of its events.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import grpc
import msgspec
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, AuthorizationStatus
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import AuthorizationItem, CountOpenTransactionsItem
from sqlalchemy import Connection

from mesh.contract.id_tokens import match_key
from mesh.contract.texts import without_nul
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from transaction_svc import adjacent_transactions, store, stored_form, token_store
from transaction_svc.batch_context import BatchContext
from transaction_svc.ingestion import rebuild_names, write_changes
from transaction_svc.received_items import check_origin
from transaction_svc.store import Lookup

_REFUSALS = frozenset(AuthorizationStatus.values()) - {0, AUTHORIZATION_STATUS_ACCEPTED}


class Refusal(msgspec.Struct, frozen=True):
    """The id token of a recorded event was refused."""

    tenant_id: str
    station_id: str
    content_key: str
    repeat_no: int
    status: int


class TokenQuestion(msgspec.Struct, frozen=True):
    """A station's question for the number of open transactions that a token holds."""

    tenant_id: str
    station_id: str  # the station of the question
    token_key: str


def read_refusal(item: AuthorizationItem) -> Refusal:
    """Reads an item. Raises MeshError INVALID_FIELD."""
    tenant_id, station_id = _names(item.origin)
    repeat_no, _, content_key = item.event_key.partition(".")
    if not (repeat_no.isascii() and repeat_no.isdigit() and len(repeat_no) < 10 and content_key.isalnum()):
        raise invalid_field("event_key", "must be that of a TransactionEventResult")
    if item.status not in _REFUSALS:
        raise invalid_field("status", "must be one that refuses an id token")
    return Refusal(tenant_id, station_id, content_key, int(repeat_no), item.status)


def read_question(item: CountOpenTransactionsItem) -> TokenQuestion:
    """Reads an item. Raises MeshError INVALID_FIELD."""
    tenant_id, station_id = _names(item.origin)
    token = without_nul(item.id_token.id_token)
    if not token:
        raise invalid_field("id_token.id_token", "is required")
    return TokenQuestion(tenant_id, station_id, match_key(token))


def save_refusals(connection: Connection, refusals: Sequence[Refusal], now_us: int) -> Sequence[None]:
    """Stores refusals, and rebuilds their transactions. A refusal that is stored already stays as it is.

    Raises MeshError EVENT_NOT_FOUND.
    """
    found = _find(connection, refusals)
    batch, rows = BatchContext(), []
    for refusal, lookup in zip(refusals, found, strict=True):
        record = stored_form.decode_record(lookup.fact or "")
        if record.refused_status:
            continue
        record.refused_status = refusal.status
        rows.append(
            {
                "tenant_id": refusal.tenant_id,
                "station_id": refusal.station_id,
                "content_key": refusal.content_key,
                "repeat_no": refusal.repeat_no,
                "fact": stored_form.encode(record),
            }
        )
        tx = batch.adopt(lookup.tx)
        batch.mark_for_rebuild(tx.name, tx.generation)
    if rows:
        token_store.update_event_records(connection, rows)
        rebuild_names(connection, batch)
        # A state that an older version stored may be rebuilt with another register.
        adjacent_transactions.link(connection, batch)
        write_changes(connection, batch, (), now_us=now_us)
    return [None] * len(refusals)


def count_open(connection: Connection, questions: Sequence[TokenQuestion]) -> Sequence[tuple[int, bool]]:
    """The number of open transactions that each token holds, and whether one is at the station of the question."""
    rows = [{"n": n, **msgspec.structs.asdict(question)} for n, question in enumerate(questions)]
    counts = token_store.count_open(connection, rows)
    return [counts[n] for n in range(len(questions))]


def _find(connection: Connection, refusals: Sequence[Refusal]) -> Sequence[Lookup]:
    """The recorded events, in the order of the refusals; their stations are locked."""
    keys = {f"station:{refusal.station_id}" for refusal in refusals}
    lookups = store.lock_and_look_up(connection, keys, _rows(refusals))
    found = {(lookup.n, lookup.repeat_no): lookup for lookup in lookups}
    events = [found.get((n, refusal.repeat_no)) for n, refusal in enumerate(refusals)]
    if None in events:
        raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.EVENT_NOT_FOUND, "no event with this event_key is recorded")
    return [event for event in events if event is not None]


def _rows(refusals: Iterable[Refusal]) -> Iterable[dict[str, Any]]:
    return [
        {
            "n": n,
            "tenant_id": refusal.tenant_id,
            "station_id": refusal.station_id,
            "content_key": refusal.content_key,
            "transaction_id": "",  # looked for by content alone
        }
        for n, refusal in enumerate(refusals)
    ]


def _names(origin: Origin) -> tuple[str, str]:
    check_origin(origin.tenant_id, origin.station_id)
    return origin.tenant_id, origin.station_id
