"""Each quirk really happens on the wire: one test for each number of the table."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.__main__ import parse
from simulator.line import Access, Line, until_herd_s
from simulator.misbehaviour import QUIRKS, UNSHOWN, Assignment, parse_assignment, quirks_of, table
from simulator.runner import Runner
from station_kit.times import parse_time
from tests.simulator.raw_central import RawCentral, raw_central
from tests.simulator.running import plug_in, running, swipe, until


async def booted(central: RawCentral) -> None:
    """Waits until a station has reported its statuses."""
    await central.until(lambda: len(central.payloads("StatusNotification")) >= 3)


async def visit(central: RawCentral, runner: Runner, samples: int = 2) -> None:
    """Somebody charges, until there are samples, and stops."""
    before = len(central.payloads("StopTransaction"))
    sampled = len(central.payloads("MeterValues"))
    plug_in(runner)
    swipe(runner)
    await central.until(lambda: len(central.payloads("MeterValues")) >= sampled + samples)
    swipe(runner)
    await central.until(lambda: len(central.payloads("StopTransaction")) > before)
    runner.station.connectors[1].unplug()


async def pinged(central: RawCentral) -> bool:
    """Whether the station answers a ping before it answers a command that comes after it."""
    pong = asyncio.ensure_future(await central.connections[-1].socket.ping())
    await central.command("ClearCache", {})
    answered = pong.done()
    pong.cancel()
    return answered


def test_the_table_is_whole() -> None:
    """Every number from 1 to 25 is there, shown or said not to be, and listed for people."""
    assert sorted({*QUIRKS, *UNSHOWN}) == list(range(1, 26))
    lines = [line.split(maxsplit=1) for line in table().splitlines()]
    assert [int(number) for number, _ in lines] == list(range(1, 26))
    readme = (Path(simulator.__file__).parent / "README.md").read_text()
    assert [line for line in lines if f"| {line[0]} | {line[1]} |" not in readme] == []


def test_for_some_stations_of_a_fleet() -> None:
    """By a pattern of ids, by turns, or for all; several add up."""
    given = ["--misbehave", "14,21", "--misbehave", "CP00[12]:5", "--misbehave", "X*:each"]
    options = parse(["--url", "ws://127.0.0.1:1", *given])
    assert quirks_of("CP001", 1, options.misbehave) == {14, 21, 5}
    assert quirks_of("CP003", 3, options.misbehave) == {14, 21}
    assert quirks_of("X1", 25, options.misbehave) == {14, 21, 25}
    assert quirks_of("X1", 26, options.misbehave) == {14, 21, 1}
    assert quirks_of("X1", 23, options.misbehave) == {14, 21}
    assert parse_assignment("each") == Assignment(each=True)


@pytest.mark.parametrize("text", ["26", "0", "x", "23", "", "CP*:", ":1"])
def test_what_is_no_quirk(text: str) -> None:
    """Is refused with a reason, 23 with its own."""
    with pytest.raises(ValueError, match="quirk"):
        parse_assignment(text)


async def test_a_station_without_quirks_has_none() -> None:
    """The measure for the others: one sub-protocol, one path, pongs, JSON, its own ids."""
    async with raw_central() as central, running(central) as runner:
        await booted(central)
        assert await pinged(central)
        await visit(central, runner)
        assert central.connections[0].path == "/ocpp/CP001"
        assert central.connections[0].headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
        assert len({message_id for message_id, _, _ in central.calls()}) == len(central.calls())


async def test_quirk_1() -> None:
    """No sub-protocol, and it talks all the same."""
    async with raw_central() as central, running(central, 1):
        await booted(central)
        assert "Sec-WebSocket-Protocol" not in central.connections[0].headers


async def test_quirk_2() -> None:
    """Four paths, one after the other."""
    async with raw_central() as central, running(central, 2):
        for number in range(1, 5):
            await central.until(lambda number=number: len(central.connections) == number)  # type: ignore[misc]
            if number < 4:
                await central.connections[-1].socket.close()
        paths = [connection.path for connection in central.connections]
        assert paths == ["/ocpp//CP001", "///CP001", "/ocpp/CP001/", "/ocpp/%43%50%30%30%31"]


async def test_quirk_3() -> None:
    """A silent socket for 1.6, a 1.6 boot over 2.0.1, and then it works properly."""
    async with raw_central() as central, running(central, 3):
        await booted(central)
        silent, other, proper = central.connections
        offered = [connection.headers["Sec-WebSocket-Protocol"] for connection in central.connections]
        assert offered == ["ocpp1.6", "ocpp2.0.1", "ocpp1.6"]
        assert (silent.frames, proper.is_open) == ([], True)
        payload = {"chargePointVendor": "Probe", "chargePointModel": "Probe"}
        assert json.loads(other.frames[0]) == [2, "probe", "BootNotification", payload]


async def test_quirk_4() -> None:
    """Commands are answered, pings are not."""
    async with raw_central() as central, running(central, 4):
        await booted(central)
        assert not await pinged(central)


async def test_quirk_5() -> None:
    """A second socket while the first is open; the CALL that was cut off comes again under its id; later the close."""
    async with raw_central() as central, running(central, 5) as runner:
        await booted(central)
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: len(central.connections) == 2)
        first, second = central.connections
        assert first.is_open
        assert second.is_open
        last = json.loads(first.frames[-1])
        assert last[2] == "MeterValues"
        await central.until(lambda: len([call for call in central.calls("MeterValues") if call[0] == last[1]]) == 2)
        await central.until(lambda: not first.is_open)
        assert second.is_open


async def test_quirk_6() -> None:
    """The socket is closed for a protocol error; what was compressed comes again, readable."""
    async with raw_central() as central, running(central, 6) as runner:
        await booted(central)
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: len(central.connections) == 2)
        assert len(central.connections[0].frames) == 11
        protocol = central.connections[0].socket.protocol
        await until(lambda: protocol.close_sent is not None)
        assert protocol.close_sent is not None
        assert protocol.close_sent.code == 1002
        heard = len(central.payloads("MeterValues"))
        await central.until(lambda: len(central.payloads("MeterValues")) > heard)


@pytest.mark.parametrize(("key", "sent"), [("00ff41", b"CP001:\x00\xffA"), ("secret", b"CP001:736563726574")])
async def test_quirk_7(key: str, sent: bytes) -> None:
    """A hexadecimal key as bytes, another one as hexadecimal."""
    async with raw_central() as central, running(central, 7, password=key):
        await booted(central)
        scheme, _, encoded = central.connections[0].headers["Authorization"].partition(" ")
        assert (scheme, base64.b64decode(encoded)) == ("Basic", sent)


async def test_quirk_8() -> None:
    """A reset, another socket, and no boot."""
    async with raw_central() as central, running(central, 8):
        await booted(central)
        assert await central.command("Reset", {"type": "Hard"}) == {"status": "Accepted"}
        await central.until(lambda: len(central.payloads("StatusNotification")) >= 6)
        assert len(central.connections) == 2
        assert len(central.payloads("BootNotification")) == 1


async def test_quirk_9() -> None:
    """A command gets no answer, while transactions go on."""
    async with raw_central() as central, running(central, 9) as runner:
        await booted(central)
        with pytest.raises(TimeoutError):
            await central.command("ClearCache", {}, timeout_s=0.5)
        await visit(central, runner)


async def test_quirk_10() -> None:
    """Every other sample is no JSON at first, and comes again as it should be: nothing is lost."""
    async with raw_central() as central, running(central, 10) as runner:
        await booted(central)
        runner.station.configuration.set("TransactionMessageRetryInterval", "0")
        await visit(central, runner, samples=3)
        broken = [text for text in central.texts() if '"transactionId":,' in text.replace(" ", "")]
        assert broken
        proper = {message_id for message_id, _, _ in central.calls("MeterValues")}
        assert {text.split('"')[1] for text in broken} <= proper
        assert len(broken) < len(proper)


async def test_quirk_11() -> None:
    """Three forms of time in turn, none of which is the usual."""
    async with raw_central() as central, running(central, 11):
        await booted(central)
        times = [payload["timestamp"] for payload in central.payloads("StatusNotification")[:3]]
        day = r"\d{4}-\d\d-\d\d"
        forms = (rf"{day}T[\d:]{{8}}\.\d{{3}}", rf"{day}T[\d:]{{8}}\+02", rf"{day} [\d:]{{8}}Z")
        assert all(re.fullmatch(form, text) for form, text in zip(forms, times, strict=True))


@pytest.mark.parametrize(("station_id", "year"), [("CP002", "1970"), ("CP001", None)])
async def test_quirk_12(station_id: str, year: str | None) -> None:
    """1970, or two hours ahead; its time goes on as it should in both cases."""
    async with raw_central() as central, running(central, 12, station_id=station_id) as runner:
        await booted(central)
        await visit(central, runner)
        start, stop = (central.payloads(f"{verb}Transaction")[0]["timestamp"] for verb in ("Start", "Stop"))
        assert start < stop
        if year is not None:
            assert start.startswith(year)
        else:
            ahead_s = parse_time(start).timestamp() - runner.clock.to_real(0).timestamp()
            assert 7_199 <= ahead_s < 7_260


async def test_quirk_13() -> None:
    """An answer with an offset is not understood, so it boots again; one with Z is."""
    async with raw_central() as central, running(central, 13):
        central.boot_time = "2026-01-31T12:00:00.123456+00:00"
        await central.until(lambda: len(central.payloads("BootNotification")) == 1)
        central.boot_time = "2026-01-31T12:00:00Z"
        trigger = {"requestedMessage": "BootNotification"}
        assert await central.command("TriggerMessage", trigger) == {"status": "Accepted"}
        await booted(central)
        assert [action for _, action, _ in central.calls()][:3] == [*["BootNotification"] * 2, "StatusNotification"]


async def test_quirk_14() -> None:
    """Numbers, spaces, nothing, nonsense; energy can still be read."""
    async with raw_central() as central, running(central, 14) as runner:
        await booted(central)
        await visit(central, runner, samples=4)
        energy: list[Any] = []
        others: list[Any] = []
        for payload in central.payloads("MeterValues"):
            for sample in payload["meterValue"][0]["sampledValue"]:
                (energy if sample["measurand"].startswith("Energy") else others).append(sample["value"])
        assert isinstance(energy[0], float)
        assert energy[1] == f" {energy[1].strip()} "
        assert isinstance(others[0], float)
        assert others[1].startswith(" ")
        assert others[2:4] == ["", "n/a"]
        assert [float(value) for value in energy] == sorted(float(value) for value in energy)


async def test_quirk_15() -> None:
    """An empty entry beside the proper one."""
    async with raw_central() as central, running(central, 15) as runner:
        await booted(central)
        await visit(central, runner)
        assert [len(value["sampledValue"]) for value in central.payloads("MeterValues")[0]["meterValue"]] == [5, 0]


async def test_quirk_16() -> None:
    """An error code and a unit that no schema has."""
    async with raw_central() as central, running(central, 16) as runner:
        await booted(central)
        await visit(central, runner)
        assert {payload["errorCode"] for payload in central.payloads("StatusNotification")} == {"Error"}
        assert "Hz" in [s["unit"] for s in central.payloads("MeterValues")[0]["meterValue"][0]["sampledValue"]]


async def test_quirk_17() -> None:
    """40 characters, the same in every message."""
    async with raw_central() as central, running(central, 17) as runner:
        await booted(central)
        await visit(central, runner)
        tags = {payload["idTag"] for _, _, payload in central.calls() if "idTag" in payload}
        assert [(len(tag), tag[:4]) for tag in tags] == [(40, "TAG-")]


async def test_quirk_18() -> None:
    """-1, 0, and one that never was."""
    async with raw_central() as central, running(central, 18) as runner:
        await booted(central)
        for _ in range(3):
            await visit(central, runner, samples=1)
        stopped = [payload["transactionId"] for payload in central.payloads("StopTransaction")]
        assert stopped == [-1, 0, 2_000_000_000]
        assert {payload["transactionId"] for payload in central.payloads("MeterValues")} == {1, 2, 3}


async def test_quirk_19() -> None:
    """Each CALL twice, alike; ids from 1, and from 1 again after a restart."""
    async with raw_central() as central, running(central, 19):
        await booted(central)
        await central.command("Reset", {"type": "Hard"})
        await central.until(lambda: len(central.payloads("BootNotification")) == 4)
        frames = central.connections[0].frames
        assert frames[0] == frames[1]
        assert frames[2] == frames[3] != frames[0]
        assert {message_id for message_id, _, _ in central.calls("BootNotification")} == {"1"}


async def test_quirk_20() -> None:
    """The same start, the same stop, under another id."""
    async with raw_central() as central, running(central, 20) as runner:
        await booted(central)
        runner.station.configuration.set("TransactionMessageRetryInterval", "0")
        await visit(central, runner)
        await until(lambda: not runner.memory.transactions)
        for action in ("StartTransaction", "StopTransaction"):
            (first_id, _, first), (second_id, _, second) = central.calls(action)
            assert first == second
            assert first_id != second_id
        assert {payload["transactionId"] for payload in central.payloads("MeterValues")} == {2}


async def test_quirk_21() -> None:
    """By the number of the transaction: 0, a counter that was reset, -1."""
    async with raw_central() as central, running(central, 21) as runner:
        await booted(central)
        for _ in range(3):
            await visit(central, runner, samples=3)
        first, second, third = (payload["meterStop"] for payload in central.payloads("StopTransaction"))
        begun = [payload["meterStart"] for payload in central.payloads("StartTransaction")]
        assert (first, third) == (0, -1)
        registers = [
            int(payload["meterValue"][0]["sampledValue"][0]["value"])
            for payload in central.payloads("MeterValues")
            if payload["transactionId"] == 2
        ]
        assert registers[0] >= begun[1]
        assert registers[1] < begun[1]
        assert registers[-1] <= second < begun[1]


async def test_quirk_22() -> None:
    """A last sample of the same transaction, after its stop."""
    async with raw_central() as central, running(central, 22) as runner:
        await booted(central)
        await visit(central, runner)
        await central.until(lambda: central.calls()[-1][1] == "MeterValues")
        actions = [action for _, action, _ in central.calls() if action in ("MeterValues", "StopTransaction")]
        assert actions[-2:] == ["StopTransaction", "MeterValues"]
        last = central.payloads("MeterValues")[-1]
        assert last["transactionId"] == 1
        assert last["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.End"


async def test_quirk_24() -> None:
    """It boots again after a change, and not after one that it refused."""
    async with raw_central() as central, running(central, 24):
        await booted(central)
        refused = await central.command("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "3"})
        assert refused == {"status": "Rejected"}
        accepted = await central.command("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "60"})
        assert accepted == {"status": "Accepted"}
        await central.until(lambda: len(central.payloads("BootNotification")) == 2)
        assert len(central.connections) == 2


async def test_quirk_25() -> None:
    """Wherever in its ten seconds each one is, all connect at their end."""
    assert [until_herd_s(now_s) for now_s in (120.0, 123.5, 129.0)] == [10.0, 6.5, 1.0]
    waits: list[float] = []
    all_wait = asyncio.Event()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 20:
            assert not central.connections
            all_wait.set()
        await all_wait.wait()

    async with raw_central() as central:
        access = Access(url=f"ws://127.0.0.1:{central.port}/ocpp", password=None)

        async def connect(number: int) -> None:
            line = Line(
                station_id=f"CP{number}",
                access=access,
                subprotocol="ocpp1.6",
                quirks=frozenset({25}),
                now_s=lambda: 120 + number / 2,
                sleep=wait,
            )
            async with line.connection(key="", ping_s=None):
                pass

        await asyncio.gather(*(connect(number) for number in range(20)))
        assert waits == [10 - number / 2 for number in range(20)]
        assert len(central.connections) == 20
