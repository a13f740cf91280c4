"""UnpublishFirmware, L04."""

from collections.abc import Sequence

from csms.station.v1.firmware_publication_pb2 import UnpublishFirmwareRequest, UnpublishFirmwareResponse

from gateway.ocpp.enums import UNPUBLISH_FIRMWARE_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v201.publish_firmware import check_checksum


def to_calls(command: UnpublishFirmwareRequest) -> Sequence[Payload]:
    """The firmware by its checksum."""
    return [{"checksum": check_checksum(command.checksum)}]


def to_answer(_command: UnpublishFirmwareRequest, payloads: Sequence[Payload]) -> UnpublishFirmwareResponse:
    """Whether it is published no longer."""
    [payload] = payloads
    return UnpublishFirmwareResponse(status=UNPUBLISH_FIRMWARE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="UnpublishFirmware", to_calls=to_calls, to_answer=to_answer)
