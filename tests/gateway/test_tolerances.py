"""Faults of chargers that are mended before the schema check, by their numbers, and those that are not."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.schemas import SchemaFault, Schemas
from gateway.ocpp.tolerances import QUIRKS, Mended
from gateway.ocpp.versions import BY_LABEL
from mesh.contract.quirk_names import QuirkName
from tests.gateway import payloads
from tests.gateway.payloads import TIME

SCHEMAS = {label: Schemas(version) for label, version in BY_LABEL.items()}


def accept(action: str, payload: Any, label: str = "1.6") -> Mended:
    """The payload for the session; the payload that came in stays as it was."""
    before = copy.deepcopy(payload)
    accepted = SCHEMAS[label].accept(action, payload)
    assert isinstance(accepted, Mended), accepted
    assert payload == before
    return accepted


def refuse(action: str, payload: Any, label: str = "1.6") -> SchemaFault:
    """The error for the station."""
    fault = SCHEMAS[label].accept(action, payload)
    assert isinstance(fault, SchemaFault), fault
    return fault


def metered(*samples: dict[str, Any], time: Any = TIME) -> dict[str, Any]:
    """A MeterValues of 1.6."""
    return {"connectorId": 1, "transactionId": 5, "meterValue": [{"timestamp": time, "sampledValue": list(samples)}]}


def stopped(*samples: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A StopTransaction of 1.6."""
    data = [{"timestamp": TIME, "sampledValue": list(samples)}]
    return {"transactionId": 5, "timestamp": TIME, "meterStop": 10, "transactionData": data} | fields


def event(**fields: Any) -> dict[str, Any]:
    """A TransactionEvent of 2.x."""
    return {
        "eventType": "Updated",
        "timestamp": TIME,
        "triggerReason": "Trigger",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "t"},
    } | fields


def status(**fields: Any) -> dict[str, Any]:
    """A StatusNotification of 1.6."""
    return {"connectorId": 1, "errorCode": "NoError", "status": "Available"} | fields


def start(**fields: Any) -> dict[str, Any]:
    """A StartTransaction of 1.6."""
    return {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": TIME} | fields


def test_valid_payload_is_passed_on_itself() -> None:
    """The common case copies nothing and counts nothing."""
    payload = metered({"value": "1.5"}, {"value": "-3", "unit": "W"}, {"value": "b64==", "format": "SignedData"})
    accepted = accept("MeterValues", payload)
    assert accepted.payload is payload
    assert accepted.quirks == ()


@pytest.mark.parametrize(
    "time",
    ["2025-01-01T12:00:00", "2025-01-01T14:00:00+02", "2025-01-01 12:00:00Z", "2025-01-01T12:00:00.123456789"],
)
@pytest.mark.parametrize(
    ("label", "action", "payload", "field"),
    [
        ("1.6", "StatusNotification", status(), "timestamp"),
        ("1.6", "StartTransaction", start(), "timestamp"),
        ("1.6", "StopTransaction", stopped(), "timestamp"),
        ("2.0.1", "TransactionEvent", event(), "timestamp"),
        ("2.1", "TransactionEvent", event(), "timestamp"),
    ],
)
def test_11_timestamp_forms(label: str, action: str, payload: Any, field: str, time: str) -> None:
    """Quirk 11: a readable time in any form is kept as it came."""
    accepted = accept(action, payload | {field: time}, label)
    assert accepted.payload[field] == time
    assert accepted.quirks == ("timestamp_form",)


def test_11_in_a_meter_value() -> None:
    """Quirk 11: also deep inside."""
    assert accept("MeterValues", metered({"value": "1"}, time="2025-01-01T12:00:00")).quirks == ("timestamp_form",)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("StatusNotification", status(timestamp="")),
        ("StartTransaction", start(timestamp="0000-00-00T00:00:00Z")),
        ("StopTransaction", stopped(timestamp="yesterday")),
        ("MeterValues", metered({"value": "1"}, time="n/a")),
    ],
)
def test_11_unreadable_time(action: str, payload: Any) -> None:
    """A message about a transaction is not thrown away for an unreadable time."""
    accepted = accept(action, payload)
    assert accepted.payload == payload
    assert accepted.quirks == ("timestamp_unreadable",)


@pytest.mark.parametrize(
    ("value", "text"), [(1234, "1234"), (1234.5, "1234.5"), (0, "0"), (-1.25, "-1.25"), (1e-7, "0.0000001"), (None, "")]
)
def test_14_numbers(value: Any, text: str) -> None:
    """Quirk 14: numbers are taken as decimal text, null as blank, everywhere in the message."""
    name = "sampled_value_blank" if value is None else "sampled_value_number"
    accepted = accept("MeterValues", metered({"value": "7"}, {"value": value, "unit": "W"}))
    assert accepted.payload == metered({"value": "7"}, {"value": text, "unit": "W"})
    assert accepted.quirks == (name,)
    assert accept("StopTransaction", stopped({"value": value})).payload == stopped({"value": text})


def test_14_text_that_is_no_number() -> None:
    """Quirk 14: what the schema takes but nobody can add up is counted, and kept."""
    payload = metered({"value": ""}, {"value": " "}, {"value": " 12.5"}, {"value": "12 kWh"}, {"value": "7"})
    accepted = accept("MeterValues", payload)
    assert accepted.payload == payload
    assert accepted.quirks == ("sampled_value_blank", "sampled_value_spaces", "sampled_value_text")
    assert accept("StopTransaction", stopped({"value": "x"})).quirks == ("sampled_value_text",)


@pytest.mark.parametrize("value", [True, [], {}, ["1"]])
def test_14_no_scalar(value: Any) -> None:
    """A value that is neither number nor text is refused."""
    fault = refuse("MeterValues", metered({"value": value}))
    assert fault.code == "TypeConstraintViolation"
    assert fault.message.startswith("meterValue[0].sampledValue[0].value must be text, not")


def test_14_text_in_2() -> None:
    """Quirk 14 the other way round: 2.x wants numbers and gets text."""
    payload = event(meterValue=[{"timestamp": TIME, "sampledValue": [{"value": "12.50"}]}])
    accepted = accept("TransactionEvent", payload, "2.0.1")
    assert accepted.payload == payload
    assert accepted.quirks == ("sampled_value_string",)


def test_15_empty_sampled_values() -> None:
    """Quirk 15: an empty list is taken; an empty list of meter values is not."""
    assert accept("MeterValues", metered()).quirks == ("sampled_values_empty",)
    payload = event(meterValue=[{"timestamp": TIME, "sampledValue": []}])
    assert accept("TransactionEvent", payload, "2.1").quirks == ("sampled_values_empty",)
    assert refuse("MeterValues", {"connectorId": 1, "meterValue": []}).code == "OccurenceConstraintViolation"


@pytest.mark.parametrize(
    ("label", "action", "payload"),
    [
        ("1.6", "StatusNotification", status(errorCode="Error")),
        ("1.6", "StatusNotification", status(status="Occupied")),
        ("1.6", "MeterValues", metered({"value": "50", "unit": "Hz"})),
        ("1.6", "MeterValues", metered({"value": "50", "measurand": "Power.Cosinus"})),
        ("1.6", "StopTransaction", stopped(reason="Banana")),
        ("1.6", "StopTransaction", stopped({"value": "50", "unit": "Hertz"})),
        ("2.0.1", "TransactionEvent", event(triggerReason="Whim")),
        ("2.0.1", "Authorize", {"idToken": {"idToken": "A", "type": "Fingerprint"}}),
    ],
)
def test_16_unknown_words(label: str, action: str, payload: Any) -> None:
    """Quirk 16: words outside the enumerations are kept as they came."""
    accepted = accept(action, payload, label)
    assert accepted.payload == payload
    assert accepted.quirks == ("unknown_word",)


def test_16_limits() -> None:
    """A word has some length at most, and is text; an event of an unknown kind cannot be handled."""
    assert refuse("StatusNotification", status(errorCode="x" * 256)).code == "PropertyConstraintViolation"
    assert refuse("StatusNotification", status(errorCode=5)).code == "TypeConstraintViolation"
    assert refuse("TransactionEvent", event(eventType="Paused"), "2.0.1").code == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    ("action", "payload"),
    [("Authorize", {"idTag": "A"}), ("StartTransaction", start()), ("StopTransaction", stopped())],
)
def test_17_long_id_tags(action: str, payload: Any) -> None:
    """Quirk 17: id tags are taken up to 255 characters."""
    for length in (21, 255):
        accepted = accept(action, payload | {"idTag": "A" * length})
        assert accepted.payload["idTag"] == "A" * length
        assert accepted.quirks == ("id_tag_long",)
    fault = refuse(action, payload | {"idTag": "A" * 256})
    assert fault.code == "PropertyConstraintViolation"
    assert fault.message == "idTag has 256 characters, and may have at most 20."


def test_17_long_id_tokens() -> None:
    """Quirk 17 in 2.0.1, whose tokens have 36 characters."""
    accepted = accept("Authorize", {"idToken": {"idToken": "A" * 37, "type": "Central"}}, "2.0.1")
    assert accepted.quirks == ("id_token_long",)
    refuse("Authorize", {"idToken": {"idToken": "A" * 256, "type": "Central"}}, "2.0.1")


def test_nul_characters() -> None:
    """U+0000 is replaced wherever a text may hold it."""
    boot = {"chargePointVendor": "a\0b", "chargePointModel": "m"}
    accepted = accept("BootNotification", boot)
    assert accepted.payload == {"chargePointVendor": "a\ufffdb", "chargePointModel": "m"}
    assert accepted.quirks == ("nul_character",)
    assert accept("DataTransfer", {"vendorId": "v", "data": "\0"}, "2.1").payload == {"vendorId": "v", "data": "\0"}
    accepted = accept("MeterValues", metered({"value": "1\0"}))
    assert accepted.payload == metered({"value": "1\ufffd"})
    assert accepted.quirks == ("nul_character", "sampled_value_text")


def test_data_transfer_of_json() -> None:
    """1.6 stations send objects where text belongs."""
    accepted = accept("DataTransfer", {"vendorId": "v", "data": {"a": [1, "é"]}})
    assert accepted.payload == {"vendorId": "v", "data": '{"a":[1,"é"]}'}
    assert accepted.quirks == ("data_transfer_json",)


def test_answers_of_stations() -> None:
    """Answers to our own calls are mended too, by the rules that make sense there."""
    schemas = SCHEMAS["1.6"]
    answer = {"configurationKey": [{"key": "K", "readonly": True, "value": "x" * 501}]}
    assert schemas.accept("GetConfiguration", answer, "response") == Mended(answer, ("configuration_value_long",))
    assert isinstance(schemas.accept("Reset", {"status": "accepted"}, "response"), SchemaFault)
    assert schemas.accept("Reset", {"status": "Accepted"}, "response") == Mended({"status": "Accepted"}, ())


@pytest.mark.parametrize(
    ("written", "number"), [("1000", 1000), (" -1 ", -1), ("1000.0", 1000), (1000.0, 1000), (1000.7, 1000), (-0.5, -1)]
)
def test_whole_numbers_in_other_forms(written: Any, number: int) -> None:
    """A start is not lost because its meter is sent as text, or with more digits than 1.6 has."""
    accepted = accept("StartTransaction", start(meterStart=written))
    assert accepted.payload == start(meterStart=number)
    assert accepted.quirks == ("whole_number_form",)
    assert type(accepted.payload["meterStart"]) is int


def test_unknown_fields() -> None:
    """A vendor's own field costs nobody a session, wherever it stands and whatever it holds."""
    payload = metered({"value": "1", "colour": {"red": [None]}}) | {"vendor": "\0"}
    accepted = accept("MeterValues", payload)
    assert accepted == Mended(metered({"value": "1"}), ("unknown_field",))
    assert accept("TransactionEvent", event(seqNo="1", x=1), "2.0.1").quirks == ("unknown_field", "whole_number_form")


def test_several_at_once() -> None:
    """One message may have several, each is counted once."""
    payload = metered({"value": 1, "unit": "Hz"}, {"value": 2, "unit": "Hz"}, time="2025-01-01T12:00:00")
    assert accept("MeterValues", payload).quirks == ("sampled_value_number", "timestamp_form", "unknown_word")


def test_one_fault_too_many() -> None:
    """Quirks excuse nothing else in the same message."""
    fault = refuse("StatusNotification", status(errorCode="Error", status=5))
    assert fault.code == "TypeConstraintViolation"
    assert fault.message == "status must be text, not a number."


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("Authorize", {"idTag": True}),
        ("Authorize", {}),
        ("BootNotification", {"chargePointVendor": "v" * 256, "chargePointModel": "m"}),
        ("StatusNotification", status(info="x" * 256)),
        ("StartTransaction", start(meterStart="0 Wh")),
        ("StartTransaction", start(meterStart="1.5")),
        ("StartTransaction", start(meterStart=1e30)),
        ("StartTransaction", start(connectorId=1.5)),
        ("StartTransaction", start(meterStart=None)),
        ("StatusNotification", status(connectorId="one")),
        ("StatusNotification", status(status=None)),
        ("StopTransaction", stopped(timestamp=1_735_732_800)),
    ],
)
def test_plain_faults_stay(action: str, payload: Any) -> None:
    """Faults that no entry of the table names are refused."""
    refuse(action, payload)


def test_names() -> None:
    """Each name stands for one fault; the names are what operators see, so they never change."""
    assert {quirk.name for quirk in QUIRKS} <= set(QuirkName)
    assert sorted(quirk.name for quirk in QUIRKS) == [
        "configuration_value_json",
        "configuration_value_long",
        "data_transfer_json",
        "empty_list",
        "id_tag_long",
        "id_token_long",
        "key_left_out",
        "nul_character",
        "null_field",
        "number_for_text",
        "readonly_missing",
        "sampled_value_blank",
        "sampled_value_number",
        "sampled_value_string",
        "sampled_values_empty",
        "text_for_boolean",
        "text_for_number",
        "text_long",
        "timestamp_form",
        "timestamp_unreadable",
        "unknown_field",
        "unknown_word",
        "whole_number_form",
    ]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_ACTIONS = [("1.6", action) for action in sorted(SCHEMAS["1.6"].actions)] + [
    ("2.0.1", action) for action in ("TransactionEvent", "StatusNotification", "BootNotification", "MeterValues")
]


def _paths(payload: Any, path: payloads.Path = ()) -> list[payloads.Path]:
    steps = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    return [found for step, value in steps for found in [(*path, step), *_paths(value, (*path, step))]]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_anything_is_taken_or_refused(data: st.DataObject) -> None:
    """Any value in any place of a payload gets an answer; an accepted payload has only tolerated faults left."""
    label, action = data.draw(st.sampled_from(_ACTIONS))
    schemas = SCHEMAS[label]
    payload = payloads.maximal(schemas.schema(action, "request"))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _paths(payload)
        if places:
            payloads.put(payload, data.draw(st.sampled_from(places)), data.draw(_JSON))
    accepted = schemas.accept(action, payload)
    if isinstance(accepted, Mended):
        left = {violation.keyword for violation in schemas.violations(action, "request", accepted.payload)}
        assert left <= {"additionalProperties", "enum", "format", "maxLength", "minItems", "type"}
        assert "type" not in left or label != "1.6"
    else:
        assert schemas.check(action, "request", payload) is not None
