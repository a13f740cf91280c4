"""Quirks and conditions of one station, from when they are found until they are reported to station_svc."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from csms.station.v1 import station_pb2

UNRESPONSIVE = station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE
CLOCK_SKEW = station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
BOOT_REFUSED = station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED
Conditions = dict[station_pb2.StationConditionType.ValueType, int]
"""Sizes of conditions of a station, as in csms.station.v1.ConditionReport."""
PresentConditions = Mapping[station_pb2.StationConditionType.ValueType, int | None]
"""The same, of all conditions; None is a size that is not known."""


class StationReports:
    """Counts quirks; compares conditions with those that were reported. Build it in the thread of the event loop.

    `count` counts a quirk in the metrics too.
    """

    def __init__(self, *, count: Callable[[str, str], None], quirks: Iterable[str] = ()) -> None:
        self.quirks: Counter[str] = Counter()
        self._count = count
        self._reported: Conditions = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        for quirk in quirks:
            self.note_quirk(quirk)

    def note_quirk(self, name: str) -> None:
        """Counts a known fault of the station's software."""
        self.quirks[name] += 1
        self._count("quirk", name)

    def note_quirk_from_anywhere(self, name: str) -> None:
        """The same, from any thread."""
        if threading.get_ident() == self._thread:
            self.note_quirk(name)
        else:
            self._loop.call_soon_threadsafe(self.note_quirk, name)

    def take_quirks(self) -> dict[str, int]:
        """The faults met since the last call."""
        quirks = dict(self.quirks)
        self.quirks.clear()
        return quirks

    def changed(self, present: PresentConditions) -> Conditions:
        """Conditions whose size has changed since they were last reported."""
        return {kind: size for kind, size in present.items() if size is not None and size != self._reported.get(kind)}

    def take_changed(self, present: PresentConditions) -> Conditions:
        """The same, reported from now on; of refused boots, how many more there are."""
        news = self.changed(present)
        refused = news.get(BOOT_REFUSED)
        before = self._reported.get(BOOT_REFUSED, 0)
        self._reported |= news
        return news | {BOOT_REFUSED: refused - before} if refused else news
