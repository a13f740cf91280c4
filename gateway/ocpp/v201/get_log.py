"""GetLog, N01."""

from collections.abc import Sequence

from csms.station.v1.log_pb2 import (
    LOG_TYPE_DIAGNOSTICS,
    LOG_TYPE_SECURITY,
    LOG_TYPE_UNSPECIFIED,
    GetLogRequest,
    GetLogResponse,
)

from gateway.ocpp.checks import check_length, check_not_negative, check_time, check_uri
from gateway.ocpp.enums import LOG_STATUSES
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_MAX_LOCATION = 512
_TYPE_WORDS = {
    LOG_TYPE_UNSPECIFIED: "DiagnosticsLog",
    LOG_TYPE_DIAGNOSTICS: "DiagnosticsLog",
    LOG_TYPE_SECURITY: "SecurityLog",
}


def to_calls(command: GetLogRequest) -> Sequence[Payload]:
    """A log of a period, or all of it. UnacceptableError for a log that 2.0.1 does not have."""
    word = _TYPE_WORDS.get(command.log_type)
    if word is None:
        raise UnacceptableError("NotSupported", "log_type", "OCPP 2.0.1 has DIAGNOSTICS and SECURITY only")
    location = check_uri(command.log.remote_location, "log.remote_location")
    log = {"remoteLocation": check_length(location, _MAX_LOCATION, "log.remote_location")}
    if command.log.HasField("oldest_time"):
        log["oldestTimestamp"] = check_time(command.log.oldest_time, "log.oldest_time")
    if command.log.HasField("latest_time"):
        log["latestTimestamp"] = check_time(command.log.latest_time, "log.latest_time")
    number = check_not_negative(command.log_upload_id, "log_upload_id")
    return [{"logType": word, "requestId": number, "log": log} | retry_fields(command)]


def to_answer(command: GetLogRequest, payloads: Sequence[Payload]) -> GetLogResponse:
    """Whether it will, and the name of the file."""
    [payload] = payloads
    return GetLogResponse(
        status=LOG_STATUSES[payload["status"]],
        status_info=status_info(payload),
        file_name=payload.get("filename", ""),
        log_upload_id=command.log_upload_id,
    )


OUTBOUND = Outbound(action="GetLog", to_calls=to_calls, to_answer=to_answer)
