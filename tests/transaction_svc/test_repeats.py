"""A message that is sent twice is recorded once: it is found by its content.

See docs/DESIGN.md, "Idempotence by content".
"""

from collections.abc import Sequence
from typing import Any

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.meter_value_pb2 import MeterValue
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, RecordMeterValuesRequest
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ENDED
from google.protobuf.timestamp_pb2 import Timestamp

from tests.transaction_svc.kit import (
    CONTEXT,
    Service,
    at,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
    values_16,
)

LOST_CLOCK = Timestamp(seconds=37)  # 1970


async def test_a_repeated_start_gets_the_same_number(service: Service) -> None:
    """Quirk 20: a message may come again at once, or after the end of the transaction."""
    first = await service.one(start_16())
    again = await service.one(start_16())
    assert (again.transaction_id, again.repeated) == (first.transaction_id, True)
    await service.one(stop_16(first.transaction_id, 60, 1100))
    late = await service.one(start_16())
    assert (late.transaction_id, late.repeated) == (first.transaction_id, True)
    assert len(await service.all()) == 1


async def test_a_start_repeated_within_a_batch_is_one(service: Service) -> None:
    """Both get the same number, and only the second is the repeat."""
    first, second = await service.send(start_16(), start_16())
    assert first.transaction_id == second.transaction_id
    assert (first.repeated, second.repeated) == (False, True)


async def test_what_makes_a_start_another_one(service: Service) -> None:
    """Connector, time, meter or token differ; the case of the token does not count."""
    starts = [
        start_16(),
        start_16(connector=2),
        start_16(301),
        start_16(meter_start=1001),
        start_16(id_tag="OTHER"),
    ]
    numbers = {(await service.one(start)).transaction_id for start in starts}
    assert len(numbers) == len(starts)
    assert (await service.one(start_16(id_tag="tag"))).repeated


async def test_the_same_start_at_another_station_is_another_one(service: Service) -> None:
    """Keys are per station, and numbers are unique over all stations."""
    first, second = await service.one(start_16()), await service.one(start_16(), station="CP2")
    assert first.transaction_id != second.transaction_id


async def test_without_a_clock_a_start_like_an_ended_one_is_new(service: Service) -> None:
    """A station that begins each boot in 1970 begins each transaction at the same time."""
    start = start_16()
    start.event_time.CopyFrom(LOST_CLOCK)
    first = await service.one(start)
    assert (await service.one(start)).repeated  # while it goes on, it can only be a repeat
    await service.one(stop_16(first.transaction_id, 60, 1000))
    second = await service.one(start)
    assert not second.repeated
    assert second.transaction_id != first.transaction_id
    again = await service.one(start)
    assert (again.transaction_id, again.repeated) == (second.transaction_id, True)
    assert list((await service.get(second.transaction_id)).flags) == ["clock_skew"]


async def test_without_a_clock_a_late_copy_of_a_start_is_no_new_one(service: Service) -> None:
    """A gateway that hung reads it, or a batch is sent twice: the frame of an older connection is a late copy."""
    start = start_16()
    start.event_time.CopyFrom(LOST_CLOCK)
    hung, again = service.item(start), service.item(start)
    again.origin.epoch = 2
    (first,) = await service.send_items([again])
    await service.one(stop_16(first.transaction_id, 60, 1500))
    for late in (hung, again):
        (result,) = await service.send_items([late])
        assert (result.transaction_id, result.repeated) == (first.transaction_id, True)
    assert [found.energy_wh for found in await service.all()] == [500]


async def test_without_a_clock_a_name_may_be_used_again_with_the_same_content(service: Service) -> None:
    """Time and seq_no are those of the first use: the second has its own end, and repeats are found."""
    use = [event_2x("1", kind, seq_no, 0) for seq_no, kind in enumerate(("STARTED", "UPDATED", "ENDED"))]
    for event in use:
        event.event_time.CopyFrom(LOST_CLOCK)
    for _ in range(3):
        for event in use:
            service.clock.advance(1)
            assert [result.repeated for result in (await service.one(event), await service.one(event))] == [False, True]
    found = await service.all()
    assert sorted(each.generation for each in found) == [1, 2, 3]
    assert {each.state for each in found} == {TRANSACTION_STATE_ENDED}
    assert len(await service.events("1")) == 3


async def test_the_first_stop_counts_and_a_differing_one_is_kept(service: Service) -> None:
    """1.6: the other stop is recorded and flagged."""
    number = (await service.one(start_16())).transaction_id
    await service.one(stop_16(number, 60, 1500))
    repeat = await service.one(stop_16(number, 60, 1500))
    assert repeat.repeated
    assert list((await service.get(number)).flags) == []
    other = await service.one(stop_16(number, 50, 1900, reason=tx.STOPPED_REASON_POWER_LOSS))
    assert (other.transaction_id, other.repeated) == (number, False)
    found = await service.get(number)
    assert (found.energy_wh, found.end_time, found.stopped_reason) == (500, at(60), tx.STOPPED_REASON_LOCAL)
    assert list(found.flags) == ["conflicting_stop"]
    assert found.event_count == 3


async def test_a_stop_sent_again_with_another_time_is_no_conflict(service: Service) -> None:
    """1.6: the same meter and tag make the same stop. The first one's time counts; another tag or none differs."""
    cases: Sequence[tuple[dict[str, Any], bool]] = (
        ({"id_tag": "tag"}, False),
        ({"reason": tx.STOPPED_REASON_OTHER}, False),
        ({"id_tag": "OTHER"}, True),
        ({"id_tag": ""}, True),
    )
    for n, (again, differs) in enumerate(cases):
        station = f"CP{n}"
        number = (await service.one(start_16(), station=station)).transaction_id
        await service.one(values_16(number, 30, 1200), station=station)
        await service.one(stop_16(number, 60, 1500), station=station)
        result = await service.one(stop_16(number, 75, 1500, **again), station=station)
        assert (result.transaction_id, result.repeated) == (number, False)
        await service.one(values_16(number, 20, 1100), station=station)  # out of order: the transaction is rebuilt
        found = await service.get(number, station=station)
        assert (found.energy_wh, found.end_time, found.event_count) == (500, at(60), 5)
        assert list(found.flags) == ["conflicting_stop"] * differs
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    for seq_no in (1, 2):
        await service.one(event_2x("a", "ENDED", seq_no, 60 + seq_no, 100))
    assert list((await service.get("a")).flags) == ["conflicting_stop"]


async def test_meter_values_repeat_by_their_content(service: Service) -> None:
    """The same values at the same time are a repeat; another value at that time is not."""
    number = (await service.one(start_16())).transaction_id
    await service.one(values_16(number, 60, 1100))
    assert (await service.one(values_16(number, 60, 1100))).repeated
    assert not (await service.one(values_16(number, 60, 1101))).repeated
    assert len(await service.events(number)) == 3


async def test_an_event_of_2_x_repeats_by_its_position_and_time(service: Service) -> None:
    """`offline` does not count: a station that sends again from its queue sets it."""
    await service.one(event_2x("a", "STARTED", 0, 0, 10))
    assert (await service.one(event_2x("a", "STARTED", 0, 0, 10, offline=True))).repeated
    others = [
        event_2x("a", "UPDATED", 1, 60, 20),
        event_2x("a", "UPDATED", 2, 60, 20),
        event_2x("a", "UPDATED", 1, 61, 21),
        event_2x("a", "UPDATED", 1, 60, 20, trigger_reason=tx.TRIGGER_REASON_TRIGGER),
        event_2x("b", "UPDATED", 1, 60, 20),
    ]
    assert [result.repeated for result in await service.send(*others)] == [False] * len(others)
    assert [result.repeated for result in await service.send(*others)] == [True] * len(others)


async def test_a_start_with_a_new_time_on_an_ended_name_is_a_new_generation(service: Service) -> None:
    """Stations reuse names; a name means its latest use, and each use has its own energy."""
    for use in range(3):
        t = use * 1000
        await service.one(event_2x("1", "STARTED", 0, t, t))
        await service.one(event_2x("1", "UPDATED", 1, t + 60, t + 100 * (use + 1)))
        await service.one(event_2x("1", "ENDED", 2, t + 120, t + 200 * (use + 1)))
    found = {found.generation: found.energy_wh for found in await service.all()}
    assert found == {1: 200, 2: 400, 3: 600}
    assert (await service.get("1")).generation == 3
    assert (await service.one(event_2x("1", "STARTED", 0, 1000, 1000))).repeated
    assert len(await service.events("1")) == 3


async def test_generations_in_any_order_are_the_same(service: Service) -> None:
    """The end of the second use first, then the first use, then the start of the second."""
    events = [
        event_2x("1", "ENDED", 2, 1120, 1400),
        event_2x("1", "STARTED", 0, 0, 100),
        event_2x("1", "ENDED", 1, 100, 250),
        event_2x("1", "UPDATED", 1, 1060, 1300),
        event_2x("1", "STARTED", 0, 1000, 1000),
    ]
    for event in events:
        await service.one(event)
    found = {found.generation: (found.energy_wh, list(found.flags)) for found in await service.all()}
    assert found == {1: (150, []), 2: (400, [])}


async def test_meter_values_outside_of_transactions(service: Service) -> None:
    """They are recorded once, and listed newest first."""
    values = [
        MeterValuesItem(
            origin=Origin(tenant_id="default", station_id="CP1", epoch=1, ordinal=n, receive_time=at(n)),
            evse=EvseRef(evse_id=1),
            meter_values=[MeterValue(sample_time=at(n), sampled_values=[register(n)])],
        )
        for n in range(3)
    ]
    first = await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=values), CONTEXT)
    assert [result.repeated for result in first.results] == [False, False, False]
    again = await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=[values[1]] * 2), CONTEXT)
    assert [result.repeated for result in again.results] == [True, True]
    assert await service.all() == []


async def test_a_batch_that_was_committed_but_not_answered_is_sent_again(service: Service) -> None:
    """The results are the same, also where the repeat is in a batch with later events."""
    starts = [service.item(start_16(), station=f"CP{n}") for n in range(5)]
    first = await service.send_items(starts)
    numbers = [result.transaction_id for result in first]
    stops = [service.item(stop_16(number, 60, 1250), station=f"CP{n}") for n, number in enumerate(numbers)]
    again = await service.send_items([*reversed(starts), *stops])
    assert [result.transaction_id for result in again[:5]] == list(reversed(numbers))
    assert [result.repeated for result in again] == [True] * 5 + [False] * 5
    assert [result.repeated for result in await service.send_items([*starts, *stops])] == [True] * 10
    assert [(found.energy_wh, found.event_count) for found in await service.all()] == [(250, 2)] * 5
    assert len(await service.published("transaction.started")) == 5
    assert len(await service.published("transaction.ended")) == 5


async def test_events_without_a_readable_time_differ_by_their_values(service: Service) -> None:
    """Quirk 11: events without any time are all recorded."""
    await service.one(event_2x("a", "STARTED", 0, 0, 100))
    for value in (110, 120):
        event = event_2x("a", "UPDATED", 0, 0)
        event.ClearField("event_time")
        event.meter_values.append(sampled(value, register(value)))
        assert not (await service.one(event)).repeated
        assert (await service.one(event)).repeated
    assert (await service.get("a")).energy_wh == 20
