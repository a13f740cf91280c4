"""The tables of the report."""

import asyncio
import itertools
import os
import time
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from benchmarks import __main__ as command
from benchmarks import batches
from benchmarks.batches import Backlog, Delivered, drain, parse_backlog, parse_lanes, read_lanes
from benchmarks.errors import BenchmarkError
from benchmarks.loaders import Loaders
from benchmarks.measuring import Acknowledged, Measured, Plan, Target, measure
from benchmarks.open_loop import Fleet
from benchmarks.report import Cost, lanes_table, processes_table
from benchmarks.servers import Mesh, echo_server
from benchmarks.yardstick import station_ids

MEASURED = Measured(
    target="PostgreSQL",
    workload="MeterValues",
    stations=50,
    messages=1000,
    rate=5000,
    p50_ms=9,
    p99_ms=20,
    cpu_us={"gateway": 60.0, "transaction_svc": 40.0, "database": 50.0},
    system_share={"gateway": 0.25, "transaction_svc": 0.5, "database": 0.0},
    lanes={"boots": Delivered(items=0, batches=0), "transaction_events": Delivered(items=900, batches=30)},
    resident_bytes={},
    acknowledged=Acknowledged(),
)


def test_cpu_is_split_by_process() -> None:
    """User time and the kernel's add up to the whole."""
    last = processes_table([Cost(measured=MEASURED, e_us=25)]).splitlines()[-1]
    assert last.split()[3:] == ["45", "+", "15", "20", "+", "20", "50", "+", "0"]


def test_lanes_that_carried_something() -> None:
    """Items per batch and per message; idle lanes are left out."""
    lines = lanes_table([Cost(measured=MEASURED, e_us=25)]).splitlines()
    assert len(lines) == 4
    assert lines[-1].split()[3:] == ["transaction_events", "30", "900", "30.0", "0.90"]


def test_reads_what_prometheus_clients_write() -> None:
    """Two lanes, by their labels; other counters are none of ours."""
    registry = CollectorRegistry()
    items = Counter("csms_gateway_lane_items", "Items", ["lane"], registry=registry)
    batches = Counter("csms_gateway_lane_batches", "Batches", ["lane"], registry=registry)
    Counter("csms_gateway_quirk", "Other", ["label"], registry=registry).labels("x").inc()
    for lane, number in (("boots", 3), ("transaction_events", 40)):
        items.labels(lane).inc(number)
        batches.labels(lane).inc(2)
    found = parse_lanes(generate_latest(registry).decode())
    assert found == {"boots": Delivered(items=3, batches=2), "transaction_events": Delivered(items=40, batches=2)}
    assert found["transaction_events"] - found["boots"] == Delivered(items=37, batches=0)


async def test_a_gateway_without_metrics() -> None:
    """Said in one line."""
    with pytest.raises(BenchmarkError, match="metrics"):
        await read_lanes("http://127.0.0.1:1/metrics")


def test_the_backlog_of_all_buffers() -> None:
    registry = CollectorRegistry()
    depth = Gauge("csms_gateway_buffer_depth", "Depth", ["buffer"], registry=registry)
    dropped = Counter("csms_gateway_buffer_dropped", "Dropped", ["buffer"], registry=registry)
    for buffer, number in (("messages", 3), ("sightings", 4)):
        depth.labels(buffer).set(number)
        dropped.labels(buffer).inc(10 * number)
    assert parse_backlog(generate_latest(registry).decode()) == Backlog(waiting=7, dropped=70)


async def test_the_window_ends_when_the_log_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backlog is asked for until it is gone; one that stays fails the run."""
    waiting = iter((5, 2, 0))

    async def fetch(_url: str) -> str:
        return f"csms_gateway_buffer_depth {next(waiting)}\ncsms_gateway_buffer_dropped_total 9\n"

    monkeypatch.setattr(batches, "_fetch", fetch)
    monkeypatch.setattr(batches, "_POLL_S", 0.001)
    assert await drain("http://127.0.0.1:1/metrics") == 9
    assert next(waiting, None) is None
    waiting = itertools.repeat(1)
    monkeypatch.setattr(batches, "_DRAIN_S", 0.005)
    with pytest.raises(BenchmarkError, match="message log"):
        await drain("http://127.0.0.1:1/metrics")


def test_a_fleet_is_compared_with_a_small_one() -> None:
    """Our own processes count, the database's do not."""
    dear = Measured(**{**MEASURED.__dict__, "cpu_us": {"gateway": 70.0, "transaction_svc": 40.0, "database": 99.0}})
    fleet = Fleet(few=MEASURED, many=dear, gateway_kib_each=20)
    assert fleet.dearer == pytest.approx(0.10)
    assert "+10 % (≤ +15 %)" in fleet.describe()
    assert fleet.shortfall is None
    slow = Measured(**{**MEASURED.__dict__, "rate": 300})
    assert "only 300" in (Fleet(few=MEASURED, many=slow, gateway_kib_each=20).shortfall or "")
    assert fleet.to_json()["many"]["cpu_us_per_message"]["gateway"] == 70.0


async def test_an_open_loop_keeps_its_schedule() -> None:
    """As many messages as the rate says, however fast the server is."""
    plan = Plan(warm_up_s=0.1, window_s=0.5, windows=2, rate=200.0)
    async with echo_server() as target:
        ids = station_ids("Many", 10)
        found = await measure(target, workload="Mixed", stations=ids, plan=plan, load_processes=2)
    assert found.messages == 200
    assert found.rate < 205


async def test_an_open_loop_sees_every_wait() -> None:
    """One answer takes 0.3 s: what was due meanwhile counts from then, not from when it could be sent."""
    latencies_s = await paced_latencies(stall_s=0.3, seconds=0.5, rate=100.0)
    assert len(latencies_s) == 50
    late = [latency for latency in latencies_s if latency > 0.1]
    assert len(late) >= 15, "a closed loop would have seen one"


async def paced_latencies(*, stall_s: float, seconds: float, rate: float) -> Sequence[float]:
    """Of one station, whose first answer takes longer."""

    async def talk(connection: ServerConnection) -> None:
        wait_s = stall_s
        async for message in connection:
            await asyncio.sleep(wait_s)
            await connection.send(message)
            wait_s = 0

    async with (
        serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server,
        Loaders(processes=1) as loaders,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        order = {"host": "127.0.0.1", "port": port, "path": "/ocpp/", "workload": "Mixed", "boot": False}
        await loaders.share("connect", stations=["S1"], **order)
        began_s = time.perf_counter()
        (answer,) = await loaders.all("pace", seconds=seconds, record=True, rate=rate)
        assert time.perf_counter() - began_s >= seconds - 0.02
    return list(answer["latencies_s"])


async def test_a_failed_storm_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported at once, again at the end, and is one of the failures that the exit status is made of."""
    monkeypatch.setattr("benchmarks.extremes.Loaders.share", refuse)
    target = Target(name="SQLite", host="127.0.0.1", port=1, path="/ocpp/", roots={"gateway": os.getpid()})
    mesh = Mesh(target=target, operator_addresses={}, gateway_address="127.0.0.1:1", admin_password="none")
    found = command.Findings()
    await command.let_arrive(command.parse(["--storm", "2"]), mesh, found)
    failure = "SQLite: the storm failed: only 1 of 2 stations were accepted: ConnectionError('refused')"
    assert (found.failures, found.arrivals) == ([failure], {})
    assert command.summary(found) == [f"FAILED: {failure}"]


async def refuse(*_: object, **__: object) -> list[dict[str, object]]:
    """A load process that got half of its stations in."""
    return [{"accepted": 1, "seconds": 1.0, "failures": ["ConnectionError('refused')"]}]
