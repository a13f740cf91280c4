"""CancelReservation of 2.0.1."""

import pytest
from csms.station.v1 import reservation_pb2 as pb

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

COMMAND = pb.CancelReservationRequest(reservation_id=7)


def test_calls() -> None:
    assert helpers.to_calls("cancel_reservation", COMMAND) == [{"reservationId": 7}]


def test_a_number_is_required() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("cancel_reservation", pb.CancelReservationRequest())
    assert caught.value.field == "reservation_id"


def test_answers() -> None:
    assert helpers.statuses_told("cancel_reservation", COMMAND, "CancelReservationStatusEnumType") == {
        "Accepted": pb.CANCEL_RESERVATION_STATUS_ACCEPTED,
        "Rejected": pb.CANCEL_RESERVATION_STATUS_REJECTED,
    }
