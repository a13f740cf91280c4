"""The items of one CALL down to the services, and their results back."""

from typing import Any

import pytest
from csms.common.v1.origin_pb2 import Origin

from gateway.batching.sinks import IngestUnavailableError, Waiter
from gateway.connection import ingest_plan
from gateway.connection.ingest_plan import OPTIONAL_BUDGET_S, STATION_BUDGET_S, IngestPlan
from gateway.ocpp.translation import IngestRpc

EVENTS, AUTHORIZE = IngestRpc.TRANSACTION_EVENTS, IngestRpc.AUTHORIZE


class FakeSink:
    """Keeps who waits, or answers at once."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.waiters: list[Waiter[Any]] = []
        self.deadlines: list[float] = []

    def submit(self, _item: Any, waiter: Waiter[Any], *, deadline_s: float) -> None:
        """See gateway.batching.sinks.ItemSink."""
        self.deadlines.append(deadline_s)
        if self.result is None:
            self.waiters.append(waiter)
        else:
            waiter.set_result(self.result)


class Asked:
    """A plan with two RPCs, of which one is optional, and what came of it."""

    def __init__(self, *, optional: bool = True, events: Any = None, authorize: Any = None) -> None:
        self.events, self.authorize = FakeSink(events), FakeSink(authorize)
        self.outcomes: list[Any] = []
        asked = IngestPlan(
            {EVENTS: Origin(), AUTHORIZE: Origin()},
            frozenset({AUTHORIZE} if optional else ()),
        )
        ingest_plan.submit(asked, {EVENTS: self.events, AUTHORIZE: self.authorize}, self.outcomes.append, now_s=100.0)


def test_it_is_done_when_the_last_result_is_there() -> None:
    """In whatever order they come."""
    asked = Asked()
    asked.authorize.waiters[0].set_result("b")
    assert not asked.outcomes
    asked.events.waiters[0].set_result("a")
    assert asked.outcomes == [{EVENTS: "a", AUTHORIZE: "b"}]
    assert asked.events.waiters[0].done()
    assert (asked.events.deadlines, asked.authorize.deadlines) == ([100 + STATION_BUDGET_S], [100 + OPTIONAL_BUDGET_S])


def test_results_that_are_there_at_once() -> None:
    """A sink may answer while it takes an item."""
    assert Asked(events="a", authorize="b").outcomes == [{EVENTS: "a", AUTHORIZE: "b"}]


def test_an_optional_service_may_be_away() -> None:
    """Then its result is missing, and the others count."""
    asked = Asked()
    asked.authorize.waiters[0].set_exception(IngestUnavailableError())
    asked.events.waiters[0].set_result("a")
    assert asked.outcomes == [{EVENTS: "a"}]


def test_any_other_may_not() -> None:
    """Nothing comes of it then, said once, whatever comes later."""
    asked = Asked(optional=False)
    asked.events.waiters[0].set_exception(IngestUnavailableError())
    assert asked.outcomes == [None]
    asked.authorize.waiters[0].set_result("b")
    assert asked.outcomes == [None]
    asked = Asked(optional=False)
    asked.events.waiters[0].set_exception(IngestUnavailableError())
    asked.authorize.waiters[0].set_exception(IngestUnavailableError())
    assert asked.outcomes == [None]


def test_an_item_that_cannot_be_sent_ends_it() -> None:
    """The caller gets the error, and no result that still comes from RPCs that were sent before."""
    events, outcomes = FakeSink(), list[Any]()
    asked = IngestPlan({EVENTS: Origin(), AUTHORIZE: Origin()})
    with pytest.raises(KeyError):
        ingest_plan.submit(asked, {EVENTS: events}, outcomes.append, now_s=100.0)
    events.waiters[0].set_exception(IngestUnavailableError())
    assert outcomes == []
