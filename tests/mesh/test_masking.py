"""Secrets are masked, and nothing else."""

from typing import Any

import pytest

from mesh.masking import mask_payload, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /ocpp/CP1?token=abc&x=1", "GET /ocpp/CP1?token=***&x=1"),
        ("/ocpp/CP1?x=1&access_token=abc", "/ocpp/CP1?x=1&access_token=***"),
        ("Authorization: Basic Q1AxOnNlY3JldA==", "Authorization: Basic ***"),
        ("authorization: bearer eyJh.eyJz.x-_Y", "authorization: bearer ***"),
        ("ftp://user:secret@host/path", "ftp://user:***@host/path"),
        ("ftp://user:se@cr@et@host/path", "ftp://user:***@host/path"),
        ("redis://:secret@host", "redis://:***@host"),
        ("postgresql+psycopg2://csms:s:x@127.0.0.1:5432/csms", "postgresql+psycopg2://csms:***@127.0.0.1:5432/csms"),
        ('{"a":"ftp://u:s@h","b":"x@y"}', '{"a":"ftp://u:***@h","b":"x@y"}'),
    ],
)
def test_secrets_in_texts_are_masked(text: str, masked: str) -> None:
    """Tokens in URLs, Authorization headers, passwords in URLs."""
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    ["", "ws://127.0.0.1:9000/ocpp/CP1", "http://host:80/a@b", "mail me@home: now", "10:30 at the station", "tokens"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    """A log must stay readable."""
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("payload", "masked"),
    [
        # OCPP 1.6 ChangeConfiguration and GetConfiguration.
        ({"key": "AuthorizationKey", "value": "s"}, {"key": "AuthorizationKey", "value": "***"}),
        (
            {"configurationKey": [{"key": "authorizationkey", "readonly": False, "value": "s"}]},
            {"configurationKey": [{"key": "authorizationkey", "readonly": False, "value": "***"}]},
        ),
        # OCPP 2.x SetVariables, GetVariables, NotifyReport.
        (
            {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "s"}]},
            {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "***"}]},
        ),
        (
            {"reportData": [{"variable": {"name": "BasicAuthPassword"}, "variableAttribute": [{"value": "s"}]}]},
            {"reportData": [{"variable": {"name": "BasicAuthPassword"}, "variableAttribute": "***"}]},
        ),
        # OCPP 2.x SetNetworkProfile.
        (
            {"connectionData": {"vpn": {"user": "u", "password": "s", "key": "s"}, "apn": {"apnPassword": "s"}}},
            {"connectionData": {"vpn": {"user": "u", "password": "***", "key": "***"}, "apn": {"apnPassword": "***"}}},
        ),
        ({"apn": {"simPin": 1234}}, {"apn": {"simPin": "***"}}),
        # OCPP 1.6 GetDiagnostics.
        ({"location": "ftp://u:s@h/d"}, {"location": "ftp://u:***@h/d"}),
    ],
)
def test_secrets_in_payloads_are_masked(payload: Any, masked: Any) -> None:
    """However the payload names them; the payload itself stays as it is."""
    before = repr(payload)
    assert mask_payload(payload) == masked
    assert repr(payload) == before


def test_payload_without_secrets_is_the_same() -> None:
    """Numbers, nulls and lists included."""
    payload = {"key": "HeartbeatInterval", "value": "30", "list": [1, 2.5, None, True, {"key": "x"}], "vpn": None}
    assert mask_payload(payload) == payload
