"""The whole mesh in one process: the real services and gateway, on a real database."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from csms.auth.v1 import id_token_service_pb2, user_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub
from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from csms.station.v1.command_service_pb2_grpc import CommandServiceStub
from csms.station.v1.station_service_pb2_grpc import StationServiceStub
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub
from google.protobuf import json_format
from sqlalchemy.engine import make_url

import auth_svc.migrations
import station_svc.migrations
import station_svc.service
import transaction_svc.migrations
import transaction_svc.service
from gateway.batching.ingest_batcher import IngestBatcher
from gateway.ocpp.translation import IngestRpc
from gateway.service import RunningGateway, start
from gateway.settings import GatewaySettings, TlsSettings
from mesh import service
from mesh.database.engine import Database
from mesh.runtime.settings import Environment, ServiceSettings
from mesh.runtime.times import now_us
from mesh.service import Parts, RunningService
from station_svc.features.credentials import failures
from station_svc.settings import StationSettings
from tests.auth_builds import auth_build
from tests.mesh_identities import mesh_environment, mesh_keys, mesh_settings
from tests.ports import held_port
from tests.templates import shared_templates
from transaction_svc.settings import TransactionSettings

if TYPE_CHECKING:  # names that only the generated types have
    from csms.station.v1.command_service_pb2_grpc import CommandServiceAsyncStub
    from csms.station.v1.station_service_pb2_grpc import StationServiceAsyncStub
    from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceAsyncStub

SCHEMAS = ("auth", "station", "transaction")
TIMEOUT_S = 60  # for what must happen


@dataclass
class MeshRig:
    """A running mesh, and what an operator of it may ask."""

    gateway: RunningGateway
    gateway_settings: GatewaySettings
    stations: "StationServiceAsyncStub"
    commands: "CommandServiceAsyncStub"
    transactions: "TransactionServiceAsyncStub"
    station_channel: grpc.aio.Channel  # for stubs of station_svc's other operator services
    transaction_channel: grpc.aio.Channel  # for stubs of transaction_svc's other operator services
    auth_channel: grpc.aio.Channel  # for stubs of auth_svc's operator services
    metadata: tuple[tuple[str, str], ...]
    transaction_service: "TransactionService"
    station_answers: "HeldAnswers"

    @property
    def ocpp_port(self) -> int:
        """Where stations connect."""
        return self.gateway.ocpp_port

    def url(self, path: str) -> str:
        """A WebSocket URL at the gateway."""
        return f"ws://127.0.0.1:{self.ocpp_port}{path}"

    def station_url(self, station_id: str) -> str:
        """The URL of a station."""
        return self.url(f"/ocpp/{station_id}")

    def tls_station_url(self, station_id: str, *, host: str = "localhost") -> str:
        """The URL of a station at the port with TLS."""
        return f"wss://{host}:{self.gateway.ocpp_tls_port}/ocpp/{station_id}"

    async def create_station(self, station_id: str) -> str:
        """Registers a station and returns its password."""
        request = station_service_pb2.CreateStationRequest(station_id=station_id)
        response = await self.stations.CreateStation(request, metadata=self.metadata, timeout=TIMEOUT_S)
        credential: str = response.credential
        return credential

    async def create_id_token(self, text: str, **more: Any) -> None:
        """Adds an id token."""
        token = id_token_service_pb2.IdToken(id_token=text, **more)
        request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
        await IdTokenServiceStub(self.auth_channel).CreateIdToken(request, metadata=self.metadata, timeout=TIMEOUT_S)

    async def is_connected(self, station_id: str) -> bool:
        """Whether the mesh thinks that a station is connected."""
        request = station_service_pb2.GetStationRequest(station_id=station_id)
        response = await self.stations.GetStation(request, metadata=self.metadata, timeout=TIMEOUT_S)
        connected: bool = response.station.connected
        return connected

    async def is_disconnected(self, station_id: str) -> bool:
        """The opposite."""
        return not await self.is_connected(station_id)

    async def send_call(self, station_id: str, action: str, payload: dict[str, Any]) -> Any:
        """Sends a command as an operator and returns the station's answer."""
        request = command_service_pb2.SendCallRequest(station_id=station_id, action=action)
        request.payload.update(payload)
        response = await self.commands.SendCall(request, metadata=self.metadata, timeout=TIMEOUT_S)
        return json_format.MessageToDict(response.payload)

    async def epoch(self, station_id: str) -> int:
        """The number of a station's latest connection."""
        request = station_service_pb2.GetStationRequest(station_id=station_id)
        response = await self.stations.GetStation(request, metadata=self.metadata, timeout=TIMEOUT_S)
        return response.station.connection.epoch

    async def messages(self, station_id: str) -> Sequence[station_pb2.Message]:
        """The message log of a station, newest first."""
        request = station_service_pb2.ListMessagesRequest(station_id=station_id, page_size=1000)
        response = await self.stations.ListMessages(request, metadata=self.metadata, timeout=TIMEOUT_S)
        return response.messages

    def batcher_of_transactions(self) -> IngestBatcher[Any, Any]:
        """The gateway's batcher of transaction events."""
        return self.gateway.mesh.batchers[IngestRpc.TRANSACTION_EVENTS]


class HeldAnswers:
    """Writes of station_svc are committed at once, and not answered while this is held."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.waiting = 0

    def hold(self) -> None:
        """No answers from now on."""
        self._open.clear()

    def release(self) -> None:
        """All that are due, and those to come."""
        self._open.set()

    def apply(self, database: Database) -> None:
        """Holds the answers of this database."""
        write = database.write

        async def write_and_wait(work: Any) -> Any:
            result = await write(work)
            self.waiting += 1
            try:
                await self._open.wait()
            finally:
                self.waiting -= 1
            return result

        database.write = write_and_wait  # type: ignore[method-assign]


class TransactionService:
    """transaction_svc, which can be stopped and started again on its port, and held up at its door."""

    def __init__(self, env: Environment, port: int, operator_port: int) -> None:
        """`port` is where the mesh finds it."""
        self._env = env
        self._settings = replace(
            _separate(env, "transaction"),
            mesh_address=f"127.0.0.1:{port}",
            operator_address=f"127.0.0.1:{operator_port}",
        )
        self._stack = AsyncExitStack()
        self._open = asyncio.Event()
        self._open.set()
        self._passing = 0
        self.waiting = 0
        self.ahead_us = 0  # its clock is ahead of the others' by this
        self.running: RunningService

    async def start(self) -> None:
        """Starts it, for the first time or again."""
        settings = TransactionSettings.read(self._env)
        self.running = await service.start(
            self._stack, self._settings, transaction_svc.migrations, partial(self._build, settings=settings)
        )

    async def stop(self) -> None:
        """Stops it."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    def hold(self, *, after: int = 0) -> None:
        """Lets no batch reach its database from now on, but for the first `after`."""
        self._passing = after
        self._open.clear()

    def release(self) -> None:
        """Lets them through again."""
        self._open.set()

    async def _build(self, database: Database, stack: AsyncExitStack, *, settings: TransactionSettings) -> Parts:
        write = database.write

        async def write_when_open(work: Any) -> Any:
            if self._passing:
                self._passing -= 1
                return await write(work)
            if not self._open.is_set():
                self.waiting += 1
                try:
                    await self._open.wait()
                finally:
                    self.waiting -= 1
            return await write(work)

        database.write = write_when_open  # type: ignore[method-assign]
        return await transaction_svc.service.build(database, stack, settings=settings, clock=self._now_us)

    def _now_us(self) -> int:
        return now_us() + self.ahead_us


_USUAL = {
    "CSMS_AUTO_MIGRATE": "1",
    "CSMS_ONBOARDING": "accept",
    "CSMS_NODE_LEASE_S": "120",  # a process that gets no CPU for a while is not what these tests are about
    "CSMS_ADMIN_PASSWORD": "correct horse",
    "CSMS_UNKNOWN_TOKENS": "accept",  # most sessions are not about who may charge
    "CSMS_REFLECTION": "0",  # tests/front_door reads it, at a mesh of processes
    "CSMS_VERSION_CHANGE_DELAY_S": "0",  # connections of tests are short; tests/station_svc/ingest has the time
}


@asynccontextmanager
async def running_mesh(database_url: str, **more: str) -> AsyncIterator[MeshRig]:
    """A mesh that is serving, with its node's lease taken; `more` are further settings."""
    async with running_mesh_with(database_url, None, more) as rig:
        yield rig


@asynccontextmanager
async def running_mesh_with(
    database_url: str, tls: TlsSettings | None, more: Mapping[str, str]
) -> AsyncIterator[MeshRig]:
    """The same, with TLS at its gateway where it is given. Files of SQLite that are not there yet are migrated ones."""
    if (url := make_url(database_url)).get_backend_name() == "sqlite":
        shared_templates().copy_sqlite(SCHEMAS, Path(str(url.database)).parent)
    async with AsyncExitStack() as stack:
        # Each refused handshake would be seen 10 s after the one before it.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(failures, "INTERVAL_S", 0.1)
        values = {**_USUAL, "CSMS_DATABASE_URL": database_url, **more}
        auth = await _start_auth(stack, values)
        gateway_address = f"127.0.0.1:{stack.enter_context(held_port())}"
        transaction_port = stack.enter_context(held_port())
        transaction = await _start_transaction(
            stack, values | {"CSMS_GATEWAY_ADDRESS": gateway_address}, transaction_port
        )
        station_answers = HeldAnswers()
        station = await _start_station(
            stack, values | {"CSMS_TRANSACTION_ADDRESS": f"127.0.0.1:{transaction_port}"}, station_answers
        )
        settings = _gateway_settings(gateway_address, station=station, transaction=transaction.running, auth=auth)
        gateway = await start(stack, settings := replace(settings, tls=tls))
        async with asyncio.timeout(TIMEOUT_S):
            await gateway.lease.acquired.wait()
        station_channel, auth_channel = await _channel(stack, station), await _channel(stack, auth)
        transaction_channel = await _channel(stack, transaction.running)
        yield MeshRig(
            gateway=gateway,
            gateway_settings=replace(settings, mesh_address="127.0.0.1:0"),  # for further gateways
            stations=StationServiceStub(station_channel),
            commands=CommandServiceStub(station_channel),
            station_channel=station_channel,
            transactions=TransactionServiceStub(transaction_channel),
            transaction_channel=transaction_channel,
            auth_channel=auth_channel,
            metadata=await _log_in(auth_channel),
            transaction_service=transaction,
            station_answers=station_answers,
        )


def _gateway_settings(
    mesh_address: str, *, station: RunningService, transaction: RunningService, auth: RunningService
) -> GatewaySettings:
    return GatewaySettings(
        host="127.0.0.1",
        ocpp_host="127.0.0.1",
        ocpp_port=0,
        mesh_address=mesh_address,
        advertised_host=None,
        shared_port=False,
        metrics_address="127.0.0.1:0",
        mesh=mesh_settings("gateway"),
        front_door_secrets=(mesh_keys().read_front_door_secret(),),
        station_address=f"127.0.0.1:{station.mesh_port}",
        transaction_address=f"127.0.0.1:{transaction.mesh_port}",
        auth_address=f"127.0.0.1:{auth.mesh_port}",
    )


async def _start_auth(stack: AsyncExitStack, values: dict[str, str]) -> RunningService:
    env = _environment(values, "auth")
    running = await service.start(stack, _separate(env, "auth"), auth_svc.migrations, auth_build(env, now_us))
    values["CSMS_AUTH_ADDRESS"] = f"127.0.0.1:{running.mesh_port}"
    return running


async def _start_transaction(stack: AsyncExitStack, values: dict[str, str], port: int) -> TransactionService:
    """Before station_svc, which connects to it: channels of one process share a connection and its backoff.

    Else the gateway's first call could find it refused.
    """
    env = _environment(values, "transaction")
    transaction = TransactionService(env, port, stack.enter_context(held_port()))
    await transaction.start()
    stack.push_async_callback(transaction.stop)
    return transaction


async def _start_station(stack: AsyncExitStack, values: dict[str, str], answers: HeldAnswers) -> RunningService:
    env = _environment(values, "station")

    async def build(database: Database, service_stack: AsyncExitStack) -> Parts:
        answers.apply(database)
        settings = StationSettings.read(env)
        return await station_svc.service.build(database, service_stack, settings=settings, clock=now_us)

    return await service.start(stack, _separate(env, "station"), station_svc.migrations, build)


def _environment(values: dict[str, str], name: str) -> Environment:
    free = {f"CSMS_{name.upper()}_{kind}": "127.0.0.1:0" for kind in ("ADDRESS", "OPERATOR_ADDRESS")}
    return Environment(free | mesh_environment(name) | values)


def _separate(env: Environment, name: str) -> ServiceSettings:
    """The settings of a service; on SQLite with a file of its own."""
    settings = ServiceSettings.read(env, name)
    if not settings.database_url.startswith("sqlite"):
        return settings
    return replace(settings, database_url=settings.database_url.replace("test.db", f"{name}.db"))


async def _channel(stack: AsyncExitStack, running: RunningService) -> grpc.aio.Channel:
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{running.operator_port}")
    stack.push_async_callback(channel.close)
    return channel


async def _log_in(channel: grpc.aio.Channel) -> tuple[tuple[str, str], ...]:
    request = user_service_pb2.LoginRequest(username="admin", password="correct horse")
    response = await UserServiceStub(channel).Login(request, timeout=TIMEOUT_S)
    return (("authorization", f"Bearer {response.access_token}"),)
