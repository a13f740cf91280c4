"""Stations on other people's OCPP libraries, which check both directions by schemas of their own."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import ocpp.v16
import ocpp.v201
from ocpp.charge_point import ChargePoint, camel_to_snake_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.conformance.node import FOLDER, node

PATIENCE_S = 60.0


class ForeignStation(Protocol):
    """The interface of a foreign station. `faults` are the library's complaints, `commands` the actions that came."""

    faults: list[str]
    commands: list[str]

    async def call(self, action: str, payload: Any) -> Any:
        """Sends a CALL and returns its answer; the error code as text where it is refused."""

    async def set_answers(self, answers: Mapping[str, Any]) -> None:
        """Sets the answers to commands from now on, by action."""


class _OcppRpc:
    """A station on ocpp-rpc, in strict mode: tests/conformance/ocpp_rpc/station.mjs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.faults: list[str] = []
        self.commands: list[str] = []

    async def call(self, action: str, payload: Any) -> Any:
        """See ForeignStation."""
        if action == "MeterValues":  # for which its schemas lack this one word
            payload = json.loads(json.dumps(payload).replace('"Hertz"', '"Percent"'))
        found = await self._ask({"call": action, "payload": payload})
        return found["answer"] if "answer" in found else found["error"]

    async def set_answers(self, answers: Mapping[str, Any]) -> None:
        """See ForeignStation."""
        await self._ask({"answers": answers})

    async def connected(self) -> str:
        """Waits for the socket; returns the sub-protocol."""
        found: str = (await self._next())["connected"]
        return found

    async def _ask(self, told: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        return await self._next()

    async def _next(self) -> Any:
        """The next line that answers; other lines are noted."""
        assert self._process.stdout is not None
        while True:
            async with asyncio.timeout(PATIENCE_S):
                line = await self._process.stdout.readline()
            assert line, "the station has ended"
            told = json.loads(line)
            if "fault" in told:
                self.faults.append(told["fault"])
            elif "command" in told:
                self.commands.append(told["command"])
            else:
                return told


@asynccontextmanager
async def ocpp_rpc(url: str, subprotocol: str) -> AsyncIterator[ForeignStation]:
    """A station on the npm package ocpp-rpc."""
    executable = node()
    assert executable is not None
    endpoint, _, station_id = url.rpartition("/")
    process = await asyncio.create_subprocess_exec(
        *(executable, str(FOLDER / "station.mjs"), endpoint, station_id, subprotocol),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=16 * 1024 * 1024,
    )
    station = _OcppRpc(process)
    try:
        assert await station.connected() == subprotocol
        yield station
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _OcppLibrary:
    """A station on the `ocpp` package. `link` is its ChargePoint, whose handlers answer from `answers`."""

    def __init__(self, link: ChargePoint, package: Any) -> None:
        self._link = link
        self._package = package
        self._answers: dict[str, Any] = {}
        self.faults: list[str] = []
        self.commands: list[str] = []

    async def call(self, action: str, payload: Any) -> Any:
        """See ForeignStation."""
        kind = getattr(self._package.call, action)
        left_out = {field.name: None for field in dataclasses.fields(kind)}  # some ask for what the schema does not
        request = kind(**left_out | camel_to_snake_case(payload))
        try:
            return await self._link.call(request, suppress=False)
        except OCPPError as error:
            if type(error).__name__ not in ("NotImplementedError", "NotSupportedError"):
                self.faults.append(f"{action}: {error!r}")
            return error.code

    async def set_answers(self, answers: Mapping[str, Any]) -> None:
        """See ForeignStation."""
        self._answers = dict(answers)

    def handler(self, action: str) -> Any:
        """Answers commands of an action; the library checks them before, and the answer after."""

        @on(action)  # type: ignore[untyped-decorator]
        async def handle(**_payload: Any) -> Any:
            self.commands.append(action)
            return getattr(self._package.call_result, action)(**camel_to_snake_case(self._answers[action]))

        return handle


@asynccontextmanager
async def ocpp_library(url: str, subprotocol: str) -> AsyncIterator[ForeignStation]:
    """A station on the Python package ocpp, which is also what the simulator stands on."""
    package: Any = ocpp.v16 if subprotocol == "ocpp1.6" else ocpp.v201
    async with connect(
        url, subprotocols=[Subprotocol(subprotocol)], ping_interval=None, max_size=None, open_timeout=PATIENCE_S
    ) as socket:
        link = package.ChargePoint(url, socket, response_timeout=PATIENCE_S)
        station = _OcppLibrary(link, package)
        for action in package.enums.Action:
            handler = station.handler(str(action.value))
            link.route_map[str(action.value)] = {"_on_action": handler, "_skip_schema_validation": False}
        listening = asyncio.ensure_future(link.start())
        try:
            yield station
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


STATIONS = {"ocpp-rpc": ocpp_rpc, "ocpp": ocpp_library}
