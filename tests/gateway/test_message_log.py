"""The message log never holds a secret, nor text that a database cannot store."""

import json
from collections.abc import Sequence

import pytest

from gateway.batching.background_buffer import Buffer
from gateway.connection.station_budgets import LOG_BURST_BYTES, StationBudgets
from gateway.message_log.message_log import MAX_LOGGED_BYTES, RECEIVED, MessageLog, to_loggable
from mesh.runtime.masking import SECRET_VARIABLES

NOW_US = 1_780_000_000_000_000


@pytest.mark.parametrize(
    "frame",
    [
        b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]',
        b'[2,"1","ChangeConfiguration",{"key":"X-AuthorizationKey ","value":"hunter2"}]',
        b'[3,"1",{"configurationKey":[{"key":"authorizationKey","readonly":false,"value":"hunter2"}]}]',
        (
            b'[2,"1","SetVariables",{"setVariableData":[{"component":{"name":"C"},"variable":'
            b'{"name":"BasicAuthPassword"},"attributeValue":"hunter2"}]}]'
        ),
        b'[2,"1","GetDiagnostics",{"location":"ftp://me:hunter2@127.0.0.1/x"}]',
        b'[2,"1","UpdateFirmware",{"location":"http://127.0.0.1/f?token=hunter2"}]',
        b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"',
        b'[2,"1","MeterValues",{"AuthorizationKey":"hunter2"}]',
        b'[2,"1","DataTransfer",{"vendorId":"v","data":"{\\"AuthorizationKey\\":\\"hunter2\\"}"}]',
        b'[2,"1","DataTransfer",{"vendorId":"v","data":"{\\"apiKey\\":\\"hunter2\\"}"}]',
        b'[2,"1","DataTransfer",{"vendorId":"v","data":"psk: hunter2"}]',
        b'[2,"1","UpdateFirmware",{"location":"https://b.example/f?X-Amz-Date=1&X-Amz-Signature=hunter2"}]',
        b'[2,"1","LogStatusNotification",{"info":"https:\\/\\/b.example\\/f?se=9&sig=hunter2&sp=r"}]',
        b'[4,"1","InternalError","AuthorizationKey=hunter2 is too short",{}]',
        b'[4,"1","InternalError","sent with Basic hunter2hunter2",{}]',
        b'[4,"1","InternalError","sent with bearer hunter2hunter2",{}]',
    ],
)
def test_secrets_are_masked(frame: bytes) -> None:
    """Of every action, and also if the frame is not JSON."""
    text = to_loggable(frame).decode()
    assert "hunter2" not in text
    assert "***" in text


def test_what_holds_no_secret_is_kept_as_it_came() -> None:
    """Spaces and all: the log shows what crossed the wire."""
    frame = b'[2, "1",  "DataTransfer", {"vendorId": "x"}]'
    assert to_loggable(frame) == frame


def test_what_a_database_cannot_store_is_replaced() -> None:
    """NUL and broken UTF-8 are replaced, long frames are cut."""
    assert to_loggable(b"a\0\xffb") == "a\ufffd\ufffdb".encode()
    assert len(to_loggable(b"x" * 100_000)) == MAX_LOGGED_BYTES


def test_every_known_secret_makes_a_frame_suspect() -> None:
    """The quick look for secrets knows all that the slow one masks."""
    for name in SECRET_VARIABLES:
        assert b"hunter2" not in to_loggable(f'[2,"1","X",{{"{name}":"hunter2"}}]'.encode()), name


@pytest.mark.parametrize("action", ["Heartbeat", "A" * 900_000])
async def test_what_one_socket_may_put_into_the_log_is_bounded(action: str) -> None:
    """In bytes, whatever they are of: a station may call an action what it likes."""
    entries: list[bytes] = []

    async def keep(batch: Sequence[bytes]) -> None:
        entries.extend(batch)

    buffer: Buffer[bytes] = Buffer(name="log", flush=keep, delay_s=0, batch=999, capacity=999)
    message_log = MessageLog(
        buffer=buffer, tenant_id="default", station_id="CP1", epoch=1, allowance=StationBudgets().log
    )
    frame = f'[2,"1","{action}",{{"x":"{"x" * 60_000}"}}]'.encode()
    for ordinal in range(200):
        message_log.add(RECEIVED, ordinal, NOW_US, frame, 2, "1", action)
    await buffer.drain(5)
    logged = sum(map(len, entries))
    assert LOG_BURST_BYTES - 2 * len(frame) < logged < LOG_BURST_BYTES + 2 * len(frame)
    assert message_log.dropped == 200 - len(entries)


async def test_a_clock_that_is_set_back_costs_nobody_the_log() -> None:
    """The allowance of a socket is not reduced for the time that passes twice."""

    async def keep(_batch: Sequence[bytes]) -> None:
        pass

    buffer: Buffer[bytes] = Buffer(name="log", flush=keep, delay_s=0, batch=999, capacity=999)
    message_log = MessageLog(
        buffer=buffer, tenant_id="default", station_id="CP1", epoch=1, allowance=StationBudgets().log
    )
    frame = b"x" * MAX_LOGGED_BYTES
    while not message_log.dropped:
        message_log.add(RECEIVED, 1, NOW_US, frame, 0, "", "")
    for time_us in (NOW_US - 3_600_000_000, NOW_US - 3_599_000_000):
        message_log.dropped = 0
        message_log.add(RECEIVED, 1, time_us, frame, 0, "", "")
    assert message_log.dropped == 0


@pytest.mark.parametrize("filling", [0, 60_000, 65_400, 65_450, 65_480, 65_500, 65_536, 70_000])
@pytest.mark.parametrize("order", ["name first", "value first"])
def test_secrets_are_masked_wherever_a_frame_is_cut(filling: int, order: str) -> None:
    """The name of a secret may come after it, and behind where the frame is cut."""
    names = {"key": "AuthorizationKey", "readonly": False, "value": "hunter2"}
    entry = names if order == "name first" else dict(reversed(names.items()))
    payload = {"configurationKey": [{"key": "x", "value": "x" * filling}, entry, {"key": "y", "value": "y" * 90_000}]}
    logged = to_loggable(json.dumps([3, "1", payload]).encode()).decode()
    assert "hunter2" not in logged
    assert len(logged) <= MAX_LOGGED_BYTES
    assert "***" in logged or filling > 65_000
    url = "ftp://me:hunter2@127.0.0.1/x"
    assert "hunter2" not in to_loggable(json.dumps([2, "1", "A", {"x": "x" * filling + url}]).encode()).decode()


def test_the_beginning_of_a_large_frame_is_logged_as_it_came() -> None:
    """Where nothing in it is to be masked."""
    frame = b'[2, "1",  "DataTransfer", {"data": "https://127.0.0.1/' + b"x" * 100_000 + b'"}]'
    assert to_loggable(frame) == frame[:MAX_LOGGED_BYTES]
