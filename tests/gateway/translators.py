"""Shared by the tests of every version's translators: payloads as a session gets them, checked answers."""

from collections.abc import Iterator, Sequence
from typing import Any

from csms.common.v1.meter_value_pb2 import SampledValue
from csms.common.v1.origin_pb2 import Origin
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from gateway.ocpp.schemas import Schemas
from gateway.ocpp.tolerances import Mended
from gateway.ocpp.translation import IngestRpc, Items, Payload, Results, Routes, UnacceptableError
from tests.gateway import payloads

ORIGIN = Origin(
    tenant_id="default", station_id="CP1", epoch=7, ordinal=3, receive_time=Timestamp(seconds=1_760_000_000)
)
NOW_US = 1_760_000_000_123_456
NOW = "2025-10-09T08:53:20.123Z"


def over_the_wire(message: Message) -> Any:
    """The message as the service gets it."""
    return type(message).FromString(message.SerializeToString())


def sampled(meter_values: Any) -> list[SampledValue]:
    """All sampled values of a list of meter values."""
    return [value for meter_value in meter_values for value in meter_value.sampled_values]


class Translators:
    """The translators of one version, used as a session uses them."""

    def __init__(self, version: Routes) -> None:
        self.version = version
        self.schemas = Schemas(version.ocpp)

    def to_items(self, action: str, payload: Payload) -> Items:
        """The items of an action, for a payload that the schema accepts, or that known quirks excuse."""
        accepted = self.schemas.accept(action, payload)
        assert isinstance(accepted, Mended), accepted
        route = self.version.inbound[action]
        assert route.to_items is not None
        return route.to_items(accepted.payload, ORIGIN)

    def item(self, action: str, payload: Payload, rpc: IngestRpc) -> Any:
        """The one item that the action sends, by this RPC. It must survive the wire."""
        items = self.to_items(action, payload)
        assert set(items) - {IngestRpc.STATION_EVENTS} == {rpc} - {IngestRpc.STATION_EVENTS}
        return over_the_wire(items[rpc])

    def station_event(self, action: str, payload: Payload) -> Any:
        """The event of the station that transaction_svc is notified of; None where there is none."""
        item = self.to_items(action, payload).get(IngestRpc.STATION_EVENTS)
        return None if item is None else over_the_wire(item)

    def to_response(self, action: str, payload: Payload, results: Results) -> Payload:
        """The action's answer, which must be valid by its schema."""
        response = self.version.inbound[action].to_response(payload, results, NOW_US)
        assert self.schemas.check(action, "response", response) is None
        return response

    def follow_ups(self, action: str, payload: Payload, results: Results) -> Items:
        """The items that the action sends before it is answered, by the results so far."""
        to_follow_up = self.version.inbound[action].to_follow_up
        return {} if to_follow_up is None else to_follow_up(payload, ORIGIN, results)

    def follow_up(self, action: str, payload: Payload, results: Results, rpc: IngestRpc) -> Any:
        """The one item of it, by this RPC. It must survive the wire."""
        items = self.follow_ups(action, payload, results)
        assert set(items) == {rpc}
        return over_the_wire(items[rpc])

    def to_calls(self, command_name: str, command: Message) -> Sequence[Payload]:
        """The payloads of the CALLs that carry out a command, each of which must be valid by its schema."""
        route = self.version.outbound_for(command_name, command)
        assert route is not None
        calls = route.to_calls(command)
        for call in calls:
            assert self.schemas.check(route.action, "request", call) is None
        return calls

    def to_answer(self, command_name: str, command: Message, *answers: Payload) -> Any:
        """The answer to a command whose CALLs the station answered so; each must be valid by its schema."""
        route = self.version.outbound_for(command_name, command)
        assert route is not None
        for answer in answers:
            assert self.schemas.check(route.action, "response", answer) is None
        return route.to_answer(command, answers)

    def request_payloads(self, action: str) -> Iterator[Payload]:
        """Minimal, maximal, and one for every word of every enumeration of the action's request."""
        schema = self.schemas.schema(action, "request")
        yield payloads.minimal(schema)
        yield payloads.maximal(schema)
        for _path, payload in payloads.every_word(schema):
            yield payload

    def check_odd_payload(self, data: st.DataObject) -> None:
        """A payload with any leaf replaced is refused, or sent on over the wire; it never fails otherwise."""
        action = data.draw(st.sampled_from(sorted(self.version.inbound)))
        payload = payloads.maximal(self.schemas.schema(action, "request"))
        leaves = _leaves(payload)
        for _ in range(data.draw(st.integers(1, 3)) if leaves else 0):
            payloads.put(payload, data.draw(st.sampled_from(leaves)), data.draw(_LEAVES))
        accepted, to_items = self.schemas.accept(action, payload), self.version.inbound[action].to_items
        if not isinstance(accepted, Mended) or to_items is None:
            return
        try:
            items = to_items(accepted.payload, ORIGIN)
        except UnacceptableError:
            return
        for item in items.values():
            assert "\0" not in str(over_the_wire(item))


_LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.just([]),
    st.just({}),
)


def _leaves(payload: Any, path: payloads.Path = ()) -> list[payloads.Path]:
    if isinstance(payload, dict):
        return [leaf for name, value in payload.items() for leaf in _leaves(value, (*path, name))]
    if isinstance(payload, list):
        return [leaf for index, value in enumerate(payload) for leaf in _leaves(value, (*path, index))]
    return [path]
