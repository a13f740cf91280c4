"""MeterValues of 2.0.1, and the meter values of its transaction events."""

from typing import Any

import pytest
from csms.common.v1 import meter_value_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.meter_value_pb2 import SampledValue, SignedMeterValue
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesResult
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp import enums
from gateway.ocpp.frames import Call, parse
from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v201.routes import ROUTES
from gateway.ocpp.versions import V201
from tests.gateway import payloads
from tests.gateway.v201 import helpers

ACTION = "MeterValues"
TIME = "2025-01-01T12:00:00Z"
NOON = 1_735_732_800
SIGNED = {"signedMeterData": "OCMF|{}", "signingMethod": "ECDSA", "encodingMethod": "OCMF", "publicKey": "MFkw"}


def entry(*samples: dict[str, Any], time: str = TIME) -> dict[str, Any]:
    """One MeterValue."""
    return {"timestamp": time, "sampledValue": list(samples)}


def samples(*given: dict[str, Any]) -> list[SampledValue]:
    """The translation of sampled values."""
    item = helpers.item(ACTION, {"evseId": 1, "meterValue": [entry(*given)]}, IngestRpc.METER_VALUES)
    return helpers.sampled(item.meter_values)


def sample(**fields: Any) -> SampledValue:
    """The translation of one sampled value."""
    [value] = samples({"value": 1} | fields)
    return value


def test_place_and_time() -> None:
    """Values of no transaction go by an RPC of their own, EVSE 0 being the main meter."""
    payload = {"evseId": 0, "meterValue": [entry({"value": 5}), entry({"value": 6}, time="?")]}
    item = helpers.item(ACTION, payload, IngestRpc.METER_VALUES)
    assert item.origin == helpers.ORIGIN
    assert item.HasField("evse")
    assert item.evse == EvseRef()
    assert item.meter_values[0].sample_time == Timestamp(seconds=NOON)
    assert not item.meter_values[1].HasField("sample_time")
    payload["evseId"] = 3
    assert helpers.item(ACTION, payload, IngestRpc.METER_VALUES).evse == EvseRef(evse_id=3)


def test_defaults() -> None:
    """Fields that the station leaves out have the values that OCPP gives them."""
    assert sample() == SampledValue(
        value="1",
        measurand=meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        context=meter_value_pb2.READING_CONTEXT_SAMPLE_PERIODIC,
        location=meter_value_pb2.MEASURAND_LOCATION_OUTLET,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", "7"),
        ("-1", "-1"),
        ("1234.50", "1234.5"),
        ("0.1", "0.1"),
        ("12345678.123", "12345678.123"),
        ("1e-7", "0.0000001"),
        ("1.5E3", "1500.0"),
        ("1e22", "10000000000000000000000"),
        ("123456789012345678", "123456789012345678"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_numbers(text: str, value: str) -> None:
    """A number on the wire becomes the shortest plain decimal text that is exactly it."""
    values = f'[{{"timestamp":"{TIME}","sampledValue":[{{"value":{text}}}]}}]'
    frame = f'[2,"1","{ACTION}",{{"evseId":1,"meterValue":{values}}}]'
    call = parse(frame.encode(), V201)
    assert isinstance(call, Call)
    [told] = helpers.sampled(helpers.item(ACTION, call.payload, IngestRpc.METER_VALUES).meter_values)
    assert told.value == value


def test_unit() -> None:
    """Unit and exponent are kept as they came; what is left out stays so."""
    told = sample(unitOfMeasure={"unit": "Wh", "multiplier": 3})
    assert (told.value, told.unit, told.multiplier) == ("1", "Wh", 3)
    told = sample(unitOfMeasure={"multiplier": -1})
    assert (told.unit, told.multiplier) == ("", -1)
    assert sample(unitOfMeasure={"unit": "Blinks"}).unit == "Blinks"
    assert sample(unitOfMeasure={}).multiplier == 0
    with pytest.raises(UnacceptableError, match="32 bits"):
        sample(unitOfMeasure={"multiplier": 2**40})


def test_signed() -> None:
    """The proof is kept whole beside the number that it proves."""
    told = sample(signedMeterValue=SIGNED)
    assert told.value == "1"
    assert told.signed_meter_value == SignedMeterValue(
        signed_meter_data="OCMF|{}", signing_method="ECDSA", encoding_method="OCMF", public_key="MFkw"
    )
    assert not sample().HasField("signed_meter_value")


def test_words() -> None:
    """Every word of every enumeration arrives as itself."""
    seen = set()
    for path, payload in payloads.every_word(helpers.SCHEMAS.schema(ACTION, "request")):
        item = helpers.item(ACTION, payload, IngestRpc.METER_VALUES)
        value = helpers.sampled(item.meter_values)[0]
        field, word = str(path[-1]), payload["meterValue"][0]["sampledValue"][0][path[-1]]
        told = {
            "measurand": (value.measurand, enums.MEASURANDS.get(word)),
            "context": (value.context, enums.READING_CONTEXTS.get(word)),
            "location": (value.location, enums.LOCATIONS.get(word)),
            "phase": (value.phase, enums.PHASES.get(word)),
        }[field]
        assert told[0] == told[1], (field, word)
        assert value.raw_words == ""
        seen.add(field)
    assert len(seen) == 4


def test_unknown_words() -> None:
    """Quirk 16: words outside the enumerations are unspecified, and kept."""
    odd = sample(measurand="Power.Cosinus", phase="L4", context="Sample.Whim", location="Moon")
    assert odd == SampledValue(
        value="1", raw_words="measurand=Power.Cosinus; context=Sample.Whim; location=Moon; phase=L4"
    )
    assert sample(phase="L4").raw_words == "phase=L4"
    assert sample(phase="L1").raw_words == ""


def test_odd_values() -> None:
    """Quirks 14 and 15: text is taken, blanks skipped unless they are signed; an empty list is fine."""
    told = samples({"value": "5.50"}, {"value": ""}, {"value": None}, {"value": " 7 "}, {"value": "x"})
    assert [value.value for value in told] == ["5.50", "7", "x"]
    [signed] = samples({"value": None, "signedMeterValue": SIGNED})
    assert (signed.value, signed.signed_meter_value.signed_meter_data) == ("", "OCMF|{}")
    assert samples() == []


def test_made_from_the_schema() -> None:
    """The least and the most that the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.METER_VALUES)


@pytest.mark.parametrize("number", [-1, 2**40])
def test_impossible_numbers(number: int) -> None:
    """Numbers beyond what can be stored are refused by name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"evseId": number, "meterValue": [entry({"value": 1})]})
    assert caught.value.field == "evseId"


def test_response() -> None:
    """The answer is empty, and waits for the commit."""
    assert ROUTES.inbound[ACTION].durable
    assert not ROUTES.inbound[ACTION].optional
    assert helpers.to_response(ACTION, {}, {IngestRpc.METER_VALUES: MeterValuesResult(repeated=True)}) == {}
