"""Charging profiles as the store returns them, and what changes their state. Pure.

What a station holds follows from its answers: OCPP 2.0.1 part 2, K01 and K10; 1.6 sections 5.5 and 5.16.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

# csms.station.v1.ChargingProfileState
REQUESTED = 1
ACTIVE = 2
REJECTED = 3
REPLACED = 4
CLEARED = 5
EXPIRED = 6
UNKNOWN = 7

# What a station may hold.
HELD = frozenset({ACTIVE, UNKNOWN})
# What may still change.
LIVE = HELD | {REQUESTED}

# csms.station.v1.ChargingProfilePurpose
TX_PROFILE = 3
EXTERNAL_CONSTRAINTS = 4

# csms.station.v1.ChargingLimitSource: this CSMS.
CSO = 4

# csms.station.v1.ChargingLimitState
IN_FORCE = 1
LIFTED = 2


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """A charging profile that was sent to a station, or that it reported. `number` is its key within the station."""

    tenant_id: str
    station_id: str
    number: int
    evse_id: int
    profile_id: int
    purpose: int
    stack_level: int
    transaction_id: str
    state: int
    reason_code: str = ""
    valid_to_us: int | None = None
    # While a command about it is under way: from when on it counts as unknown what became of it.
    doubt_us: int | None = None
    profile: bytes  # csms.station.v1.ChargingProfile, serialized
    limit_source: int = 0  # as the station reported it
    report_id: int = 0  # the latest report that it was in
    report_us: int | None = None
    create_us: int
    update_us: int

    @property
    def key(self) -> tuple[int, str, int]:
        """Its place in lists."""
        return self.create_us, self.station_id, self.number

    @property
    def due_us(self) -> int | None:
        """Time at which its state changes by itself; None where it never does."""
        moments = [self.doubt_us if self.state != UNKNOWN else None, self.valid_to_us if self.state in HELD else None]
        known = [moment for moment in moments if moment is not None]
        return min(known) if self.state in LIVE and known else None

    def after(self, now_us: int) -> "ProfileRow":
        """Itself as time has left it."""
        if self.due_us is None or self.due_us > now_us:
            return self
        over = self.state in HELD and self.valid_to_us is not None and self.valid_to_us <= now_us
        return self.with_state(EXPIRED if over else UNKNOWN, now_us)

    def with_state(self, state: int, now_us: int, reason_code: str = "") -> "ProfileRow":
        """Itself in this state, which is known."""
        update_us = self.update_us if state == self.state else now_us
        return replace(self, state=state, reason_code=reason_code, doubt_us=None, update_us=update_us)

    def reported(self, report_id: int, limit_source: int, now_us: int) -> "ProfileRow":
        """Itself as a station reported it: the station holds it. While a command is under way, its outcome decides."""
        marked = replace(self, report_id=report_id, limit_source=limit_source, report_us=now_us)
        return marked if self.state == REQUESTED or self.doubt_us is not None else marked.with_state(ACTIVE, now_us)

    def missing(self, now_us: int) -> "ProfileRow":
        """Itself where a complete report does not have it. One from elsewhere is cleared."""
        return self.with_state(CLEARED if self.limit_source not in (0, CSO) else UNKNOWN, now_us)

    def is_in_place_of(self, other: "ProfileRow") -> bool:
        """Whether this profile replaces the other at the station."""
        place, others = ((row.evse_id, row.purpose, row.stack_level) for row in (self, other))
        return self.number != other.number and (self.profile_id == other.profile_id or place == others)


Match = Callable[[ProfileRow], bool]


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """Criteria of the profiles that a command clears; a profile has to match all that are given."""

    profile_id: int | None = None
    evse_id: int | None = None
    purpose: int | None = None
    stack_level: int | None = None

    def match(self, row: ProfileRow) -> bool:
        """Whether a station would clear this one; those from elsewhere it never does."""
        if row.purpose == EXTERNAL_CONSTRAINTS:
            return False
        pairs = (
            (self.profile_id, row.profile_id),
            (self.evse_id, row.evse_id),
            (self.purpose, row.purpose),
            (self.stack_level, row.stack_level),
        )
        return all(wanted is None or wanted == found for wanted, found in pairs)


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """A limit from elsewhere, by EVSE and source. `epoch` and `ordinal` are of the frame that it is known from."""

    tenant_id: str
    station_id: str
    evse_id: int
    limit_source: int
    state: int
    epoch: int
    ordinal: int
    limit_pb: bytes  # csms.station.v1.ChargingLimit, serialized
    receive_us: int
    clear_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A report of profiles that a station was asked for. `number`: the profiles before it are expected in it."""

    tenant_id: str
    station_id: str
    report_id: int
    number: int
    request: bytes  # csms.station.v1.GetChargingProfilesRequest, serialized
    part_count: int = 0
    due_us: int


def mark_unknown_after(rows: Iterable[ProfileRow], match: Match, unknown_after_us: int) -> list[ProfileRow]:
    """The profiles that a command may change: without its outcome, their state is unknown from then on."""
    return [replace(row, doubt_us=unknown_after_us) for row in rows if row.state == ACTIVE and match(row)]


def resolve(rows: Iterable[ProfileRow], match: Match, now_us: int, state: int | None) -> list[ProfileRow]:
    """The profiles that the station may hold, in the state of a command's outcome; None: nothing changed."""
    return [
        row.with_state(row.state if state is None else state, now_us)
        for row in rows
        if row.state in HELD and match(row)
    ]
