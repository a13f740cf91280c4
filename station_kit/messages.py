"""Messages of stations in the words of no version: transactions as they are reported, and payloads by action. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

ENERGY_REGISTER = "Energy.Active.Import.Register"

Payload = dict[str, Any]


class Message(NamedTuple):
    """A CALL without its message id."""

    action: str
    payload: Payload


HEARTBEAT = Message("Heartbeat", {})
"""Heartbeat, alike in all versions."""


class EventType(StrEnum):
    """Kinds of transaction events (OCPP 2.0.1 part 2, TransactionEventEnumType)."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


@dataclass(frozen=True, kw_only=True)
class TransactionEvent:
    """One report about a transaction at the station's only connector. Each version renders it in its own words."""

    event_type: EventType
    id_token: str
    seq_no: int
    time_us: int  # since 1970
    register_mwh: int  # of the energy meter


@dataclass(frozen=True, kw_only=True)
class StartAnswer:
    """The answer to a Started event: the transaction id where the CSMS gives it (1.6), the id token's status."""

    transaction_id: str | None
    status: str | None
