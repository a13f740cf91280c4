"""ReservationStatusUpdate of 2.0.1."""

import pytest
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

ACTION = "ReservationStatusUpdate"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Expired", pb.RESERVATION_UPDATE_STATUS_EXPIRED),
        ("Removed", pb.RESERVATION_UPDATE_STATUS_REMOVED),
        ("Forgotten", pb.RESERVATION_UPDATE_STATUS_UNSPECIFIED),  # quirk 16
    ],
)
def test_report(word: str, status: pb.ReservationUpdateStatus.ValueType) -> None:
    payload = {"reservationId": 7, "reservationUpdateStatus": word}
    item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
    assert item.origin == helpers.ORIGIN
    assert item.reservation_update == pb.ReservationUpdate(reservation_id=7, status=status)


def test_a_number_that_cannot_be_stored_is_refused_by_its_name() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"reservationId": 2**31, "reservationUpdateStatus": "Expired"})
    assert caught.value.field == "reservationId"


def test_all_that_the_schema_allows_can_be_sent_on() -> None:
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.REPORTS)


def test_response() -> None:
    payload = {"reservationId": 7, "reservationUpdateStatus": "Expired"}
    assert helpers.to_response(ACTION, payload, {IngestRpc.REPORTS: ReportResult()}) == {}
