"""Reports in parts, and how a part changes one. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from mesh.runtime.times import SECOND_US
from station_svc.core.rows import Frame

# csms.station.v1.PartialReportState
REQUESTED = 1
RECEIVING = 2
COMPLETE = 3
INCOMPLETE = 4
EMPTY = 5
REFUSED = 6

SILENCE_US = 600 * SECOND_US
"""A report counts as incomplete once no part has come for so long."""

MOST_RANGES = 1000
"""Most runs of part numbers that are remembered: a station that leaves more holes is not followed further."""

MOST_MISSING = 100

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a report. `number` is None where the version gives parts none: then they count as they come.

    A part without a number that comes after the last one is that one or an earlier one again: it does not make the
    report wait for another.
    """

    report_id: int
    number: int | None
    to_be_continued: bool


@dataclass(frozen=True, kw_only=True)
class PartialReportRow:
    """A report in parts. `ranges` are the runs of part numbers that arrived, as JSON, in order.

    `is_whole`: it was requested without any criterion, so that it has all that there is. `epoch` and `ordinal` are of
    the latest frame with a part.
    """

    tenant_id: str
    station_id: str
    kind: str
    report_id: int
    state: int
    ranges: str = "[]"
    last_part: int | None = None
    parts: int = 0
    doubled_parts: int = 0
    is_whole: int = 0
    station_made: int = 0
    epoch: int = 0
    ordinal: int = 0
    create_us: int
    update_us: int

    def after(self, now_us: int) -> "PartialReportRow":
        """Itself as time has left it."""
        stalled = self.state == RECEIVING and self.update_us + SILENCE_US < now_us
        return replace(self, state=INCOMPLETE) if stalled else self

    def with_part(self, part: Part, frame: Frame) -> "PartialReportRow | None":
        """Itself with a part; None for a frame that was taken already, which changes nothing."""
        is_late = frame.version <= (self.epoch, self.ordinal)
        number = self.parts if part.number is None else part.number
        ranges = _decode(self.ranges)
        is_there = any(first <= number <= last for first, last in ranges)
        if is_late and (is_there or part.number is None):
            return None
        epoch, ordinal = max(frame.version, (self.epoch, self.ordinal))
        row = replace(self, epoch=epoch, ordinal=ordinal, update_us=max(self.update_us, frame.receive_us))
        if is_there or (part.number is None and self.state == COMPLETE):
            return replace(row, doubled_parts=self.doubled_parts + 1)
        ranges = _with(ranges, number)
        if len(ranges) > MOST_RANGES:
            return row
        last_part = self.last_part if part.to_be_continued else number
        state = RECEIVING if last_part is None else INCOMPLETE
        if last_part is not None and ranges == [(0, last_part)]:
            state = COMPLETE
        encoded = msgspec.json.encode(ranges).decode()
        return replace(row, ranges=encoded, parts=self.parts + 1, last_part=last_part, state=state)

    @property
    def missing_parts(self) -> Sequence[int]:
        """Numbers below the highest that arrived, or below the last, which did not arrive; at most MOST_MISSING."""
        return list(_first(_holes(_decode(self.ranges)), MOST_MISSING))


def _decode(text: str) -> list[Range]:
    return msgspec.json.decode(text, type=list[Range])


def _with(ranges: Sequence[Range], number: int) -> list[Range]:
    """The runs with one more number, runs that touch each other joined."""
    joined: list[Range] = []
    for first, last in sorted([*ranges, (number, number)]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _holes(ranges: Sequence[Range]) -> Iterator[int]:
    expected = 0
    for first, last in ranges:
        yield from range(expected, first)
        expected = last + 1


def _first(numbers: Iterator[int], most: int) -> Iterator[int]:
    for _index, number in zip(range(most), numbers, strict=False):
        yield number
