"""UpdateFirmware, 1.6 section 5.19, or SignedUpdateFirmware where the update is signed."""

from collections.abc import Sequence

from csms.station.v1.firmware_pb2 import UpdateFirmwareRequest, UpdateFirmwareResponse

from gateway.ocpp.checks import check_time, check_uri
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Alternatives, Outbound, Payload, UnacceptableError
from gateway.ocpp.v16 import signed_update_firmware


def to_calls(command: UpdateFirmwareRequest) -> Sequence[Payload]:
    """An update to fetch at a time. UnacceptableError where there is one to install at: that needs a signed update."""
    firmware = command.firmware
    if firmware.HasField("install_time"):
        raise UnacceptableError(
            "NotSupported", "firmware.install_time", "OCPP 1.6 tells the time to install for signed updates only"
        )
    payload = {
        "location": check_uri(firmware.location, "firmware.location"),
        "retrieveDate": check_time(firmware.retrieve_time, "firmware.retrieve_time"),
    }
    return [payload | retry_fields(command)]


def to_answer(command: UpdateFirmwareRequest, payloads: Sequence[Payload]) -> UpdateFirmwareResponse:
    """That the station has it. 1.6 has no status here, so neither has this."""
    [_payload] = payloads
    return UpdateFirmwareResponse(firmware_update_id=command.firmware_update_id)


def choose(command: UpdateFirmwareRequest) -> Outbound:
    """The signed one where anything of a signature is there."""
    firmware = command.firmware
    return signed_update_firmware.OUTBOUND if firmware.signing_certificate or firmware.signature else OUTBOUND


OUTBOUND = Outbound(action="UpdateFirmware", to_calls=to_calls, to_answer=to_answer)
ALTERNATIVES = Alternatives(outbounds=(OUTBOUND, signed_update_firmware.OUTBOUND), choose=choose)
