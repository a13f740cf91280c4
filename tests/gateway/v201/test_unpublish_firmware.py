"""UnpublishFirmware of 2.0.1."""

import pytest
from csms.station.v1 import firmware_publication_pb2 as pb

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "unpublish_firmware"
COMMAND = pb.UnpublishFirmwareRequest(checksum="0" * 32)


def test_calls() -> None:
    assert helpers.to_calls(NAME, COMMAND) == [{"checksum": "0" * 32}]


def test_a_checksum_is_required() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, pb.UnpublishFirmwareRequest())
    assert caught.value.field == "checksum"


def test_answers() -> None:
    words = helpers.answer_words("UnpublishFirmware", "UnpublishFirmwareStatusEnumType")
    assert {word: helpers.to_answer(NAME, COMMAND, {"status": word}).status for word in words} == {
        "DownloadOngoing": pb.UNPUBLISH_FIRMWARE_STATUS_DOWNLOAD_ONGOING,
        "NoFirmware": pb.UNPUBLISH_FIRMWARE_STATUS_NO_FIRMWARE,
        "Unpublished": pb.UNPUBLISH_FIRMWARE_STATUS_UNPUBLISHED,
    }
