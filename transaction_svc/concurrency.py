"""The number of open transactions of an id token (OCPP's ConcurrentTx). auth_svc decides which number is too many."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from mesh.contract.id_tokens import match_key
from transaction_svc import stored_form, token_store
from transaction_svc.batch_context import RecordedEvent
from transaction_svc.event_record import ENDED, EventRecord
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.tracked_transaction import TrackedTransaction


class TokenAnswer(msgspec.Struct, frozen=True):
    """The part of a result by which the gateway answers an event with an id token.

    `concurrent_count`: the number of other open transactions that the token held when this event made it the
    transaction's own; None where the event did not. `event_key`: the event's name for a later refusal.
    `refused_status`: the refusal, where the station has sent the event before and its token was refused.
    """

    concurrent_count: int | None = None
    event_key: str = ""
    refused_status: int = 0


NO_TOKEN = TokenAnswer()


def identifies(record: EventRecord) -> bool:
    """Whether an event has an id token that may begin to hold its transaction: any but the token of a stop."""
    return record.kind != ENDED and bool(record.id_token)


def note_concurrent(connection: Connection, changed: Iterable[TrackedTransaction]) -> Sequence[TrackedTransaction]:
    """Counts the other open transactions of tokens that began to hold one with this batch.

    All ends of the batch must be written. Returns the transactions whose count has changed.
    """
    begun = [tx for tx in changed if tx.state.id_token and not _is_held(tx, tx.state.id_token) and not tx.state.waiting]
    if not begun:
        return ()
    # Of several that this batch begins, the earlier ones count for the later ones.
    begun.sort(key=lambda tx: (tx.state.begin_us, tx.key))
    others = token_store.count_others(connection, [_holder_row(n, tx) for n, tx in enumerate(begun)])
    holding: Counter[tuple[str, str]] = Counter()
    noted = []
    for n, tx in enumerate(begun):
        token = (tx.key[0], match_key(tx.state.id_token))
        count = min(others[n] + holding[token], token_store.MOST)
        if count != tx.state.concurrent_count:
            tx.state.concurrent_count = count
            noted.append(tx)
        if tx.state.holds_token and not tx.state.ended:
            holding[token] += 1
    return noted


def answer(item: ReceivedEvent, known: RecordedEvent, *, repeated: bool) -> TokenAnswer:
    """The answer about an event's token, once its batch is written."""
    if not identifies(item.record):
        return NO_TOKEN
    state = known.tx.state
    if known.stored_record:  # recorded by an earlier batch
        before = stored_form.decode_record(known.stored_record)
        if before.refused_status:
            return TokenAnswer(refused_status=before.refused_status)
        if state.event_count > before.arrival + 1:
            # A later event shows that the station was answered, and that the token was accepted.
            return NO_TOKEN
    token = match_key(item.record.id_token)
    begins = token == match_key(state.id_token) and (repeated or not _is_held(known.tx, token))
    count = (state.concurrent_count or int(state.concurrent)) if begins else None
    return TokenAnswer(count, f"{known.repeat_no}.{item.content[2]}")


def _is_held(tx: TrackedTransaction, id_token: str) -> bool:
    """Whether a token held a transaction before the batch."""
    before = tx.before.id_token
    return id_token == before or (bool(before) and match_key(id_token) == match_key(before))


def _holder_row(n: int, tx: TrackedTransaction) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
    return {
        "n": n,
        "tenant_id": tenant_id,
        "token_key": match_key(tx.state.id_token),
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
    }
