"""The message log never holds a secret, nor text that a database cannot store."""

import pytest

from gateway.recorder import MAX_LOGGED_BYTES, to_loggable


@pytest.mark.parametrize(
    ("frame", "action"),
    [
        (b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]', "ChangeConfiguration"),
        (b'[3,"1",{"configurationKey":[{"key":"authorizationKey","readonly":false,"value":"hunter2"}]}]', "GetConf"),
        (
            (
                b'[2,"1","SetVariables",{"setVariableData":[{"component":{"name":"C"},"variable":{"name":"BasicAuthPassword"},'
                b'"attributeValue":"hunter2"}]}]'
            ),
            "SetVariables",
        ),
        (b'[2,"1","GetDiagnostics",{"location":"ftp://me:hunter2@127.0.0.1/x"}]', "GetDiagnostics"),
        (b'[2,"1","UpdateFirmware",{"location":"http://127.0.0.1/f?token=hunter2"}]', "UpdateFirmware"),
        (b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"', ""),
    ],
)
def test_secrets_are_masked(frame: bytes, action: str) -> None:
    """Whatever the action, and also where the frame is no JSON."""
    text = to_loggable(frame, action)
    assert "hunter2" not in text
    assert "***" in text


def test_what_holds_no_secret_is_kept_as_it_came() -> None:
    """Spaces and all: the log shows what crossed the wire."""
    frame = b'[2, "1",  "DataTransfer", {"vendorId": "x"}]'
    assert to_loggable(frame, "DataTransfer") == frame.decode()
    assert to_loggable(frame, "Heartbeat") == frame.decode()


def test_what_a_database_cannot_store_is_replaced() -> None:
    """NUL and broken UTF-8 are replaced, long frames are cut."""
    assert to_loggable(b"a\0\xffb", "Heartbeat") == "a\ufffd\ufffdb"
    assert len(to_loggable(b"x" * 100_000, "Heartbeat")) == MAX_LOGGED_BYTES
