"""GetLog of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import log_pb2
from csms.station.v1.log_pb2 import LOG_TYPE_DIAGNOSTICS, LOG_TYPE_SECURITY, GetLogRequest, LogParameters
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
PLACE = "https://example.org/logs"


def _command(log: dict[str, Any] | None = None, **more: Any) -> GetLogRequest:
    parameters = LogParameters(**{"remote_location": PLACE, **(log or {})})
    return GetLogRequest(log=parameters, **{"log_upload_id": 7, **more})


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (log_pb2.LOG_TYPE_UNSPECIFIED, "DiagnosticsLog"),
        (LOG_TYPE_DIAGNOSTICS, "DiagnosticsLog"),
        (LOG_TYPE_SECURITY, "SecurityLog"),
    ],
)
def test_types(kind: log_pb2.LogType.ValueType, word: str) -> None:
    """The field about 1.6's extension changes nothing here."""
    expected = {"logType": word, "requestId": 7, "log": {"remoteLocation": PLACE}}
    for flag in (True, False):
        assert helpers.to_calls("get_log", _command(log_type=kind, use_security_extension=flag)) == [expected]


def test_everything() -> None:
    full = _command({"oldest_time": NOON, "latest_time": NOON}, retries=2, retry_interval_s=30)
    [payload] = helpers.to_calls("get_log", full)
    assert payload["log"] == {
        "remoteLocation": PLACE,
        "oldestTimestamp": "2026-01-01T12:00:00.000Z",
        "latestTimestamp": "2026-01-01T12:00:00.000Z",
    }
    assert (payload["retries"], payload["retryInterval"]) == (2, 30)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command(log_type=log_pb2.LOG_TYPE_DATA_COLLECTOR), "log_type"),
        (_command({"remote_location": ""}), "log.remote_location"),
        (_command({"remote_location": f"ftp://{'h' * 507}"}), "log.remote_location"),
        (_command({"latest_time": Timestamp(seconds=2**60)}), "log.latest_time"),
        (_command(log_upload_id=-1), "log_upload_id"),
    ],
)
def test_impossible(command: GetLogRequest, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("get_log", command)
    assert caught.value.field == field


def test_answers() -> None:
    assert helpers.statuses_told("get_log", _command(), "LogStatusEnumType") == {
        "Accepted": log_pb2.LOG_STATUS_ACCEPTED,
        "Rejected": log_pb2.LOG_STATUS_REJECTED,
        "AcceptedCanceled": log_pb2.LOG_STATUS_ACCEPTED_CANCELED,
    }
    answer = helpers.to_answer("get_log", _command(), {"status": "Accepted", "filename": "a.log"})
    assert (answer.file_name, answer.log_upload_id) == ("a.log", 7)
