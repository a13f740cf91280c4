"""Reservations as the store returns them, and what changes their state. Pure."""

from dataclasses import dataclass, replace

# csms.station.v1.ReservationState
REQUESTED = 1
ACTIVE = 2
REJECTED = 3
USED = 4
CANCELLED = 5
EXPIRED = 6
UNKNOWN = 7

# States by the reason that a station gives for the end of a reservation, csms.station.v1.ReservationUpdateStatus.
ENDS = {1: EXPIRED, 2: CANCELLED, 3: EXPIRED}

# What a station may keep.
HELD = frozenset({ACTIVE, UNKNOWN})
# States that may change without a report of the station.
LIVE = HELD | {REQUESTED}


@dataclass(frozen=True, kw_only=True)
class Use:
    """A transaction that started with a reservation. `use_us` is the station's time, the CSMS's where it gave none."""

    use_us: int
    evse_id: int
    transaction_id: str


@dataclass(frozen=True, kw_only=True)
class ReservationRow:
    """A reservation."""

    tenant_id: str
    station_id: str
    reservation_id: int
    evse_id: int
    id_token: str
    id_token_type: str
    group_id_token: str
    group_id_token_type: str
    connector_type: str = ""  # in OCPP's words; empty: any
    expire_us: int
    state: int
    reserve_status: int = 0
    reason_code: str = ""
    # While a command about it is under way: from when on it counts as unknown what became of it.
    doubt_us: int | None = None
    use_us: int | None = None
    use_evse_id: int = 0
    transaction_id: str = ""
    create_us: int
    update_us: int

    @property
    def key(self) -> tuple[int, str, int]:
        """Its place in lists."""
        return self.create_us, self.station_id, self.reservation_id

    @property
    def due_us(self) -> int | None:
        """Time at which its state changes by itself; None where it never does."""
        if self.state == REQUESTED:
            return self.doubt_us
        if self.state == ACTIVE and self.doubt_us is not None:
            return min(self.doubt_us, self.expire_us)
        return self.expire_us if self.state in HELD else None

    def after(self, now_us: int) -> "ReservationRow":
        """Itself as time has left it."""
        if self.due_us is None or self.due_us > now_us:
            return self
        over = self.state in HELD and self.expire_us <= now_us
        return self.with_state(EXPIRED if over else UNKNOWN, now_us)

    def with_state(self, state: int, now_us: int) -> "ReservationRow":
        """Itself in this state, which is known."""
        update_us = self.update_us if state == self.state else now_us
        return replace(self, state=state, doubt_us=None, update_us=update_us)

    def answered(self, status: int, state: int, reason_code: str, now_us: int) -> "ReservationRow":
        """Itself with the station's answer; one that was used meanwhile stays so."""
        row = replace(self, reserve_status=status, reason_code=reason_code)
        return row.with_state(state if self.state in LIVE else self.state, now_us)

    def unknown_after(self, unknown_after_us: int) -> "ReservationRow":
        """Itself while a command to cancel it is under way: unknown from then on, unless the outcome comes."""
        return replace(self, doubt_us=unknown_after_us) if self.state == ACTIVE else self

    def ended(self, state: int, now_us: int) -> "ReservationRow":
        """Itself, ended without a use as the station reports it; one that has ended already stays as it is."""
        return self.with_state(state if self.state in LIVE else self.state, now_us)

    def settled(self, state: int | None, now_us: int) -> "ReservationRow":
        """Itself after a command to cancel it, in the state of the outcome; None: nothing changed."""
        return self.with_state(self.state if state is None or self.state not in HELD else state, now_us)

    def used(self, use: Use, now_us: int) -> "ReservationRow":
        """Itself, used. The station's report overrides any earlier state; the first use stays."""
        if self.state == USED:
            return self
        row = replace(self, use_us=use.use_us, use_evse_id=use.evse_id, transaction_id=use.transaction_id)
        return row.with_state(USED, now_us)
