"""A 1.6 station that comes back as 2.0.1, and the other way: what is carried over, and what is asked for anew."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from csms.station.v1 import local_list_service_pb2, station_pb2, station_service_pb2
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub
from csms.transaction.v1 import transaction_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from station_kit.frames import Call, encode
from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from station_kit.versions import VERSIONS
from tests.gateway.field.kit import at, start
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

STATION = "CP1"
BOTH = ("ocpp2.0.1", "ocpp1.6")


class Commanded:
    """A connection of the station, whose commands are answered and kept."""

    def __init__(self, station: RawStation) -> None:
        self.station = station
        self.commands: list[tuple[str, Any]] = []

    @property
    def speaks_201(self) -> bool:
        return self.station.socket.subprotocol == "ocpp2.0.1"

    def of(self, action: str) -> list[Any]:
        """The payloads of an action."""
        return [payload for one, payload in self.commands if one == action]

    async def serve(self) -> None:
        """Answers commands until cancelled."""
        while True:
            await self.station.answer_next(self._answer)

    async def call(self, action: str, payload: Any) -> Any:
        """Sends a CALL and returns the payload of its answer; commands that come before it are answered."""
        await self.station.send(encode(Call(message_id=action, action=action, payload=payload)))
        while (frame := await self.station.receive())[0] == 2:
            await self.station.reply(frame[1], self._answer(frame[2], frame[3]))
        assert frame[:2] == [3, action], frame
        return frame[2]

    def _answer(self, action: str, payload: Any) -> Any:
        """It has lost its list, and knows no limits."""
        self.commands.append((action, payload))
        match action:
            case "GetLocalListVersion":
                return {"versionNumber": 0} if self.speaks_201 else {"listVersion": 0}
            case "GetConfiguration":
                return {"configurationKey": []}
            case "GetVariables":
                asked = payload["getVariableData"]
                return {"getVariableResult": [{**one, "attributeStatus": "UnknownVariable"} for one in asked]}
            case _:
                return {"status": "Accepted"}


@asynccontextmanager
async def _commanded(mesh: MeshRig, password: str, subprotocols: Sequence[str]) -> AsyncIterator[Commanded]:
    headers = basic(STATION, password)
    async with RawStation(mesh.station_url(STATION), subprotocols=subprotocols, headers=headers) as station:
        connection = Commanded(station)
        version = VERSIONS[str(station.socket.subprotocol)]
        booted = await connection.call(*version.boot(vendor="Tests", model="Raw"))
        assert booted["status"] == "Accepted"
        yield connection


@asynccontextmanager
async def _serving(connection: Commanded) -> AsyncIterator[None]:
    task = asyncio.create_task(connection.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _sessions(mesh: MeshRig) -> Sequence[Any]:
    request = transaction_service_pb2.ListTransactionsRequest(station_id=STATION)
    response = await mesh.transactions.ListTransactions(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    found: Sequence[Any] = response.transactions
    return found


async def _is_hanging(mesh: MeshRig, transaction_id: str) -> bool:
    [only] = await _sessions(mesh)
    assert only.transaction_id == transaction_id
    return bool(only.hanging)


async def _pin(mesh: MeshRig, version: str) -> None:
    request = station_service_pb2.UpdateStationRequest(
        station=station_pb2.Station(station_id=STATION, pinned_ocpp_version=version),
        update_mask=FieldMask(paths=["pinned_ocpp_version"]),
    )
    await mesh.stations.UpdateStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


async def _is_synced(mesh: MeshRig) -> bool:
    lists = LocalListServiceStub(mesh.station_channel)
    request = local_list_service_pb2.GetLocalListRequest(station_id=STATION)
    found = (await lists.GetLocalList(request, metadata=mesh.metadata, timeout=TIMEOUT_S)).local_list
    return bool(found.sync_state == local_list_service_pb2.LOCAL_LIST_SYNC_STATE_SYNCED)


async def _sync_list(mesh: MeshRig, connection: Commanded) -> None:
    """Sends the station its list, as an operator does."""
    lists = LocalListServiceStub(mesh.station_channel)
    request = local_list_service_pb2.SyncLocalListRequest(station_id=STATION, request_id="first")
    async with _serving(connection):
        await lists.SyncLocalList(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        await eventually(lambda: _is_synced(mesh))
    assert connection.of("SendLocalList")[0]["updateType"] == "Full"


async def _has(connection: Commanded, *actions: str) -> bool:
    return all(connection.of(action) for action in actions)


async def _start_session_201(connection: Commanded) -> None:
    started = v201.transaction_event(
        EventType.STARTED,
        v201.sampled_value(1_500, EventType.STARTED),
        transaction_id="new",
        timestamp=at(30),
        seq_no=0,
        trigger_reason="Authorized",
        evse={"id": 1, "connectorId": 1},
        idToken=v201.id_token_of("TAG-1"),
    )
    answer = await connection.call(started.action, started.payload)
    assert answer["idTokenInfo"]["status"] == "Accepted"


async def test_a_station_changes_its_version_and_goes_back(mesh_on_both: MeshRig) -> None:
    """Its password is the same; its list is sent whole, and its device model asked for; its open session is doubted.

    Pinned to the old version, it speaks that one although it offers both.
    """
    mesh = mesh_on_both
    password = await mesh.create_station(STATION)
    await mesh.create_id_token("TAG-1", type="ISO14443")
    async with _commanded(mesh, password, ("ocpp1.6",)) as connection:
        number = (await connection.call("StartTransaction", start()))["transactionId"]
        await _sync_list(mesh, connection)
    async with _commanded(mesh, password, BOTH) as connection:
        assert connection.speaks_201
        async with _serving(connection):
            await eventually(lambda: _has(connection, "GetBaseReport", "SendLocalList"))
            await eventually(lambda: _is_synced(mesh))
            await eventually(lambda: _is_hanging(mesh, str(number)))
        [sent] = connection.of("SendLocalList")
        [entry] = sent["localAuthorizationList"]
        assert (sent["updateType"], entry["idToken"]) == ("Full", {"idToken": "TAG-1", "type": "ISO14443"})
        assert connection.of("GetBaseReport")[0]["reportBase"] == "FullInventory"
        await _start_session_201(connection)
        new, old = await _sessions(mesh)
        assert (new.transaction_id, old.state) == ("new", transaction_service_pb2.TRANSACTION_STATE_ENDED)
    await _pin(mesh, "1.6")
    async with _commanded(mesh, password, BOTH) as connection:
        assert not connection.speaks_201
        async with _serving(connection):
            await eventually(lambda: _has(connection, "SendLocalList"))
        assert not connection.of("GetBaseReport")
