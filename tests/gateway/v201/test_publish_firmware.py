"""PublishFirmware of 2.0.1."""

from typing import Any

import pytest
from csms.common.v1 import status_info_pb2
from csms.station.v1.firmware_publication_pb2 import PublishFirmwareRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "publish_firmware"
LOCATION, CHECKSUM = "https://example.org/firmware.bin", "D41D8cd98f00b204e9800998ecf8427e"


def _command(**fields: Any) -> PublishFirmwareRequest:
    given = {"location": LOCATION, "checksum": CHECKSUM, "firmware_publication_id": 7}
    return PublishFirmwareRequest(**{**given, **fields})


def test_calls() -> None:
    """Retries that are not given are left out."""
    minimal = {"location": LOCATION, "checksum": CHECKSUM, "requestId": 7}
    assert helpers.to_calls(NAME, _command()) == [minimal]
    full = _command(retries=2, retry_interval_s=30)
    assert helpers.to_calls(NAME, full) == [minimal | {"retries": 2, "retryInterval": 30}]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command(location=""), "location"),
        (_command(location=f"ftp://{'h' * 507}"), "location"),
        (_command(checksum=""), "checksum"),
        (_command(checksum="0" * 31), "checksum"),
        (_command(checksum="g" * 32), "checksum"),
        (_command(firmware_publication_id=-1), "firmware_publication_id"),
        (_command(retries=-1), "retries"),
    ],
)
def test_impossible(command: PublishFirmwareRequest, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    assert helpers.statuses_told(NAME, _command(), "GenericStatusEnumType") == {
        "Accepted": status_info_pb2.GENERIC_STATUS_ACCEPTED,
        "Rejected": status_info_pb2.GENERIC_STATUS_REJECTED,
    }
    assert helpers.to_answer(NAME, _command(), {"status": "Accepted"}).firmware_publication_id == 7
