"""A station of the fleet keeps to the rules: it repeats until the acknowledgement, and notes exactly those."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
from ocpp.messages import Call, validate_payload
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chaos import station as station_module
from chaos.entrance import Entrance
from chaos.ledger import Kind, Ledger
from chaos.station import Station
from station_kit.versions import VERSIONS, OcppVersion
from tests.waiting import until

Answer = Callable[[str, dict[str, Any]], "dict[str, Any] | str | None"]
"""The answer of the system: a payload, the code of a CALLERROR, or nothing, and a cut connection."""


class System:
    """A central system that gives set answers, and remembers its requests."""

    def __init__(self, answer: Answer) -> None:
        self.frames: list[tuple[str, str, dict[str, Any]]] = []  # message id, action, payload
        self.connections = 0
        self._answer = answer

    async def serve(self, websocket: ServerConnection) -> None:
        """Serves one connection."""
        self.connections += 1
        with suppress(ConnectionClosed):
            async for text in websocket:
                _, message_id, action, payload = json.loads(text)
                self.frames.append((message_id, action, payload))
                answer = self._answer(action, payload)
                if answer is None:
                    websocket.transport.abort()
                elif isinstance(answer, str):
                    await websocket.send(json.dumps([4, message_id, answer, "", {}]))
                else:
                    await websocket.send(json.dumps([3, message_id, answer]))

    def said(self, action: str) -> list[dict[str, Any]]:
        """The payloads of an action, in their order."""
        return [payload for _, name, payload in self.frames if name == action]


def accept(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Accepts everything."""
    if action == "BootNotification":
        return {"status": "Accepted", "interval": 300, "currentTime": "2026-01-31T12:00:00.000Z"}
    if action == "StartTransaction":
        return {"transactionId": 1_000 + payload["meterStart"] % 1_000, "idTagInfo": {"status": "Accepted"}}
    return {"idTokenInfo": {"status": "Accepted"}} if action == "TransactionEvent" else {}


@asynccontextmanager
async def at_work(answer: Answer, version: OcppVersion, ledger: Ledger) -> AsyncIterator[tuple[Station, System]]:
    """A station at work at a system."""
    system = System(answer)
    async with serve(
        system.serve, "127.0.0.1", 0, subprotocols=[Subprotocol(version.subprotocol)], compression=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        station = Station(
            station_id="S1",
            version=version,
            entrance=Entrance(urls=[f"ws://127.0.0.1:{port}/ocpp"]),
            ledger=ledger,
            random=Random(1),  # noqa: S311 - not a secret
            pace_s=0.005,
        )
        running = asyncio.create_task(station.run())
        try:
            yield station, system
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def finish(station: Station) -> None:
    """Lets a station say all it has to say."""
    station.finish()
    await until(lambda: station.finished)


@pytest.fixture(autouse=True)
def _a_network_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts come from the system of a test alone: those of the station's own network would be counted with them."""
    monkeypatch.setattr(station_module, "CUTS", 0.0)


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())
async def test_what_a_station_says_is_valid(version: OcppVersion) -> None:
    """Every message fits its schema, and the ledger has one entry for each that is of money."""
    ledger = Ledger()
    async with at_work(accept, version, ledger) as (station, system):
        await until(lambda: sum(entry.kind is Kind.STOP for entry in ledger.acknowledged) >= 3)
        await finish(station)
    for message_id, action, payload in system.frames:
        await validate_payload(Call(message_id, action, payload), version.subprotocol.removeprefix("ocpp"))
    money = {"StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent"}
    assert (
        len(ledger.acknowledged)
        == sum(action in money for _, action, _ in system.frames) - ledger.happened["messages sent again"]
    )
    assert len({(entry.kind, entry.time_us) for entry in ledger.acknowledged}) == len(ledger.acknowledged)
    assert not ledger.violations


async def test_what_was_not_acknowledged_is_said_again() -> None:
    """A cut connection: the same content comes again over the next one, and is written down once."""
    cuts = 3

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal cuts
        if action == "StartTransaction" and cuts:
            cuts -= 1
            return None
        return accept(action, payload)

    ledger = Ledger()
    async with at_work(answer, VERSIONS["ocpp1.6"], ledger) as (station, system):
        await until(lambda: ledger.acknowledged)
        starts = system.said("StartTransaction")
        assert starts[0] == starts[1] == starts[2] == starts[3]
        assert system.connections == 4
        assert ledger.happened["messages sent again"] == 3
        first = ledger.acknowledged[0]
        assert (first.kind, first.register_mwh) == (Kind.START, starts[0]["meterStart"] * 1000)
        await finish(station)
    assert not ledger.violations


async def test_an_error_to_a_message_of_money_is_a_violation() -> None:
    """It is written down, and the message is kept all the same."""
    errors = ["InternalError"]

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any] | str:
        return errors.pop() if action == "TransactionEvent" and errors else accept(action, payload)

    ledger = Ledger()
    async with at_work(answer, VERSIONS["ocpp2.0.1"], ledger) as (_, system):
        await until(lambda: ledger.acknowledged)
        events = system.said("TransactionEvent")
        assert events[0] == events[1]
    assert len(ledger.violations) == 1
    assert "InternalError" in ledger.violations[0]


async def test_a_start_without_a_number_is_a_violation() -> None:
    """The number 0 is what a start in quarantine gets: this fleet's starts belong in the tables."""

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "StartTransaction":
            return {"transactionId": 0, "idTagInfo": {"status": "Accepted"}}
        return accept(action, payload)

    ledger = Ledger()
    async with at_work(answer, VERSIONS["ocpp1.6"], ledger):
        await until(lambda: ledger.violations)
    assert "the number 0" in ledger.violations[0]


async def test_a_station_that_leaves_stays_away() -> None:
    """It closes its connection and opens no other."""
    ledger = Ledger()
    async with at_work(accept, VERSIONS["ocpp1.6"], ledger) as (station, system):
        await until(lambda: station.connected)
        station.leave()
        await until(lambda: not station.connected)
        await finish_away(station)
        assert system.connections == 1


async def finish_away(station: Station) -> None:
    """Gives a station the time in which it would come back."""
    station.finish()
    with pytest.raises(TimeoutError):
        await until(lambda: station.connected, patience_s=0.5)
