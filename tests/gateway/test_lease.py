"""The lease of a node: held while renewed in time, lost for good once it ran out."""

import asyncio
from collections.abc import Callable

from gateway import lease as lease_module
from gateway.lease import NodeLease
from mesh.errors import unavailable
from tests.waiting import until


class Stations:
    """station_svc, as far as leases go: `answer` gives the milliseconds, or raises."""

    def __init__(self, answer: Callable[[], int]) -> None:
        self.answer = answer

    async def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """See gateway.mesh_client.MeshClient."""
        assert node_id.startswith("gateway-")
        assert address == "127.0.0.1:1"
        assert timeout_s > 0
        return self.answer()


class Told:
    """What the lease told, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def taken(self) -> None:
        """The lease was taken."""
        self.events.append("taken")

    async def lost(self) -> None:
        """The lease was lost."""
        self.events.append("lost")


def _lease(answer: Callable[[], int]) -> tuple[NodeLease, Stations, Told]:
    stations, told = Stations(answer), Told()
    lease = NodeLease(mesh=stations, address="127.0.0.1:1", on_taken=told.taken, on_lost=told.lost)
    return lease, stations, told


def _away() -> int:
    raise unavailable("DATABASE_UNAVAILABLE", "away")


async def test_a_lease_is_held_once_it_was_given() -> None:
    """Not before the first answer."""
    lease, _, told = _lease(lambda: 600_000)
    held = [lease.held]
    for _ in range(2):
        await lease.renew()
        held.append(lease.held)
    assert held == [False, True, True]
    assert told.events == ["taken"]


async def test_a_failed_renewal_leaves_the_lease_until_it_runs_out() -> None:
    """One attempt may fail; the sockets stay."""
    lease, stations, told = _lease(lambda: 600_000)
    await lease.renew()
    stations.answer = _away
    await lease.renew()
    assert lease.held
    assert told.events == ["taken"]


async def test_a_lease_that_ran_out_is_lost_and_taken_again() -> None:
    """Others may have taken the stations meanwhile: every socket closes, then the node begins anew."""
    lease, stations, told = _lease(lambda: 1)
    await lease.renew()
    await until(lambda: not lease.held)
    stations.answer = _away
    await lease.renew()
    assert told.events == ["taken", "lost"]
    assert not lease.acquired.is_set()
    stations.answer = lambda: 600_000
    await lease.renew()
    assert told.events == ["taken", "lost", "taken"]


async def test_a_renewal_that_came_too_late_loses_the_lease_first() -> None:
    """station_svc has closed the records of our sockets by then: keeping them would hide the stations."""
    lease, stations, told = _lease(lambda: 1)
    await lease.renew()
    await until(lambda: not lease.held)
    stations.answer = lambda: 600_000
    await lease.renew()
    assert told.events == ["taken", "lost", "taken"]
    assert lease.held


async def test_it_renews_by_itself() -> None:
    """Several attempts fit into one lease."""
    asked = asyncio.Event()
    count = 0

    def answer() -> int:
        nonlocal count
        count += 1
        if count == lease_module.ATTEMPTS_PER_LEASE:
            asked.set()
        return 40

    lease, _, told = _lease(answer)
    task = asyncio.ensure_future(lease.run())
    async with asyncio.timeout(60):
        await asked.wait()
    task.cancel()
    assert told.events[0] == "taken"
