"""What the tests of 1.6's translators share: payloads through the same door as in a session, answers checked."""

from collections.abc import Iterator, Sequence
from typing import Any

from csms.common.v1.meter_value_pb2 import SampledValue
from csms.common.v1.origin_pb2 import Origin
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.quirks import Mended
from gateway.schemas import Schemas
from gateway.translation import Items, LaneName, Payload, Results
from gateway.v16.routes import VERSION
from tests.gateway import payloads

SCHEMAS = Schemas("1.6")
ORIGIN = Origin(
    tenant_id="default", station_id="CP1", epoch=7, ordinal=3, receive_time=Timestamp(seconds=1_760_000_000)
)
NOW_US = 1_760_000_000_123_456
NOW = "2025-10-09T08:53:20.123Z"


def to_items(action: str, payload: Payload) -> Items:
    """What the action sends where, for a payload that the schema takes, or that known quirks excuse."""
    accepted = SCHEMAS.accept(action, payload)
    assert isinstance(accepted, Mended), accepted
    return VERSION.inbound[action].to_items(accepted.payload, ORIGIN)


def item(action: str, payload: Payload, lane: LaneName) -> Any:
    """The one item that the action sends, down this lane. It must survive the wire."""
    items = to_items(action, payload)
    assert set(items) == {lane}
    return over_the_wire(items[lane])


def over_the_wire(message: Message) -> Any:
    """The message as the service gets it."""
    return type(message).FromString(message.SerializeToString())


def to_response(action: str, payload: Payload, results: Results) -> Payload:
    """The action's answer, which must be valid by its schema."""
    response = VERSION.inbound[action].to_response(payload, results, NOW_US)
    assert SCHEMAS.check(action, "response", response) is None
    return response


def to_calls(command_name: str, command: Message) -> Sequence[Payload]:
    """The payloads of the CALLs that carry out a command, each of which must be valid by its schema."""
    route = VERSION.outbound[command_name]
    calls = route.to_calls(command)
    for call in calls:
        assert SCHEMAS.check(route.action, "request", call) is None
    return calls


def to_answer(command_name: str, command: Message, *answers: Payload) -> Any:
    """The answer to a command whose CALLs the station answered so; each must be valid by its schema."""
    route = VERSION.outbound[command_name]
    for answer in answers:
        assert SCHEMAS.check(route.action, "response", answer) is None
    return route.to_answer(command, answers)


def request_payloads(action: str) -> Iterator[Payload]:
    """Minimal, maximal, and one for every word of every enumeration of the action's request."""
    schema = SCHEMAS.schema(action, "request")
    yield payloads.minimal(schema)
    yield payloads.maximal(schema)
    for _path, payload in payloads.every_word(schema):
        yield payload


def answer_words(action: str, field: str = "status") -> list[str]:
    """Every word that a station may answer with."""
    words: list[str] = SCHEMAS.schema(action, "response")["properties"][field]["enum"]
    return words


def sampled(meter_values: Any) -> list[SampledValue]:
    """All sampled values of a list of meter values."""
    return [value for meter_value in meter_values for value in meter_value.sampled_values]
