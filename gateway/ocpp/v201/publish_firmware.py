"""PublishFirmware, L03."""

import re
from collections.abc import Sequence

from csms.station.v1.firmware_publication_pb2 import PublishFirmwareRequest, PublishFirmwareResponse

from gateway.ocpp.checks import check_given, check_length, check_not_negative, check_uri
from gateway.ocpp.enums import GENERIC_STATUSES
from gateway.ocpp.retries import retry_fields
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_MAX_LOCATION = 512
_MD5 = re.compile(r"[0-9A-Fa-f]{32}")


def check_checksum(text: str) -> str:
    """The checksum itself; UnacceptableError where it is no MD5 checksum, which is all that 2.0.1 has."""
    if not _MD5.fullmatch(check_given(text, "checksum")):
        raise UnacceptableError("PropertyConstraintViolation", "checksum", "must be an MD5 checksum: 32 digits, 0 to F")
    return text


def to_calls(command: PublishFirmwareRequest) -> Sequence[Payload]:
    """The firmware, with the number that the station repeats in its reports."""
    location = check_length(check_uri(command.location, "location"), _MAX_LOCATION, "location")
    number = check_not_negative(command.firmware_publication_id, "firmware_publication_id")
    payload = {"location": location, "checksum": check_checksum(command.checksum), "requestId": number}
    return [payload | retry_fields(command)]


def to_answer(command: PublishFirmwareRequest, payloads: Sequence[Payload]) -> PublishFirmwareResponse:
    """Whether it will."""
    [payload] = payloads
    return PublishFirmwareResponse(
        status=GENERIC_STATUSES[payload["status"]],
        status_info=status_info(payload),
        firmware_publication_id=command.firmware_publication_id,
    )


OUTBOUND = Outbound(action="PublishFirmware", to_calls=to_calls, to_answer=to_answer)
