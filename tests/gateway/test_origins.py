"""Which handshakes are a browser's."""

import pytest

from gateway.settings import GatewaySettings
from gateway.websocket.handshake import BadHandshakeError
from gateway.websocket.origins import check_origin
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from tests.mesh_identities import mesh_environment

ALLOWED = frozenset({"http://localhost:5173", "https://csms.example"})


@pytest.mark.parametrize(
    "values",
    [
        ["https://evil.example"],
        ["HTTP://Evil.Example:8080"],
        ["http://127.0.0.1:9000"],
        ["http://[::1]:8080"],
        ["http://localhost"],
        ["https://csms.example.evil"],
        ["https://xn--bcher-kva.example"],
        ["chrome-extension://abcdefghijklmnop"],
        ["file://", "https://evil.example"],
        ["https://csms.example, https://evil.example"],
        ["https://csms.example https://evil.example"],
    ],
)
def test_pages_are_refused(values: list[str]) -> None:
    """In whatever form a browser may write them, and whatever else stands beside."""
    with pytest.raises(BadHandshakeError) as refusal:
        check_origin(values, ALLOWED)
    assert refusal.value.status == 403
    assert "CSMS_STATION_ORIGINS" in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        *("file://", "null", "", "http://", "https:///", "http://host/", "http://host/path", "host", "host:80"),
        *("http://a@b", "http://host:port", "http://[::1", "ws://host", "http:/host", "\udcff"),
    ],
)
def test_what_is_no_page_passes_and_is_odd(value: str) -> None:
    """Stations have nothing to say there, and some say something."""
    assert check_origin([value], ALLOWED)


@pytest.mark.parametrize("values", [[], ["http://localhost:5173"], ["HTTPS://CSMS.example"]])
def test_what_is_not_odd(values: list[str]) -> None:
    """No header at all, and the pages of the setting."""
    assert not check_origin(values, ALLOWED)


def test_the_setting() -> None:
    """Origins, separated by commas, with or without a slash at the end."""
    addresses = (f"CSMS_{name}_ADDRESS" for name in ("GATEWAY", "STATION", "TRANSACTION", "AUTH"))
    env = dict.fromkeys(addresses, "x") | mesh_environment("gateway")
    settings = GatewaySettings.read(Environment(env | {"CSMS_STATION_ORIGINS": "http://LocalHost:5173/, https://b.c,"}))
    assert settings.station_origins == {"http://localhost:5173", "https://b.c"}
    for wrong in ("localhost:5173", "*", "https://b.c/path", "file://"):
        with pytest.raises(SettingError, match="CSMS_STATION_ORIGINS"):
            GatewaySettings.read(Environment(env | {"CSMS_STATION_ORIGINS": wrong}))
