"""The lease of a node: held while renewed in time, lost for good once it ran out."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway import lease as lease_module
from gateway.lease import NodeLease
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from tests.waiting import PATIENCE_S, until


class Stations:
    """station_svc, as far as leases go: `answer` gives the milliseconds, or raises."""

    def __init__(self, answer: Callable[[], int]) -> None:
        self.answer = answer

    def close(self) -> None:
        """See gateway.lease.Stations."""

    def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """See gateway.lease.Stations."""
        assert node_id.startswith("gateway-")
        assert address == "127.0.0.1:1"
        assert timeout_s > 0
        return self.answer()


class Told:
    """The notifications of the lease, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def taken(self) -> None:
        """The lease was taken."""
        self.events.append("taken")

    async def lost(self) -> None:
        """The lease was lost."""
        self.events.append("lost")


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 1_000.0


def _lease(answer: Callable[[], int]) -> tuple[NodeLease, Stations, Told, Clock]:
    stations, told, clock = Stations(answer), Told(), Clock()
    lease = NodeLease(
        stations=stations, address="127.0.0.1:1", on_taken=told.taken, on_lost=told.lost, clock_s=lambda: clock.now_s
    )
    return lease, stations, told, clock


def _unavailable() -> int:
    raise unavailable(Reason.DATABASE_UNAVAILABLE, "unavailable")


@asynccontextmanager
async def _running(lease: NodeLease) -> AsyncIterator[None]:
    """The lease with its thread."""
    task = asyncio.ensure_future(lease.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_lease_is_held_once_it_was_given() -> None:
    """Not before the first answer."""
    lease, _, _, _ = _lease(lambda: 600_000)
    held = [lease.held]
    for _ in range(2):
        lease.renew()
        held.append(lease.held)
    assert held == [False, True, True]
    assert lease.term == 1


async def test_a_failed_renewal_leaves_the_lease_until_it_runs_out() -> None:
    """One attempt may fail; the sockets stay."""
    lease, stations, _, clock = _lease(lambda: 12_000)
    lease.renew()
    stations.answer = _unavailable
    clock.now_s += 11.9
    lease.renew()
    assert lease.holds(1)
    clock.now_s += 0.2
    assert not lease.holds(1)


async def test_a_renewal_that_came_too_late_loses_the_lease_first() -> None:
    """station_svc has closed the records of our sockets by then: what was let in before is no longer ours."""
    lease, _, _, clock = _lease(lambda: 12_000)
    lease.renew()
    clock.now_s += 12.1
    lease.renew()
    assert lease.held
    assert not lease.holds(1)
    assert lease.holds(2)


async def test_sockets_are_closed_when_the_lease_was_lost() -> None:
    """Others may have taken the stations meanwhile: every socket closes, then the node begins anew."""
    lease, stations, told, clock = _lease(lambda: 400)
    async with _running(lease):
        await until(lambda: told.events == ["taken"])
        stations.answer = _unavailable
        clock.now_s += 1
        await until(lambda: told.events == ["taken", "lost"])
        assert not lease.acquired.is_set()
        stations.answer = lambda: 400
        await until(lambda: told.events == ["taken", "lost", "taken"])
        assert lease.term == 2


async def test_a_busy_event_loop_holds_up_no_renewal() -> None:
    """Nothing that a station sends costs the node its lease: the loop does not run here for five leases' time."""
    renewals = 0
    enough = threading.Event()

    def answer() -> int:
        nonlocal renewals
        renewals += 1
        if renewals >= 5 * lease_module.ATTEMPTS_PER_LEASE:
            enough.set()
        return 200

    lease, _, told, _ = _lease(answer)
    async with _running(lease):
        await until(lambda: told.events == ["taken"])
        assert enough.wait(PATIENCE_S)  # blocks the loop
        assert lease.holds(1)
        await asyncio.sleep(0)
        assert told.events == ["taken"]


async def test_an_unforeseen_error_does_not_end_the_renewals() -> None:
    """Without its thread a node would lose its lease, and stay without."""
    answers = iter([ValueError("unforeseen")])

    def answer() -> int:
        for error in answers:
            raise error
        return 600_000

    lease, _, told, _ = _lease(answer)
    async with _running(lease):
        await until(lambda: told.events == ["taken"])


@pytest.mark.parametrize("took_s", [0.01, 1.5], ids=["refused", "unanswered"])
@pytest.mark.parametrize("phase_s", [0.0, 0.01, 1.0, 2.0, 2.95])
async def test_an_outage_of_10_s_costs_no_lease_of_12(took_s: float, phase_s: float) -> None:
    """Begun right after a renewal, wherever that is between two beats; attempts fail at once, or take their time."""
    lease, _, _, _ = _lease(lambda: 12_000)
    begin_s = 9_000.0 + phase_s
    lease.renew()
    at_s = begin_s + lease.until_next_s(renewed=True, took_s=0.01, now_s=begin_s)
    while at_s < begin_s + 10:  # attempts that fail
        at_s += took_s
        at_s += lease.until_next_s(renewed=False, took_s=took_s, now_s=at_s)
    assert at_s < begin_s + 11.75


async def test_renewals_that_succeed_come_four_times_in_a_lease() -> None:
    lease, _, _, _ = _lease(lambda: 12_000)
    lease.renew()
    assert lease.until_next_s(renewed=True, took_s=0.01, now_s=9_000.0) == 3.0
