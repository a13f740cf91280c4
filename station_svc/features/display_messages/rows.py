"""Messages on displays as rows, and what changes their state. Pure."""

from dataclasses import dataclass, replace

# csms.station.v1.DisplayMessageState
REQUESTED = 1
ACTIVE = 2
REJECTED = 3
CLEARED = 4
EXPIRED = 5
UNKNOWN = 6
REPLACED = 7

LIVE = frozenset({REQUESTED, ACTIVE, UNKNOWN})
"""States in which the station may hold a message."""

# csms.station.v1.MessagePriority
ALWAYS_FRONT = 1


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A message that a station was sent, or that it reported. `number` tells messages of one `message_id` apart.

    `display` is a csms.station.v1.Variable as JSON, or empty. `doubt_us`: while a command about it is under way, from
    when on it counts as unknown what became of it. `report_id`: the report that had it last.
    """

    tenant_id: str
    station_id: str
    number: int
    message_id: int
    priority: int
    shown_state: int
    start_us: int | None
    end_us: int | None
    transaction_id: str
    display: str
    format: int
    language: str
    content: str
    state: int
    answer: int = 0
    station_made: int = 0
    report_id: int | None = None
    doubt_us: int | None = None
    create_us: int
    update_us: int

    def after(self, now_us: int) -> "MessageRow":
        """Itself as time has left it."""
        if self.state not in LIVE:
            return self
        if self.end_us is not None and self.end_us <= now_us and self.state != REQUESTED:
            return replace(self, state=EXPIRED, doubt_us=None)
        if self.doubt_us is not None and self.doubt_us <= now_us:
            return replace(self, state=UNKNOWN, doubt_us=None)
        return self

    def with_state(self, state: int, now_us: int, answer: int = 0) -> "MessageRow":
        """Itself in this state, which is known."""
        return replace(self, state=state, answer=answer, doubt_us=None, update_us=now_us)

    def is_in_place_of(self, other: "MessageRow") -> bool:
        """Whether the station holds it in the place of another: of the same number, or always in front (O01, O06)."""
        both_in_front = self.priority == ALWAYS_FRONT == other.priority
        return self.number != other.number and (self.message_id == other.message_id or both_in_front)
