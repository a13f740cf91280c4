"""Several gateway processes on one port: real processes, against the services of this one."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from csms.station.v1.station_service_pb2 import GetStationRequest
from websockets.exceptions import InvalidStatus

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.mesh_identities import mesh_environment
from tests.tls_material import HOST, ServerFiles, trusting
from tests.waiting import eventually

PATIENCE_S = 180.0


@dataclass(kw_only=True)
class Gateways:
    """A first gateway process with one worker beside it, and the stations that connected."""

    mesh: MeshRig
    first: Process
    port: int
    tls_port: int
    server: ServerFiles  # the certificate that both serve
    client: ssl.SSLContext  # of a station that trusts the gateways' certificate
    stations: AsyncExitStack
    connected: int = 0

    async def worker(self, other_than: int | None = None) -> int:
        """Waits for the worker's process id."""
        while True:
            for pid in await children(self.first.pid):
                if pid != other_than:
                    return pid
            await asyncio.sleep(0.05)

    async def served(self) -> bytes:
        """The certificate that a handshake sees, of either process; DER."""
        _reader, writer = await asyncio.open_connection("localhost", self.tls_port, ssl=self.client)
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return certificate

    async def connect(self, *, tls: bool = False) -> tuple[RawStation, str]:
        """Lets a new station in; returns it and the node that holds it."""
        self.connected += 1
        station_id = f"W{self.connected}"
        url = f"wss://localhost:{self.tls_port}" if tls else f"ws://127.0.0.1:{self.port}"
        while True:
            try:
                station = RawStation(f"{url}/ocpp/{station_id}", tls=self.client if tls else None)
                await self.stations.enter_async_context(station)
                break
            except (OSError, InvalidStatus, EOFError):  # not listening yet, or without its lease yet, or just killed
                await asyncio.sleep(0.05)
        found = await self.mesh.stations.GetStation(
            GetStationRequest(station_id=station_id), metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return station, found.station.connection.node_id

    async def connect_until(
        self, nodes: int, *, besides: str | None = None, tls: bool = False
    ) -> dict[str, RawStation]:
        """Lets stations in until so many nodes hold one, `besides` not counted; returns a station by node."""
        found: dict[str, RawStation] = {}
        while len(found) < nodes:
            station, node = await self.connect(tls=tls)
            if node != besides:
                found[node] = station
            await asyncio.sleep(0.01)
        return found


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Ports that are kept for those who share them, without TLS and with it: bound, and not listened on."""
    with socket.socket() as plain, socket.socket() as encrypted:
        for held in (plain, encrypted):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(("127.0.0.1", 0))
        yield plain.getsockname()[1], encrypted.getsockname()[1]


@pytest.fixture
async def gateways(mesh: MeshRig, ports: tuple[int, int], tmp_path: Path) -> AsyncIterator[Gateways]:
    """Two processes, starting."""
    server = ServerFiles(tmp_path)
    files = server.write("ecdsa", HOST)
    settings = mesh.gateway_settings
    own = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    environment = own | {
        "CSMS_OCPP_PORT": str(ports[0]),
        "CSMS_OCPP_TLS_PORT": str(ports[1]),
        "CSMS_TLS_CERTIFICATE_FILES": str(files.certificate),
        "CSMS_TLS_KEY_FILES": str(files.key),
        "CSMS_GATEWAY_WORKERS": "2",
        "CSMS_GATEWAY_ADDRESS": "127.0.0.1:0",
        "CSMS_ONBOARDING": "accept",
        **mesh_environment("gateway"),
        "CSMS_STATION_ADDRESS": settings.station_address,
        "CSMS_TRANSACTION_ADDRESS": settings.transaction_address,
        "CSMS_AUTH_ADDRESS": settings.auth_address,
        "CSMS_LIFELINE": "1",
    }
    first = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stdin=PIPE)
    try:
        async with AsyncExitStack() as stations:
            yield Gateways(
                mesh=mesh,
                first=first,
                port=ports[0],
                tls_port=ports[1],
                server=server,
                client=trusting(server.root),
                stations=stations,
            )
    finally:
        if first.returncode is None:
            first.kill()
        await first.wait()


async def children(pid: int) -> list[int]:
    """The process ids of a process's children that run."""
    return [child for child, parent, state in await processes() if parent == pid and not state.startswith("Z")]


async def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    return any(one == pid and not state.startswith("Z") for one, _, state in await processes())


async def processes() -> list[tuple[int, int, str]]:
    """All processes: id, parent, state."""
    listing = await asyncio.create_subprocess_exec("ps", "-A", "-o", "pid=,ppid=,state=", stdout=PIPE)
    text, _ = await listing.communicate()
    rows = (line.split() for line in text.decode().splitlines())
    return [(int(pid), int(parent), state) for pid, parent, state in rows]


async def gone(pid: int) -> None:
    """Waits until a process has ended."""
    while True:
        if not await runs(pid):
            return
        await asyncio.sleep(0.05)


async def test_both_take_stations_and_a_killed_worker_comes_back(gateways: Gateways) -> None:
    """Two nodes hold the stations of one port; after SIGKILL one node lives on, and a new one comes beside it."""
    async with asyncio.timeout(PATIENCE_S):
        before = await gateways.connect_until(2)
        worker = await gateways.worker()
        os.kill(worker, signal.SIGKILL)
        cut = {asyncio.create_task(station.close_code()): node for node, station in before.items()}
        done, pending = await asyncio.wait(cut, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1, "the first gateway must not lose its stations with its worker"
        (survivor,) = [cut[task] for task in pending]
        for task in pending:
            task.cancel()
        assert await gateways.worker(other_than=worker) != worker
        (node,) = await gateways.connect_until(1, besides=survivor)
        assert node not in before


async def test_both_serve_tls(gateways: Gateways) -> None:
    """On one port too, beside the plain one."""
    async with asyncio.timeout(PATIENCE_S):
        encrypted = await gateways.connect_until(2, tls=True)
        assert set(await gateways.connect_until(2)) == set(encrypted)


async def test_sighup_has_both_read_their_certificate_again(gateways: Gateways) -> None:
    """Neither ends, and both serve the new one; sockets stay."""
    async with asyncio.timeout(PATIENCE_S):
        held = await gateways.connect_until(2, tls=True)
        for station in held.values():
            await station.boot()
        worker = await gateways.worker()
        before = await gateways.served()
        gateways.server.write("ecdsa", HOST)
        gateways.first.send_signal(signal.SIGHUP)

        async def all_new() -> bool:
            return before not in {await gateways.served() for _ in range(8)}

        await eventually(all_new)
        assert set(await gateways.connect_until(2, tls=True)) == set(held)
        assert (gateways.first.returncode, await gateways.worker()) == (None, worker)
        for station in held.values():
            assert "currentTime" in await station.call("Heartbeat", {})


async def test_sigterm_ends_all(gateways: Gateways) -> None:
    """Both close their sockets with 1012 (service restart), the first exits with 0, and no process is left."""
    async with asyncio.timeout(PATIENCE_S):
        held = await gateways.connect_until(2)
        worker = await gateways.worker()
        gateways.first.terminate()
        assert [await station.close_code() for station in held.values()] == [1012, 1012]
        assert await gateways.first.wait() == 0
        assert not await runs(worker), "the first waits for the others"


async def test_no_worker_outlives_the_first(gateways: Gateways) -> None:
    """SIGKILL leaves the first no chance to notify them; they see the end of their standard input."""
    async with asyncio.timeout(PATIENCE_S):
        held = await gateways.connect_until(2)
        worker = await gateways.worker()
        gateways.first.kill()
        codes = [await station.close_code() for station in held.values()]
        assert sorted(codes) == [1006, 1012], "the worker says goodbye, the first cannot"
        await gone(worker)
