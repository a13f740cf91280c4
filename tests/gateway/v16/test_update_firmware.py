"""UpdateFirmware of 1.6, and when it is the signed one instead."""

from typing import Any

import pytest
from csms.station.v1.firmware_pb2 import Firmware, UpdateFirmwareRequest, UpdateFirmwareResponse
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v16.update_firmware import choose
from tests.gateway.v16 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
TOO_LATE = Timestamp(seconds=253_402_300_800)  # the year 10000
PLACE = "ftp://user:secret@example.org/firmware.bin"


def _command(firmware: dict[str, Any] | None = None, **more: Any) -> UpdateFirmwareRequest:
    given = {"location": PLACE, "retrieve_time": NOON, **(firmware or {})}
    return UpdateFirmwareRequest(firmware=Firmware(**given), firmware_update_id=7, **more)


def test_calls() -> None:
    """Where and when; what is not given is left out, and 0 is something given."""
    minimal = {"location": PLACE, "retrieveDate": "2026-01-01T12:00:00.000Z"}
    assert helpers.to_calls("update_firmware", _command()) == [minimal]
    assert helpers.to_calls("update_firmware", _command(retries=0, retry_interval_s=60)) == [
        {**minimal, "retries": 0, "retryInterval": 60}
    ]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command({"install_time": NOON}), "firmware.install_time"),
        (_command({"location": ""}), "firmware.location"),
        (_command({"location": "firmware.bin"}), "firmware.location"),
        (_command({"location": "ftp://example.org/a b"}), "firmware.location"),
        (_command({"retrieve_time": TOO_LATE}), "firmware.retrieve_time"),
        (_command(retries=-1), "retries"),
        (_command(retry_interval_s=-1), "retry_interval_s"),
    ],
)
def test_impossible(command: UpdateFirmwareRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("update_firmware", command)
    assert caught.value.field == field


def test_answer() -> None:
    """1.6 does not say whether it will, and the translator makes nothing up."""
    assert helpers.to_answer("update_firmware", _command(), {}) == UpdateFirmwareResponse(firmware_update_id=7)


@pytest.mark.parametrize(
    ("firmware", "action"),
    [
        ({}, "UpdateFirmware"),
        ({"signature": "s"}, "SignedUpdateFirmware"),
        ({"signing_certificate": "c"}, "SignedUpdateFirmware"),
        ({"signature": "s", "signing_certificate": "c"}, "SignedUpdateFirmware"),
    ],
)
def test_signed_or_not(firmware: dict[str, Any], action: str) -> None:
    """Anything of a signature makes it a signed update, lest half of one be taken for none."""
    assert choose(_command(firmware)).action == action
