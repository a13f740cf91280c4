"""TransactionEvent of 2.0.1."""

from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeResult
from csms.common.v1 import id_token_pb2, meter_value_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken, IdTokenInfo
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue
from csms.station.v1.reservation_pb2 import ReservationUse
from csms.transaction.v1 import transaction_event_pb2
from csms.transaction.v1.transaction_event_pb2 import ChargingState, StoppedReason, TransactionEvent, TriggerReason
from csms.transaction.v1.transaction_ingest_service_pb2 import AuthorizationItem, TransactionEventResult
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gateway.ocpp.schemas import SchemaFault
from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v201.routes import ROUTES
from tests.gateway.translators import over_the_wire
from tests.gateway.v201 import helpers

ACTION = "TransactionEvent"
MINIMAL = {
    "eventType": "Started",
    "timestamp": "2025-01-01T12:00:00Z",
    "triggerReason": "CablePluggedIn",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "tx-1"},
}
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
NOON = Timestamp(seconds=1_735_732_800)
ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
BLOCKED = id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
CONCURRENT = id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX


def event(info: dict[str, Any] | None = None, **fields: Any) -> TransactionEvent:
    """The event that is sent on for the minimal payload with these fields, of transactionInfo and of itself."""
    payload = MINIMAL | fields
    payload["transactionInfo"] = {"transactionId": "tx-1"} | (info or {})
    item = helpers.over_the_wire(helpers.to_items(ACTION, payload)[IngestRpc.TRANSACTION_EVENTS])
    assert item.origin == helpers.ORIGIN
    assert isinstance(item.event, TransactionEvent)
    return item.event


def respond(
    status: id_token_pb2.AuthorizationStatus.ValueType | None, *, held: int = 0, **fields: Any
) -> dict[str, Any]:
    """The answer where the event was recorded and auth_svc said this, or nothing.

    The token may hold one transaction, and holds as many others as that.
    """
    return helpers.to_response(ACTION, MINIMAL | {"idToken": TOKEN} | fields, results_of(status, held=held))


def results_of(status: id_token_pb2.AuthorizationStatus.ValueType | None, *, held: int = 0) -> dict[IngestRpc, Any]:
    """The results of the services for such an event."""
    recorded = TransactionEventResult(transaction_id="tx-1", event_key="0.ab", concurrent_count=held)
    results: dict[IngestRpc, Any] = {IngestRpc.TRANSACTION_EVENTS: recorded}
    if status is not None:
        info = IdTokenInfo(status=status, group_id_token=IdToken(id_token="G", type="Central"))
        results[IngestRpc.AUTHORIZE] = AuthorizeResult(id_token_info=info, max_concurrent_transactions=1)
    return results


def test_minimal() -> None:
    """The item has the required fields, and nothing made up beside them."""
    assert event() == TransactionEvent(
        event_type=transaction_event_pb2.TRANSACTION_EVENT_TYPE_STARTED,
        transaction_id="tx-1",
        event_time=NOON,
        trigger_reason=transaction_event_pb2.TRIGGER_REASON_CABLE_PLUGGED_IN,
        seq_no=0,
    )
    assert event().HasField("seq_no")
    assert set(helpers.to_items(ACTION, MINIMAL)) == {IngestRpc.TRANSACTION_EVENTS}


def test_everything() -> None:
    """Each field has its place."""
    told = event(
        {"chargingState": "Charging", "timeSpentCharging": 60, "stoppedReason": "Remote", "remoteStartId": 9},
        eventType="Ended",
        seqNo=4,
        offline=True,
        numberOfPhasesUsed=3,
        cableMaxCurrent=32,
        reservationId=7,
        evse={"id": 2, "connectorId": 1},
        idToken=TOKEN,
        meterValue=[{"timestamp": "2025-01-01T12:00:00Z", "sampledValue": [{"value": 1234.5}]}],
    )
    value = SampledValue(
        value="1234.5",
        measurand=meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        context=meter_value_pb2.READING_CONTEXT_SAMPLE_PERIODIC,
        location=meter_value_pb2.MEASURAND_LOCATION_OUTLET,
    )
    assert told == TransactionEvent(
        event_type=transaction_event_pb2.TRANSACTION_EVENT_TYPE_ENDED,
        transaction_id="tx-1",
        event_time=NOON,
        trigger_reason=transaction_event_pb2.TRIGGER_REASON_CABLE_PLUGGED_IN,
        seq_no=4,
        offline=True,
        evse=EvseRef(evse_id=2, connector_id=1),
        id_token=IdToken(id_token="TAG", type="ISO14443"),
        meter_values=[MeterValue(sample_time=NOON, sampled_values=[value])],
        charging_state=transaction_event_pb2.CHARGING_STATE_CHARGING,
        stopped_reason=transaction_event_pb2.STOPPED_REASON_REMOTE,
        time_spent_charging_s=60,
        remote_start_id=9,
        reservation_id=7,
        number_of_phases_used=3,
        cable_max_current_a=32,
    )
    assert {field.name for field, _value in told.ListFields()} == set(TransactionEvent.DESCRIPTOR.fields_by_name)


def test_a_reservation_that_is_used_is_reported_to_station_svc() -> None:
    """With the transaction that used it, its EVSE and its time."""
    payload = MINIMAL | {"reservationId": 7, "evse": {"id": 2, "connectorId": 1}, "timestamp": "2025-01-01T12:00:00Z"}
    items = helpers.to_items(ACTION, payload)
    assert set(items) == {IngestRpc.TRANSACTION_EVENTS, IngestRpc.REPORTS}
    report = over_the_wire(items[IngestRpc.REPORTS])
    assert report.origin == helpers.ORIGIN
    assert report.reservation_use == ReservationUse(
        reservation_id=7, transaction_id="tx-1", evse=EvseRef(evse_id=2, connector_id=1), use_time=NOON
    )


def test_zero_is_a_number() -> None:
    """A 0 that the station said is not the same as silence."""
    told = event({"timeSpentCharging": 0, "remoteStartId": 0}, reservationId=0, cableMaxCurrent=0, numberOfPhasesUsed=0)
    for field in (
        "time_spent_charging_s",
        "remote_start_id",
        "reservation_id",
        "cable_max_current_a",
        "number_of_phases_used",
    ):
        assert told.HasField(field)
        assert not event().HasField(field)


def test_words() -> None:
    """Every word arrives as itself, by its name."""

    def plain(name: str, prefix: str) -> str:
        return name.removeprefix(prefix).replace("_", "")

    for word in helpers.enumeration(ACTION, "TriggerReasonEnumType"):
        reason = TriggerReason.Name(event(triggerReason=word).trigger_reason)
        assert plain(reason, "TRIGGER_REASON_") == word.upper()
    for word in helpers.enumeration(ACTION, "ChargingStateEnumType"):
        state = ChargingState.Name(event({"chargingState": word}).charging_state)
        assert plain(state, "CHARGING_STATE_") == word.upper()
    for word in helpers.enumeration(ACTION, "ReasonEnumType"):
        stopped = StoppedReason.Name(event({"stoppedReason": word}, eventType="Ended").stopped_reason)
        assert plain(stopped, "STOPPED_REASON_") == word.upper()
    kinds = [event(eventType=word).event_type for word in ("Started", "Updated", "Ended")]
    assert kinds == [1, 2, 3]


def test_stopped_reason() -> None:
    """Left out it is Local at the end, and none before; one outside the enumeration is none (quirk 16)."""
    assert event(eventType="Ended").stopped_reason == transaction_event_pb2.STOPPED_REASON_LOCAL
    assert event(eventType="Updated").stopped_reason == transaction_event_pb2.STOPPED_REASON_UNSPECIFIED
    odd = event({"stoppedReason": "Banana", "chargingState": "Melting"}, eventType="Ended", triggerReason="Whim")
    assert (odd.stopped_reason, odd.charging_state, odd.trigger_reason) == (0, 0, 0)


def test_unknown_kind_is_refused() -> None:
    """A word that decides what the message is cannot be guessed."""
    fault = helpers.SCHEMAS.accept(ACTION, MINIMAL | {"eventType": "Paused"})
    assert isinstance(fault, SchemaFault)
    assert fault.code == "PropertyConstraintViolation"


def test_question() -> None:
    """A token is asked about at the same time, with its place."""
    items = helpers.to_items(ACTION, MINIMAL | {"idToken": TOKEN, "evse": {"id": 2}})
    token = IdToken(id_token="TAG", type="ISO14443")
    assert items[IngestRpc.AUTHORIZE] == AuthorizeItem(origin=helpers.ORIGIN, id_token=token, evse=EvseRef(evse_id=2))
    question = helpers.to_items(ACTION, MINIMAL | {"idToken": TOKEN})[IngestRpc.AUTHORIZE]
    assert isinstance(question, AuthorizeItem)
    assert not question.HasField("evse")


def test_route() -> None:
    """An event is money: it waits for its commit, but not for auth_svc."""
    route = ROUTES.inbound[ACTION]
    assert route.durable
    assert route.optional == {IngestRpc.AUTHORIZE, IngestRpc.REPORTS}


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        for item in helpers.to_items(ACTION, payload).values():
            helpers.over_the_wire(item)


def test_anomalies_are_kept() -> None:
    """Quirks 11 and 17: an unreadable time, a long token: recorded, not refused. Whole numbers may have a point."""
    odd = event(timestamp="soon", idToken={"idToken": "T" * 200, "type": "ISO14443"}, seqNo=3.0)
    assert not odd.HasField("event_time")
    assert odd.id_token.id_token == "T" * 200
    assert odd.seq_no == 3


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"seqNo": 2**31}, "seqNo"),
        ({"reservationId": 2**31}, "reservationId"),
        ({"cableMaxCurrent": -(2**40)}, "cableMaxCurrent"),
        ({"numberOfPhasesUsed": 2**40}, "numberOfPhasesUsed"),
        ({"evse": {"id": -1}}, "evse.id"),
        ({"evse": {"id": 1, "connectorId": -1}}, "connectorId"),
        ({"info": {"timeSpentCharging": 2**31}}, "transactionInfo.timeSpentCharging"),
        ({"info": {"remoteStartId": 2**31}}, "transactionInfo.remoteStartId"),
    ],
)
def test_impossible_numbers(payload: dict[str, Any], field: str) -> None:
    """Numbers beyond what can be stored are refused by name."""
    with pytest.raises(UnacceptableError) as caught:
        event(**payload)
    assert (caught.value.code, caught.value.field) == ("PropertyConstraintViolation", field)


def test_response_without_a_token() -> None:
    """There is nothing to say."""
    results = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(transaction_id="tx-1")}
    assert helpers.to_response(ACTION, MINIMAL, results) == {}
    assert helpers.follow_ups(ACTION, MINIMAL, results) == {}


def test_response_statuses() -> None:
    """The station gets the status that auth_svc gives the token, at any event."""
    for status in id_token_pb2.AuthorizationStatus.values():
        for kind in ("Started", "Updated", "Ended"):
            info = respond(status, eventType=kind)["idTokenInfo"]
            assert info["groupIdToken"] == {"idToken": "G", "type": "Central"}
            assert (info["status"] == "Accepted") == (status == ACCEPTED)


def test_concurrent() -> None:
    """Said of a token that would have been accepted, at whatever event it comes to charge with; never at an end."""
    beginning: list[dict[str, Any]] = [{}, {"eventType": "Updated", "triggerReason": "Authorized"}]
    for fields in beginning:
        assert respond(ACCEPTED, held=1, **fields)["idTokenInfo"]["status"] == "ConcurrentTx"
        assert respond(BLOCKED, held=1, **fields)["idTokenInfo"]["status"] == "Blocked"
    for fields in ({"eventType": "Ended"}, {"eventType": "Updated", "triggerReason": "StopAuthorized"}):
        assert respond(ACCEPTED, held=1, **fields)["idTokenInfo"]["status"] == "Accepted"


def test_a_refusal_is_recorded_before_the_station_is_answered() -> None:
    """As it is answered; an acceptance is not."""
    payload = MINIMAL | {"idToken": TOKEN}
    for status, held, expected in ((BLOCKED, 1, BLOCKED), (ACCEPTED, 1, CONCURRENT)):
        item = helpers.follow_up(ACTION, payload, results_of(status, held=held), IngestRpc.AUTHORIZATIONS)
        assert item == AuthorizationItem(origin=helpers.ORIGIN, event_key="0.ab", status=expected)
    assert helpers.follow_ups(ACTION, payload, results_of(ACCEPTED)) == {}
    assert helpers.follow_ups(ACTION, payload, results_of(None, held=1)) == {}
    stopping = payload | {"eventType": "Updated", "triggerReason": "StopAuthorized"}
    assert helpers.follow_ups(ACTION, stopping, results_of(ACCEPTED, held=1)) == {}


def test_auth_is_away() -> None:
    """The station let the driver charge by itself; the answer agrees."""
    assert respond(None) == {"idTokenInfo": {"status": "Accepted"}}
    assert respond(None, eventType="Ended") == {"idTokenInfo": {"status": "Accepted"}}
    assert respond(None, held=1) == {"idTokenInfo": {"status": "Accepted"}}
    failed = {
        IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(transaction_id="tx-1"),
        IngestRpc.AUTHORIZE: AuthorizeResult(error=Status(code=13)),
    }
    assert helpers.to_response(ACTION, MINIMAL | {"idToken": TOKEN}, failed) == respond(None)


def test_blank_token() -> None:
    """A blank token is nobody's: the event is recorded, nobody is asked, and nobody is let in."""
    blank = {"idToken": " ", "type": "ISO14443"}
    assert set(helpers.to_items(ACTION, MINIMAL | {"idToken": blank})) == {IngestRpc.TRANSACTION_EVENTS}
    assert not event(idToken=blank).HasField("id_token")
    assert respond(None, idToken=blank) == {"idTokenInfo": {"status": "Invalid"}}


def test_start_button() -> None:
    """C02: the empty token of a start button is recorded by its type, and asked about."""
    pressed = {"idToken": "", "type": "NoAuthorization"}
    assert set(helpers.to_items(ACTION, MINIMAL | {"idToken": pressed})) == {
        IngestRpc.TRANSACTION_EVENTS,
        IngestRpc.AUTHORIZE,
    }
    assert event(idToken=pressed).id_token == IdToken(type="NoAuthorization")
    assert respond(ACCEPTED, idToken=pressed)["idTokenInfo"]["status"] == "Accepted"


def test_quarantined() -> None:
    """An event that could not be recorded as such is acknowledged all the same."""
    results = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(error=Status(code=3))}
    assert helpers.to_response(ACTION, MINIMAL, results) == {}
