"""The people at a connector: when they come, with which vehicle and id tag, how they leave. Pure but for `random`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from simulator.connector import Connector
from simulator.events import Status
from simulator.vehicle import Vehicle

MINUTE_MS = 60_000
_RESERVED_COME = 0.2  # each minute, while they are expected
Swipe = Callable[[Connector, str], None]
"""Notifies the station that somebody held an id tag to its reader: to start at a connector, or to stop there."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A kind of vehicle: usable battery in Wh, what its charger takes in W."""

    capacity_wh: int
    max_power_w: int


MODELS = (
    Model(capacity_wh=18_000, max_power_w=3_700),
    Model(capacity_wh=38_000, max_power_w=7_400),
    Model(capacity_wh=58_000, max_power_w=11_000),
    Model(capacity_wh=77_000, max_power_w=11_000),
    Model(capacity_wh=52_000, max_power_w=22_000),
)


class Leaving(Enum):
    """How a driver ends a visit."""

    SWIPE = auto()  # stops with the id tag, then unplugs
    UNPLUG = auto()  # just pulls the cable
    REMOTE = auto()  # somebody else stops it; the driver only unplugs, in the end


class _Phase(Enum):
    AWAY = auto()
    PLUGGED = auto()  # on the way from the cable to the reader
    DOUBTING = auto()  # nothing charges: was the tag refused, did somebody stop it?
    WAITING = auto()
    LEAVING = auto()


class IdTags:
    """The id tags of all drivers of a fleet; nobody is at two connectors at once while there are enough of them."""

    def __init__(self, *, id_tags: Sequence[str], random: Random) -> None:
        self._all = tuple(id_tags)
        self._free = list(id_tags)
        self._random = random

    def take(self) -> str:
        """An id tag for a visit."""
        if not self._free:
            return self._random.choice(self._all)
        return self._free.pop(self._random.randrange(len(self._free)))

    def give_back(self, id_tag: str) -> None:
        """Ends a visit."""
        if id_tag in self._all and id_tag not in self._free:
            self._free.append(id_tag)


class Driver:
    """Uses one connector now and then: arrives, plugs in, swipes, stays a while, leaves.

    Also plugs a vehicle in where a remote start waits for one, and comes with the tag that a connector is reserved for,
    or does not. `advance` moves it on; it acts on the connector and calls `swipe`, whose answer it sees in the
    connector's state.
    """

    def __init__(self, *, connector: Connector, random: Random, id_tags: IdTags, swipe: Swipe) -> None:
        self._connector = connector
        self._random = random
        self._id_tags = id_tags
        self._swipe = swipe
        self._phase = _Phase.AWAY
        self._leaving = Leaving.SWIPE
        self._id_tag = ""
        self._patience_ms: int | None = None
        self._next_ms = random.randrange(MINUTE_MS // 6, 6 * MINUTE_MS)

    @property
    def connector_id(self) -> int:
        """The connector that it uses."""
        return self._connector.connector_id

    def advance(self, now_ms: int) -> None:
        """Acts where it is time to."""
        charging = self._connector.transaction is not None
        if self._phase is _Phase.AWAY and self._connector.waits_for_vehicle:
            self._answer_remote_start(now_ms)
        elif self._phase is _Phase.DOUBTING and charging:
            self._stay(now_ms)
        elif self._phase is _Phase.WAITING and not charging:
            self._doubt(now_ms)
        elif now_ms >= self._next_ms:
            self._act(now_ms)

    def _act(self, now_ms: int) -> None:
        match self._phase:
            case _Phase.AWAY:
                self._arrive(now_ms)
            case _Phase.PLUGGED:
                self._identify(now_ms)
            case _Phase.WAITING:
                self._finish(now_ms)
            case _Phase.DOUBTING | _Phase.LEAVING:
                self._leave(now_ms)

    def _answer_remote_start(self, now_ms: int) -> None:
        """Somebody started from an app: they stand by with their vehicle."""
        if self._patience_ms is None:
            self._patience_ms = now_ms + self._random.randrange(5_000, 20_000)
        elif now_ms >= self._patience_ms:
            self._patience_ms = None
            self._connector.plug_in(self._choose_vehicle())
            self._doubt(now_ms)

    def _arrive(self, now_ms: int) -> None:
        id_tag = self._choose_tag()
        if id_tag is None:
            self._next_ms = now_ms + MINUTE_MS
            return
        self._id_tag = id_tag
        self._connector.plug_in(self._choose_vehicle())
        self._phase = _Phase.PLUGGED
        self._next_ms = now_ms + self._random.randrange(5_000, 20_000)

    def _identify(self, now_ms: int) -> None:
        if self._connector.transaction is None:
            self._swipe(self._connector, self._id_tag)
        self._doubt(now_ms)

    def _doubt(self, now_ms: int) -> None:
        self._phase = _Phase.DOUBTING
        self._next_ms = now_ms + self._random.randrange(MINUTE_MS, 3 * MINUTE_MS)

    def _stay(self, now_ms: int) -> None:
        self._phase = _Phase.WAITING
        self._leaving = self._random.choices(list(Leaving), weights=(6, 3, 1))[0]
        self._next_ms = now_ms + self._random.randrange(20 * MINUTE_MS, 70 * MINUTE_MS)

    def _finish(self, now_ms: int) -> None:
        if self._leaving is Leaving.SWIPE and self._connector.transaction is not None:
            self._swipe(self._connector, self._connector.transaction.id_tag)
        longest = 15 * MINUTE_MS if self._leaving is Leaving.REMOTE else MINUTE_MS
        self._phase = _Phase.LEAVING
        self._next_ms = now_ms + self._random.randrange(5_000, longest)

    def _leave(self, now_ms: int) -> None:
        self._connector.unplug()
        self._id_tags.give_back(self._id_tag)
        self._phase = _Phase.AWAY
        self._next_ms = now_ms + self._random.randrange(2 * MINUTE_MS, 20 * MINUTE_MS)

    def _choose_tag(self) -> str | None:
        """Of a driver who may use the connector, or None where nobody comes now."""
        if self._connector.status is Status.AVAILABLE:
            return self._id_tags.take()
        if self._connector.status is Status.RESERVED and self._random.random() < _RESERVED_COME:
            return self._connector.reserved_for
        return None

    def _choose_vehicle(self) -> Vehicle:
        model = self._random.choice(MODELS)
        return Vehicle(
            capacity_wh=model.capacity_wh,
            max_power_w=model.max_power_w,
            soc=self._random.uniform(0.1, 0.75),
            target_soc=self._random.choice((0.8, 0.8, 0.9, 1.0)),
        )
