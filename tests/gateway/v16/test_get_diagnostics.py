"""GetDiagnostics of 1.6."""

from typing import Any

import pytest
from csms.station.v1.log_pb2 import GetLogRequest, GetLogResponse, LogParameters
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
PLACE = "ftp://example.org/logs"


def _command(log: dict[str, Any] | None = None, **more: Any) -> GetLogRequest:
    return GetLogRequest(log=LogParameters(**{"remote_location": PLACE, **(log or {})}), log_upload_id=7, **more)


def test_calls() -> None:
    """Where to, of which time; what is not given is left out."""
    assert helpers.to_calls("get_log", _command()) == [{"location": PLACE}]
    full = _command({"oldest_time": NOON, "latest_time": NOON}, retries=2, retry_interval_s=0)
    assert helpers.to_calls("get_log", full) == [
        {
            "location": PLACE,
            "startTime": "2026-01-01T12:00:00.000Z",
            "stopTime": "2026-01-01T12:00:00.000Z",
            "retries": 2,
            "retryInterval": 0,
        }
    ]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command({"remote_location": ""}), "log.remote_location"),
        (_command({"remote_location": "logs"}), "log.remote_location"),
        (_command({"oldest_time": Timestamp(seconds=2**60)}), "log.oldest_time"),
        (_command(retries=-1), "retries"),
    ],
)
def test_impossible(command: GetLogRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("get_log", command)
    assert caught.value.field == field


def test_answers() -> None:
    """The file's name, if there is one; 1.6 has no status here, and this makes nothing up."""
    assert helpers.to_answer("get_log", _command(), {"fileName": "a.log"}) == GetLogResponse(
        file_name="a.log", log_upload_id=7
    )
    assert helpers.to_answer("get_log", _command(), {}) == GetLogResponse(log_upload_id=7)
