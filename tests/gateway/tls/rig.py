"""A mesh whose gateway serves TLS, with certificates of the tests' own."""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.service import RunningGateway
from gateway.settings import TlsSettings
from mesh.identity.certificate_files import CertificateFiles
from tests.certificates import TestAuthority
from tests.gateway.rig import MeshRig, running_mesh_with
from tests.station_certificates import trusting_auth
from tests.tls_material import HOST, OTHER_HOST, Handshake, ServerFiles, rsa_key, trusting


@dataclass(kw_only=True)
class TlsRig:
    """The mesh, and the files that its gateway serves: ECDSA and RSA for HOST, ECDSA for OTHER_HOST."""

    mesh: MeshRig
    server: ServerFiles
    files: tuple[CertificateFiles, ...]
    client: SSLContext = field(init=False)  # of a station that trusts the server's root

    def __post_init__(self) -> None:
        self.client = trusting(self.server.root)

    @property
    def port(self) -> int:
        """The port with TLS."""
        assert self.mesh.gateway.ocpp_tls_port is not None
        return self.mesh.gateway.ocpp_tls_port

    def handshake(self, context: SSLContext | None = None, **options: Any) -> Handshake:
        """A station's handshake."""
        return Handshake(port=self.port, context=context or self.client, **options)

    async def look(self) -> None:
        """Has the gateway look at its files now."""
        assert self.mesh.gateway.tls is not None
        await self.mesh.gateway.tls.look()

    async def metric(self, name: str, **labels: str) -> float | None:
        """A metric of the gateway, as Prometheus has it."""
        url = f"http://127.0.0.1:{self.mesh.gateway.metrics_port}/metrics"
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=60).read().decode())
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in text.splitlines():
            found = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line)
            if found and found[1] == name and wanted <= set(found[2].split(",")):
                return float(found[3])
        return None


@asynccontextmanager
async def running_tls(
    database_url: str, folder: Path, *, client_authorities: str = "", outside: Sequence[TestAuthority] = ()
) -> AsyncIterator[TlsRig]:
    """The mesh, serving. `outside` are authorities of other parties that auth_svc trusts."""
    server = ServerFiles(folder)
    files = (
        server.write("ecdsa", HOST),
        server.write("rsa", HOST, key=rsa_key()),
        server.write("other", OTHER_HOST, "*.wild.example.org"),
    )
    tls = TlsSettings(port=0, files=files, client_authorities=client_authorities)
    async with running_mesh_with(database_url, tls, trusting_auth(folder, *outside) if outside else {}) as mesh:
        yield TlsRig(mesh=mesh, server=server, files=files)


def noted_openings(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> list[ingest.OpenConnectionItem]:
    """The items that station_svc is given for handshakes from now on."""
    noted: list[ingest.OpenConnectionItem] = []
    batcher = gateway.mesh.openings
    ask = batcher.ask

    def ask_and_note(item: ingest.OpenConnectionItem, **options: Any) -> Any:
        noted.append(item)
        return ask(item, **options)

    monkeypatch.setattr(batcher, "ask", ask_and_note)
    return noted
