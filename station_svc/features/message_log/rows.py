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

    @property
    def key(self) -> tuple[int, int, int]:
        """Its place in lists."""
        return self.message_us, self.epoch, self.ordinal
