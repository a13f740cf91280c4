"""A recorded event as far as folding needs it, stored beside it (`stored_form.py`): refolding reads no protobuf."""

from collections.abc import Sequence

import msgspec

from transaction_svc.stored_names import SHORT

# Kinds of event, numbered as csms.transaction.v1.TransactionEventType.
STARTED, UPDATED, ENDED = 1, 2, 3
# Ranks of readings: the begin of a transaction is before, the end after all others, whatever the clock says.
BEGIN, BETWEEN, END = 0, 1, 2

_ONLY_RANKS = {STARTED: BEGIN, UPDATED: BETWEEN, ENDED: END}

Interval = tuple[int, int, int]
"""Time in µs, series, energy in mWh."""

# A series is the readings that can be compared: of one location, one set of phases, and one kind of proof. The number
# of the one that is preferred is smaller.
UNSIGNED, SIGNED, VERIFIED = 0, 1, 2
_ALL_PHASES = 7


def series_number(location: int, phases: int, *, proof: int = UNSIGNED) -> int:
    """The number of a series.

    `location` is 0 for the outlet and counts up with the places that are preferred less; `phases` has a bit for each
    phase, and 0 or all three bits for the whole of them.
    """
    return location * 32 + phases % _ALL_PHASES * 4 + proof


def location_of(series: int) -> int:
    """The location of a series, as in `series_number`."""
    return series // 32


def is_signed(series: int) -> bool:
    """Whether the readings of a series come from signed records, verified or not."""
    return series % 4 != UNSIGNED


def is_verified(series: int) -> bool:
    """Whether the readings of a series come from signed records whose signature is right."""
    return series % 4 == VERIFIED


def is_same_but_proof(series: int, other: int) -> bool:
    """Whether two series are of the same place and phases."""
    return series // 4 == other // 4


class Reading(msgspec.Struct, frozen=True, rename=SHORT, omit_defaults=True):
    """A reading of an import register."""

    at_us: int  # by the station's clock where plausible, else when it was received
    mwh: int  # below zero: broken
    rank: int = BETWEEN
    series: int = 0
    clock_us: int = 0  # the station's clock, where it is not plausible


class EventRecord(msgspec.Struct, tag_field="v", tag=3, rename=SHORT, omit_defaults=True):
    """One event. Times are µs since 1970 UTC. A new field needs a default."""

    kind: int
    order_us: int  # the station's where plausible, else when it was received
    recorded_us: int
    seq_no: int | None = None  # None where the protocol has none (1.6)
    time_us: int | None = None  # the station's, right or wrong
    arrival: int = 0  # how many events of its transaction were recorded before it
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    id_token_type: str = ""
    charging_state: int = 0
    stopped_reason: int = 0
    skewed: bool = False
    orphan: bool = False  # of former versions: it made a transaction of its own, for want of one to belong to
    readings: tuple[Reading, ...] = ()
    intervals: tuple[Interval, ...] = ()
    refused_status: int = 0  # csms.common.v1.AuthorizationStatus: why its id token was refused; 0 where it was not
    frame: tuple[int, int] = (0, 0)  # epoch and ordinal of the frame that it came in
    # The number that a 1.6 station named, where it is not that of the transaction: empty for all that belongs to its
    # transaction by name. What names no transaction (0 or -1) may come to belong to another one.
    named: str = ""

    @property
    def names_none(self) -> bool:
        """Whether its number is none that anybody gave, so that its transaction is found by what it says."""
        return names_none(self.named)

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Position in folding order: by kind, by seq_no, by time. Of two 1.6 stops, the first recorded counts."""
        if self.seq_no is None and self.kind == ENDED:
            return self.kind, 0, 0, self.arrival
        return self.kind, self.seq_no or 0, self.order_us, self.arrival


def by_event(kind: int, readings: Sequence[Reading]) -> Sequence[Reading]:
    """The readings of an event with the ranks that its kind gives them, in each series.

    The begin is the first reading of the Started event, the end the one of the Ended event that says so, or else its
    latest. A reading's own context (Transaction.Begin, Transaction.End) places it only where that leaves it open.
    """
    if len(readings) == 1 and readings[0].rank == _ONLY_RANKS[kind]:  # of most events, that is all
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
    """Whether a number is one of those that 1.6 stations say where they have none: 0, -1 (quirk 18)."""
    if number[:1] not in ("-", "0"):  # of most, that is all that has to be looked at
        return False
    try:
        return int(number) <= 0
    except ValueError:
        return False
