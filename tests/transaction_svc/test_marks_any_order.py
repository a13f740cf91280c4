"""The events of a transaction and those of its station give the same result in any order.

Each example sends the same frames twice: for one station in the order in which they were read; for another, all frames
after the start, boots and available connectors too, in any order and in any batches. The times are the station's own,
which may send messages that it kept while it was offline.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import StationEventItem, TransactionEventItem
from csms.transaction.v1.transaction_service_pb2 import Transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.runtime.times import to_timestamp
from tests.transaction_svc.kit import Service, available, booted, event_2x, start_16, stop_16, values_16

EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Run = tuple[asyncio.Runner, Service]
_stations = itertools.count()


@dataclass(frozen=True)
class FramePosition:
    """A frame that a gateway read after the start: a kind, and when it happened by the station's clock."""

    kind: str  # "values", "kept" (values of an earlier time), "stop", "boot", "available", "available now"
    seconds: int


@st.composite
def stories(draw: st.DrawFn) -> Sequence[FramePosition]:
    """A station's messages after its start, in the order in which they are read."""
    frames, now_s = [], 10
    for kind in draw(st.lists(st.sampled_from(["values", "kept", "boot", "available", "available now"]), max_size=7)):
        now_s += draw(st.integers(2, 30))
        frames.append(FramePosition(kind, draw(st.integers(2, now_s - 1)) if kind == "kept" else now_s))
    if draw(st.booleans()):
        frames.append(FramePosition("stop", now_s + 5))
    return frames


def _event(frame: FramePosition, name: str, index: int, *, is_2x: bool) -> TransactionEvent:
    reading = 1000 + frame.seconds
    if is_2x:
        return event_2x(name, "ENDED" if frame.kind == "stop" else "UPDATED", index, frame.seconds, reading)
    if frame.kind == "stop":
        return stop_16(name, frame.seconds, reading)
    return values_16(name, frame.seconds, reading)


async def report(
    service: Service, station: str, frames: Sequence[FramePosition], batches: Sequence[Sequence[int]], *, is_2x: bool
) -> Transaction:
    """Sends the start, then the frames in batches; returns the transaction."""
    start = event_2x("a", "STARTED", 0, 0, 1000) if is_2x else start_16()
    name = (await service.one(start, station=station)).transaction_id
    for batch in batches:
        events, station_events = [], []
        for index in batch:
            frame = frames[index]
            origin = Origin(
                tenant_id="default",
                station_id=station,
                epoch=2,
                ordinal=index + 1,
                receive_time=to_timestamp(service.clock() + index),
            )
            if frame.kind == "boot":
                station_events.append(StationEventItem(origin=origin, boot=booted()))
            elif frame.kind.startswith("available"):
                seconds = frame.seconds if frame.kind == "available" else None
                station_events.append(StationEventItem(origin=origin, connector_available=available(seconds)))
            else:
                event = _event(frame, name, index + 1, is_2x=is_2x)
                events.append(TransactionEventItem(origin=origin, event=event))
        if events:
            assert not any(result.HasField("error") for result in await service.send_items(events))
        if station_events:
            assert not any(result.HasField("error") for result in await service.notify_items(station_events))
    return await service.get(name, station=station)


def _bare(found: Transaction) -> Transaction:
    """A transaction without the fields that may differ: `hanging_time` is that of the mark that came first."""
    for name in ("station_id", "transaction_id", "create_time", "update_time", "hanging_time"):
        found.ClearField(name)
    return found


@EXAMPLES
@given(st.data())
def test_any_order(run: Run, data: st.DataObject) -> None:
    """The same state, whether it hangs, and all that operators see."""
    runner, service = run
    frames = data.draw(stories())
    is_2x = data.draw(st.booleans())
    order = list(data.draw(st.permutations(range(len(frames)))))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(order) - 1)))))
    batches = [order[first:last] for first, last in itertools.pairwise([0, *cuts, len(order)])]

    async def compare() -> None:
        number = next(_stations)
        straight = await report(service, f"A{number}", frames, [[index] for index in range(len(frames))], is_2x=is_2x)
        shuffled = await report(service, f"B{number}", frames, batches, is_2x=is_2x)
        assert _bare(shuffled) == _bare(straight)

    runner.run(compare())
