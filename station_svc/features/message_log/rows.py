"""The message log as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A frame of the message log."""

    direction: int
    message_type: int
    message_id: str
    action: str
    payload: str
    epoch: int
    ordinal: int
    message_us: int
