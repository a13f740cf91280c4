"""GetDiagnostics, 1.6 section 5.9."""

from collections.abc import Sequence

from csms.station.v1.log_pb2 import GetLogRequest, GetLogResponse

from gateway.ocpp.checks import check_time, check_uri
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Outbound, Payload


def to_calls(command: GetLogRequest) -> Sequence[Payload]:
    """Diagnostics of a time, or all there are."""
    payload: Payload = {"location": check_uri(command.log.remote_location, "log.remote_location")}
    if command.log.HasField("oldest_time"):
        payload["startTime"] = check_time(command.log.oldest_time, "log.oldest_time")
    if command.log.HasField("latest_time"):
        payload["stopTime"] = check_time(command.log.latest_time, "log.latest_time")
    return [payload | retry_fields(command)]


def to_answer(command: GetLogRequest, payloads: Sequence[Payload]) -> GetLogResponse:
    """The name of the file, if there is one. 1.6 has no status here, so neither has this."""
    [payload] = payloads
    return GetLogResponse(file_name=payload.get("fileName", ""), log_upload_id=command.log_upload_id)


OUTBOUND = Outbound(action="GetDiagnostics", to_calls=to_calls, to_answer=to_answer)
