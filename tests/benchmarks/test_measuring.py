"""The whole chain on the yardstick: load processes, windows, CPU time; and what the table and the ledger make of it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from benchmarks.__main__ import parse
from benchmarks.errors import BenchmarkError
from benchmarks.loaders import Loaders
from benchmarks.measuring import Acknowledged, Measured, Plan, measure
from benchmarks.operator_calls import check_ledger
from benchmarks.report import Cost, align, table
from benchmarks.servers import echo_server
from benchmarks.yardstick import station_ids

# The window, what is done after it, and the patience of a machine that is busy with other things.
MOST_WINDOW_S = 60.0
SHORT = Plan(warm_up_s=0.1, window_s=1.0, windows=2)


async def test_measures_the_echo_server() -> None:
    """Two processes of load, ten stations: the figures of the same messages agree, however fast the machine is."""
    async with echo_server() as target:
        found = await measure(
            target, workload="Heartbeat", stations=station_ids("Heartbeat", 10), plan=SHORT, load_processes=2
        )
    assert found.messages > 0
    # Both windows have the same length: the median of their rates is no further from the mean than the total.
    assert 0 < found.rate <= found.messages / SHORT.window_s
    assert 0 < found.p50_ms <= found.p99_ms <= 1000 * MOST_WINDOW_S
    cpu_s = found.cpu_us["echo"] * found.messages / 1e6
    assert 0 < cpu_s < SHORT.windows * MOST_WINDOW_S * (os.cpu_count() or 1)
    assert found.acknowledged == Acknowledged()


@asynccontextmanager
async def answering(answers: list[str]) -> AsyncIterator[int]:
    """A server that answers each message with the next of `answers`, `{id}` being the message's; then it closes."""

    async def talk(connection: ServerConnection) -> None:
        for answer in answers:
            text = str(await connection.recv())
            await connection.send(answer.replace("{id}", text.split('"')[1]))
        await connection.close(1011, "that was all")

    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        (['[3,"{id}",{"status":"Pending","interval":1,"currentTime":"2026-01-31T12:00:00Z"}]'], "Pending"),
        (['[4,"{id}","InternalError","told to",{}]'], "InternalError"),
        (['[3,"other",{}]'], "not the answer"),
        ([], "closes|closed"),
    ],
)
async def test_a_server_that_fails_ends_the_run(answers: list[str], complaint: str) -> None:
    """A refused boot, a CALLERROR, a foreign answer, a closed socket: none of them is a measurement."""
    async with answering(answers) as port, Loaders(processes=1) as loaders:
        with pytest.raises(BenchmarkError, match=complaint):
            await loaders.share(
                "connect", stations=["S1"], host="127.0.0.1", port=port, path="/ocpp/", workload="Heartbeat", boot=True
            )


async def test_nobody_listens() -> None:
    """Said in one line."""
    async with Loaders(processes=1) as loaders:
        with pytest.raises(BenchmarkError, match="could not connect"):
            await asyncio.wait_for(
                loaders.share(
                    "connect", stations=["S1"], host="127.0.0.1", port=1, path="/ocpp/", workload="Heartbeat", boot=True
                ),
                120,
            )


async def test_a_storm_counts_who_was_accepted() -> None:
    """Each of the stations connects, boots and stays; a command that comes meanwhile is answered."""
    commanded: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        for _ in range(2):
            message_id = str(await connection.recv()).split('"')[1]
            boot = '{"status":"Accepted","interval":300,"currentTime":"2026-01-31T12:00:00Z"}'
            await connection.send(f'[3,"{message_id}",{boot}]')
        await connection.send('[2,"c-7","ClearCache",{}]')
        answer = await connection.recv()
        if not commanded.done():
            commanded.set_result(answer)
        await connection.wait_closed()

    async with (
        serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server,
        Loaders(processes=1) as loaders,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        ids = [f"S{n}" for n in range(40)]
        (answer,) = await loaders.share("storm", stations=ids, host="127.0.0.1", port=port, path="/ocpp/")
        assert (answer["accepted"], answer["failures"]) == (40, [])
        assert await asyncio.wait_for(commanded, 60) == '[3,"c-7",{"status":"Accepted"}]'


def measured(**cpu_us: float) -> Measured:
    """A measurement of MeterValues with 50 stations."""
    return Measured(
        target="PostgreSQL",
        workload="MeterValues",
        stations=50,
        messages=1000,
        rate=5000,
        p50_ms=9,
        p99_ms=20,
        cpu_us=cpu_us,
        acknowledged=Acknowledged(),
    )


def test_ratios_leave_the_database_out_and_take_it_in() -> None:
    """Ours is every process but the database's."""
    cost = Cost(measured=measured(gateway=60, transaction_svc=65, database=50), e_us=25)
    assert (cost.ours_us, cost.all_us) == (125, 175)
    assert (cost.to_json()["ours_e"], cost.to_json()["with_database_e"]) == (5, 7)
    row = table([cost]).splitlines()[-1].split()
    assert row[-10:] == ["5.0", "E", "≤", "8", "E", "7.0", "E", "≤", "11", "E"]


def test_columns_line_up() -> None:
    """Texts to the left, numbers to the right."""
    assert align([["a", "b", "n"], ["xx", "y", "1"], ["x", "yyy", "100"]]).splitlines() == [
        "a   b      n", "--  ---  ---", "xx  y      1", "x   yyy  100",
    ]  # fmt: skip


def test_the_ledger_must_balance() -> None:
    """An acknowledged record that is missing fails the run, and so does one that is there twice."""
    told = Acknowledged(starts=2, meter_values=6, stops=2, energy_wh=56, names=frozenset({"S1/1", "S1/2"}))
    assert "all recorded" in check_ledger(told, told)
    with pytest.raises(BenchmarkError, match=r"meter_values: 6 acknowledged, 5 recorded"):
        check_ledger(told, Acknowledged(starts=2, meter_values=5, stops=2, energy_wh=56, names=told.names))
    with pytest.raises(BenchmarkError, match="1 transactions are not there, S1/2"):
        check_ledger(told, Acknowledged(starts=2, meter_values=6, stops=2, energy_wh=56, names=frozenset({"S1/1"})))
    with pytest.raises(BenchmarkError, match="starts: 2 acknowledged, 3 recorded"):
        check_ledger(told, Acknowledged(starts=3, meter_values=6, stops=2, energy_wh=56, names=told.names))


def test_the_command_line_chooses_cases() -> None:
    """One workload, one number of stations, one database."""
    options = parse(["--quick", "--database", "sqlite", "--workload", "MeterValues", "--stations", "50"])
    assert (options.cases, options.databases) == ([("MeterValues", 50)], ["sqlite"])
    with pytest.raises(SystemExit):
        parse(["--workload", "Heartbeat", "--stations", "7"])
