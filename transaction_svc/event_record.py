"""Event records: the part of an event that the state needs, stored beside it (`stored_form.py`).

A rebuild reads event records alone, and no protobuf.
"""

from collections.abc import Sequence

import msgspec

from transaction_svc.stored_names import SHORT

# Kinds of event, numbered as csms.transaction.v1.TransactionEventType.
STARTED, UPDATED, ENDED = 1, 2, 3
# Ranks of readings: the begin of a transaction comes first and the end last, at any time of the clock.
BEGIN, BETWEEN, END = 0, 1, 2

_ONLY_RANKS = {STARTED: BEGIN, UPDATED: BETWEEN, ENDED: END}

Interval = tuple[int, int, int]
"""Time in µs, series, energy in mWh."""

Power = tuple[int, int]
"""Time in µs, power in W."""

# A series is a set of readings that can be compared: of one location, one set of phases, and one kind of proof. A
# preferred series has a smaller number.
UNSIGNED, SIGNED, VERIFIED = 0, 1, 2
_ALL_PHASES = 7


def series_number(location: int, phases: int, *, proof: int = UNSIGNED) -> int:
    """The number of a series.

    `location` is 0 for the outlet and larger for less preferred places; `phases` has a bit for each phase, and 0 or all
    three bits for their sum.
    """
    return location * 32 + phases % _ALL_PHASES * 4 + proof


def location_of(series: int) -> int:
    """The location of a series, as in `series_number`."""
    return series // 32


def is_signed(series: int) -> bool:
    """Whether the readings of a series come from signed records, verified or not."""
    return series % 4 != UNSIGNED


def is_verified(series: int) -> bool:
    """Whether the readings of a series come from signed records with a valid signature."""
    return series % 4 == VERIFIED


def is_same_but_proof(series: int, other: int) -> bool:
    """Whether two series have the same location and phases."""
    return series // 4 == other // 4


class Reading(msgspec.Struct, frozen=True, rename=SHORT, omit_defaults=True):
    """A reading of an import register."""

    at_us: int  # the station's time where plausible, else the receive time
    mwh: int  # negative: the meter is broken
    rank: int = BETWEEN
    series: int = 0
    clock_us: int = 0  # the station's time, where it is not plausible


class EventRecord(msgspec.Struct, tag_field="v", tag=3, rename=SHORT, omit_defaults=True):
    """One event. Times are µs since 1970 UTC. A new field needs a default."""

    kind: int
    order_us: int  # the station's time where plausible, else the receive time
    recorded_us: int
    time_us: int | None = None  # the station's time, plausible or not
    arrival: int = 0  # number of events of its transaction that were recorded before it
    evse_id: int = 0
    connector_id: int = 0
    readings: tuple[Reading, ...] = ()
    frame: tuple[int, int] = (0, 0)  # epoch and ordinal of the frame that brought it
    seq_no: int | None = None  # None where the protocol has none (1.6)
    id_token: str = ""
    id_token_type: str = ""
    charging_state: int = 0
    stopped_reason: int = 0
    skewed: bool = False
    orphan: bool = False  # of former versions, which made a transaction of each unmatched event
    intervals: tuple[Interval, ...] = ()
    power: Power | None = None  # as the station measured it, in µs after order_us
    remote_start_id: int | None = None  # of the RequestStart command that began the transaction (2.x)
    refused_status: int = 0  # csms.common.v1.AuthorizationStatus of a refused id token; 0 otherwise
    # The transactionId of a 1.6 message, where it is not that of the transaction; empty where the event belongs to its
    # transaction by name. An event with 0 or -1 may be moved to another transaction later.
    named: str = ""

    @property
    def names_none(self) -> bool:
        """Whether its transactionId is a placeholder, so that its transaction is found by content."""
        return names_none(self.named)

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Position among a transaction's events: kind, seq_no, time. Of two 1.6 stops the first recorded counts."""
        if self.seq_no is None and self.kind == ENDED:
            return self.kind, 0, 0, self.arrival
        return self.kind, self.seq_no or 0, self.order_us, self.arrival


def by_event(kind: int, readings: Sequence[Reading]) -> Sequence[Reading]:
    """The readings of an event with the ranks that follow from its kind, in each series.

    The begin is the first reading of the Started event; the end is the reading of the Ended event with the context
    Transaction.End, else its latest. Other contexts of readings count only where this leaves the rank open.
    """
    if len(readings) == 1 and readings[0].rank == _ONLY_RANKS[kind]:  # nearly all events
        return readings
    if kind == STARTED:
        return _begun(readings)
    if kind == ENDED:
        return _ended(readings)
    return [reading if reading.rank != END else _ranked(reading, BETWEEN) for reading in readings]


def _begun(readings: Sequence[Reading]) -> Sequence[Reading]:
    seen: set[int] = set()
    ranked = []
    for reading in readings:
        ranked.append(_ranked(reading, BETWEEN if reading.series in seen else BEGIN))
        seen.add(reading.series)
    return ranked


def _ended(readings: Sequence[Reading]) -> Sequence[Reading]:
    ends: dict[int, int] = {}
    for index, reading in enumerate(readings):
        known = ends.get(reading.series)
        if reading.rank != BEGIN and (known is None or _is_later(reading, readings[known])):
            ends[reading.series] = index
    last = set(ends.values())
    return [
        reading if reading.rank == BEGIN else _ranked(reading, END if index in last else BETWEEN)
        for index, reading in enumerate(readings)
    ]


def _is_later(reading: Reading, other: Reading) -> bool:
    return (reading.rank, reading.at_us if reading.rank != END else 0) >= (
        other.rank,
        other.at_us if other.rank != END else 0,
    )


def _ranked(reading: Reading, rank: int) -> Reading:
    return reading if reading.rank == rank else msgspec.structs.replace(reading, rank=rank)


def names_none(number: str) -> bool:
    """Whether a transactionId is a placeholder of 1.6 stations that have none: 0, -1 (quirk 18)."""
    if number[:1] not in ("-", "0"):  # nearly all numbers
        return False
    try:
        return int(number) <= 0
    except ValueError:
        return False
