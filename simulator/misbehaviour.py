"""Faults that a station can be configured to have, by the numbers of the quirks of real charge points.

A station that misbehaves is a real one in all else: it keeps its messages, and sends them again where they failed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

QUIRKS: Mapping[int, str] = {
    1: "offers no WebSocket sub-protocol",
    2: "asks for //ID, ///ID, ID/ and a percent-encoded ID in turn, one with each connection",
    3: "before each connection opens one for 1.6 without a word, then one for 2.0.1 that talks like 1.6",
    4: "answers no WebSocket pings",
    5: "after every 20th CALL leaves its socket open and silent, and connects anew; the old one is closed later",
    6: "sends the 12th CALL of each connection compressed, which was not negotiated",
    7: "sends its key in the other form: one that is hexadecimal as bytes, another one as hexadecimal",
    8: "sends no BootNotification but the very first, not even after a restart",
    9: "answers no CALL",
    10: 'sends every other MeterValues of a transaction as no JSON at first ("transactionId":,), then properly',
    11: "writes its times without a zone, with +02, and with a space for T, in turn",
    12: "has a wrong clock: 1970 where its id ends in an even digit, else local time labelled Z (two hours ahead)",
    13: "takes a boot's answer only where its time is YYYY-MM-DDTHH:MM:SSZ, with or without milliseconds; boots again",
    14: "sends meter values as numbers, in spaces, empty, and as n/a, in turn; energy only as the first two",
    15: "adds an entry with an empty sampledValue list to MeterValues",
    16: 'sends errorCode "Error", and a frequency in Hz with its meter values',
    17: "has id tags of 40 characters",
    18: "stops transaction -1, 0, and one that never was, in turn",
    19: "sends each CALL twice at once, and counts its message ids from 1 at each boot",
    20: "takes the first answer to a start or a stop for a failure, and sends it again under a new message id",
    21: "stops with meter -1, with 0, or after its counter was reset in the middle, by the transaction's number",
    22: "sends a last MeterValues after StopTransaction",
    24: "restarts after each ChangeConfiguration that it accepts",
    25: "connects at full tens of seconds only, at once with all that do the same",
}
UNSHOWN: Mapping[int, str] = {23: "is of 2.x transaction events; these stations speak 1.6"}

EACH = "each"


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Quirks for the stations whose ids match a pattern (`*`, `?`, `[1-3]`). `each`: quirk n for the nth station."""

    pattern: str = "*"
    quirks: frozenset[int] = frozenset()
    each: bool = False


def parse_assignment(text: str) -> Assignment:
    """Reads `14,21`, `CP00[1-3]:14,21`, `each`. Raises ValueError with a message for people."""
    pattern, colon, listed = text.rpartition(":")
    pattern = pattern if colon else "*"
    if listed.strip() == EACH:
        return Assignment(pattern=pattern, each=True)
    numbers = set()
    for word in filter(None, map(str.strip, listed.split(","))):
        if not word.isdigit() or int(word) not in {*QUIRKS, *UNSHOWN}:
            raise ValueError(f"{word!r} is no quirk: numbers from 1 to {max(QUIRKS)} are")
        if int(word) in UNSHOWN:
            raise ValueError(f"quirk {word} cannot be shown: it {UNSHOWN[int(word)]}")
        numbers.add(int(word))
    if not pattern or not numbers:
        raise ValueError("quirk numbers are needed, for some stations or for all: 14,21 or CP00*:14,21")
    return Assignment(pattern=pattern, quirks=frozenset(numbers))


def quirks_of(station_id: str, number: int, assignments: Iterable[Assignment]) -> frozenset[int]:
    """The quirks of a station, the nth of its fleet, by all the assignments that are for it."""
    found: set[int] = set()
    for assignment in assignments:
        if not fnmatchcase(station_id, assignment.pattern):
            continue
        found |= assignment.quirks
        if assignment.each:
            found.add((number - 1) % max(QUIRKS) + 1)
    return frozenset(found & QUIRKS.keys())


def table() -> str:
    """All quirks, a line each."""
    lines = {**QUIRKS, **{number: f"cannot be shown: it {why}" for number, why in UNSHOWN.items()}}
    return "\n".join(f"{number:>3}  {lines[number]}" for number in sorted(lines))
