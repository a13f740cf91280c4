"""The ingest RPCs that one CALL needs: its items go to their sinks, and the results come back, without a task."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.batching.sinks import IngestUnavailableError, ItemSink
from gateway.ocpp.translation import IngestRpc, Items, Results

# How long a station waits for an answer before it gives up, by its usual settings; batchers try for as long.
STATION_BUDGET_S = 20.0
# Questions beside a message (is this token still good?) are not waited for as long.
OPTIONAL_BUDGET_S = 5.0

_NONE: frozenset[IngestRpc] = frozenset()


class IngestPlan(msgspec.Struct, frozen=True):
    """`items` to send, none where the gateway answers by itself; `inbound_call_plans.py` has the answer of each kind.

    Results of `optional` RPCs may be missing. `has_follow_up`: there may be further items to send once the results
    have arrived, before the CALL is answered. `is_late`: the message waited at the station (late_turns.py).
    """

    items: Items
    optional: frozenset[IngestRpc] = _NONE
    has_follow_up: bool = False
    is_late: bool = False


Done = Callable[[Results | None], None]
"""Takes the results; None where a service was unavailable for too long. Must not raise."""


def submit(plan: IngestPlan, sinks: Mapping[IngestRpc, ItemSink], done: Done, *, now_s: float) -> None:
    """Sends the items, all at once; calls `done` once, when each has its result or is waited for no more.

    That may be before this returns. `now_s` is the time by the loop's clock. Raises where an item cannot be sent; then
    `done` is not called.
    """
    items, optional = plan.items, plan.optional
    if len(items) == 1:  # as of nearly every CALL: then there is nothing to collect
        [name] = items
        waiter = _LoneWaiter(done, name, is_optional=name in optional)
        try:
            sinks[name].submit(items[name], waiter, deadline_s=now_s + _budget_s(name in optional))
        except Exception:
            waiter.forget()
            raise
        return
    collector = _Collector(len(items), done)
    try:
        for name, item in items.items():
            is_optional = name in optional
            sinks[name].submit(
                item, _Waiter(collector, name, is_optional=is_optional), deadline_s=now_s + _budget_s(is_optional)
            )
    except Exception:
        collector.forget()
        raise


def _budget_s(is_optional: bool) -> float:
    return OPTIONAL_BUDGET_S if is_optional else STATION_BUDGET_S


class _LoneWaiter:
    """Waits for the only item of a plan; see batching.sinks.Waiter."""

    __slots__ = ("_done", "_is_done", "_is_optional", "_name")

    def __init__(self, done: Done, name: IngestRpc, *, is_optional: bool) -> None:
        self._done = done
        self._name = name
        self._is_optional = is_optional
        self._is_done = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: Any) -> None:
        self._is_done = True
        self._done({self._name: result})

    def set_exception(self, _error: IngestUnavailableError) -> None:
        self._is_done = True
        self._done({} if self._is_optional else None)

    def forget(self) -> None:
        self._is_done = True


class _Collector:
    """Collects the results of one plan."""

    __slots__ = ("_done", "_missing", "_results")

    def __init__(self, count: int, done: Done) -> None:
        self._missing = count
        self._done = done
        self._results: dict[IngestRpc, Any] = {}

    def take(self, name: IngestRpc, result: Any) -> None:
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
    """Waits for one item of a plan; see batching.sinks.Waiter. Cheaper than a future; needs no task."""

    __slots__ = ("_collector", "_is_done", "_is_optional", "_name")

    def __init__(self, collector: _Collector, name: IngestRpc, *, is_optional: bool) -> None:
        self._collector = collector
        self._name = name
        self._is_optional = is_optional
        self._is_done = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: Any) -> None:
        self._is_done = True
        self._collector.take(self._name, result)

    def set_exception(self, _error: IngestUnavailableError) -> None:
        self._is_done = True
        if self._is_optional:
            self._collector.go_without()
        else:
            self._collector.give_up()
