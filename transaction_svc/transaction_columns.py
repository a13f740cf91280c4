"""The columns of `tx` that are drawn from a transaction's state, so that statements can find rows by them. Pure."""

from collections.abc import Iterable
from typing import Any

from mesh.contract.id_tokens import match_key
from transaction_svc import stored_form
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.tracked_transaction import TrackedTransaction


def flags_text(flags: Iterable[str]) -> str:
    """Flags as a column has them, to be searched: each between two commas, nothing where there are none."""
    joined = ",".join(flags)
    return f",{joined}," if joined else ""


def running_row(tx: TrackedTransaction) -> dict[str, Any]:
    """The columns that change while a transaction is ongoing without anomalies."""
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.state
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "fold": stored_form.encode(state),
        "energy_mwh": state.meter.energy_mwh,
        "update_us": state.updated_us,
        "power_w": state.power_w,
    }


def ended_row(tx: TrackedTransaction) -> dict[str, Any]:
    """The same, and those that change with its end."""
    row = running_row(tx)
    row["ended"], row["end_us"] = True, tx.state.end_us
    row["rollup_due"] = True
    return row


def full_row(tx: TrackedTransaction) -> dict[str, Any]:
    """All columns that may change."""
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.state
    is_open = tx.is_ordinary
    # Events that wait are no transaction: without EVSE and token, and not open, no rule about transactions finds them.
    evse_id = state.evse_id if is_open or state.counts else 0
    position = evse_id if is_open or state.takes_evse else -evse_id
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "fold": stored_form.encode(state),
        "ended": not is_open and (state.ended or state.waiting),
        "token_key": match_key(state.held_by[0]) if is_open or not state.waiting else "",
        "evse_id": evse_id,
        "evse_hash": name_hash(tenant_id, station_id, str(position)),
        "waiting": not is_open and state.waiting,
        "begin_us": state.begin_us,
        "start_us": state.start_us,
        "end_us": None if is_open else state.end_us,
        "energy_mwh": state.meter.energy_mwh,
        "create_us": state.created_us,
        "update_us": state.updated_us,
        "token_held": bool(state.id_token) if is_open else state.holds_token,
        "flags": flags_text(tx.flags),
        "hanging_due_us": None if is_open else state.due_us,
        "rollup_due": tx.ends_or_ended,
        "power_w": state.power_w,
        "remote_start_id": state.remote_start_id,
        "hanging_us": state.mark.since_us if state.mark is not None and state.hanging else None,
    }


def new_row(tx: TrackedTransaction) -> dict[str, Any]:
    """All columns of a new transaction."""
    row = full_row(tx)
    row["station_hash"] = name_hash(*tx.key[:2])
    return row
