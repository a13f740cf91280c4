"""StopTransaction of 1.6."""

from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeResult
from csms.common.v1 import id_token_pb2, meter_value_pb2
from csms.common.v1.id_token_pb2 import IdToken, IdTokenInfo
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue
from csms.station.v1.charging_profile_pb2 import TransactionEnd
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.transaction.v1 import transaction_event_pb2
from csms.transaction.v1.transaction_event_pb2 import StoppedReason, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v16.routes import ROUTES
from tests.gateway.v16 import helpers

ACTION = "StopTransaction"
MINIMAL = {"transactionId": 42, "meterStop": 9876, "timestamp": "2025-01-01T12:00:00Z"}
NOON = Timestamp(seconds=1_735_732_800)
END = SampledValue(
    value="9876",
    measurand=meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
    context=meter_value_pb2.READING_CONTEXT_TRANSACTION_END,
    location=meter_value_pb2.MEASURAND_LOCATION_OUTLET,
    unit="Wh",
)
RECORDED = {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(transaction_id="42")}


def event(**fields: Any) -> TransactionEvent:
    """The event that is sent on for the minimal payload with these fields."""
    item = helpers.over_the_wire(helpers.to_items(ACTION, MINIMAL | fields)[IngestRpc.TRANSACTION_EVENTS])
    assert item.origin == helpers.ORIGIN
    assert isinstance(item.event, TransactionEvent)
    return item.event


def test_minimal() -> None:
    """A stop without a tag asks nobody; without a reason it is local; it names no connector."""
    assert set(helpers.to_items(ACTION, MINIMAL)) == {IngestRpc.TRANSACTION_EVENTS, IngestRpc.BACKGROUND_REPORTS}
    assert event() == TransactionEvent(
        event_type=transaction_event_pb2.TRANSACTION_EVENT_TYPE_ENDED,
        transaction_id="42",
        event_time=NOON,
        meter_values=[MeterValue(sample_time=NOON, sampled_values=[END])],
        stopped_reason=transaction_event_pb2.STOPPED_REASON_LOCAL,
    )
    assert not event().HasField("evse")


def test_with_tag() -> None:
    """The event has the tag that stopped it, and auth_svc is asked about it."""
    items = helpers.to_items(ACTION, MINIMAL | {"idTag": "TAG"})
    assert items[IngestRpc.AUTHORIZE] == AuthorizeItem(origin=helpers.ORIGIN, id_token=IdToken(id_token="TAG"))
    assert event(idTag="TAG").id_token == IdToken(id_token="TAG")
    assert IngestRpc.AUTHORIZE not in helpers.to_items(ACTION, MINIMAL | {"idTag": " "})


def test_report() -> None:
    """station_svc is notified that the transaction is over, so that its charging profiles end with it."""
    item = helpers.over_the_wire(helpers.to_items(ACTION, MINIMAL)[IngestRpc.BACKGROUND_REPORTS])
    assert item == ReportItem(origin=helpers.ORIGIN, transaction_end=TransactionEnd(transaction_id="42"))


def test_transaction_data() -> None:
    """The values it brings come first, meterStop last."""
    data = [{"timestamp": "2025-01-01T11:00:00Z", "sampledValue": [{"value": "5", "context": "Transaction.Begin"}]}]
    values = event(transactionData=data).meter_values
    assert [value.value for value in helpers.sampled(values)] == ["5", "9876"]
    assert values[0].sample_time.seconds == NOON.seconds - 3600
    assert values[0].sampled_values[0].context == meter_value_pb2.READING_CONTEXT_TRANSACTION_BEGIN
    assert len(event(transactionData=[]).meter_values) == 1


def test_reasons() -> None:
    """Every reason of the schema has its own in the contract."""
    words = helpers.SCHEMAS.schema(ACTION, "request")["properties"]["reason"]["enum"]
    told = {word: StoppedReason.Name(event(reason=word).stopped_reason) for word in words}
    assert told == {
        "EmergencyStop": "STOPPED_REASON_EMERGENCY_STOP",
        "EVDisconnected": "STOPPED_REASON_EV_DISCONNECTED",
        "HardReset": "STOPPED_REASON_IMMEDIATE_RESET",
        "Local": "STOPPED_REASON_LOCAL",
        "Other": "STOPPED_REASON_OTHER",
        "PowerLoss": "STOPPED_REASON_POWER_LOSS",
        "Reboot": "STOPPED_REASON_REBOOT",
        "Remote": "STOPPED_REASON_REMOTE",
        "SoftReset": "STOPPED_REASON_SOFT_RESET",
        "UnlockCommand": "STOPPED_REASON_UNLOCK_COMMAND",
        "DeAuthorized": "STOPPED_REASON_DE_AUTHORIZED",
    }
    assert event(reason="Banana").stopped_reason == transaction_event_pb2.STOPPED_REASON_UNSPECIFIED


@pytest.mark.parametrize("number", [-1, 0, 2**31 - 1])
def test_any_transaction(number: int) -> None:
    """Quirk 18: the number is kept whatever it is."""
    assert event(transactionId=number).transaction_id == str(number)


def test_anomalies_are_kept() -> None:
    """Quirks 11 and 21: an unreadable time and a register below zero are recorded, not refused."""
    odd = event(meterStop=-1, timestamp="")
    assert odd.meter_values[0].sampled_values[0].value == "-1"
    assert not odd.HasField("event_time")
    with pytest.raises(UnacceptableError, match="64 bits"):
        event(meterStop=2**63)


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        for item in helpers.to_items(ACTION, payload).values():
            helpers.over_the_wire(item)


def test_route() -> None:
    """A stop is money: it waits for its commit, but neither for auth_svc nor for station_svc."""
    assert ROUTES.inbound[ACTION].durable
    assert ROUTES.inbound[ACTION].optional == {IngestRpc.AUTHORIZE}


def test_response() -> None:
    """The tag is answered for where there was one and auth_svc could say."""
    assert helpers.to_response(ACTION, MINIMAL, RECORDED) == {}
    for status in id_token_pb2.AuthorizationStatus.values():
        result = AuthorizeResult(id_token_info=IdTokenInfo(status=status))
        response = helpers.to_response(ACTION, MINIMAL | {"idTag": "T"}, RECORDED | {IngestRpc.AUTHORIZE: result})
        assert set(response) == {"idTagInfo"}
    failed = AuthorizeResult(error=Status(code=13))
    assert helpers.to_response(ACTION, MINIMAL | {"idTag": "T"}, RECORDED | {IngestRpc.AUTHORIZE: failed}) == {}
    assert helpers.to_response(ACTION, MINIMAL | {"idTag": "T"}, RECORDED) == {}
