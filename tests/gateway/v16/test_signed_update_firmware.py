"""SignedUpdateFirmware of 1.6's security extension."""

from typing import Any

import pytest
from csms.station.v1 import firmware_pb2
from csms.station.v1.firmware_pb2 import Firmware, UpdateFirmwareRequest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
PLACE = "https://example.org/firmware.bin"


def _command(firmware: dict[str, Any] | None = None, **more: Any) -> UpdateFirmwareRequest:
    given = {
        "location": PLACE,
        "retrieve_time": NOON,
        "signing_certificate": "cert",
        "signature": "sign",
        **(firmware or {}),
    }
    return UpdateFirmwareRequest(firmware=Firmware(**given), **{"firmware_update_id": 7, **more})


def test_calls() -> None:
    """With its number, certificate and signature; what is not given is left out."""
    firmware = {
        "location": PLACE,
        "retrieveDateTime": "2026-01-01T12:00:00.000Z",
        "signingCertificate": "cert",
        "signature": "sign",
    }
    assert helpers.to_calls("update_firmware", _command()) == [{"requestId": 7, "firmware": firmware}]
    full = _command({"install_time": NOON}, retries=3, retry_interval_s=60)
    assert helpers.to_calls("update_firmware", full) == [
        {
            "requestId": 7,
            "firmware": {**firmware, "installDateTime": "2026-01-01T12:00:00.000Z"},
            "retries": 3,
            "retryInterval": 60,
        }
    ]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command({"signature": ""}), "firmware.signature"),
        (_command({"signing_certificate": ""}), "firmware.signing_certificate"),
        (_command({"signing_certificate": "c" * 5501}), "firmware.signing_certificate"),
        (_command({"signature": "s" * 801}), "firmware.signature"),
        (_command({"location": f"ftp://{'h' * 507}"}), "firmware.location"),
        (_command({"location": ""}), "firmware.location"),
        (_command(firmware_update_id=-1), "firmware_update_id"),
    ],
)
def test_impossible(command: UpdateFirmwareRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("update_firmware", command)
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {}
    for word in helpers.answer_words("SignedUpdateFirmware"):
        answer = helpers.to_answer("update_firmware", _command(), {"status": word})
        assert answer.firmware_update_id == 7
        told[word] = answer.status
    assert told == {
        "Accepted": firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED,
        "Rejected": firmware_pb2.UPDATE_FIRMWARE_STATUS_REJECTED,
        "AcceptedCanceled": firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED,
        "InvalidCertificate": firmware_pb2.UPDATE_FIRMWARE_STATUS_INVALID_CERTIFICATE,
        "RevokedCertificate": firmware_pb2.UPDATE_FIRMWARE_STATUS_REVOKED_CERTIFICATE,
    }
