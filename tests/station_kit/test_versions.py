"""Messages of each version: valid by the official schemas, and with the same content as the events that they report."""

import asyncio

import pytest
from ocpp.messages import Call, validate_payload

from station_kit.messages import HEARTBEAT, EventType, Message, TransactionEvent
from station_kit.v16 import messages as v16
from station_kit.v201 import messages as v201
from station_kit.versions import VERSIONS, OcppVersion

TIME_US = 1_769_860_800_123_000
TIME = "2026-01-31T12:00:00.123Z"
BOTH = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


def event(event_type: EventType, **fields: int) -> TransactionEvent:
    """An event at 1234.567 Wh."""
    numbers = {"seq_no": 0, "time_us": TIME_US, "register_mwh": 1_234_567} | fields
    return TransactionEvent(event_type=event_type, id_token="TAG", **numbers)


def check(version: OcppVersion, *messages: Message) -> None:
    """Holds messages against the official schemas."""
    for message in messages:
        call = Call("1", message.action, message.payload)
        asyncio.run(validate_payload(call, version.subprotocol.removeprefix("ocpp")))


@BOTH
def test_every_message_is_valid(version: OcppVersion) -> None:
    check(
        version,
        version.boot(vendor="V", model="M"),
        version.available(TIME_US),
        version.authorize("TAG"),
        version.sign_certificate("-----BEGIN CERTIFICATE REQUEST-----"),
        HEARTBEAT,
        *(version.transaction_event(event(event_type), "7") for event_type in EventType),
    )


@BOTH
def test_the_same_event_makes_the_same_message(version: OcppVersion) -> None:
    for event_type in EventType:
        first, second = (version.transaction_event(event(event_type), "7") for _ in range(2))
        assert first == second


def test_a_transaction_of_16_has_its_number_from_the_answer() -> None:
    version = VERSIONS["ocpp1.6"]
    assert version.own_transaction_id("TAG-1") is None
    start = version.read_start({"transactionId": 7, "idTagInfo": {"status": "Blocked"}})
    assert (start.transaction_id, start.status) == ("7", "Blocked")
    with pytest.raises(KeyError):
        version.read_start({})


def test_the_events_of_16_are_three_actions() -> None:
    version = VERSIONS["ocpp1.6"]
    start = version.transaction_event(event(EventType.STARTED), None)
    assert start == (
        "StartTransaction",
        {"connectorId": 1, "idTag": "TAG", "meterStart": 1234, "timestamp": TIME},
    )
    updated = version.transaction_event(event(EventType.UPDATED, register_mwh=1_000_045), "7")
    sample = {"value": "1000.045", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    values = [{"timestamp": TIME, "sampledValue": [sample]}]
    assert updated == ("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": values})
    ended = version.transaction_event(event(EventType.ENDED), "7")
    assert ended == ("StopTransaction", {"transactionId": 7, "meterStop": 1234, "timestamp": TIME})


def test_a_transaction_of_201_has_its_name_from_the_station() -> None:
    version = VERSIONS["ocpp2.0.1"]
    assert version.own_transaction_id("TAG-1") == "TAG-1"
    assert version.read_start({}).status is None
    assert version.read_start({"idTokenInfo": {"status": "Accepted"}}).status == "Accepted"
    with pytest.raises(ValueError, match="name"):
        version.transaction_event(event(EventType.STARTED), None)


def test_the_first_event_of_201_names_evse_and_token() -> None:
    version = VERSIONS["ocpp2.0.1"]
    action, started = version.transaction_event(event(EventType.STARTED), "TAG-1")
    assert action == "TransactionEvent"
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert started["idToken"] == {"idToken": "TAG", "type": "ISO14443"}
    _, ended = version.transaction_event(event(EventType.ENDED, seq_no=5), "TAG-1")
    assert (ended["eventType"], ended["seqNo"]) == ("Ended", 5)
    assert ended.keys().isdisjoint({"evse", "idToken"})
    assert ended["meterValue"][0]["sampledValue"][0]["value"] == 1234.567


def test_further_fields_replace_those_of_the_message() -> None:
    """Tests send faulty messages too."""
    _, start = v16.start_transaction(id_tag="T", meter_start=1, timestamp=TIME, meterStart="many", reservationId=3)
    assert (start["meterStart"], start["reservationId"]) == ("many", 3)
    _, begun = v201.transaction_event(
        EventType.STARTED,
        transaction_id="1",
        timestamp=TIME,
        seq_no=0,
        trigger_reason="CablePluggedIn",
        info={"chargingState": "EVConnected"},
        seqNo=-1,
    )
    assert begun["transactionInfo"] == {"transactionId": "1", "chargingState": "EVConnected"}
    assert begun["seqNo"] == -1
    assert "meterValue" not in begun
