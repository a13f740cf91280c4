"""Secrets are masked, and nothing else."""

import time
from typing import Any

import pytest

from mesh.runtime.masking import mask_data, mask_payload, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /ocpp/CP1?token=abc&x=1", "GET /ocpp/CP1?token=***&x=1"),
        ("/ocpp/CP1?x=1&access_token=abc", "/ocpp/CP1?x=1&access_token=***"),
        ("Authorization: Basic Q1AxOnNlY3JldA==", "Authorization: Basic ***"),
        ("authorization: bearer eyJh.eyJz.x-_Y", "authorization: bearer ***"),
        ("ftp://user:secret@host/path", "ftp://user:***@host/path"),
        ("ftp://user:se@cr@et@host/path", "ftp://user:***@host/path"),
        (
            "https://b.example/fw?X-Amz-Date=1&X-Amz-Credential=AK%2F1&X-Amz-Signature=ab0&X-Amz-Security-Token=q",
            "https://b.example/fw?X-Amz-Date=1&X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Security-Token=***",
        ),
        ("https://a.example/c/f?sv=2&se=2026&sig=a%2Bc%3D", "https://a.example/c/f?sv=2&se=2026&sig=***"),
        (
            "https://c.example/f?Expires=9&Signature=a~b_&Key-Pair-Id=K",
            "https://c.example/f?Expires=9&Signature=***&Key-Pair-Id=K",
        ),
        (
            "http://d.example/f?x-api-key=1&amp;API_KEY=2&pwd=3&access_token=4",
            "http://d.example/f?x-api-key=***&amp;API_KEY=***&pwd=***&access_token=***",
        ),
        (
            '{"location":"https://e.example/l?auth=s","retries":1}',
            '{"location":"https://e.example/l?auth=***","retries":1}',
        ),
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
    [
        "",
        "ws://127.0.0.1:9000/ocpp/CP1",
        "http://host:80/a@b",
        "mail me@home: now",
        "10:30 at the station",
        "tokens",
        "http://h/?design=1&monkey=2&index=3&passage=4&assign=5",
    ],
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


@pytest.mark.parametrize(
    ("data", "masked"),
    [
        ('{"apiKey":"k","n":1,"idToken":"AB"}', '{"apiKey":"***","n":1,"idToken":"AB"}'),
        ('[{"wifi":{"Pass-Phrase":"s","ssid":"x"}}]', '[{"wifi":{"Pass-Phrase":"***","ssid":"x"}}]'),
        ('{"client_secret":["a","b"],"pin":1234}', '{"client_secret":"***","pin":"***"}'),
        ('{"login":"eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"}', '{"login":"***"}'),
        ('{"key":"AuthorizationKey","value":"s"}', '{"key":"AuthorizationKey","value":"***"}'),
        ("apikey=123;user=bob", "apikey=***;user=bob"),
        ("ssid: home\nPSK: 'abc def'", "ssid: home\nPSK: '*** def'"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHc\n", "-----BEGIN EC PRIVATE KEY----- ***"),
        ('{"token":"cut of', '{"token":"*** of'),
    ],
)
def test_secrets_in_vendors_data_are_masked(data: str, masked: str) -> None:
    """JSON or not, whole or not; in the frame of the message log too."""
    assert mask_data(data) == masked
    assert mask_payload({"vendorId": "ACME", "data": data}) == {"vendorId": "ACME", "data": masked}


@pytest.mark.parametrize(
    "data", ["", "{}", '{"tariff": 1.0, "idToken":"AB"}', "idToken=AB12", "spin: 3", "the tokens: 3"]
)
def test_other_data_of_vendors_is_left_alone(data: str) -> None:
    """Byte by byte."""
    assert mask_data(data) == data


@pytest.mark.parametrize(
    "piece", ["?", "?a", "a", "secret", "apikey ", "eyJaaaaaaaaa.", "A ", "-----BEGIN ", '"a":', "&a="]
)
def test_masking_takes_time_in_proportion(piece: str) -> None:
    """Eight times the text takes no more than some eight times the CPU, whatever a station repeats."""

    def cost(count: int) -> float:
        text = piece * (count // len(piece))
        begin = time.process_time()
        mask_data(text)
        return time.process_time() - begin

    small = min(cost(32_768) for _ in range(3))
    assert min(cost(262_144) for _ in range(2)) < max(30 * small, 0.05)
