"""A fleet's worth of faults: every message and answer of 1.6, with each tolerated fault in each of its places.

Payloads are made from the official schemas; what is expected of a fault is written down here by itself, so that the
table of quirks is not measured against itself. Frames are text, read and served as a session reads and serves them.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connection.inbound_calls import InboundCalls
from gateway.connection.refusal import RefusalError
from gateway.connection.registration import Registration
from gateway.ocpp import frames
from gateway.ocpp.frames import Call
from gateway.ocpp.schemas import KINDS, PayloadKind, SchemaFault, Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.tolerances import Mended
from gateway.ocpp.translation import IngestRpc
from gateway.ocpp.v16.routes import ROUTES
from gateway.ocpp.versions import V16
from tests.gateway import payloads

SCHEMAS = Schemas(V16)
CASES: list[tuple[str, PayloadKind]] = [(action, kind) for action in sorted(SCHEMAS.actions) for kind in KINDS]
INBOUND = sorted(ROUTES.inbound)
ABSENT: Final = object()
REFUSED: Final = object()

# Where a wrong value costs only its own entry.
ENTRIES = {("GetConfiguration", "response"): "configurationKey"}
# Words without which nobody knows how to read the rest.
DECISIVE = {"hashAlgorithm"}


@dataclass(frozen=True)
class Number:
    """A JSON number, by its characters."""

    text: str


@dataclass(frozen=True)
class Fault:
    """A value in a place in which the standard has something else, and its tolerated reading."""

    sent: Any
    taken: Any
    quirk: str = ""


@dataclass(frozen=True)
class Place:
    """A field or an item of a message."""

    path: payloads.Path
    schema: Mapping[str, Any]
    is_optional: bool
    dialect: str  # of JSON Schema: since draft 6, 7.0 is a whole number

    @property
    def is_sample(self) -> bool:
        """Whether it is a reading of a meter."""
        return self.path[-3:-2] == ("sampledValue",) and self.path[-1] == "value"


def places(root: Mapping[str, Any], payload: Any) -> Iterator[Place]:
    """Every place in a payload that holds a value, by the rules of its schema."""
    yield from _places(root, root, payload, ())


def _places(root: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: payloads.Path) -> Iterator[Place]:
    if isinstance(value, dict):
        for name, item in value.items():
            inner = _resolved(root, schema["properties"][name])
            yield Place((*path, name), inner, name not in schema.get("required", ()), root["$schema"])
            yield from _places(root, inner, item, (*path, name))
    elif isinstance(value, list):
        inner = _resolved(root, schema["items"])
        for index, item in enumerate(value):
            yield Place((*path, index), inner, False, root["$schema"])
            yield from _places(root, inner, item, (*path, index))


def _resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    return schema


def faults(action: str, kind: PayloadKind, place: Place) -> Iterator[Fault]:
    """Every fault that this place may have, tolerated or not."""
    schema, name = place.schema, place.path[-1]
    if place.is_sample:
        yield Fault(None, "", "sampled_value_blank")
    else:
        yield Fault(None, ABSENT, "null_field") if place.is_optional else Fault(None, REFUSED)
    if "enum" in schema:
        knows_none = kind == "response" or name in DECISIVE
        yield Fault("Whatever", REFUSED) if knows_none else Fault("Whatever", "Whatever", "unknown_word")
        yield Fault(Number("5"), REFUSED)
    elif schema.get("format") == "date-time":
        yield Fault("2025-01-01 12:00", "2025-01-01 12:00", "timestamp_form")
        yield Fault(Number("1735732800"), REFUSED)
    elif "format" in schema:
        yield Fault(Number("5"), REFUSED)
    else:
        yield from _faults_of_type(action, kind, place)


def _faults_of_type(action: str, kind: PayloadKind, place: Place) -> Iterator[Fault]:
    schema, name = place.schema, place.path[-1]
    match schema.get("type"):
        case "string":
            yield from _faults_of_text(action, kind, place)
        case "integer":
            yield Fault("7", 7, "whole_number_form")
            yield Fault(Number("7.0"), 7, "whole_number_form" if "draft-04" in place.dialect else "")
            yield Fault("seven", REFUSED)
            if name not in {"meterStart", "meterStop"}:
                yield Fault(Number("7.5"), REFUSED)
        case "number":
            yield Fault("16.5", 16.5, "text_for_number")
            yield Fault("sixteen", REFUSED)
        case "boolean":
            yield Fault("true", True, "text_for_boolean")
            yield Fault("FALSE", False, "text_for_boolean")
            yield Fault("perhaps", REFUSED)
        case "array" | "object":
            yield Fault("text", REFUSED)


def _faults_of_text(action: str, kind: PayloadKind, place: Place) -> Iterator[Fault]:
    is_value_of_key = (action, kind) in ENTRIES and place.path[-1] == "value"
    quirk = "sampled_value_number" if place.is_sample else "number_for_text"
    for number in ("40000", "1.50", "-0.0", "98765432109876543210", "1e5"):
        yield Fault(Number(number), number, quirk)
    if is_value_of_key:
        yield Fault(True, "true", "configuration_value_json")
    elif action != "DataTransfer":
        yield Fault(True, REFUSED)
        yield Fault({"a": 1}, REFUSED)
    if (limit := place.schema.get("maxLength")) is not None:
        is_tag = (
            place.path[-1] == "idTag"
            and kind == "request"
            and action in {"Authorize", "StartTransaction", "StopTransaction"}
        )
        quirk = "id_tag_long" if is_tag else "configuration_value_long" if is_value_of_key else "text_long"
        if is_tag or place.path[-1] != "idTag":
            yield Fault("x" * (limit + 1), "x" * (limit + 1), quirk)
        if not is_value_of_key:
            yield Fault("x" * max(256, 4 * limit + 1), REFUSED)


def frame_of(payload: Any, action: str, kind: PayloadKind) -> bytes:
    """The text of the frame, numbers in the characters that they were given."""
    head = f'[2,"id",{json.dumps(action)},' if kind == "request" else '[3,"id",'
    return (head + _dumped(payload) + "]").encode()


def _dumped(value: Any) -> str:
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_dumped(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumped, value)) + "]"
    return json.dumps(value)


def accepted(action: str, kind: PayloadKind, payload: Any) -> Mended | SchemaFault:
    """The accepted payload of a message, read from its text."""
    source = frame_of(payload, action, kind)
    frame = frames.parse(source, V16)
    assert isinstance(frame, frames.Call | frames.CallResult)
    return SCHEMAS.accept(action, frame.payload, kind, source=source)


def expected(action: str, kind: PayloadKind, whole: Any, done: Mapping[payloads.Path, Fault]) -> tuple[Any, set[str]]:
    """The payload that translators must get, or REFUSED, and the quirks that must be counted."""
    payload, quirks, entries = copy.deepcopy(whole), set[str](), ENTRIES.get((action, kind))
    left_out: set[payloads.Path] = set()
    for path, fault in done.items():
        if fault.taken is not REFUSED:
            quirks.add(fault.quirk)
        elif entries is not None and path[0] == entries and len(path) > 1:
            quirks.add("key_left_out")
            left_out.add(path[:2])
        else:
            return REFUSED, set()
    for path in sorted({*done, *left_out}, key=lambda path: (len(path), str(path)), reverse=True):
        taken = ABSENT if path in left_out else done[path].taken
        parent: Any = payload
        for step in path[:-1]:
            parent = parent[step]
        if taken is ABSENT:
            del parent[path[-1]]
        elif taken is not REFUSED:
            parent[path[-1]] = taken
    return payload, quirks


def verify(action: str, kind: PayloadKind, whole: Any, done: Mapping[payloads.Path, Fault]) -> None:
    """Sends the message with these faults and compares all that is made of it."""
    sent = copy.deepcopy(whole)
    for path, fault in done.items():
        payloads.put(sent, path, fault.sent)
    mended = accepted(action, kind, sent)
    wanted, quirks = expected(action, kind, whole, done)
    if wanted is REFUSED:
        assert isinstance(mended, SchemaFault), (action, kind, done)
        return
    assert isinstance(mended, Mended), (action, kind, done, mended)
    assert mended.payload == wanted, (action, kind, done)
    assert set(mended.quirks) - {"sampled_value_text"} == quirks - {""}, (action, kind, done)


@pytest.mark.parametrize(("action", "kind"), CASES)
def test_each_fault_in_each_place(action: str, kind: PayloadKind) -> None:
    """One fault at a time: what is tolerated is mended and nothing else is touched, what is not is refused."""
    schema = SCHEMAS.schema(action, kind)
    whole = payloads.maximal(schema)
    for place in places(schema, whole):
        for fault in faults(action, kind, place):
            verify(action, kind, whole, {place.path: fault})


@pytest.mark.parametrize(("action", "kind"), CASES)
def test_unknown_fields_in_each_object(action: str, kind: PayloadKind) -> None:
    """A vendor's own field costs nobody a message, wherever it stands and whatever it holds."""
    whole = payloads.maximal(SCHEMAS.schema(action, kind))
    objects = [
        (),
        *(place.path for place in places(SCHEMAS.schema(action, kind), whole) if "properties" in place.schema),
    ]
    for path in objects:
        values: list[Any] = ["x", None, 5, [None], {"deep": {"er": []}}]
        for value in values:
            sent = copy.deepcopy(whole)
            payloads.put(sent, (*path, "vendorInfo"), value)
            mended = accepted(action, kind, sent)
            assert isinstance(mended, Mended)
            assert mended.payload == whole
            assert "unknown_field" in mended.quirks


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_several_faults_at_once(data: st.DataObject) -> None:
    """Any faults together, tolerated and not: served with all of them mended, or refused."""
    action, kind = data.draw(st.sampled_from(CASES))
    schema = SCHEMAS.schema(action, kind)
    whole = payloads.maximal(schema) if data.draw(st.booleans()) else payloads.minimal(schema)
    done: dict[payloads.Path, Fault] = {}
    found = list(places(schema, whole))
    for place in data.draw(st.lists(st.sampled_from(found), max_size=5)) if found else ():
        if any(_overlap(place.path, path) for path in done):
            continue
        fault = data.draw(st.sampled_from(list(faults(action, kind, place))))
        if fault.taken is not REFUSED or data.draw(st.integers(0, 3)) == 0:  # else hardly a message would be served
            done[place.path] = fault
    verify(action, kind, whole, done)


def _overlap(one: payloads.Path, other: payloads.Path) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_is_tolerated_is_served(data: st.DataObject) -> None:
    """From the frame to the items for the services: nothing that is mended fails later, and no message is lost."""
    action = data.draw(st.sampled_from(INBOUND))
    schema = SCHEMAS.schema(action, "request")
    whole = payloads.maximal(schema)
    if action == "StopTransaction":
        whole["transactionId"] = 5
    found = [
        (place, fault)
        for place in places(schema, whole)
        for fault in faults(action, "request", place)
        if fault.taken is not REFUSED
    ]
    payload = copy.deepcopy(whole)
    if found:
        place, fault = data.draw(st.sampled_from(found))
        payloads.put(payload, place.path, fault.sent)
    payload["vendorInfo"] = {"meterValue": 5, "timestamp": []}
    met: list[str] = []
    source = frame_of(payload, action, "request")
    frame = frames.parse(source, V16)
    assert isinstance(frame, Call)
    plan = _inbound(met).plan(frame, 1, 1_760_000_000_000_000, source)
    assert "unknown_field" in met
    kept = plan.items.get(IngestRpc.TRANSACTION_EVENTS)
    assert not getattr(kept, "raw", None) or not kept.raw.action  # type: ignore[union-attr]


@pytest.mark.parametrize("action", INBOUND)
def test_what_is_not_tolerated_is_refused_or_kept(action: str) -> None:
    """A message about a transaction goes into quarantine as it came; any other gets its error."""
    schema = SCHEMAS.schema(action, "request")
    whole = payloads.maximal(schema)
    for place in places(schema, whole):
        for fault in faults(action, "request", place):
            if fault.taken is not REFUSED:
                continue
            sent = copy.deepcopy(whole)
            payloads.put(sent, place.path, fault.sent)
            source = frame_of(sent, action, "request")
            frame = frames.parse(source, V16)
            assert isinstance(frame, Call)
            if ROUTES.inbound[action].quarantine_response is None:
                with pytest.raises(RefusalError):
                    _inbound([]).plan(frame, 1, 1_760_000_000_000_000, source)
            else:
                items = _inbound([]).plan(frame, 1, 1_760_000_000_000_000, source).items
                raw = items[IngestRpc.TRANSACTION_EVENTS].raw  # type: ignore[attr-defined]
                assert raw.reason == "SCHEMA_VIOLATION"
                assert json.loads(raw.payload) == json.loads(_dumped(sent))


def _inbound(met: list[str]) -> InboundCalls:
    return InboundCalls(
        tenant_id="default",
        station_id="CP1",
        epoch=1,
        served=ServedVersion(ROUTES, SCHEMAS),
        others=(),
        registration=Registration(accepted=True, heartbeat_interval_s=300),
        allow_transfer=lambda _size, _time_us: True,
        note_quirk=met.append,
    )
