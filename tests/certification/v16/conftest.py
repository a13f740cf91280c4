"""One mesh for the cases of a file, the id tokens that cases speak of, and a charge point for each."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from csms.auth.v1 import id_token_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.certification.v16.charge_point import BLOCKED, EXPIRED, GROUP, INVALID, ChargePoint
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh

TOKENS = (
    id_token_service_pb2.IdToken(id_token=INVALID, status="Invalid"),
    id_token_service_pb2.IdToken(id_token=EXPIRED, status="Accepted", expire_time=Timestamp(seconds=1_700_000_000)),
    id_token_service_pb2.IdToken(id_token=BLOCKED, status="Blocked"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeshRig]:
    """The real gateway and services, with the tokens."""
    folder = tmp_path_factory.mktemp("mesh")
    async with running_mesh(f"sqlite:///{folder / 'test.db'}", CSMS_UNKNOWN_TOKENS="reject") as rig:
        for token in TOKENS:
            await _create(rig, token)
        yield rig


async def _create(mesh: MeshRig, token: id_token_service_pb2.IdToken) -> None:
    request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
    service: Any = IdTokenServiceStub(mesh.auth_channel)
    await service.CreateIdToken(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


@pytest_asyncio.fixture(loop_scope="module")
async def offline(mesh: MeshRig, request: pytest.FixtureRequest) -> ChargePoint:
    """A charge point that is not connected yet. It is named by its case, and so is the driver who comes to it."""
    charge_point = ChargePoint(mesh, request.node.name.removeprefix("test_").upper())
    await _create(mesh, id_token_service_pb2.IdToken(id_token=charge_point.tag, group_id_token=GROUP))
    return charge_point


@pytest_asyncio.fixture(loop_scope="module")
async def charge_point(offline: ChargePoint) -> AsyncIterator[ChargePoint]:
    """A charge point that has booted, its connectors available. At the end it is still served on the same socket."""
    async with offline.connected():
        socket = offline.station
        await offline.boot()
        yield offline
        if offline.station is socket:
            assert "currentTime" in await offline.call("Heartbeat")
