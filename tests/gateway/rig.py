"""The whole mesh in one process: the real services and gateway, on a real database."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from argon2 import PasswordHasher
from csms.auth.v1 import user_service_pb2
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub
from csms.station.v1 import command_service_pb2, station_service_pb2
from csms.station.v1.command_service_pb2_grpc import CommandServiceStub
from csms.station.v1.station_service_pb2_grpc import StationServiceStub
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub
from google.protobuf import json_format

import auth_svc.migrations
import auth_svc.service
import station_svc.build
import station_svc.migrations
import transaction_svc.migrations
import transaction_svc.service
from auth_svc.settings import AuthSettings
from gateway.__main__ import RunningGateway, Settings, start
from mesh import service
from mesh.service import RunningService
from mesh.settings import Environment, ServiceSettings
from mesh.times import now_us
from station_svc.settings import StationSettings
from transaction_svc.settings import TransactionSettings

if TYPE_CHECKING:  # names that only the generated types have
    from csms.station.v1.command_service_pb2_grpc import CommandServiceAsyncStub
    from csms.station.v1.station_service_pb2_grpc import StationServiceAsyncStub
    from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceAsyncStub

TIMEOUT_S = 10
# Cheap on purpose: what argon2id costs is not what these tests are about.
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class MeshRig:
    """A running mesh, and what an operator of it may ask."""

    gateway: RunningGateway
    gateway_settings: Settings
    stations: "StationServiceAsyncStub"
    commands: "CommandServiceAsyncStub"
    transactions: "TransactionServiceAsyncStub"
    metadata: tuple[tuple[str, str], ...]
    stack: AsyncExitStack

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

    async def create_station(self, station_id: str) -> str:
        """Registers a station and returns its password."""
        request = station_service_pb2.CreateStationRequest(station_id=station_id)
        response = await self.stations.CreateStation(request, metadata=self.metadata, timeout=TIMEOUT_S)
        credential: str = response.credential
        return credential

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

    async def second_gateway(self) -> RunningGateway:
        """Starts another gateway on the same services."""
        return await start(self.stack, replace(self.gateway_settings, ocpp_port=0))


@asynccontextmanager
async def running_mesh(database_url: str) -> AsyncIterator[MeshRig]:
    """A mesh that is serving, with its node's lease taken."""
    async with AsyncExitStack() as stack:
        values = {
            "CSMS_DATABASE_URL": database_url,
            "CSMS_MESH_SECRET": secrets.token_hex(8),
            "CSMS_AUTO_MIGRATE": "1",
            "CSMS_ONBOARDING": "accept",
            "CSMS_ADMIN_PASSWORD": "correct horse",
        }
        auth = await _start_auth(stack, values)
        station = await _start_station(stack, values)
        transaction = await _start_transaction(stack, values)
        settings = Settings(
            host="127.0.0.1",
            ocpp_port=0,
            mesh_address="127.0.0.1:0",
            advertised_host=None,
            shared_port=False,
            metrics_address="127.0.0.1:0",
            mesh_secret=values["CSMS_MESH_SECRET"],
            station_address=f"127.0.0.1:{station.mesh_port}",
            transaction_address=f"127.0.0.1:{transaction.mesh_port}",
            auth_address=f"127.0.0.1:{auth.mesh_port}",
        )
        gateway = await start(stack, settings)
        async with asyncio.timeout(TIMEOUT_S):
            await gateway.lease.acquired.wait()
        yield MeshRig(
            gateway=gateway,
            gateway_settings=settings,
            stations=StationServiceStub(await _channel(stack, station)),
            commands=CommandServiceStub(await _channel(stack, station)),
            transactions=TransactionServiceStub(await _channel(stack, transaction)),
            metadata=await _log_in(await _channel(stack, auth)),
            stack=stack,
        )


async def _start_auth(stack: AsyncExitStack, values: dict[str, str]) -> RunningService:
    env = _environment(values, "auth")
    build = partial(
        auth_svc.service.build,
        settings=AuthSettings.read(env),
        clock=now_us,
        hasher=_HASHER,
        announce=lambda _line: None,
    )
    running = await service.start(stack, _separate(env, "auth"), auth_svc.migrations, build)
    values["CSMS_AUTH_ADDRESS"] = f"127.0.0.1:{running.mesh_port}"
    return running


async def _start_station(stack: AsyncExitStack, values: dict[str, str]) -> RunningService:
    env = _environment(values, "station")
    build = partial(station_svc.build.build, settings=StationSettings.read(env), clock=now_us)
    return await service.start(stack, _separate(env, "station"), station_svc.migrations, build)


async def _start_transaction(stack: AsyncExitStack, values: dict[str, str]) -> RunningService:
    env = _environment(values, "transaction")
    build = partial(transaction_svc.service.build, settings=TransactionSettings.read(env), clock=now_us)
    return await service.start(stack, _separate(env, "transaction"), transaction_svc.migrations, build)


def _environment(values: dict[str, str], name: str) -> Environment:
    free = {f"CSMS_{name.upper()}_{kind}": "127.0.0.1:0" for kind in ("ADDRESS", "OPERATOR_ADDRESS")}
    return Environment(free | values)


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
