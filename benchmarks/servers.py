"""Starts what is measured: the echo server, a PostgreSQL, and the parts of the mesh, on free ports."""

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.client import Tally, open_station
from benchmarks.errors import BenchmarkError
from benchmarks.measuring import Target
from benchmarks.steps import FILE
from benchmarks.tls import TlsTarget
from deploy.local import one_process
from deploy.local.ports import Reservation
from deploy.mesh_keys import MeshKeys
from deploy.self_made import SelfMade, make_certificates

HOST = "127.0.0.1"
READY_S = 60.0
STOP_S = 10.0
SERVICES = ("auth", "station", "transaction")
ALL_SERVICES = (*SERVICES, "notification")


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A running mesh, without a front door: the operator ports are called directly."""

    target: Target
    tls_target: Target | None = None  # the same mesh by its port with TLS, where it was started with one
    operator_addresses: Mapping[str, str]
    gateway_address: str  # where the gateway is asked for its health
    admin_password: str


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the mesh keeps its data. `root` is PostgreSQL's first process, None where there is none to account."""

    name: str
    url: str | None
    root: int | None


@asynccontextmanager
async def echo_server() -> AsyncIterator[Target]:
    """The yardstick, running."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.echo", stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None  # noqa: S101 - it was made with both
    assert process.stdout is not None  # noqa: S101
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), READY_S) or 0)
        if not port:
            raise BenchmarkError("the echo server did not start; its error is above")
        yield Target(name="echo", host=HOST, port=port, path="/ocpp/", roots={"echo": process.pid}, is_mesh=False)
    finally:
        process.stdin.close()
        await end(process)


@asynccontextmanager
async def mesh(
    database: Database,
    directory: Path,
    *,
    steps: bool = False,
    services: Sequence[str] = SERVICES,
    tls: bool = False,
    all_in_one: bool = False,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Mesh]:
    """Services and gateway as child processes with empty databases, ready to serve; their logs are in `directory`.

    Events are relayed where `services` has "notification"; else they stay in the outboxes. With `steps` each process
    writes there, when it ends, the time that its steps took (benchmarks/steps.py). With `tls` the gateway has its port
    with TLS beside the plain one, with an ECDSA certificate and an RSA one. With `all_in_one` all are one process.
    `settings` are further ones of the parts.
    """
    made = make_certificates(directory / "tls", HOST, datetime.now(UTC)) if tls else None
    environment = _environment(database, directory, services, made) | dict(settings or {})
    keys = MeshKeys(directory / "keys")
    keys.make()
    processes: dict[str, Process] = {}
    try:
        if all_in_one:
            own = {**environment, "CSMS_MESH_KEYS": str(directory / "keys")}
            processes[one_process.NAME] = await _start(f"deploy.{one_process.NAME}", own, directory, steps=False)
        else:
            for name in (*(f"{service}_svc" for service in services), "gateway"):
                own = {**environment, **keys.settings(name.removesuffix("_svc"))}
                processes[name] = await _start(name, own, directory, steps=steps)
        await _ready(services, environment, processes, directory)
        roots = {name: process.pid for name, process in processes.items()}
        if database.root is not None:
            roots["database"] = database.root
        yield _running(database.name, environment, roots, services, made)
    finally:
        for process in reversed(processes.values()):
            await end(process)


async def _ready(
    services: Sequence[str], environment: Mapping[str, str], processes: Mapping[str, Process], directory: Path
) -> None:
    """Waits until all parts serve. Raises BenchmarkError where one does not."""
    for part in (*services, "gateway"):
        name = one_process.NAME if one_process.NAME in processes else part if part == "gateway" else f"{part}_svc"
        await _healthy(name, environment[f"CSMS_{part.upper()}_ADDRESS"], processes, directory)
    await _admitting(int(environment["CSMS_OCPP_PORT"]), name, processes, directory)


def _environment(database: Database, directory: Path, services: Sequence[str], made: SelfMade | None) -> dict[str, str]:
    """The environment of the parts, without any setting of this process."""
    ports = iter(free_ports(4 + 2 * len(services)))
    own = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    settings = {
        "CSMS_HOST": HOST,
        "CSMS_OCPP_PORT": str(next(ports)),
        "CSMS_GATEWAY_ADDRESS": f"{HOST}:{next(ports)}",
        "CSMS_GATEWAY_METRICS_ADDRESS": f"{HOST}:{next(ports)}",
        "CSMS_ONBOARDING": "accept",
        "CSMS_ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "CSMS_AUTO_MIGRATE": "1",
        # One administrator makes the id tags of a whole fleet, as fast as that goes.
        "CSMS_CALLS_PER_CALLER_S": "0",
        "CSMS_CALLS_PER_TENANT_S": "0",
        "CSMS_DATA_DIR": str(directory / "data"),
        "CSMS_LOG_LEVEL": "WARNING",
        "CSMS_LIFELINE": "1",
    }
    for service in services:
        settings[f"CSMS_{service.upper()}_ADDRESS"] = f"{HOST}:{next(ports)}"
        settings[f"CSMS_{service.upper()}_OPERATOR_ADDRESS"] = f"{HOST}:{next(ports)}"
    if database.url is not None:
        settings["CSMS_DATABASE_URL"] = database.url
    if made is not None:
        settings |= _tls_settings(made, next(ports))
    return own | settings


def _tls_settings(made: SelfMade, port: int) -> dict[str, str]:
    """The settings of the gateway's port with TLS."""
    return {
        "CSMS_OCPP_TLS_PORT": str(port),
        "CSMS_TLS_CERTIFICATE_FILES": ",".join(str(one.certificate) for one in made.files),
        "CSMS_TLS_KEY_FILES": ",".join(str(one.key) for one in made.files),
    }


def _running(
    name: str,
    environment: Mapping[str, str],
    roots: Mapping[str, int],
    services: Sequence[str],
    made: SelfMade | None,
) -> Mesh:
    target = Target(
        name=name,
        host=HOST,
        port=int(environment["CSMS_OCPP_PORT"]),
        path="/ocpp/",
        roots=roots,
        metrics_url=f"http://{environment['CSMS_GATEWAY_METRICS_ADDRESS']}/metrics",
    )
    return Mesh(
        target=target,
        tls_target=_with_tls(target, made, environment) if made is not None else None,
        operator_addresses={s: environment[f"CSMS_{s.upper()}_OPERATOR_ADDRESS"] for s in services},
        gateway_address=environment["CSMS_GATEWAY_ADDRESS"],
        admin_password=environment["CSMS_ADMIN_PASSWORD"],
    )


def _with_tls(target: Target, made: SelfMade, environment: Mapping[str, str]) -> Target:
    tls = TlsTarget(root=str(made.root))
    return replace(target, name=f"{target.name}, TLS", port=int(environment["CSMS_OCPP_TLS_PORT"]), tls=tls)


def free_ports(count: int) -> list[int]:
    """Ports for parts that are about to start; where the system allows it nobody else can take them until then."""
    held = [Reservation() for _ in range(count)]
    for one in held:
        one.release()
    return [one.port for one in held]


async def _start(name: str, environment: Mapping[str, str], directory: Path, *, steps: bool) -> Process:
    command = ("-m", "benchmarks.steps", name) if steps else ("-m", name)
    own = {**environment, FILE: str(steps_file(directory, name))}
    with (directory / f"{name.removeprefix('deploy.')}.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, *command, env=own, stdin=PIPE, stdout=DEVNULL, stderr=log
        )


def steps_file(directory: Path, name: str) -> Path:
    """Where a part writes what its steps took."""
    return directory / f"{name}.steps.json"


async def _healthy(name: str, address: str, processes: Mapping[str, Process], directory: Path) -> None:
    """Waits until a part says that it serves. Raises BenchmarkError with the end of its log where it does not."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for _ in range(int(READY_S / 0.2)):
            if processes[name].returncode is not None:
                break
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.aio.AioRpcError:
                pass  # not yet
            await asyncio.sleep(0.2)
    raise _not_started(name, directory)


async def _admitting(port: int, gateway: str, processes: Mapping[str, Process], directory: Path) -> None:
    """Waits until a station's handshake succeeds: a gateway without its lease answers 503."""
    for _ in range(int(READY_S / 0.1)):
        if processes[gateway].returncode is not None:
            break
        try:
            connection = await open_station(host=HOST, port=port, path="/ocpp/bench-probe", tally=Tally())
        except OSError:
            await asyncio.sleep(0.1)
            continue
        connection.close()
        return
    raise _not_started(gateway, directory)


def _not_started(name: str, directory: Path) -> BenchmarkError:
    lines = (directory / f"{name}.log").read_text(errors="replace").splitlines()
    return BenchmarkError(f"{name} did not start: {lines[-1] if lines else 'it logged nothing'}")


async def end(process: Process) -> None:
    """Stops a process; kills it where it does not stop."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
