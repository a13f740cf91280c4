"""MeterValues of 1.6."""

from typing import Any

import pytest
from csms.common.v1 import meter_value_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.meter_value_pb2 import SampledValue
from csms.transaction.v1 import transaction_event_pb2
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesResult, TransactionEventResult
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp import enums, meter_values
from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v16.routes import ROUTES
from tests.gateway import payloads
from tests.gateway.v16 import helpers

ACTION = "MeterValues"
TIME = "2025-01-01T12:00:00Z"
NOON = 1_735_732_800


def entry(*samples: dict[str, Any], time: str = TIME) -> dict[str, Any]:
    """One MeterValue."""
    return {"timestamp": time, "sampledValue": list(samples)}


def sample(**fields: Any) -> SampledValue:
    """The translation of one sampled value."""
    payload = {"connectorId": 1, "meterValue": [entry({"value": "1", **fields})]}
    item = helpers.item(ACTION, payload, IngestRpc.METER_VALUES)
    [value] = helpers.sampled(item.meter_values)
    return value


def test_outside_a_transaction() -> None:
    """Values of no transaction go by an RPC of their own, EVSE 0 being the main meter."""
    item = helpers.item(ACTION, {"connectorId": 0, "meterValue": [entry({"value": "5"})]}, IngestRpc.METER_VALUES)
    assert item.origin == helpers.ORIGIN
    assert item.HasField("evse")
    assert item.evse == EvseRef()
    assert item.meter_values[0].sample_time == Timestamp(seconds=NOON)


def test_in_a_transaction() -> None:
    """One message is one event with all its values; its time is that of the latest."""
    values = [
        entry({"value": "1"}),
        entry({"value": "2"}, {"value": "3", "measurand": "Voltage"}, time="2025-01-01T12:02:00Z"),
        entry({"value": "4"}, time="2025-01-01T12:01:00Z"),
    ]
    payload = {"connectorId": 3, "transactionId": 42, "meterValue": values}
    item = helpers.item(ACTION, payload, IngestRpc.TRANSACTION_EVENTS)
    assert item.origin == helpers.ORIGIN
    event = item.event
    assert event.event_type == transaction_event_pb2.TRANSACTION_EVENT_TYPE_UPDATED
    assert event.transaction_id == "42"
    assert event.evse == EvseRef(evse_id=3, connector_id=1)
    assert event.event_time == Timestamp(seconds=NOON + 120)
    assert [value.sample_time.seconds - NOON for value in event.meter_values] == [0, 120, 60]
    assert [value.value for value in helpers.sampled(event.meter_values)] == ["1", "2", "3", "4"]
    assert not event.HasField("seq_no")


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1])
def test_any_transaction(number: int) -> None:
    """Quirk 18: the number is kept whatever it is."""
    payload = {"connectorId": 1, "transactionId": number, "meterValue": [entry({"value": "1"})]}
    assert helpers.item(ACTION, payload, IngestRpc.TRANSACTION_EVENTS).event.transaction_id == str(number)


def test_defaults() -> None:
    """Fields that the station leaves out have the values that OCPP gives them."""
    assert sample() == SampledValue(
        value="1",
        measurand=meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        context=meter_value_pb2.READING_CONTEXT_SAMPLE_PERIODIC,
        location=meter_value_pb2.MEASURAND_LOCATION_OUTLET,
    )


def test_words() -> None:
    """Every word of every enumeration arrives as itself, units in 2.x's spelling."""
    seen = set()
    for path, payload in payloads.every_word(helpers.SCHEMAS.schema(ACTION, "request")):
        item = helpers.item(ACTION, payload, IngestRpc.TRANSACTION_EVENTS)
        value = helpers.sampled(item.event.meter_values)[0]
        field, word = str(path[-1]), payload["meterValue"][0]["sampledValue"][0][path[-1]]
        told = {
            "measurand": (value.measurand, enums.MEASURANDS.get(word)),
            "context": (value.context, enums.READING_CONTEXTS.get(word)),
            "location": (value.location, enums.LOCATIONS.get(word)),
            "phase": (value.phase, enums.PHASES.get(word)),
            "unit": (value.unit, {"Celcius": "Celsius", "Hertz": "Hz"}.get(word, word)),
            "format": (value.HasField("signed_meter_value"), word == "SignedData"),
        }[field]
        assert told[0] == told[1], (field, word)
        assert value.raw_words == ""
        seen.add(field)
    assert len(seen) == 6


def test_unknown_words() -> None:
    """Quirk 16: words outside the enumerations are unspecified, and kept."""
    odd = sample(
        measurand="Power.Cosinus", phase="L4", context="Sample.Whim", location="Moon", format="Cooked", unit="Hz"
    )
    assert odd == SampledValue(
        value="1",
        unit="Hz",
        raw_words="measurand=Power.Cosinus; context=Sample.Whim; location=Moon; phase=L4; format=Cooked",
    )
    assert sample(phase="L4").raw_words == "phase=L4"
    assert sample(phase="L1").raw_words == ""


def test_signed_data() -> None:
    """Signed data is kept whole, and is no number."""
    signed = sample(value="OCMF|{}|{}", format="SignedData")
    assert signed.signed_meter_value.signed_meter_data == "OCMF|{}|{}"
    assert signed.value == ""


def test_odd_values() -> None:
    """Quirk 14: numbers are taken, blanks skipped, spaces cut off, the rest kept. Quirk 15: none at all is fine."""
    values = [entry({"value": 5}, {"value": ""}, {"value": " "}, {"value": None}, {"value": " 7 "}, {"value": "x"})]
    payload = {"connectorId": 1, "meterValue": values}
    item = helpers.item(ACTION, payload, IngestRpc.METER_VALUES)
    assert [value.value for value in helpers.sampled(item.meter_values)] == ["5", "7", "x"]
    item = helpers.item(ACTION, {"connectorId": 1, "meterValue": [entry()]}, IngestRpc.METER_VALUES)
    assert len(item.meter_values) == 1
    assert not item.meter_values[0].sampled_values


def test_unreadable_time() -> None:
    """Values without a readable time are kept without one; the event takes what is readable."""
    payload = {"connectorId": 1, "transactionId": 1, "meterValue": [entry({"value": "1"}, time="?")]}
    event = helpers.item(ACTION, payload, IngestRpc.TRANSACTION_EVENTS).event
    assert not event.HasField("event_time")
    assert not event.meter_values[0].HasField("sample_time")
    payload["meterValue"] = [entry({"value": "1"}, time="?"), entry({"value": "1"}), entry({"value": "1"}, time="?")]
    assert helpers.item(ACTION, payload, IngestRpc.TRANSACTION_EVENTS).event.event_time == Timestamp(seconds=NOON)


def test_made_from_the_schema() -> None:
    """The least and the most that the schema allows can be sent on."""
    schema = helpers.SCHEMAS.schema(ACTION, "request")
    helpers.item(ACTION, payloads.minimal(schema), IngestRpc.METER_VALUES)
    helpers.item(ACTION, payloads.maximal(schema), IngestRpc.TRANSACTION_EVENTS)


@pytest.mark.parametrize("fields", [{"connectorId": -1}, {"connectorId": 2**40}, {"transactionId": 2**63}])
def test_impossible_numbers(fields: dict[str, int]) -> None:
    """Numbers beyond what can be stored are refused by name."""
    payload = {"connectorId": 1, "transactionId": 1, "meterValue": [entry({"value": "1"})]} | fields
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, payload)
    assert [caught.value.field] == list(fields)


def test_response() -> None:
    """The answer is empty, and waits for the commit."""
    assert ROUTES.inbound[ACTION].durable
    assert not ROUTES.inbound[ACTION].optional
    assert helpers.to_response(ACTION, {}, {IngestRpc.METER_VALUES: MeterValuesResult(repeated=True)}) == {}
    assert helpers.to_response(ACTION, {}, {IngestRpc.TRANSACTION_EVENTS: TransactionEventResult()}) == {}


def test_long_unknown_words_are_translated_and_not_kept() -> None:
    """A measurand of a frame's length would stay in the gateway's memory for each of its spellings."""
    kept = meter_values._kept_kind.cache_info().currsize
    for length in (1_000, 100_000):
        encoded = meter_values.encode_sample({"measurand": "x" * length}, value="1", unit="Wh")
        sample = SampledValue.FromString(encoded)
        assert (sample.raw_words, sample.value) == (f"measurand={'x' * length}", "1")
    assert meter_values._kept_kind.cache_info().currsize == kept
