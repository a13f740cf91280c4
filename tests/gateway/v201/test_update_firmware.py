"""UpdateFirmware of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import firmware_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "update_firmware"
NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
LOCATION = "https://example.org/firmware.bin"


def _command(firmware: dict[str, Any] | None = None, **more: Any) -> pb.UpdateFirmwareRequest:
    given = {"location": LOCATION, "retrieve_time": NOON, **(firmware or {})}
    return pb.UpdateFirmwareRequest(firmware=pb.Firmware(**given), **{"firmware_update_id": 7, **more})


def test_plain() -> None:
    """Fields that are not given are left out."""
    firmware = {"location": LOCATION, "retrieveDateTime": "2026-01-01T12:00:00.000Z"}
    assert helpers.to_calls(NAME, _command()) == [{"requestId": 7, "firmware": firmware}]


def test_signed() -> None:
    """Certificate and signature as they were given, the time to install, and the retries."""
    signed = {"signing_certificate": "c" * 5500, "signature": "s" * 800, "install_time": NOON}
    [payload] = helpers.to_calls(NAME, _command(signed, retries=2, retry_interval_s=30))
    assert payload == {
        "requestId": 7,
        "firmware": {
            "location": LOCATION,
            "retrieveDateTime": "2026-01-01T12:00:00.000Z",
            "installDateTime": "2026-01-01T12:00:00.000Z",
            "signingCertificate": "c" * 5500,
            "signature": "s" * 800,
        },
        "retries": 2,
        "retryInterval": 30,
    }


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command({"location": ""}), "firmware.location"),
        (_command({"location": f"ftp://{'h' * 507}"}), "firmware.location"),
        (_command({"signature": "s"}), "firmware.signing_certificate"),
        (_command({"signing_certificate": "c"}), "firmware.signature"),
        (_command({"signing_certificate": "c", "signature": "s" * 801}), "firmware.signature"),
        (_command({"install_time": Timestamp(seconds=2**60)}), "firmware.install_time"),
        (_command(firmware_update_id=-1), "firmware_update_id"),
        (_command(retries=-1), "retries"),
    ],
)
def test_impossible(command: pb.UpdateFirmwareRequest, field: str) -> None:
    """Half of a signature is refused too, lest firmware is installed unchecked."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    assert helpers.statuses_told(NAME, _command(), "UpdateFirmwareStatusEnumType") == {
        "Accepted": pb.UPDATE_FIRMWARE_STATUS_ACCEPTED,
        "Rejected": pb.UPDATE_FIRMWARE_STATUS_REJECTED,
        "AcceptedCanceled": pb.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED,
        "InvalidCertificate": pb.UPDATE_FIRMWARE_STATUS_INVALID_CERTIFICATE,
        "RevokedCertificate": pb.UPDATE_FIRMWARE_STATUS_REVOKED_CERTIFICATE,
    }
    assert helpers.to_answer(NAME, _command(), {"status": "Accepted"}).firmware_update_id == 7
