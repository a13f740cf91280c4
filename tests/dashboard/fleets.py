"""Stations for tests of the dashboard that never connect: many, in one call."""

from typing import Any

from tests.running_mesh import RunningMesh

PLATFORM_PASSWORD = "quite-a-long-secret"
_MOST = 1_000  # of one call


def call(mesh: RunningMesh, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
    """A call that has to succeed, by default the administrator's."""
    answer = mesh.request(method, path, body=body, authorization=f"Bearer {token or mesh.token()}")
    assert answer.status == 200, answer
    return answer.json


def add_stations(mesh: RunningMesh, prefix: str, count: int, *, token: str = "") -> list[str]:
    """Adds stations, and returns their ids in order."""
    names = [f"{prefix}{number:04d}" for number in range(count)]
    for first in range(0, count, _MOST):
        lines = ["station_id", *names[first : first + _MOST]]
        call(mesh, "POST", "/v1/stations:import", {"csv": "\n".join(lines)}, token=token)
    return names
