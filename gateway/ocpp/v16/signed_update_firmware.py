"""SignedUpdateFirmware, 1.6 security whitepaper section 5.11."""

from collections.abc import Sequence

from csms.station.v1.firmware_pb2 import UpdateFirmwareRequest, UpdateFirmwareResponse

from gateway.ocpp.checks import check_given, check_length, check_not_negative, check_time, check_uri
from gateway.ocpp.enums import UPDATE_FIRMWARE_STATUSES
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Outbound, Payload


def to_calls(command: UpdateFirmwareRequest) -> Sequence[Payload]:
    """An update with its certificate and signature, both of which it needs."""
    given = command.firmware
    certificate = check_given(given.signing_certificate, "firmware.signing_certificate")
    signature = check_given(given.signature, "firmware.signature")
    location = check_uri(given.location, "firmware.location")
    firmware = {
        "location": check_length(location, 512, "firmware.location"),
        "retrieveDateTime": check_time(given.retrieve_time, "firmware.retrieve_time"),
        "signingCertificate": check_length(certificate, 5500, "firmware.signing_certificate"),
        "signature": check_length(signature, 800, "firmware.signature"),
    }
    if given.HasField("install_time"):
        firmware["installDateTime"] = check_time(given.install_time, "firmware.install_time")
    number = check_not_negative(command.firmware_update_id, "firmware_update_id")
    return [{"requestId": number, "firmware": firmware} | retry_fields(command)]


def to_answer(command: UpdateFirmwareRequest, payloads: Sequence[Payload]) -> UpdateFirmwareResponse:
    """Whether it will."""
    [payload] = payloads
    return UpdateFirmwareResponse(
        status=UPDATE_FIRMWARE_STATUSES[payload["status"]], firmware_update_id=command.firmware_update_id
    )


OUTBOUND = Outbound(action="SignedUpdateFirmware", to_calls=to_calls, to_answer=to_answer)
