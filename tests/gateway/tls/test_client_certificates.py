"""Certificates by which stations prove themselves, at the gateway: requested, checked, and passed on to station_svc."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from csms.station.v1 import station_ingest_service_pb2 as ingest
from websockets.exceptions import InvalidStatus

from gateway.service import start
from gateway.tls.authorities import ClientAuthorities
from mesh.grpc.channels import open_channel
from mesh.identity.front_door import ADDRESS_HEADER, CERTIFICATE_HEADER, PROOF_HEADER, TLS_HEADER, proof_of
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.errors import from_status
from station_kit.tls import ShownCertificate, station_context
from tests.certificates import TestAuthority, authority
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import SCHEMAS
from tests.gateway.tls.rig import TlsRig, noted_openings, running_tls
from tests.station_certificates import INTERMEDIATE, MATRIX, ROOT, Row, StationCertificates, showing
from tests.templates import Templates
from tests.tls_material import EXPIRED, Shown, station_certificate
from tests.waiting import eventually, until
from tests.watched_checks import WatchedChecks

# The loop that gateways have; test_server.py holds both against each other.
pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> WatchedChecks:
    """The checks of auth_svc."""
    checks = WatchedChecks()
    checks.apply(monkeypatch)
    return checks


@pytest.fixture
async def rig(tmp_path: Path, templates: Templates, checks: WatchedChecks) -> AsyncIterator[TlsRig]:
    """A mesh with TLS, whose gateway knows the authority of another party."""
    del checks
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path, outside=[ROOT]) as running:
        await until(lambda: running.mesh.gateway.tls is not None and running.mesh.gateway.tls.is_ready)
        yield running


@pytest.fixture
def maker(rig: TlsRig, tmp_path: Path) -> StationCertificates:
    """Makes certificates of its stations."""
    return StationCertificates(mesh=rig.mesh, folder=tmp_path)


@pytest.fixture
def openings(rig: TlsRig, monkeypatch: pytest.MonkeyPatch) -> list[ingest.OpenConnectionItem]:
    """The items that station_svc is given for handshakes."""
    return noted_openings(rig.mesh.gateway, monkeypatch)


def _showing(rig: TlsRig, certificate: ShownCertificate, *, max_version: str = "TLSv1.3") -> ssl.SSLContext:
    """The context of a station that shows a certificate."""
    return station_context(rig.server.root.pem, certificate=certificate, max_version=max_version)


async def shown(rig: TlsRig, certificate: ShownCertificate, **options: Any) -> Shown:
    """A handshake with a certificate."""
    return await rig.handshake(_showing(rig, certificate), **options).run()


async def test_without_a_certificate_version_and_suite_are_passed_on(
    rig: TlsRig, openings: list[ingest.OpenConnectionItem], checks: WatchedChecks
) -> None:
    assert (await rig.handshake(station_context(rig.server.root.pem, max_version="TLSv1.2")).run()).status == 101
    async with RawStation(rig.mesh.station_url("CP2")):
        pass
    encrypted, plain = openings
    assert encrypted.tls.version == "TLSv1.2"
    assert encrypted.tls.cipher_suite == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    assert not encrypted.tls.HasField("client_certificate")
    assert not plain.HasField("tls")
    assert checks.asked == []


@pytest.mark.parametrize("max_version", ["TLSv1.2", "TLSv1.3"])
async def test_a_certificate_is_passed_on(
    rig: TlsRig, tmp_path: Path, openings: list[ingest.OpenConnectionItem], checks: WatchedChecks, max_version: str
) -> None:
    certificate = station_certificate(tmp_path, INTERMEDIATE, "SERIAL-1", above=[INTERMEDIATE])
    assert (await rig.handshake(_showing(rig, certificate, max_version=max_version)).run()).status == 101
    [item] = openings
    assert item.tls.version == max_version
    proven = item.tls.client_certificate
    assert proven.common_name == "SERIAL-1"
    assert proven.issuer == "CN=Stations' authority"
    assert len(proven.fingerprint) == 64
    assert proven.serial_number
    assert proven.expire_time.seconds > 0
    [asked] = checks.asked
    assert (asked.tenant_id, asked.station_id) == ("default", "CP1")
    assert len(asked.intermediates) == 1


async def test_the_identity_counts_only_in_a_certificate_that_was_signed_here(
    rig: TlsRig, maker: StationCertificates, openings: list[ingest.OpenConnectionItem]
) -> None:
    await maker.register("CP-1", "SN-1")
    certificate = await maker.issued("CP-1", "CP-1")
    assert (await shown(rig, certificate, station_id="CP-1")).status == 101
    assert (await shown(rig, maker.outside("CP-1"), station_id="CP-1")).status == 401
    ours, outside = (item.tls.client_certificate for item in openings)
    assert (ours.HasField("issue_time"), outside.HasField("issue_time")) == (True, False)


# The matrix, at the gateway


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.name)
async def test_each_certificate_has_its_outcome(
    rig: TlsRig,
    maker: StationCertificates,
    openings: list[ingest.OpenConnectionItem],
    capsys: pytest.CaptureFixture[str],
    row: Row,
) -> None:
    """With a text for the station's engineer, unless TLS itself refuses it, before there is a request."""
    certificate, password = await row.shown(maker)
    context = showing(rig.server.root.pem, certificate)
    handshake = rig.handshake(context, station_id=row.station_id, credential=password)
    if row.detail:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await handshake.run()
        assert await rig.metric("csms_gateway_tls_failure_total", label="certificate_verify_failed") == 1
        [line] = [one for one in capsys.readouterr().out.splitlines() if "TLS handshake failed" in one]
        assert row.detail in line
        assert openings == []
    else:
        row.check(await handshake.run())
        await row.check_refusal(maker)


async def test_a_chain_that_ends_at_an_intermediate_which_is_trusted(
    tmp_path: Path, templates: Templates, checks: WatchedChecks
) -> None:
    del checks
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path, outside=[INTERMEDIATE]) as rig:
        await until(lambda: rig.mesh.gateway.tls is not None and rig.mesh.gateway.tls.is_ready)
        assert (await shown(rig, station_certificate(tmp_path, INTERMEDIATE, "S"))).status == 101


async def test_a_certificate_that_is_revoked(
    rig: TlsRig, maker: StationCertificates, capsys: pytest.CaptureFixture[str]
) -> None:
    """The socket that showed it is closed; it is refused of a session that resumes, too; the log has the reason."""
    certificate = await maker.issued("CP1", "CP1")
    context = _showing(rig, certificate)
    first = await rig.handshake(context).run()
    async with RawStation(rig.mesh.tls_station_url("CP1"), tls=context) as station:
        await station.boot()
        await maker.revoke(certificate)
        assert await station.close_code() == 1008
    again = await rig.handshake(context, session=first.session).run()
    assert (first.status, again.is_resumed, again.status) == (101, True, 401)
    assert (await shown(rig, certificate)).status == 401
    [*_, line] = [one for one in capsys.readouterr().out.splitlines() if "certificate of a station refused" in one]
    assert "CLIENT_CERTIFICATE_REVOKED" in line
    assert "CP1" in line


async def test_a_fault_is_refused_also_beside_a_station_svc_of_the_release_before(
    rig: TlsRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not know the field, and opens the connection: no socket has it, and it is closed."""
    batcher = rig.mesh.gateway.mesh.openings
    ask = batcher.ask

    def ask_as_before(item: ingest.OpenConnectionItem, **options: Any) -> Any:
        known = ingest.OpenConnectionItem()
        known.CopyFrom(item)
        known.tls.ClearField("certificate_error")
        return ask(known, **options)

    monkeypatch.setattr(batcher, "ask", ask_as_before)
    answer = await shown(rig, station_certificate(tmp_path, ROOT, "S", validity=EXPIRED))
    assert (answer.status, "expired at" in answer.body) == (401, True)
    assert await rig.mesh.epoch("CP1")
    assert await eventually(lambda: rig.mesh.is_disconnected("CP1"))
    assert len(rig.mesh.gateway.registry) == 0


# Sessions


@pytest.mark.parametrize("max_version", ["TLSv1.2", "TLSv1.3"])
async def test_a_session_that_resumes_has_its_chain(
    rig: TlsRig, tmp_path: Path, checks: WatchedChecks, max_version: str
) -> None:
    """TLS does not send it again: the gateway remembers it."""
    context = _showing(
        rig, station_certificate(tmp_path, INTERMEDIATE, "S", above=[INTERMEDIATE]), max_version=max_version
    )
    first = await rig.handshake(context).run()
    again = await rig.handshake(context, session=first.session).run()
    assert (again.is_resumed, again.status) == (True, 101)
    assert checks.asked[0].intermediates == checks.asked[1].intermediates
    assert len(checks.asked[1].intermediates) == 1


# Who asks, and when


async def test_many_handshakes_are_checked_in_batches(rig: TlsRig, tmp_path: Path, checks: WatchedChecks) -> None:
    checks.released.clear()
    context = _showing(rig, station_certificate(tmp_path, ROOT, "S"))
    batcher = rig.mesh.gateway.mesh.client_certificates
    many = [asyncio.ensure_future(_connect(rig, f"CP{number}", context)) for number in range(100)]
    await until(lambda: batcher.depth + len(batcher._in_flight) > 0)
    checks.released.set()
    await asyncio.gather(*many)
    assert sum(checks.batches) == 100
    assert max(checks.batches) <= 64


async def _connect(rig: TlsRig, station_id: str, context: ssl.SSLContext) -> None:
    async with RawStation(rig.mesh.tls_station_url(station_id), tls=context):
        pass


async def test_while_the_check_is_unavailable_the_station_comes_later(
    rig: TlsRig, tmp_path: Path, checks: WatchedChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, and those without a certificate are served."""
    monkeypatch.setattr("gateway.websocket.client_certificates.CHECK_BUDGET_S", 0.3)
    certificate = station_certificate(tmp_path, ROOT, "S")
    checks.is_available = False
    assert (await shown(rig, certificate)).status == 503
    assert (await rig.handshake().run()).status == 101
    checks.is_available = True

    async def is_served() -> bool:
        return (await shown(rig, certificate)).status == 101

    assert await eventually(is_served)


async def test_the_authorities_are_kept_while_they_cannot_be_had(
    rig: TlsRig, maker: StationCertificates, checks: WatchedChecks
) -> None:
    """A new one is taken over; what is known stays good while auth_svc is unavailable."""
    certificate = await maker.issued("CP1", "CP1")
    tls = rig.mesh.gateway.tls
    assert tls is not None
    assert len(tls._of_tenants) == 2
    checks.is_available = False
    with pytest.raises(Exception, match="unavailable"):
        await _refresh(rig)
    assert len(tls._of_tenants) == 2
    checks.is_available = True
    assert (await shown(rig, certificate)).status == 101


async def test_a_new_authority_is_known_once_its_certificate_was_shown(
    tmp_path: Path, templates: Templates, checks: WatchedChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """auth_svc makes its own at first need: a station that comes with it at once does not wait for the regular look."""
    del checks
    monkeypatch.setattr("gateway.tls.authorities.POLL_S", 3600.0)
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path, outside=[ROOT]) as rig:
        await until(lambda: rig.mesh.gateway.tls is not None and rig.mesh.gateway.tls.is_ready)
        maker = StationCertificates(mesh=rig.mesh, folder=tmp_path)
        certificate = await maker.issued("CP1", "CP1", at_once=True)

        async def is_served() -> bool:
            try:
                return (await shown(rig, certificate)).status == 101
            except OSError:
                return False

        assert not await is_served()
        assert await eventually(is_served)


async def _refresh(rig: TlsRig) -> None:
    settings = rig.mesh.gateway_settings
    assert rig.mesh.gateway.tls is not None
    channel = open_channel(settings.auth_address, identity=MeshIdentity(settings.mesh), to="auth")
    try:
        await ClientAuthorities(channel=channel, trust=rig.mesh.gateway.tls.trust).refresh()
    finally:
        await channel.close()


async def test_before_the_authorities_are_known_nobody_is_refused_for_good(
    tmp_path: Path, templates: Templates, checks: WatchedChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A station that was not asked for its certificate is to come again: 503, at the port with TLS alone."""
    monkeypatch.setattr("gateway.service.AUTHORITIES_WITHIN_S", 0.1)
    checks.is_available = False
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path) as rig:
        assert (await rig.handshake().run()).status == 503
        async with RawStation(rig.mesh.station_url("CP2")) as plain:
            await plain.boot()
        checks.is_available = True

        async def is_served() -> bool:
            return (await rig.handshake().run()).status == 101

        assert await eventually(is_served)


async def test_an_authority_of_the_settings(tmp_path: Path, templates: Templates, checks: WatchedChecks) -> None:
    """CSMS_CLIENT_CA_FILE: TLS accepts its certificates; whether they are good is auth_svc's to say."""
    del checks
    outside, known = authority("Outside"), authority("Known to auth_svc")
    templates.copy_sqlite(SCHEMAS, tmp_path)
    url = f"sqlite:///{tmp_path / 'test.db'}"
    async with running_tls(url, tmp_path, client_authorities=outside.pem + known.pem, outside=[known]) as rig:
        await until(lambda: rig.mesh.gateway.tls is not None and rig.mesh.gateway.tls.is_ready)
        answer = await shown(rig, station_certificate(tmp_path, outside, "S"))
        assert (answer.status, "authority that is trusted here" in answer.body) == (401, True)
        assert (await shown(rig, station_certificate(tmp_path, known, "S"))).status == 101


# Through a proxy


async def test_a_proxy_in_front_that_is_not_ours(
    rig: TlsRig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CSMS_TLS_ENDS_IN_FRONT: the connection counts as encrypted, with nothing known of how; the start says so."""
    settings = replace(rig.mesh.gateway_settings, tls=None, tls_ends_in_front=True)
    async with AsyncExitStack() as stack:
        gateway = await start(stack, settings)
        assert "TLS ends in front of this gateway" in capsys.readouterr().out
        await gateway.lease.acquired.wait()
        noted = noted_openings(gateway, monkeypatch)
        async with RawStation(f"ws://127.0.0.1:{gateway.ocpp_port}/ocpp/CP1"):
            pass
    [item] = noted
    assert item.HasField("tls")
    assert (item.tls.version, item.tls.cipher_suite) == ("", "")


def _forwarded(rig: TlsRig, chain: str, **more: str) -> dict[str, str]:
    [secret] = rig.mesh.gateway_settings.front_door_secrets
    return {
        PROOF_HEADER: proof_of(secret),
        ADDRESS_HEADER: "203.0.113.7",
        TLS_HEADER: "TLSv1.3 TLS_AES_128_GCM_SHA256",
        CERTIFICATE_HEADER: f'Hash=00;Chain="{quote(chain)}"',
        **more,
    }


def _chain(tmp_path: Path, issuer: TestAuthority, *above: TestAuthority) -> str:
    return station_certificate(tmp_path, issuer, "SERIAL-1", above=above).chain.read_text()


async def test_a_certificate_that_envoy_forwards(
    rig: TlsRig, tmp_path: Path, openings: list[ingest.OpenConnectionItem], checks: WatchedChecks
) -> None:
    """It is checked like one of the gateway's own port."""
    headers = _forwarded(rig, _chain(tmp_path, INTERMEDIATE, INTERMEDIATE))
    async with RawStation(rig.mesh.station_url("CP1"), headers=headers) as station:
        await station.boot()
    [item] = openings
    assert (item.tls.version, item.tls.cipher_suite) == ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    assert item.tls.client_certificate.common_name == "SERIAL-1"
    assert len(checks.asked[0].intermediates) == 1


@pytest.mark.parametrize(
    ("change", "tls"),
    [
        ({PROOF_HEADER: "0" * 64}, False),
        ({PROOF_HEADER: ""}, False),
        ({TLS_HEADER: "none"}, False),
        ({TLS_HEADER: "in-front"}, True),
    ],
    ids=["another proof", "no proof", "no TLS at Envoy", "TLS in front of Envoy"],
)
async def test_who_is_believed(
    rig: TlsRig, openings: list[ingest.OpenConnectionItem], checks: WatchedChecks, change: dict[str, str], tls: bool
) -> None:
    """Without the proof of the front door a station may write what it likes: it is not read."""
    chain = _chain(rig.server.folder, ROOT)
    headers = {name: text for name, text in _forwarded(rig, chain, **change).items() if text}
    async with RawStation(rig.mesh.station_url("CP1"), headers=headers):
        pass
    [item] = openings
    assert item.HasField("tls") is tls
    assert (item.tls.version, item.tls.HasField("client_certificate")) == ("", False)
    assert checks.asked == []


@pytest.mark.parametrize("value", ["", "Hash=00", 'Chain="nothing"', 'Chain="%ZZ"'])
async def test_a_forwarded_certificate_that_cannot_be_read(
    rig: TlsRig, tmp_path: Path, openings: list[ingest.OpenConnectionItem], value: str
) -> None:
    headers = _forwarded(rig, _chain(tmp_path, ROOT), **{CERTIFICATE_HEADER: value or ";"})
    with pytest.raises(InvalidStatus) as refusal:
        async with RawStation(rig.mesh.station_url("CP1"), headers=headers):
            pass
    assert refusal.value.response.status_code == 401
    assert openings == []


async def test_a_forwarded_certificate_that_another_authority_signed(
    rig: TlsRig, tmp_path: Path, openings: list[ingest.OpenConnectionItem]
) -> None:
    headers = _forwarded(rig, _chain(tmp_path, authority("Another root")))
    with pytest.raises(InvalidStatus) as refusal:
        async with RawStation(rig.mesh.station_url("CP1"), headers=headers):
            pass
    assert refusal.value.response.status_code == 401
    [item] = openings  # for station_svc to count
    assert from_status(item.tls.certificate_error).reason == "CLIENT_CERTIFICATE_UNTRUSTED"
    assert not item.tls.HasField("client_certificate")
