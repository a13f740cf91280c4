"""One real mesh for all tests of the front door."""

from collections.abc import Iterator

import grpc
import pytest

from tests.front_door.administration import Administration
from tests.front_door.reflection import reflected_rpcs
from tests.front_door.walk import Rpc
from tests.running_mesh import RunningMesh, running_mesh

DEVELOPMENT_ORIGIN = "http://localhost:5173"
PLATFORM_PASSWORD = "another long and quiet secret"
PLATFORM = {"CSMS_PLATFORM_ADMIN_PASSWORD": PLATFORM_PASSWORD}


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that is ready, without stations."""
    # Walks call each method as each caller, from one address; tests/front_door/test_limits.py has a mesh of its own.
    settings = {"CSMS_CORS_ORIGINS": DEVELOPMENT_ORIGIN, "CSMS_REQUESTS_PER_ADDRESS_S": "0", **PLATFORM}
    with running_mesh(tmp_path_factory.mktemp("mesh"), **settings) as running:
        yield running


@pytest.fixture
def token(mesh: RunningMesh) -> str:
    """The administrator's access token."""
    return mesh.token()


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    """The header for it."""
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def channel(mesh: RunningMesh) -> Iterator[grpc.Channel]:
    """A gRPC channel to the front door."""
    with grpc.insecure_channel(mesh.target) as opened:
        yield opened


@pytest.fixture(scope="package")
def station_id(mesh: RunningMesh) -> str:
    """A station that is registered, and not connected."""
    answer = mesh.request("POST", "/v1/stations", body={"stationId": "FD-1"}, authorization=f"Bearer {mesh.token()}")
    assert answer.status == 200, answer
    return "FD-1"


@pytest.fixture(scope="module")
def administration(mesh: RunningMesh) -> Administration:
    """An administrator."""
    return Administration(mesh, {"authorization": f"Bearer {mesh.token()}"})


@pytest.fixture(scope="module")
def rpcs(mesh: RunningMesh) -> list[Rpc]:
    """All RPCs that reflection lists."""
    return reflected_rpcs(mesh.target, mesh.token())
