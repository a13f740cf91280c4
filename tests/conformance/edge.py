"""The real edge for tests of whole versions: stations of any version, commands by name, and what is stored."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import cache
from pathlib import Path
from typing import Any

from csms.gateway.v1.gateway_service_pb2 import CallRequest
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from csms.station.v1.command_service_pb2 import RequestStopTransactionRequest

from gateway.ocpp.schemas import KINDS, PayloadKind, Schemas
from gateway.ocpp.translation import Routes
from tests.conformance.ocpp_table import VERSIONS, rpcs_of_command
from tests.gateway import payloads
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh
from tests.mesh_identities import open_callers_channel

SCHEMAS: Mapping[str, Schemas] = {version.label: Schemas(version.ocpp) for version in VERSIONS.values()}

# Tables that change without any message, or with every one.
# Written beside what changes, and not station by station.
_JOURNALS = ("outbox", "audit_entry", "audit_head", "sqlite_sequence")
_NOISE = frozenset(
    {
        "auth.seen_token",  # written beside the answer, some time later
        "station.message",
        "transaction.rollup",  # these three are counted in the background
        "transaction.rollup_connector",
        "transaction.tx_rollup",
        "station.sighting",
        "station.quirk",
        "station.condition",  # told with signs of life
        "station.node",
        "station.connection",
        "transaction.tx_counter",  # where numbers come from on SQLite
        "transaction.station",  # written after the answer to a boot
    }
)

# Numbers of what a command makes, which no two commands may share.
_NUMBERED = {
    "get_base_report": "variable_report_id",
    "get_log": "log_upload_id",
    "get_report": "variable_report_id",
    "publish_firmware": "firmware_publication_id",
    "update_firmware": "firmware_update_id",
}


class Edge:
    """A mesh that runs, its stations, and its databases."""

    def __init__(self, mesh: MeshRig, gateway: Any, folder: Path) -> None:
        self.mesh = mesh
        self._gateway = gateway
        self._folder = folder
        self._count = 0

    def new_id(self) -> str:
        """An identity that no station had before."""
        self._count += 1
        return f"CP{self._count}"

    def station(self, version: Routes, station_id: str | None = None) -> RawStation:
        """A station of a version."""
        return RawStation(self.mesh.station_url(station_id or self.new_id()), subprotocols=[version.ocpp.subprotocol])

    async def command(self, station_id: str, name: str, command: Any) -> Any:
        """Gives a command, as an operator where an RPC takes it as it is, else as a service does."""
        [rpc, *_] = rpcs_of_command(name)
        service, _, method = rpc.partition("/")
        if service == "CommandService":
            sent = type(command)()
            sent.CopyFrom(command)
            sent.station_id = station_id
            if isinstance(sent, RequestStopTransactionRequest):
                sent.send_unknown = True  # this is about the CALL: there is no such transaction
            if number := _NUMBERED.get(name):
                self._count += 1
                setattr(sent, number, self._count)
            call = getattr(self.mesh.commands, method)
            return await call(sent, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        request = CallRequest(station_id=station_id, epoch=await self.mesh.epoch(station_id))
        getattr(request, name).CopyFrom(command)
        return getattr(await self._gateway.Call(request, timeout=TIMEOUT_S), name)

    def tables(self, station_id: str) -> Mapping[str, int]:
        """A number per table (schema.table), another one once its rows are others; without what always changes.

        Of what is kept per station only the rows of this one count: those of others may change by themselves, in time.
        """
        found = {}
        for file in self._folder.glob("*.db"):
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for name in names:
                    if f"{file.stem}.{name}" in _NOISE or name in _JOURNALS:
                        continue
                    result = database.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - our own
                    columns = [column for column, *_ in result.description]
                    place = columns.index("station_id") if "station_id" in columns else None
                    rows = [row for row in result if place is None or row[place] == station_id]
                    found[f"{file.stem}.{name}"] = hash(tuple(sorted(rows, key=repr)))
        return found

    def written(self, station_id: str, before: Mapping[str, int]) -> set[str]:
        """The tables that are not what they were."""
        return {name for name, number in self.tables(station_id).items() if before.get(name) != number}


@asynccontextmanager
async def running_edge(folder: Path) -> AsyncIterator[Edge]:
    """A mesh with its databases in `folder`."""
    async with AsyncExitStack() as stack:
        mesh = await stack.enter_async_context(running_mesh(f"sqlite:///{folder / 'test.db'}"))
        channel = open_callers_channel(f"127.0.0.1:{mesh.gateway.mesh_port}", "gateway")
        stack.push_async_callback(channel.close)
        yield Edge(mesh, GatewayServiceStub(channel), folder)


async def boot(station: RawStation, version: Routes) -> None:
    """Sends the least BootNotification."""
    schema = SCHEMAS[version.label].schema("BootNotification", "request")
    answer = await station.call("BootNotification", payloads.minimal(schema))
    assert answer["status"] == "Accepted"


@cache
def examples(label: str, action: str, kind: PayloadKind) -> Sequence[Any]:
    """The least and the most that a schema allows, and one for every word of every enumeration in it."""
    schema = SCHEMAS[label].schema(action, kind)
    words = [payload for _path, payload in payloads.every_word(schema)]
    return [payloads.minimal(schema), payloads.maximal(schema), *words]


def check(label: str, action: str, kind: PayloadKind, payload: Any) -> None:
    """Fails where a payload is not valid by its official schema."""
    assert kind in KINDS
    fault = SCHEMAS[label].check(action, kind, payload)
    assert fault is None, (action, kind, fault, payload)


async def answering(
    station: RawStation, command: Awaitable[Any], answer: Callable[[str, Any], Any]
) -> tuple[Any, list[tuple[str, Any]]]:
    """Returns the outcome of a command whose CALLs the station answers, and those CALLs."""
    calls: list[tuple[str, Any]] = []
    task = asyncio.ensure_future(command)
    listening = asyncio.ensure_future(_answer_all(station, calls, answer))
    try:
        await asyncio.wait([task, listening], return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()  # fails with why
        return await task, calls
    finally:
        for ending in (listening, task):
            ending.cancel()
        await asyncio.gather(listening, task, return_exceptions=True)


async def _answer_all(station: RawStation, calls: list[tuple[str, Any]], answer: Callable[[str, Any], Any]) -> None:
    def note(action: str, payload: Any) -> Any:
        calls.append((action, payload))
        return answer(action, payload)

    while True:
        await station.answer_next(note)
