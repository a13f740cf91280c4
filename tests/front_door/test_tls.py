"""TLS at a real Envoy, with a real gateway behind it: the same situations as at the gateway itself."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from csms.station.v1 import station_ingest_service_pb2 as ingest

from mesh.identity.certificate_files import load_certificates
from mesh.runtime.startup_errors import SettingError
from station_kit.tls import ShownCertificate, station_context
from tests.front_door.tls_envoy import TlsEnvoy, running_envoy
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import MeshRig, running_mesh
from tests.gateway.tls.rig import noted_openings
from tests.station_certificates import (
    INTERMEDIATE,
    MATRIX,
    ROOT,
    Row,
    StationCertificates,
    showing,
    trusting_auth,
)
from tests.tls_material import (
    EXPIRED,
    HOST,
    OTHER_HOST,
    RSA_ONLY,
    SUITES,
    ServerFiles,
    Shown,
    old_context,
    replace_file,
    rsa_key,
    station_certificate,
    trusting,
)
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeshRig]:
    """A mesh whose gateway has no TLS of its own; its auth_svc trusts another party's authority."""
    folder = tmp_path_factory.mktemp("mesh")
    async with running_mesh(f"sqlite:///{folder / 'test.db'}", **trusting_auth(folder, ROOT)) as rig:
        yield rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(own_mesh: MeshRig, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsEnvoy]:
    """Envoy in front of it: ECDSA and RSA for HOST, ECDSA for OTHER_HOST."""
    server = ServerFiles(tmp_path_factory.mktemp("tls"))
    files = (
        server.write("ecdsa", HOST),
        server.write("rsa", HOST, key=rsa_key()),
        server.write("other", OTHER_HOST),
    )
    async with running_envoy(own_mesh, server, files, hsts_s=600) as running:
        yield running


@pytest.fixture
def openings(own_mesh: MeshRig, monkeypatch: pytest.MonkeyPatch) -> list[ingest.OpenConnectionItem]:
    """The items that station_svc is given for handshakes."""
    return noted_openings(own_mesh.gateway, monkeypatch)


# Stations: versions, suites, host names


async def test_a_session_over_tls(door: TlsEnvoy, openings: list[ingest.OpenConnectionItem]) -> None:
    """The gateway learns version and suite; of a plain connection through Envoy that it is none."""
    context = trusting(door.server.root, max_version="TLSv1.2")
    async with RawStation(door.station_url("CP1"), tls=context) as station:
        assert (await station.boot())["status"] == "Accepted"
        async with RawStation(f"ws://127.0.0.1:{door.plain}/ocpp/CP2") as plain:
            assert (await plain.boot())["status"] == "Accepted"
    encrypted, bare = openings
    assert encrypted.tls.version == "TLSv1.2"
    assert encrypted.tls.cipher_suite == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    assert not encrypted.tls.HasField("client_certificate")
    assert not bare.HasField("tls")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_both_versions_are_served(door: TlsEnvoy, version: str) -> None:
    shown = await door.handshake(trusting(door.server.root, max_version=version)).run()
    assert (shown.version, shown.status) == (version, 101)


async def test_a_version_below_1_2_is_refused(door: TlsEnvoy) -> None:
    for port in (door.stations, door.operators):
        with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
            await door.handshake(old_context(), port=port).run()


@pytest.mark.parametrize("suite", SUITES)
async def test_each_suite_of_the_standard(door: TlsEnvoy, suite: str) -> None:
    shown = await door.handshake(trusting(door.server.root, suites=suite)).run()
    assert (shown.version, shown.cipher, shown.status) == ("TLSv1.2", suite, 101)
    assert shown.is_rsa is not suite.startswith("ECDHE-ECDSA")


async def test_operators_have_forward_secrecy(door: TlsEnvoy) -> None:
    """The suites without it are for stations that can do nothing else."""
    with pytest.raises(ssl.SSLError):
        await door.handshake(trusting(door.server.root, suites="AES128-GCM-SHA256"), port=door.operators).run()


async def test_a_station_that_has_rsa_alone(door: TlsEnvoy) -> None:
    shown = await door.handshake(trusting(door.server.root, suites=RSA_ONLY)).run()
    assert (shown.is_rsa, shown.status) == (True, 101)


@pytest.mark.parametrize(
    ("server_name", "certificate"),
    [(HOST, "ecdsa"), (OTHER_HOST, "other"), ("unknown.example.org", "ecdsa"), (None, "ecdsa")],
)
async def test_the_certificate_of_the_host_name(door: TlsEnvoy, server_name: str | None, certificate: str) -> None:
    context = trusting(door.server.root)
    context.check_hostname = False
    shown = await door.handshake(context, server_name=server_name).run()
    assert (shown.common_name, shown.status) == (certificate, 101)


@pytest.mark.parametrize("server_name", ["unknown.example.org", None])
async def test_a_station_with_rsa_alone_and_no_host_name_of_ours(door: TlsEnvoy, server_name: str | None) -> None:
    context = trusting(door.server.root, suites=RSA_ONLY)
    context.check_hostname = False
    shown = await door.handshake(context, server_name=server_name).run()
    assert (shown.common_name, shown.status) == ("rsa", 101)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_session_resumes(door: TlsEnvoy, version: str) -> None:
    context = trusting(door.server.root, max_version=version)
    first = await door.handshake(context).run()
    again = await door.handshake(context, session=first.session).run()
    assert (first.is_resumed, again.is_resumed, again.status) == (False, True, 101)


# Certificates that change


async def _replaced(door: TlsEnvoy, context: ssl.SSLContext, before: Shown) -> Shown:
    async def new() -> Shown | None:
        try:
            shown = await door.handshake(context).run()
        except ssl.SSLError:
            return None
        return shown if shown.certificate != before.certificate else None

    found = await eventually(new)
    assert found is not None
    return found


async def test_a_new_certificate_is_served_and_open_sockets_stay(door: TlsEnvoy) -> None:
    context = trusting(door.server.root)
    async with RawStation(door.station_url("RELOAD"), tls=context) as station:
        await station.boot()
        before = await door.handshake(context).run()
        door.server.write("ecdsa", HOST)
        door.write()
        assert (await _replaced(door, context, before)).status == 101
        assert "currentTime" in await station.call("Heartbeat", {})


async def test_a_broken_file_never_reaches_envoy(door: TlsEnvoy) -> None:
    context = trusting(door.server.root)
    before = await door.handshake(context).run()
    text = door.files[0].key.read_text()
    replace_file(door.files[0].key, "nothing")
    with pytest.raises(SettingError, match="no private key"):
        door.write()
    assert (await door.handshake(context).run()).certificate == before.certificate
    replace_file(door.files[0].key, text)


async def test_an_expired_certificate_is_served_and_the_station_decides(door: TlsEnvoy) -> None:
    context = trusting(door.server.root)
    careless = trusting(door.server.root)
    careless.verify_flags |= 0x200000  # this station has no clock
    before = await door.handshake(careless).run()
    door.server.write("ecdsa", HOST, validity=EXPIRED)
    door.write()
    assert (await _replaced(door, careless, before)).status == 101
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await door.handshake(context).run()
    door.server.write("ecdsa", HOST)
    door.write()

    async def is_served() -> bool:
        try:
            return (await door.handshake(context).run()).status == 101
        except ssl.SSLError:
            return False

    await eventually(is_served)


# Certificates of stations


def _showing(door: TlsEnvoy, certificate: ShownCertificate, *, max_version: str = "TLSv1.3") -> ssl.SSLContext:
    return station_context(door.server.root.pem, certificate=certificate, max_version=max_version)


@pytest.mark.parametrize("max_version", ["TLSv1.2", "TLSv1.3"])
async def test_a_certificate_is_passed_on(
    door: TlsEnvoy, tmp_path: Path, openings: list[ingest.OpenConnectionItem], max_version: str
) -> None:
    """With what the station showed above it; of a session that resumes, too."""
    certificate = station_certificate(tmp_path, INTERMEDIATE, "SERIAL-1", above=[INTERMEDIATE])
    context = _showing(door, certificate, max_version=max_version)
    first = await door.handshake(context).run()
    again = await door.handshake(context, session=first.session).run()
    assert (first.status, again.is_resumed, again.status) == (101, True, 101)
    for item in openings:
        assert item.tls.version == max_version
        assert item.tls.client_certificate.common_name == "SERIAL-1"
        assert item.tls.client_certificate.issuer == "CN=Stations' authority"


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.name)
async def test_each_certificate_has_its_outcome(door: TlsEnvoy, tmp_path: Path, row: Row) -> None:
    """Envoy lets nearly all of them through; the gateway has them checked, and refuses with the reason."""
    maker = StationCertificates(mesh=door.mesh, folder=tmp_path)
    certificate, password = await row.shown(maker)
    context = showing(door.server.root.pem, certificate)
    handshake = door.handshake(context, station_id=row.station_id, credential=password)
    if row.fails_at_envoy:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await handshake.run()
    else:
        row.check(await handshake.run())
        await row.check_refusal(maker)


async def test_a_certificate_that_is_revoked(door: TlsEnvoy, tmp_path: Path) -> None:
    """The socket that showed it is closed, and it is refused from then on, also of a session that resumes."""
    maker = StationCertificates(mesh=door.mesh, folder=tmp_path)
    certificate = await maker.issued("REVOKED", "REVOKED")
    context = _showing(door, certificate)
    first = await door.handshake(context, station_id="REVOKED").run()
    async with RawStation(door.station_url("REVOKED"), tls=context) as station:
        await station.boot()
        await maker.revoke(certificate)
        assert await station.close_code() == 1008
    again = await door.handshake(context, station_id="REVOKED", session=first.session).run()
    assert (first.status, again.is_resumed, again.status) == (101, True, 401)


async def test_headers_of_a_station_are_not_believed(door: TlsEnvoy, openings: list[ingest.OpenConnectionItem]) -> None:
    """Neither at the plain port nor at the one with TLS: Envoy removes them."""
    written = {
        "X-CSMS-TLS": "TLSv1.3 TLS_AES_128_GCM_SHA256",
        "X-Forwarded-Client-Cert": 'Chain="nothing"',
    }
    async with RawStation(f"ws://127.0.0.1:{door.plain}/ocpp/CP1", headers=written):
        pass
    context = trusting(door.server.root, max_version="TLSv1.2")
    async with RawStation(door.station_url("CP1"), tls=context, headers=written):
        pass
    plain, encrypted = openings
    assert not plain.HasField("tls")
    assert encrypted.tls.version == "TLSv1.2"
    assert not encrypted.tls.HasField("client_certificate")


# Operators


def _https(door: TlsEnvoy, protocols: list[str]) -> tuple[str | None, str]:
    """A GET of the first page: the protocol that was chosen, and the answer over HTTP/1.1."""
    context = trusting(door.server.root)
    context.set_alpn_protocols(protocols)
    with (
        socket.create_connection(("127.0.0.1", door.operators), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as encrypted,
    ):
        chosen = encrypted.selected_alpn_protocol()
        if chosen == "h2":
            return chosen, ""
        encrypted.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := encrypted.recv(65536):
            answer += part
        return chosen, answer.decode()


async def test_operators_are_served_over_https(door: TlsEnvoy) -> None:
    """HTTP/2 for those who speak it; browsers learn to come by HTTPS alone."""
    assert (await asyncio.to_thread(_https, door, ["h2", "http/1.1"]))[0] == "h2"
    chosen, answer = await asyncio.to_thread(_https, door, ["http/1.1"])
    assert chosen == "http/1.1"
    assert answer.startswith("HTTP/1.1 200")
    assert "strict-transport-security: max-age=600" in answer.lower()


async def test_a_station_may_come_to_the_operators_port(
    door: TlsEnvoy, openings: list[ingest.OpenConnectionItem], tmp_path: Path
) -> None:
    """By security profile 2: a browser would ask its user for a certificate, so none is requested there."""
    context = _showing(door, station_certificate(tmp_path, ROOT, "S"))
    assert (await door.handshake(context, port=door.operators).run()).status == 101
    [item] = openings
    assert item.tls.version == "TLSv1.3"
    assert not item.tls.HasField("client_certificate")


async def test_keys_are_in_files_that_others_cannot_read(door: TlsEnvoy) -> None:
    for path in (door.folder / "tls").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        [secret] = json.loads(path.read_text())["resources"]
        assert "PRIVATE KEY" in secret["tls_certificate"]["private_key"]["inline_string"]
    assert len(load_certificates(door.files)) == len(list((door.folder / "tls").iterdir())) == 3
    assert "PRIVATE KEY" not in (door.folder / "envoy.yaml").read_text()
