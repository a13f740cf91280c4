"""CancelReservation of 1.6."""

import pytest
from csms.station.v1 import reservation_pb2 as pb

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "cancel_reservation"


def test_calls() -> None:
    """The reservation by its number."""
    assert helpers.to_calls(NAME, pb.CancelReservationRequest(reservation_id=5)) == [{"reservationId": 5}]


def test_answers() -> None:
    """Every word of the station has its status."""
    command = pb.CancelReservationRequest(reservation_id=5)
    told = {
        word: helpers.to_answer(NAME, command, {"status": word}).status
        for word in helpers.answer_words("CancelReservation")
    }
    assert told == {
        "Accepted": pb.CANCEL_RESERVATION_STATUS_ACCEPTED,
        "Rejected": pb.CANCEL_RESERVATION_STATUS_REJECTED,
    }


def test_impossible() -> None:
    """A reservation without a number is none."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, pb.CancelReservationRequest())
    assert caught.value.field == "reservation_id"
