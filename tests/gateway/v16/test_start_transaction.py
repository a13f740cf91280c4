"""StartTransaction of 1.6."""

from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeResult
from csms.common.v1 import id_token_pb2, meter_value_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken, IdTokenInfo
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue
from csms.station.v1.reservation_pb2 import ReservationUse
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.transaction.v1 import transaction_event_pb2
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    AuthorizationItem,
    TransactionEventItem,
    TransactionEventResult,
)
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v16.routes import ROUTES
from tests.gateway.v16 import helpers

ACTION = "StartTransaction"
MINIMAL = {"connectorId": 2, "idTag": "TAG", "meterStart": 1234, "timestamp": "2025-01-01T12:00:00Z"}
NOON = Timestamp(seconds=1_735_732_800)


def event(**fields: Any) -> TransactionEvent:
    """The event that is sent on for the minimal payload with these fields."""
    item = helpers.over_the_wire(helpers.to_items(ACTION, MINIMAL | fields)[IngestRpc.TRANSACTION_EVENTS])
    assert isinstance(item, TransactionEventItem)
    assert item.origin == helpers.ORIGIN
    return item.event


def respond(
    status: id_token_pb2.AuthorizationStatus.ValueType | None, *, held: int = 0, **fields: Any
) -> dict[str, Any]:
    """The answer where transaction 77 was recorded and auth_svc said this, or nothing.

    The tag may hold one transaction, and holds as many others as that.
    """
    return helpers.to_response(ACTION, MINIMAL | fields, results_of(status, held=held))


def results_of(status: id_token_pb2.AuthorizationStatus.ValueType | None, *, held: int = 0) -> dict[IngestRpc, Any]:
    """The results of the services for such a start."""
    recorded = TransactionEventResult(transaction_id="77", event_key="0.ab", concurrent_count=held)
    results: dict[IngestRpc, Any] = {IngestRpc.TRANSACTION_EVENTS: recorded}
    if status is not None:
        info = IdTokenInfo(status=status, group_id_token=IdToken(id_token="G"))
        results[IngestRpc.AUTHORIZE] = AuthorizeResult(id_token_info=info, max_concurrent_transactions=1)
    return results


def test_event() -> None:
    """The start, with meterStart as a value of the energy register."""
    begin = SampledValue(
        value="1234",
        measurand=meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        context=meter_value_pb2.READING_CONTEXT_TRANSACTION_BEGIN,
        location=meter_value_pb2.MEASURAND_LOCATION_OUTLET,
        unit="Wh",
    )
    assert event() == TransactionEvent(
        event_type=transaction_event_pb2.TRANSACTION_EVENT_TYPE_STARTED,
        event_time=NOON,
        evse=EvseRef(evse_id=2, connector_id=1),
        id_token=IdToken(id_token="TAG"),
        meter_values=[MeterValue(sample_time=NOON, sampled_values=[begin])],
    )
    assert not event().HasField("reservation_id")
    assert event(reservationId=0).HasField("reservation_id")
    assert event(reservationId=9).reservation_id == 9


def test_report() -> None:
    """station_svc is notified of a reservation that was used, with its place and time."""
    item = helpers.over_the_wire(helpers.to_items(ACTION, MINIMAL | {"reservationId": 9})[IngestRpc.REPORTS])
    use = ReservationUse(reservation_id=9, evse=EvseRef(evse_id=2, connector_id=1), use_time=NOON)
    assert item == ReportItem(origin=helpers.ORIGIN, reservation_use=use)
    items = helpers.to_items(ACTION, MINIMAL | {"reservationId": 0, "timestamp": ""})
    unreadable = helpers.over_the_wire(items[IngestRpc.REPORTS])
    assert not unreadable.reservation_use.HasField("use_time")


def test_question() -> None:
    """The tag is asked about at the same time, with its place."""
    items = helpers.to_items(ACTION, MINIMAL)
    assert set(items) == {IngestRpc.TRANSACTION_EVENTS, IngestRpc.AUTHORIZE}
    assert items[IngestRpc.AUTHORIZE] == AuthorizeItem(
        origin=helpers.ORIGIN, id_token=IdToken(id_token="TAG"), evse=EvseRef(evse_id=2, connector_id=1)
    )


def test_route() -> None:
    """A start is money: it waits for its commit, but neither for auth_svc nor for station_svc."""
    route = ROUTES.inbound[ACTION]
    assert route.durable
    assert route.optional == {IngestRpc.AUTHORIZE, IngestRpc.REPORTS}


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        for item in helpers.to_items(ACTION, payload).values():
            helpers.over_the_wire(item)


def test_anomalies_are_kept() -> None:
    """A register below zero, a long tag, an unreadable time: recorded, not refused."""
    odd = event(meterStart=-1, idTag="T" * 200, timestamp="soon")
    assert odd.meter_values[0].sampled_values[0].value == "-1"
    assert odd.id_token.id_token == "T" * 200
    assert not odd.HasField("event_time")
    assert not odd.meter_values[0].HasField("sample_time")


@pytest.mark.parametrize(
    ("field", "value"), [("connectorId", -1), ("connectorId", 2**31), ("meterStart", 2**63), ("reservationId", 2**31)]
)
def test_impossible_numbers(field: str, value: int) -> None:
    """Numbers beyond what can be stored are refused by name."""
    with pytest.raises(UnacceptableError) as caught:
        event(**{field: value})
    assert caught.value.field == field
    assert caught.value.code == "PropertyConstraintViolation"


def test_response_statuses() -> None:
    """With every answer of auth_svc the transaction has its number and the response is valid."""
    for status in id_token_pb2.AuthorizationStatus.values():
        for held in (0, 1):
            response = respond(status, held=held)
            assert response["transactionId"] == 77
            assert response["idTagInfo"]["parentIdTag"] == "G"


def test_concurrent() -> None:
    """ConcurrentTx is said only of a tag that would have been accepted."""
    accepted, blocked = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED, id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
    assert respond(accepted)["idTagInfo"]["status"] == "Accepted"
    assert respond(accepted, held=1)["idTagInfo"]["status"] == "ConcurrentTx"
    assert respond(blocked, held=1)["idTagInfo"]["status"] == "Blocked"


def test_a_refusal_is_recorded_before_the_station_is_answered() -> None:
    """As it is answered; an acceptance is not, nor where there was no tag."""
    accepted, blocked = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED, id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
    concurrent = id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX
    for status, held, expected in ((blocked, 1, blocked), (accepted, 1, concurrent)):
        item = helpers.follow_up(ACTION, MINIMAL, results_of(status, held=held), IngestRpc.AUTHORIZATIONS)
        assert item == AuthorizationItem(origin=helpers.ORIGIN, event_key="0.ab", status=expected)
    assert helpers.follow_ups(ACTION, MINIMAL, results_of(accepted)) == {}
    assert helpers.follow_ups(ACTION, MINIMAL, results_of(None, held=1)) == {}
    quarantined = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(error=Status(code=3))}
    assert helpers.follow_ups(ACTION, MINIMAL, results_of(blocked) | quarantined) == {}
    assert helpers.follow_ups(ACTION, MINIMAL | {"idTag": ""}, quarantined) == {}


def test_auth_is_away() -> None:
    """The station let the driver charge by itself; the answer agrees."""
    assert respond(None, held=1) == respond(None)
    assert respond(None) == {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}
    failed = {
        IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(transaction_id="77"),
        IngestRpc.AUTHORIZE: AuthorizeResult(error=Status(code=13)),
    }
    assert helpers.to_response(ACTION, MINIMAL, failed) == respond(None)


@pytest.mark.parametrize("id_tag", ["", " "])
def test_blank_tag(id_tag: str) -> None:
    """A blank tag is nobody's: the start is recorded, nobody is asked, and nobody is let in."""
    assert set(helpers.to_items(ACTION, MINIMAL | {"idTag": id_tag})) == {IngestRpc.TRANSACTION_EVENTS}
    assert not event(idTag=id_tag).HasField("id_token")
    assert respond(None, idTag=id_tag)["idTagInfo"] == {"status": "Invalid"}


def test_quarantined() -> None:
    """A start that could not be recorded as such is acknowledged all the same."""
    results = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(error=Status(code=3))}
    assert helpers.to_response(ACTION, MINIMAL, results)["transactionId"] == 0
