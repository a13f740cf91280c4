"""The official schemas, compiled: what they take, and what they answer where they do not."""

from typing import Any

import pytest

from gateway.ocpp.schemas import KINDS, PayloadKind, SchemaFault, Schemas
from gateway.ocpp.versions import BY_LABEL, V16
from tests.gateway import payloads

LABELS = ("1.6", "2.0.1", "2.1")
SCHEMAS = {label: Schemas(BY_LABEL[label]) for label in LABELS}


def _all_messages() -> list[tuple[str, str, PayloadKind]]:
    return [
        (label, action, kind)
        for label in LABELS
        for action in sorted(SCHEMAS[label].actions)
        for kind in KINDS
        if (action, kind) != ("NotifyPeriodicEventStream", "response")
    ]


def test_actions() -> None:
    """Each version has its actions, the security extension of 1.6 among them."""
    assert [len(SCHEMAS[label].actions) for label in LABELS] == [39, 64, 91]
    assert "SignedUpdateFirmware" in SCHEMAS["1.6"].actions
    assert "TransactionEvent" in SCHEMAS["2.0.1"].actions
    assert "NotifyPeriodicEventStream" in SCHEMAS["2.1"].actions
    assert not [action for label in LABELS for action in SCHEMAS[label].actions if action.endswith("Response")]


@pytest.mark.parametrize("label", LABELS)
def test_every_schema_takes_what_is_made_from_it(label: str) -> None:
    """Minimal and maximal payloads of every message, and every word of every enumeration."""
    for version, action, kind in _all_messages():
        if version != label:
            continue
        schema = SCHEMAS[label].schema(action, kind)
        for payload in (payloads.minimal(schema), payloads.maximal(schema)):
            assert SCHEMAS[label].check(action, kind, payload) is None, (action, kind, payload)
        for path, payload in payloads.every_word(schema):
            assert SCHEMAS[label].check(action, kind, payload) is None, (action, kind, path)


def test_unknown_action() -> None:
    """An action that the version does not have is the caller's mistake."""
    with pytest.raises(KeyError, match=r"OCPP 1\.6 has no request of TransactionEvent"):
        SCHEMAS["1.6"].check("TransactionEvent", "request", {})
    with pytest.raises(KeyError):
        SCHEMAS["2.1"].check("NotifyPeriodicEventStream", "response", {})
    with pytest.raises(KeyError):
        SCHEMAS["1.6"].check("AuthorizeResponse", "request", {"idTagInfo": {"status": "Accepted"}})


def test_warm() -> None:
    """Warming compiles."""
    schemas = Schemas(V16)
    schemas.warm(["Heartbeat", "MeterValues"])
    assert set(schemas._tests) == {("Heartbeat", "request"), ("MeterValues", "request")}


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
BOOT = {"chargePointVendor": "v", "chargePointModel": "m"}
METER = {"connectorId": 1, "meterValue": [{"timestamp": payloads.TIME, "sampledValue": [{"value": "1"}]}]}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}


@pytest.mark.parametrize(
    ("label", "action", "payload", "code", "message"),
    [
        ("1.6", "Heartbeat", [], "FormationViolation", "The payload must be a JSON object."),
        ("1.6", "Heartbeat", None, "FormationViolation", "The payload must be a JSON object."),
        ("2.0.1", "Heartbeat", "x", "FormatViolation", "The payload must be a JSON object."),
        (
            "1.6",
            "BootNotification",
            {"chargePointVendor": "v"},
            "OccurenceConstraintViolation",
            "chargePointModel is missing.",
        ),
        (
            "2.0.1",
            "BootNotification",
            {"reason": "PowerUp", "chargingStation": {"model": "m"}},
            "OccurrenceConstraintViolation",
            "chargingStation.vendorName is missing.",
        ),
        ("1.6", "Heartbeat", {"x": 1}, "OccurenceConstraintViolation", "The payload must not have the field x."),
        (
            "1.6",
            "StatusNotification",
            STATUS | {"connectorId": "1"},
            "TypeConstraintViolation",
            "connectorId must be a whole number, not text.",
        ),
        (
            "1.6",
            "StatusNotification",
            STATUS | {"status": "Sleeping"},
            "PropertyConstraintViolation",
            'status is "Sleeping", which is none of the words it may be.',
        ),
        (
            "1.6",
            "BootNotification",
            BOOT | {"iccid": "é" * 21},
            "PropertyConstraintViolation",
            "iccid has 21 characters, and may have at most 20.",
        ),
        (
            "1.6",
            "BootNotification",
            BOOT | {"iccid": "a\0b"},
            "PropertyConstraintViolation",
            "iccid holds the character U+0000.",
        ),
        (
            "1.6",
            "MeterValues",
            METER | {"meterValue": []},
            "OccurenceConstraintViolation",
            "meterValue has 0 items, and needs at least 1.",
        ),
        (
            "1.6",
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": "yesterday", "sampledValue": [{"value": "1"}]}]},
            "PropertyConstraintViolation",
            'meterValue[0].timestamp is "yesterday", which is no date-time.',
        ),
        (
            "1.6",
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": payloads.TIME, "sampledValue": [{"value": 1}]}]},
            "TypeConstraintViolation",
            "meterValue[0].sampledValue[0].value must be text, not a number.",
        ),
        (
            "2.0.1",
            "StatusNotification",
            {"timestamp": payloads.TIME, "connectorStatus": "Available", "evseId": True, "connectorId": 1},
            "TypeConstraintViolation",
            "evseId must be a whole number, not a boolean.",
        ),
        (
            "2.0.1",
            "BootNotification",
            BOOT_2 | {"customData": {}},
            "OccurrenceConstraintViolation",
            "customData.vendorId is missing.",
        ),
        (
            "2.0.1",
            "SetChargingProfile",
            {"evseId": 1},
            "OccurrenceConstraintViolation",
            "chargingProfile is missing.",
        ),
    ],
)
def test_faults(label: str, action: str, payload: Any, code: str, message: str) -> None:
    """Each kind of fault has its error code, in the spelling of its version, and a sentence that names the place."""
    assert SCHEMAS[label].check(action, "request", payload) == SchemaFault(code=code, message=message)


def test_gravest_first() -> None:
    """Of several faults a wrong type is reported first, then a missing field, then a wrong value."""
    schemas = SCHEMAS["1.6"]
    wrong: dict[str, Any] = {"connectorId": "1", "status": "x"}
    codes = []
    for _ in range(3):
        fault = schemas.check("StatusNotification", "request", wrong)
        assert fault is not None
        codes.append(fault.code)
        wrong |= {"connectorId": 1} if len(codes) == 1 else {"errorCode": "NoError"}
    assert codes == ["TypeConstraintViolation", "OccurenceConstraintViolation", "PropertyConstraintViolation"]


def test_long_values_are_not_echoed() -> None:
    """A message fits a CALLERROR's description and quotes no more than a few characters."""
    schemas = SCHEMAS["1.6"]
    fault = schemas.check("StatusNotification", "request", STATUS | {"status": "A" * 5000})
    assert fault is not None
    assert len(fault.message) < 100
    fault = schemas.check("Heartbeat", "request", {f"{index}{'x' * 500}": 1 for index in range(50)})
    assert fault is not None
    assert len(fault.message) <= 255


def test_multiple_of_is_decimal() -> None:
    """0.1 steps are checked in decimal: every such number passes, and no other, whatever its float is."""
    schemas = SCHEMAS["1.6"]

    def call(limit: float) -> dict[str, Any]:
        return {
            "connectorId": 1,
            "csChargingProfiles": {
                "chargingProfileId": 1,
                "stackLevel": 0,
                "chargingProfilePurpose": "TxProfile",
                "chargingProfileKind": "Absolute",
                "chargingSchedule": {
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
                },
            },
        }

    for tenths in range(20_000):
        assert schemas.check("SetChargingProfile", "request", call(tenths / 10)) is None, tenths
    for hundredths in range(1, 1000):
        if hundredths % 10:
            fault = schemas.check("SetChargingProfile", "request", call(hundredths / 100))
            assert fault is not None
            assert fault.code == "PropertyConstraintViolation"


def test_huge_faulty_payload_is_cheap() -> None:
    """A payload of very many values, all wrong, is refused for what is wrong at its beginning."""
    schemas = SCHEMAS["1.6"]
    samples = [{"value": 1, "unit": "?"} for _ in range(20_000)]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": payloads.TIME, "sampledValue": samples}]}
    assert len(list(schemas.violations("MeterValues", "request", payload))) == 10
    assert isinstance(schemas.accept("MeterValues", payload), SchemaFault)


def test_a_fault_far_within_a_huge_payload_is_told_without_its_place() -> None:
    """Nothing is looked for where it would cost too much; the message is refused all the same."""
    samples: list[object] = [{"value": "1"} for _ in range(20_000)] + [{"value": {}}]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": payloads.TIME, "sampledValue": samples}]}
    fault = SCHEMAS["1.6"].accept("MeterValues", payload)
    assert isinstance(fault, SchemaFault)
    assert fault.code == "PropertyConstraintViolation"
    assert "more than 10000 values" in fault.message


def test_of_many_faults_the_gravest_of_the_first_is_told() -> None:
    """A thousand that nothing forgives cost no more than twenty."""
    samples = [{"value": "1", "unit": "x" * 300} for _ in range(1_000)]
    payload = {"connectorId": "1", "meterValue": [{"timestamp": payloads.TIME, "sampledValue": samples}]}
    fault = SCHEMAS["1.6"].accept("MeterValues", payload)
    assert isinstance(fault, SchemaFault)
    assert "sampledValue" in fault.message or "connectorId" in fault.message


def test_valid_payload_has_no_violations() -> None:
    """Nothing is wrong with what is right."""
    assert list(SCHEMAS["1.6"].violations("MeterValues", "request", METER)) == []
