"""TLS at the gateway: versions, suites, host names, and certificates that change while it serves. On both loops."""

import asyncio
import gc
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.__main__ import reload_on_hang_up
from gateway.service import start
from gateway.settings import GatewaySettings
from gateway.tls.failures import LOG_RATE, FailureLog
from gateway.tls.station_tls import WITHOUT_AUTHORITIES_US, StationTls
from gateway.workers import WorkerProcesses
from mesh.runtime.startup_errors import SettingError
from station_kit.tls import station_context
from tests.certificates import authority
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import SCHEMAS
from tests.gateway.tls.rig import TlsRig, running_tls
from tests.templates import Templates
from tests.tls_material import (
    EXPIRED,
    HOST,
    OTHER_HOST,
    RSA_ONLY,
    SUITES,
    ServerFiles,
    Shown,
    Validity,
    old_context,
    replace_file,
    station_certificate,
    trusting,
)
from tests.waiting import eventually, until


@pytest.fixture
async def rig(tmp_path: Path, templates: Templates) -> AsyncIterator[TlsRig]:
    """A mesh with TLS, on SQLite; there is no authority of stations' certificates yet."""
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path) as running:
        yield running


# Versions and suites


async def test_a_session_over_tls(rig: TlsRig) -> None:
    """Frames both ways, large ones too, and the plain port serves beside it."""
    async with RawStation(rig.mesh.tls_station_url("CP1"), tls=rig.client) as station:
        assert (await station.boot())["status"] == "Accepted"
        answer = await station.call("DataTransfer", {"vendorId": "nobody", "data": "x" * 300_000})
        assert answer["status"] == "UnknownVendorId"
        assert await rig.mesh.is_connected("CP1")
        async with RawStation(rig.mesh.station_url("CP2")) as plain:
            assert (await plain.boot())["status"] == "Accepted"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_both_versions_are_served(rig: TlsRig, version: str) -> None:
    shown = await rig.handshake(trusting(rig.server.root, max_version=version)).run()
    assert (shown.version, shown.status) == (version, 101)


async def test_a_version_below_1_2_is_refused(rig: TlsRig) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await rig.handshake(old_context()).run()
    assert await rig.metric("csms_gateway_tls_failure_total", label="unsupported_protocol") == 1
    assert (await rig.handshake().run()).status == 101


@pytest.mark.parametrize("suite", SUITES)
async def test_each_suite_of_the_standard(rig: TlsRig, suite: str) -> None:
    """A00.FR.318, A00.FR.319: two with the ECDSA certificate, and two with the RSA one."""
    shown = await rig.handshake(trusting(rig.server.root, suites=suite)).run()
    assert (shown.version, shown.cipher, shown.status) == ("TLSv1.2", suite, 101)
    assert shown.is_rsa is not suite.startswith("ECDHE-ECDSA")


async def test_a_suite_without_authentication_of_the_data_is_refused(rig: TlsRig) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await rig.handshake(trusting(rig.server.root, suites="AES128-SHA256:ECDHE-RSA-AES128-SHA256")).run()
    assert await rig.metric("csms_gateway_tls_failure_total", label="no_shared_cipher") == 1


async def test_a_station_that_has_rsa_alone(rig: TlsRig) -> None:
    shown = await rig.handshake(trusting(rig.server.root, suites=RSA_ONLY)).run()
    assert (shown.is_rsa, shown.status) == (True, 101)


# Host names


async def _shown(rig: TlsRig, server_name: str | None) -> Shown:
    context = trusting(rig.server.root)
    context.check_hostname = False
    return await rig.handshake(context, server_name=server_name).run()


@pytest.mark.parametrize(
    ("server_name", "certificate"),
    [
        (HOST, "ecdsa"),
        (HOST.upper(), "ecdsa"),
        (OTHER_HOST, "other"),
        ("one.wild.example.org", "other"),
        ("two.one.wild.example.org", "ecdsa"),
        ("unknown.example.org", "ecdsa"),
        (None, "ecdsa"),
    ],
)
async def test_the_certificate_of_the_host_name(rig: TlsRig, server_name: str | None, certificate: str) -> None:
    """That of the first file where no certificate has the name, and where the station names none."""
    shown = await _shown(rig, server_name)
    assert (shown.common_name, shown.status) == (certificate, 101)


async def test_a_station_with_rsa_alone_that_names_no_host(rig: TlsRig) -> None:
    shown = await rig.handshake(trusting(rig.server.root, suites=RSA_ONLY), server_name=None).run()
    assert (shown.common_name, shown.status) == ("rsa", 101)


# Certificates that change


async def test_a_new_certificate_is_served_and_open_sockets_stay(rig: TlsRig) -> None:
    """In mid-session: by its own watch, without a restart."""
    async with RawStation(rig.mesh.tls_station_url("CP1"), tls=rig.client) as station:
        await station.boot()
        before = await rig.handshake(station_id="CP2").run()
        rig.server.write("ecdsa", HOST)

        async def is_replaced() -> bool:
            shown = await rig.handshake(station_id="CP2").run()
            return shown.certificate.serial_number != before.certificate.serial_number

        async with asyncio.timeout(60):
            while not await is_replaced():
                pass
        assert "currentTime" in await station.call("Heartbeat", {})
        assert await rig.mesh.epoch("CP1") == 1


async def test_a_file_that_cannot_be_used_is_refused(rig: TlsRig, capsys: pytest.CaptureFixture[str]) -> None:
    """The former certificate stays, whatever is wrong; then the right file is taken."""
    before = await rig.handshake().run()
    key = rig.files[0].key.read_text()
    for text in ("not PEM", "", rig.files[1].key.read_text()):
        replace_file(rig.files[0].key, text)
        await rig.look()
        assert (await rig.handshake().run()).certificate == before.certificate
    rig.files[0].key.unlink()
    await rig.look()
    assert (await rig.handshake().run()).certificate == before.certificate
    assert capsys.readouterr().out.count("certificates not replaced") == 4
    replace_file(rig.files[0].key, key)
    rig.server.write("ecdsa", HOST)
    await rig.look()
    assert (await rig.handshake().run()).certificate != before.certificate


async def test_sighup_reads_the_files_at_once(rig: TlsRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the watch would see no change; the other workers get the signal too, and a broken file is refused."""
    signalled: list[str] = []
    workers = WorkerProcesses(count=0)
    monkeypatch.setattr(workers, "hang_up", lambda: signalled.append("workers"))
    assert rig.mesh.gateway.tls is not None
    monkeypatch.setattr(rig.mesh.gateway.tls, "_look", lambda: ())  # the watch is blind
    await rig.look()
    before = await rig.handshake().run()
    async with AsyncExitStack() as stack:
        reload_on_hang_up(stack, rig.mesh.gateway, workers)
        rig.server.write("ecdsa", HOST)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: signalled == ["workers"])
        replaced = await rig.handshake().run()
        assert replaced.certificate != before.certificate
        replace_file(rig.files[0].key, "nothing")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(signalled) == 2)
        assert (await rig.handshake().run()).certificate == replaced.certificate


async def test_a_certificate_that_names_no_host_is_said(rig: TlsRig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.server.write("other")
    await rig.look()
    [line] = [one for one in capsys.readouterr().out.splitlines() if "certificate of this server names no host" in one]
    assert "other.pem" in line


async def test_the_port_without_tls_is_said_where_others_reach_it(
    rig: TlsRig, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_open in (False, True):
        async with AsyncExitStack() as stack:
            gateway = await start(stack, replace(rig.mesh.gateway_settings, tls=None, is_plain_open=is_open))
            lines = [one for one in capsys.readouterr().out.splitlines() if "stations may connect without TLS" in one]
        assert [f"port={gateway.ocpp_port}" in one for one in lines] == [True] * is_open


async def test_an_expired_certificate_is_served_and_said(rig: TlsRig, capsys: pytest.CaptureFixture[str]) -> None:
    """A station decides for itself; operators have a log line, and a metric before it is too late."""
    rig.server.write("ecdsa", HOST, validity=EXPIRED)
    rig.server.write("other", OTHER_HOST, validity=Validity(end_days=5))
    await rig.look()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await rig.handshake().run()
    context = trusting(rig.server.root)
    context.check_hostname, context.verify_mode = False, ssl.CERT_OPTIONAL
    context.verify_flags |= 0x200000  # this station has no clock
    assert (await rig.handshake(context).run()).status == 101
    output = capsys.readouterr().out
    assert "certificate of this server is not valid now" in output
    assert "certificate of this server ends soon" in output
    for files in rig.files:
        assert rig.mesh.gateway.tls is not None
        [one] = [one for one in rig.mesh.gateway.tls.certificates if one.files == files]
        metric = await rig.metric("csms_gateway_certificate_expire_time_seconds", file=files.certificate.name)
        assert metric == one.expire_us / 1e6


async def test_a_start_with_a_certificate_that_cannot_be_used_is_refused(rig: TlsRig) -> None:
    """Exit status 78, as with any setting that is wrong."""
    replace_file(rig.files[0].certificate, "nothing")
    settings: GatewaySettings = rig.mesh.gateway_settings
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingError, match="no certificates in PEM"):
            await start(stack, settings)


def test_stations_without_a_certificate_do_not_wait_for_the_authorities_for_good(tmp_path: Path) -> None:
    """Where auth_svc does not say which there are: a minute, in which each station comes again."""
    now_us, ready = 0, []
    files = [ServerFiles(tmp_path).write("ecdsa", HOST)]
    tls = StationTls(files, client_authorities="", clock=lambda: now_us, count=lambda _kind, _label: None)
    for passed_us in (0, WITHOUT_AUTHORITIES_US, 1):
        now_us += passed_us
        ready.append(tls.is_ready)
    assert ready == [False, False, True]
    known = StationTls(files, client_authorities="", clock=lambda: now_us, count=lambda _kind, _label: None)
    known.trust("")
    assert known.is_ready


# Failed handshakes


async def test_a_failed_handshake_is_logged_with_its_reason(rig: TlsRig) -> None:
    """A certificate of an authority that is not known: what OpenSSL has to say of it."""
    assert rig.mesh.gateway.tls is not None
    rig.mesh.gateway.tls.trust(authority("Known").pem)
    certificate = station_certificate(rig.server.folder, authority("Unknown"), "S")
    with capture_logs() as logs, pytest.raises((ssl.SSLError, ConnectionError)):
        await rig.handshake(station_context(rig.server.root.pem, certificate=certificate)).run()
    [line] = [one for one in logs if one["event"] == "TLS handshake failed"]
    assert (line["reason"], line["unlogged"]) == ("CERTIFICATE_VERIFY_FAILED", 0)
    assert line["detail"] == "unable to get local issuer certificate"


async def _ended(rig: TlsRig) -> float | None:
    """How many handshakes ended without an alert. The event loop may leave them to the collector of Python."""
    gc.collect()
    return await rig.metric("csms_gateway_tls_failure_total", label="ended_without_alert")


@pytest.mark.parametrize("server_name", [HOST, "another.example.org"], ids=["unknown root", "wrong host name"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_station_that_closes_without_an_alert_is_counted(rig: TlsRig, version: str, server_name: str) -> None:
    """As stations of asyncio do where they do not trust the server's certificate: the gateway sees no error."""
    root = authority("Another root") if server_name == HOST else rig.server.root
    context = trusting(root, max_version=version)
    with capture_logs() as logs:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", rig.port, ssl=context, server_hostname=server_name)
        assert await eventually(lambda: _ended(rig)) == 1
    [line] = [one for one in logs if one["event"] == "TLS handshake failed"]
    assert line["reason"] == "ENDED_WITHOUT_ALERT"


async def test_a_probe_of_the_port_is_no_failed_handshake(rig: TlsRig) -> None:
    """It connects, sends nothing and closes; nor is a handshake that succeeded, once its socket is closed."""
    _reader, probe = await asyncio.open_connection("127.0.0.1", rig.port)
    probe.close()
    await probe.wait_closed()
    assert (await rig.handshake().run()).status == 101
    _reader, begun = await asyncio.open_connection("127.0.0.1", rig.port)
    begun.write(b"\x16\x03\x01\x02")  # the beginning of a ClientHello
    begun.close()
    assert await eventually(lambda: _ended(rig)) == 1


def test_lines_about_failed_handshakes_are_bounded_by_reason() -> None:
    """A fleet that lacks a root hides neither another reason nor how often it failed."""
    now_s = 0.0
    failures = FailureLog(clock_s=lambda: now_s)
    many, other = ssl.SSLError(), ssl.SSLError()
    many.reason, other.reason = "TLSV1_ALERT_UNKNOWN_CA", "NO_SHARED_CIPHER"
    with capture_logs() as lines:
        for _ in range(1000):
            failures.note(many)
        failures.note(other)
        now_s += 1 / LOG_RATE.per_s
        failures.note(many)
    assert [one["reason"] for one in lines] == ["TLSV1_ALERT_UNKNOWN_CA"] * 20 + [
        "NO_SHARED_CIPHER",
        "TLSV1_ALERT_UNKNOWN_CA",
    ]
    assert lines[-1]["unlogged"] == 980


# Sessions


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_session_resumes_after_a_reload_too(rig: TlsRig, version: str) -> None:
    """A fleet that reconnects together needs no full handshakes."""
    context = trusting(rig.server.root, max_version=version)
    first = await rig.handshake(context).run()
    assert not first.is_resumed
    again = await rig.handshake(context, session=first.session).run()
    assert (again.is_resumed, again.status) == (True, 101)
    rig.server.write("ecdsa", HOST)
    await rig.look()
    assert (await rig.handshake(context, session=again.session).run()).is_resumed


# Bounds


async def test_a_handshake_that_does_not_end_is_ended(
    tmp_path: Path, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are served meanwhile."""
    monkeypatch.setattr("gateway.websocket.server.TLS_HANDSHAKE_TIMEOUT_S", 1.0)
    templates.copy_sqlite(SCHEMAS, tmp_path)
    async with running_tls(f"sqlite:///{tmp_path / 'test.db'}", tmp_path) as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(b"\x16\x03\x01\x02")  # the beginning of a ClientHello
        assert (await rig.handshake().run()).status == 101
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()


async def test_plain_http_at_the_port_with_tls_is_refused(rig: TlsRig) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(b"GET /ocpp/CP1 HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(60):
        assert b"HTTP" not in await reader.read()
    writer.close()
    assert await rig.metric("csms_gateway_tls_failure_total", label="http_request") == 1


async def test_a_lost_connection_ends_its_session(rig: TlsRig) -> None:
    """Without a word of TLS or of WebSocket, as when a station loses its power."""
    async with RawStation(rig.mesh.tls_station_url("CP1"), tls=rig.client) as station:
        await station.boot()
        station.socket.transport.abort()
        await until(lambda: not len(rig.mesh.gateway.registry))
