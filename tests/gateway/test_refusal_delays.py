"""How long the refusals of wrong credentials wait."""

import asyncio

import pytest

from gateway.websocket.refusal_delays import FORGET_S, MOST_DELAY_S, MOST_WAITING, MOST_WAITING_EACH, RefusalDelays


class Clock:
    """Seconds that pass when a test moves them."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


class Rig:
    """Delays, and what they counted."""

    def __init__(self, most_remembered: int = 100) -> None:
        self.clock = Clock()
        self.counted: list[str] = []
        self.delays = RefusalDelays(
            clock_s=self.clock,
            count=lambda kind, label: self.counted.append(f"{kind}:{label}"),
            most_remembered=most_remembered,
        )

    def failures(self, count: int, station: str = "CP1", address: str = "192.0.2.1") -> list[float]:
        """The delays of so many failures in a row."""
        return [self.delays.note((("default", station), address)) for _ in range(count)]


@pytest.fixture
async def rig() -> Rig:
    """Delays that remember a hundred."""
    return Rig()


async def test_delays_double_up_to_a_bound(rig: Rig) -> None:
    """The first may be a slip; after a thousand it is not longer than a handshake may take."""
    assert rig.failures(8) == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, MOST_DELAY_S]
    assert rig.failures(1000)[-1] == MOST_DELAY_S


async def test_delays_are_each_stations_and_each_addresss(rig: Rig) -> None:
    """Neighbours of an attacker, and the station whose name it uses, are not delayed."""
    rig.failures(5)
    assert rig.failures(1, station="CP2") == [0.0]
    assert rig.failures(1, address="192.0.2.2") == [0.0]
    assert rig.failures(1) == [4.0]


async def test_failures_are_forgotten(rig: Rig) -> None:
    """After ten minutes without one, and by a right credential from there."""
    rig.failures(5)
    rig.clock.now_s += FORGET_S + 1
    assert rig.failures(2) == [0.0, 0.25]
    rig.delays.succeeded(("default", "CP1"), "192.0.2.2")
    assert rig.failures(1) == [0.5]
    rig.delays.succeeded(("default", "CP1"), "192.0.2.1")
    assert rig.failures(1) == [0.0]


async def test_memory_is_bounded() -> None:
    """The pair whose last attempt is oldest is forgotten first."""
    rig = Rig(most_remembered=3)
    for number in range(1000):
        rig.failures(2, station=f"CP{number}")
    assert rig.failures(1, station="CP999") == [0.5]
    assert rig.failures(1, station="CP0") == [0.0]


async def test_addresses_of_one_network_count_as_one(rig: Rig) -> None:
    """The owner of one IPv6 address has 2^64 of them."""
    rig.delays.release()
    for number in range(1, 4):
        await rig.delays.delay(("default", "CP1"), f"2001:db8::{number:x}")
    assert rig.failures(1, address="2001:db8::/64") == [1.0]
    await rig.delays.delay(("default", "CP1"), "fe80::1%eth0")
    await rig.delays.delay(("default", "CP1"), "")


async def test_those_who_wait_are_bounded_and_let_go(rig: Rig) -> None:
    """Each pair has its share, all together have theirs; the rest are refused at once, and a stop waits for none."""
    waiting: list[asyncio.Task[None]] = []

    async def begin(station: str, count: int) -> None:
        rig.failures(20, station=station)
        waiting.extend(asyncio.create_task(rig.delays.delay(("default", station), "192.0.2.1")) for _ in range(count))
        await asyncio.sleep(0)

    await begin("CP1", MOST_WAITING_EACH + 5)
    assert rig.counted.count("credential_refusal:at_once") == 5
    for number in range(2, MOST_WAITING // MOST_WAITING_EACH + 3):
        await begin(f"CP{number}", MOST_WAITING_EACH)
    assert rig.counted.count("credential_refusal:delayed") == MOST_WAITING
    rig.delays.release()
    async with asyncio.timeout(60):
        await asyncio.gather(*waiting)


async def test_a_delay_passes_by_itself(rig: Rig) -> None:
    """In real time."""
    rig.failures(1)
    begin_s = asyncio.get_running_loop().time()
    await rig.delays.delay(("default", "CP1"), "192.0.2.1")
    assert asyncio.get_running_loop().time() - begin_s >= 0.24
