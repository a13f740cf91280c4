"""GetLog of 1.6's security extension, and when it is GetDiagnostics instead."""

from typing import Any

import pytest
from csms.station.v1 import log_pb2
from csms.station.v1.log_pb2 import LOG_TYPE_DIAGNOSTICS, LOG_TYPE_SECURITY, GetLogRequest, LogParameters
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v16.get_log import choose
from tests.gateway.v16 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
PLACE = "https://example.org/logs"


def _command(log: dict[str, Any] | None = None, **more: Any) -> GetLogRequest:
    parameters = LogParameters(**{"remote_location": PLACE, **(log or {})})
    return GetLogRequest(log=parameters, **{"log_type": LOG_TYPE_SECURITY, "log_upload_id": 7, **more})


def test_calls() -> None:
    """With its number; what is not given is left out."""
    minimal = {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": PLACE}}
    assert helpers.to_calls("get_log", _command()) == [minimal]
    full = _command({"oldest_time": NOON, "latest_time": NOON}, retries=2, retry_interval_s=30)
    [payload] = helpers.to_calls("get_log", full)
    assert payload["log"] == {
        "remoteLocation": PLACE,
        "oldestTimestamp": "2026-01-01T12:00:00.000Z",
        "latestTimestamp": "2026-01-01T12:00:00.000Z",
    }
    assert (payload["retries"], payload["retryInterval"]) == (2, 30)
    [payload] = helpers.to_calls("get_log", _command(log_type=LOG_TYPE_DIAGNOSTICS, use_security_extension=True))
    assert payload["logType"] == "DiagnosticsLog"


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
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("get_log", command)
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status, and the file's name comes along."""
    told = {}
    for word in helpers.answer_words("GetLog"):
        answer = helpers.to_answer("get_log", _command(), {"status": word, "filename": "a.log"})
        assert (answer.file_name, answer.log_upload_id) == ("a.log", 7)
        told[word] = answer.status
    assert told == {
        "Accepted": log_pb2.LOG_STATUS_ACCEPTED,
        "Rejected": log_pb2.LOG_STATUS_REJECTED,
        "AcceptedCanceled": log_pb2.LOG_STATUS_ACCEPTED_CANCELED,
    }


@pytest.mark.parametrize(
    ("more", "action"),
    [
        ({"log_type": log_pb2.LOG_TYPE_UNSPECIFIED}, "GetDiagnostics"),
        ({"log_type": LOG_TYPE_DIAGNOSTICS}, "GetDiagnostics"),
        ({"log_type": LOG_TYPE_DIAGNOSTICS, "use_security_extension": True}, "GetLog"),
        ({"log_type": LOG_TYPE_SECURITY}, "GetLog"),
    ],
)
def test_diagnostics_or_log(more: dict[str, Any], action: str) -> None:
    """Every 1.6 station has GetDiagnostics; GetLog is for what only it can say, and where it is known to be there."""
    assert choose(_command(**more)).action == action
