"""ReserveNow of 1.6."""

from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import reservation_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "reserve_now"
Request = pb.ReserveNowRequest
EXPIRY = Timestamp(seconds=1_760_000_000)


def test_calls() -> None:
    """EVSE 0 is connector 0: any; a group becomes parentIdTag."""
    least = Request(id_token=IdToken(id_token="T"), expire_time=EXPIRY, reservation_id=5)
    call = {"connectorId": 0, "expiryDate": "2025-10-09T08:53:20.000Z", "idTag": "T", "reservationId": 5}
    assert helpers.to_calls(NAME, least) == [call]
    most = Request(evse_id=2, group_id_token=IdToken(id_token="G" * 20))
    most.MergeFrom(least)
    assert helpers.to_calls(NAME, most) == [{**call, "connectorId": 2, "parentIdTag": "G" * 20}]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id_token": IdToken()}, "id_token.id_token"),
        ({"id_token": IdToken(id_token="T" * 21)}, "id_token.id_token"),
        ({"group_id_token": IdToken(id_token="T" * 21)}, "group_id_token.id_token"),
        ({"evse_id": -1}, "evse_id"),
        ({"connector_type": "sType2"}, "connector_type"),
        ({"expire_time": Timestamp(seconds=1 << 60)}, "expire_time"),
    ],
)
def test_impossible(fields: dict[str, Any], field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    given = {"id_token": IdToken(id_token="T"), "expire_time": EXPIRY, "reservation_id": 5, **fields}
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, Request(**given))
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status; the answer names the reservation."""
    command = Request(reservation_id=5)
    answers = {word: helpers.to_answer(NAME, command, {"status": word}) for word in helpers.answer_words("ReserveNow")}
    assert {word: answer.status for word, answer in answers.items()} == {
        "Accepted": pb.RESERVE_NOW_STATUS_ACCEPTED,
        "Faulted": pb.RESERVE_NOW_STATUS_FAULTED,
        "Occupied": pb.RESERVE_NOW_STATUS_OCCUPIED,
        "Rejected": pb.RESERVE_NOW_STATUS_REJECTED,
        "Unavailable": pb.RESERVE_NOW_STATUS_UNAVAILABLE,
    }
    assert {answer.reservation_id for answer in answers.values()} == {5}
