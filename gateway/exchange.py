"""What one CALL asks of the services: its items go down their lanes, and their results come back, without a task."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.lanes import LaneUnavailableError, Way
from gateway.ocppj import Payload
from gateway.translation import Items, LaneName, Results

# How long a station waits for an answer before it gives up, by its usual settings; lanes try for as long.
STATION_BUDGET_S = 20.0
# What is only asked beside a message (is this token still good?) is not waited for as long.
OPTIONAL_BUDGET_S = 5.0

_NONE: frozenset[LaneName] = frozenset()


class Exchange(msgspec.Struct, frozen=True):
    """`items` to send, none where the gateway answers by itself; `answer(results)` makes the CALLRESULT's payload.

    It raises RefusalError where the CALL is to be refused. Results of `optional` lanes may be missing.
    `follow_up(results)` says what is to be exchanged before that, once the results of this exchange are there; the
    exchange that it returns makes the answer in its place. None where there is nothing more to send.
    """

    items: Items
    answer: Callable[[Results], Payload]
    optional: frozenset[LaneName] = _NONE
    follow_up: "Callable[[Results], Exchange | None] | None" = None


Done = Callable[[Results | None], None]
"""Takes the results; None where a service was away for too long. Must not raise."""


def submit(exchange: Exchange, lanes: Mapping[LaneName, Way], done: Done, *, now_s: float) -> None:
    """Sends the items, all at once; calls `done` once, when each has its result or is waited for no more.

    That may be before this returns. `now_s` is the time by the loop's clock. Raises where an item cannot be sent; then
    `done` is not called.
    """
    items, optional = exchange.items, exchange.optional
    if len(items) == 1:  # as of nearly every CALL: then there is nothing to collect
        [name] = items
        waiter = _LoneWaiter(done, name, is_optional=name in optional)
        try:
            lanes[name].submit(items[name], waiter, deadline_s=now_s + _budget_s(name in optional))
        except Exception:
            waiter.forget()
            raise
        return
    collector = _Collector(len(items), done)
    try:
        for name, item in items.items():
            is_optional = name in optional
            lanes[name].submit(
                item, _Waiter(collector, name, is_optional=is_optional), deadline_s=now_s + _budget_s(is_optional)
            )
    except Exception:
        collector.forget()
        raise


def _budget_s(is_optional: bool) -> float:
    return OPTIONAL_BUDGET_S if is_optional else STATION_BUDGET_S


class _LoneWaiter:
    """Waits for the only item of an exchange; see gateway.lanes.Waiter."""

    __slots__ = ("_done", "_is_optional", "_is_told", "_name")

    def __init__(self, done: Done, name: LaneName, *, is_optional: bool) -> None:
        self._done = done
        self._name = name
        self._is_optional = is_optional
        self._is_told = False

    def done(self) -> bool:
        return self._is_told

    def set_result(self, result: Any) -> None:
        self._is_told = True
        self._done({self._name: result})

    def set_exception(self, _error: LaneUnavailableError) -> None:
        self._is_told = True
        self._done({} if self._is_optional else None)

    def forget(self) -> None:
        self._is_told = True


class _Collector:
    """Collects the results of one exchange."""

    __slots__ = ("_done", "_missing", "_results")

    def __init__(self, count: int, done: Done) -> None:
        self._missing = count
        self._done = done
        self._results: dict[LaneName, Any] = {}

    def take(self, name: LaneName, result: Any) -> None:
        self._results[name] = result
        self.go_without()

    def go_without(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._done(self._results)

    def give_up(self) -> None:
        if self._missing > 0:
            self.forget()
            self._done(None)

    def forget(self) -> None:
        self._missing = 0  # what still comes counts below it


class _Waiter:
    """Waits for one item of an exchange; see gateway.lanes.Waiter. Cheaper than a future, and needs no task."""

    __slots__ = ("_collector", "_is_optional", "_is_told", "_name")

    def __init__(self, collector: _Collector, name: LaneName, *, is_optional: bool) -> None:
        self._collector = collector
        self._name = name
        self._is_optional = is_optional
        self._is_told = False

    def done(self) -> bool:
        return self._is_told

    def set_result(self, result: Any) -> None:
        self._is_told = True
        self._collector.take(self._name, result)

    def set_exception(self, _error: LaneUnavailableError) -> None:
        self._is_told = True
        if self._is_optional:
            self._collector.go_without()
        else:
            self._collector.give_up()
