"""One real mesh for all tests of the front door."""

from collections.abc import Iterator

import grpc
import pytest

from tests.running_mesh import RunningMesh, running_mesh

DEVELOPMENT_ORIGIN = "http://localhost:5173"


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that is ready, without stations."""
    with running_mesh(tmp_path_factory.mktemp("mesh"), CSMS_CORS_ORIGINS=DEVELOPMENT_ORIGIN) as running:
        yield running


@pytest.fixture(scope="session")
def token(mesh: RunningMesh) -> str:
    """The administrator's access token."""
    return mesh.token()


@pytest.fixture(scope="session")
def bearer(token: str) -> dict[str, str]:
    """The header for it."""
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def channel(mesh: RunningMesh) -> Iterator[grpc.Channel]:
    """A gRPC channel to the front door."""
    with grpc.insecure_channel(mesh.target) as opened:
        yield opened


@pytest.fixture(scope="session")
def station_id(mesh: RunningMesh, bearer: dict[str, str]) -> str:
    """A station that is registered, and not connected."""
    answer = mesh.request("POST", "/v1/stations", body={"stationId": "FD-1"}, **bearer)
    assert answer.status == 200, answer
    return "FD-1"
