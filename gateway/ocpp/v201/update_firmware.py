"""UpdateFirmware, L01 and L02."""

from collections.abc import Sequence

from csms.station.v1.firmware_pb2 import UpdateFirmwareRequest, UpdateFirmwareResponse

from gateway.ocpp.checks import check_given, check_length, check_not_negative, check_time, check_uri
from gateway.ocpp.enums import UPDATE_FIRMWARE_STATUSES
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v2.parts import status_info

MAX_LOCATION = 512
_MAX_CERTIFICATE = 5500
_MAX_SIGNATURE = 800


def to_calls(command: UpdateFirmwareRequest) -> Sequence[Payload]:
    """An update; one with a part of a signature needs the whole of it, lest it is installed unchecked (L01.FR.11)."""
    given = command.firmware
    location = check_uri(given.location, "firmware.location")
    firmware = {
        "location": check_length(location, MAX_LOCATION, "firmware.location"),
        "retrieveDateTime": check_time(given.retrieve_time, "firmware.retrieve_time"),
    }
    if given.HasField("install_time"):
        firmware["installDateTime"] = check_time(given.install_time, "firmware.install_time")
    if given.signing_certificate or given.signature:
        certificate = check_given(given.signing_certificate, "firmware.signing_certificate")
        signature = check_given(given.signature, "firmware.signature")
        firmware["signingCertificate"] = check_length(certificate, _MAX_CERTIFICATE, "firmware.signing_certificate")
        firmware["signature"] = check_length(signature, _MAX_SIGNATURE, "firmware.signature")
    number = check_not_negative(command.firmware_update_id, "firmware_update_id")
    return [{"requestId": number, "firmware": firmware} | retry_fields(command)]


def to_answer(command: UpdateFirmwareRequest, payloads: Sequence[Payload]) -> UpdateFirmwareResponse:
    """Whether it will."""
    [payload] = payloads
    return UpdateFirmwareResponse(
        status=UPDATE_FIRMWARE_STATUSES[payload["status"]],
        status_info=status_info(payload),
        firmware_update_id=command.firmware_update_id,
    )


OUTBOUND = Outbound(action="UpdateFirmware", to_calls=to_calls, to_answer=to_answer)
