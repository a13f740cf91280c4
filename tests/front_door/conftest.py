"""One real mesh for all tests of the front door."""

import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from tests.front_door.administration import Administration
from tests.front_door.reflection import reflected_rpcs
from tests.front_door.walk import Rpc
from tests.running_mesh import RunningMesh, running_mesh

DEVELOPMENT_ORIGIN = "http://localhost:5173"
LOGIN_AGAIN_S = 300.0
PLATFORM_PASSWORD = "another long and quiet secret"
PLATFORM = {"CSMS_PLATFORM_ADMIN_PASSWORD": PLATFORM_PASSWORD}


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that is ready, without stations."""
    # Walks call each method as each caller, from one address; tests/front_door/test_limits.py has a mesh of its own.
    settings = {"CSMS_CORS_ORIGINS": DEVELOPMENT_ORIGIN, "CSMS_REQUESTS_PER_ADDRESS_S": "0", **PLATFORM}
    with running_mesh(tmp_path_factory.mktemp("mesh"), **settings) as running:
        yield running


@pytest.fixture(scope="package")
def login(mesh: RunningMesh) -> Callable[[], str]:
    """Gives an access token of the administrator, a fresh one now and then: each is good for a quarter of an hour.

    A run of all tests on a busy machine takes longer than that.
    """
    tokens: list[str] = []
    logged_in_s = 0.0

    def is_valid(token: str) -> bool:  # a test may have replaced the signing keys
        return mesh.request("POST", "/v1/auth:verify", body={}, authorization=f"Bearer {token}").status == 200

    def login() -> str:
        nonlocal logged_in_s
        if not tokens or time.monotonic() - logged_in_s > LOGIN_AGAIN_S or not is_valid(tokens[0]):
            tokens[:], logged_in_s = [mesh.token()], time.monotonic()
        return tokens[0]

    return login


@pytest.fixture
def token(login: Callable[[], str]) -> str:
    """The administrator's access token."""
    return login()


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
def station_id(mesh: RunningMesh, login: Callable[[], str]) -> str:
    """A station that is registered, and not connected."""
    answer = mesh.request("POST", "/v1/stations", body={"stationId": "FD-1"}, authorization=f"Bearer {login()}")
    assert answer.status == 200, answer
    return "FD-1"


@pytest.fixture(scope="module")
def administration(mesh: RunningMesh, login: Callable[[], str]) -> Administration:
    """An administrator."""
    return Administration(mesh, {"authorization": f"Bearer {login()}"})


@pytest.fixture(scope="module")
def rpcs(mesh: RunningMesh, login: Callable[[], str]) -> list[Rpc]:
    """All RPCs that reflection lists."""
    return reflected_rpcs(mesh.target, login())
