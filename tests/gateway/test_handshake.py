"""Reading handshakes: docs/DESIGN.md, "Handshake"; quirks 1, 2 and 7."""

import base64

import pytest

from gateway.websocket.handshake import (
    BadHandshakeError,
    Credential,
    choose_subprotocols,
    credential,
    is_odd_path,
    station_path,
)

SPOKEN = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp//CP1", "CP1"),
        ("//ocpp///CP1", "CP1"),
        ("/ocpp/CP1/", "CP1"),
        ("/ocpp/CP%201", "CP 1"),
        ("/ocpp/RDAM%7C123", "RDAM|123"),
        ("/ocpp/tenant/CP1", "CP1"),
        ("/ocpp/CP1?token=x/y", "CP1"),
        ("/ocpp/%C3%A9", "é"),
        ("///CP1", "CP1"),
        ("//CP1/", "CP1"),
    ],
)
def test_station_id_is_the_last_segment(target: str, identity: str) -> None:
    """Quirk 2: the last non-empty segment, decoded, is the id."""
    assert station_path(target).station_id == identity


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("/ocpp/CP1", []),
        ("//CP1", []),
        ("/ocpp//CP1/", []),
        ("/ocpp/acme/CP1", ["acme"]),
        ("/ocpp/acme//x/CP1?token=a/b", ["acme", "x"]),
        ("/ocpp/a%63me/CP1", ["acme"]),
    ],
)
def test_segments_before_the_station_may_name_a_tenant(target: str, named: list[str]) -> None:
    assert station_path(target).named == named


def test_the_path_of_a_tenant_is_not_odd() -> None:
    assert not is_odd_path("/ocpp/acme/CP1", tenant_id="acme")
    assert is_odd_path("/ocpp/acme//CP1", tenant_id="acme")
    assert is_odd_path("/ocpp/x/acme/CP1", tenant_id="acme")


@pytest.mark.parametrize(
    ("target", "odd"),
    [
        ("/ocpp/CP1", False),
        ("/ocpp/CP%201", False),
        ("/ocpp/RDAM|123", False),
        ("/ocpp/RDAM%7C123", False),
        ("/ocpp/%C3%A9", False),
        ("/ocpp/CP1?token=a//b", False),
        ("/ocpp//CP1", True),
        ("//ocpp/CP1", True),
        ("///CP1", True),
        ("/ocpp/CP1/", True),
        ("/ocpp/CP1/?token=x", True),
        ("/ocpp/tenant/CP1", True),
        ("/ocpp/%43P1", True),
        ("/ocpp/CP%2D1", True),
        ("/ocpp/CP%2d1", True),
    ],
)
def test_odd_paths(target: str, odd: bool) -> None:
    """Quirk 2 is counted, but not an id that has to be percent-encoded."""
    assert is_odd_path(target) == odd


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/ocpp/", 404),
        ("/ocpp", 404),
        ("/", 404),
        ("/other/CP1", 404),
        ("//other/CP1", 404),
        ("/CP1", 404),
        ("//ocpp", 404),
        ("/ocpp/" + "x" * 256, 400),
        ("/ocpp/a%00b", 400),
        ("/ocpp/%FF", 400),
        ("/ocpp/a%0Ab", 400),
        ("/ocpp/.", 400),
        ("/ocpp/../", 400),
        ("/ocpp/%2E%2e", 400),
        ("/ocpp/a%1Bb", 400),
        ("/ocpp/a%E2%80%8Bb", 400),
    ],
)
def test_paths_without_an_identity_are_refused(target: str, status: int) -> None:
    """An empty or unusable id gets the right HTTP status."""
    with pytest.raises(BadHandshakeError) as refusal:
        station_path(target)
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], [("ocpp1.6", ""), ("ocpp2.1", ""), ("ocpp2.0.1", "")]),
        (["ocpp1.6"], [("ocpp1.6", "ocpp1.6")]),
        (["ocpp1.6", "ocpp2.0.1"], [("ocpp1.6", "ocpp1.6"), ("ocpp2.0.1", "ocpp2.0.1")]),
        (["ocpp2.0.1", "ocpp1.6"], [("ocpp2.0.1", "ocpp2.0.1"), ("ocpp1.6", "ocpp1.6")]),
        (["OCPP1.6", "ocpp1.6"], [("ocpp1.6", "OCPP1.6")]),
        (["ocpp1.5"], []),
        (["soap", "Ocpp1.6"], [("ocpp1.6", "Ocpp1.6")]),
    ],
)
def test_subprotocols(offered: list[str], chosen: list[tuple[str, str]]) -> None:
    """Quirk 1: none offered means 1.6; else the station's order decides among those that both speak."""
    assert list(choose_subprotocols(offered, SPOKEN).items()) == chosen


def _basic(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


def test_credentials() -> None:
    """HTTP Basic with any bytes as password, or a token in the URL."""
    assert credential(_basic(b"CP1:s:e\xffcret"), "/ocpp/CP1") == Credential("CP1", b"s:e\xffcret")
    assert credential(None, "/ocpp/CP1?token=abc") == Credential("", b"abc")
    assert credential(None, "/ocpp/CP1") == Credential("", b"")


@pytest.mark.parametrize("header", ["Bearer abc", "Basic !!!", _basic(b"CP1:" + b"x" * 600)])
def test_unreadable_authorization_is_refused(header: str) -> None:
    """An Authorization header that is none of ours is 401, not a guess."""
    with pytest.raises(BadHandshakeError) as refusal:
        credential(header, "/ocpp/CP1")
    assert refusal.value.status == 401
