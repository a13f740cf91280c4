"""A session's messages give the same result in any order, with repeats, and in any batches.

Each example sends the same messages twice: for one station in order, one by one; for another as hypothesis chooses.
Operators must read the same of both. A 1.6 station can name a transaction only after it got the number: there the start
comes first, and may come again at any time. Messages with 0 or -1 may come before their start.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_BLOCKED
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import RecordAuthorizationsRequest
from csms.transaction.v1.transaction_service_pb2 import Transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transaction_svc.kit import CONTEXT, Service, event_2x, start_16, stop_16, values_16

# A database is made once for all examples of a test: each has stations of its own.
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Run = tuple[asyncio.Runner, Service]
_stations = itertools.count()
NAMES = st.sampled_from(["", "0", "-1"])


@dataclass
class Session:
    """A station's messages about one transaction, in order. The name is set when they are sent."""

    events: list[TransactionEvent] = field(default_factory=list)


@st.composite
def registers(draw: st.DrawFn, count: int) -> Sequence[int]:
    """Readings of a register that rises, with a wrong one here and there, or a meter that starts over."""
    value, readings = draw(st.integers(0, 5000)), []
    for _ in range(count):
        value += draw(st.integers(0, 500))
        wrong = draw(st.sampled_from([None] * 8 + [-1, 0, 7, 10_000_000]))
        if draw(st.integers(0, 15)) == 0:
            value = draw(st.integers(0, 20))
        readings.append(value if wrong is None else wrong)
    return readings


@st.composite
def sessions_16(draw: st.DrawFn) -> Sequence[Session]:
    """One to three transactions on a connector, one after the other; some without a stop."""
    sessions, now_s = [], 0
    for number in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, 5))
        readings = draw(registers(count + 2))
        events = [start_16(now_s, meter_start=readings[0], id_tag=f"TAG{number}")]
        for reading in readings[1:-1]:
            now_s += draw(st.integers(1, 60))  # of two at one time, the first to arrive is listed first
            events.append(values_16("", now_s, reading))
        now_s += draw(st.integers(1, 60))
        if draw(st.integers(0, 3)):
            events.append(stop_16("", now_s, readings[-1], id_tag=f"TAG{number}"))
        if draw(st.booleans()):
            events.append(values_16("", now_s + draw(st.integers(1, 3)), readings[-1]))
        now_s += draw(st.integers(4, 100))
        sessions.append(Session(events))
    return sessions


@st.composite
def unnamed_16(draw: st.DrawFn) -> Sequence[Session]:
    """Transactions of a station that does not have their numbers; and starts that are sent again with other times.

    The register is sound, since a stop is matched by it.
    """
    sessions, now_s, register = [], 0, draw(st.integers(0, 100))
    tag = draw(st.sampled_from(["TAG", ""]))
    for number in range(draw(st.integers(1, 3))):
        id_tag = tag or f"TAG{number}"
        events = [
            start_16(now_s + again, meter_start=register, id_tag=id_tag) for again in range(draw(st.integers(1, 3)))
        ]
        now_s += 3
        for _ in range(draw(st.integers(0, 5))):
            now_s, register = now_s + draw(st.integers(1, 60)), register + draw(st.integers(0, 50))
            events.append(values_16(draw(NAMES), now_s, register))
        now_s, register = now_s + draw(st.integers(1, 60)), register + draw(st.integers(1, 50))
        if draw(st.integers(0, 3)):
            events.append(stop_16(draw(NAMES), now_s, register, id_tag=draw(st.sampled_from([id_tag, ""]))))
        if draw(st.booleans()):
            events.append(values_16(draw(NAMES), now_s + draw(st.integers(1, 3)), register))
        now_s += draw(st.integers(4, 400))
        sessions.append(Session(events))
    return sessions


@st.composite
def sessions_2x(draw: st.DrawFn) -> Sequence[Session]:
    """One to three transactions on an EVSE, which may all have one name, with sequence numbers of each kind.

    Those with names of their own may overlap: the begin of the next one ends a transaction without an end.
    """
    same_name, counting = draw(st.booleans()), draw(st.sampled_from(["right", "zero", "gaps"]))
    sessions, now_s = [], 0.0
    for use in range(draw(st.integers(1, 3))):
        readings = draw(registers(draw(st.integers(2, 6))))
        ends = draw(st.integers(0, 3)) > 0
        seq_no, events = 0, []
        for index, reading in enumerate(readings):
            kind = "UPDATED" if index else "STARTED"
            kind = "ENDED" if ends and index == len(readings) - 1 else kind
            more = {"evse": EvseRef(evse_id=1, connector_id=1)} if draw(st.booleans()) else {}
            state = draw(st.sampled_from([0, 1, 2, 3]))
            name = "one" if same_name else f"use{use}"
            event = event_2x(name, kind, seq_no, now_s, draw(st.sampled_from([reading, None])), **more)
            event.charging_state = tx.ChargingState.ValueType(state)
            events.append(event)
            now_s += draw(st.integers(1, 60))
            seq_no += {"right": 1, "zero": 0, "gaps": draw(st.integers(1, 2))}[counting]
        # Without its start, a transaction exists if it has an end.
        sessions.append(Session(events if draw(st.integers(0, 4)) else events[1:]))
        if not same_name:
            # No two begin at the same time, and none at a time of the others' events.
            now_s -= draw(st.sampled_from([0, 40.25, 90.25, 150.25]))
    return sessions


@st.composite
def deliveries(draw: st.DrawFn, sent: Sequence[tuple[int, int]]) -> Sequence[Sequence[tuple[int, int]]]:
    """Batches that have each message, by session and index, at least once, in any order."""
    repeats = draw(st.lists(st.sampled_from(sent), max_size=6))
    left = list(draw(st.permutations([*sent, *repeats])))
    batches = []
    while left:
        size = draw(st.integers(1, 6))
        batches.append(left[:size])
        left = left[size:]
    return batches


def is_start(event: TransactionEvent) -> bool:
    """Whether an event is a start."""
    return event.event_type == tx.TRANSACTION_EVENT_TYPE_STARTED


def named(event: TransactionEvent, name: str) -> TransactionEvent:
    """The event with its transaction's name."""
    copy = TransactionEvent()
    copy.CopyFrom(event)
    copy.transaction_id = name
    return copy


async def report_16(
    service: Service, station: str, sessions: Sequence[Session], batches: Sequence[Sequence[tuple[int, int]]]
) -> Mapping[int, str]:
    """Sends batches; messages wait for a number that they need. Returns the numbers by session."""
    numbers: dict[int, str] = {}
    waiting: list[tuple[int, int]] = []
    for batch in [*batches, []]:
        messages, waiting = [*waiting, *batch], []
        sent = [(session, sessions[session].events[index]) for session, index in messages]
        needing = [not is_start(event) and not event.transaction_id and n not in numbers for n, event in sent]
        waiting = [message for message, needs in zip(messages, needing, strict=True) if needs]
        sendable = [each for each, needs in zip(sent, needing, strict=True) if not needs]
        events = [
            event if is_start(event) or event.transaction_id else named(event, numbers[session])
            for session, event in sendable
        ]
        results = await service.send(*events, station=station)
        for (session, event), result in zip(sendable, results, strict=True):
            assert not result.HasField("error"), result
            if is_start(event) or not event.transaction_id:
                assert numbers.setdefault(session, result.transaction_id) == result.transaction_id
    assert not waiting
    return numbers


def bare(found: Transaction) -> Transaction:
    """A transaction without the fields that may differ."""
    for name in ("station_id", "transaction_id", "create_time", "update_time"):
        found.ClearField(name)
    return found


async def seen(service: Service, station: str, names: Mapping[int, str]) -> Sequence[object]:
    """The transactions that operators read, with their events, and the unmatched events."""
    found = []
    for _session, name in sorted(names.items()):
        events = [named(recorded.event, "") for recorded in await service.events(name, station=station)]
        found.append((bare(await service.get(name, station=station)), events))
    kept = [each.event.event.SerializeToString() for each in await service.unmatched(station=station)]
    return [*found, sorted(kept)]


@EXAMPLES
@given(st.data())
def test_1_6(run: Run, data: st.DataObject) -> None:
    """Any order after the start, whose repeat comes at any time."""
    compare_16(run, data, sessions_16())


@EXAMPLES
@given(st.data())
def test_1_6_without_numbers(run: Run, data: st.DataObject) -> None:
    """Events without a number give the same result before and after their start, and starts with other times too."""
    compare_16(run, data, unnamed_16())


def compare_16(run: Run, data: st.DataObject, drawn: st.SearchStrategy[Sequence[Session]]) -> None:
    """Sends sessions in order and shuffled."""
    runner, service = run
    sessions = data.draw(drawn)
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    batches = data.draw(deliveries(sent))
    straight, shuffled = f"A{next(_stations)}", f"B{next(_stations)}"

    async def compare() -> None:
        expected = await report_16(service, straight, sessions, [[message] for message in sent])
        numbers = await report_16(service, shuffled, sessions, batches)
        assert await seen(service, shuffled, numbers) == await seen(service, straight, expected)
        again = await report_16(service, shuffled, sessions, [sent])
        assert again == numbers

    runner.run(compare())


@EXAMPLES
@given(st.data())
def test_2_x(run: Run, data: st.DataObject) -> None:
    """Any order at all, names used again included."""
    runner, service = run
    sessions = data.draw(sessions_2x())
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    batches = data.draw(deliveries(sent))
    straight, shuffled = f"A{next(_stations)}", f"B{next(_stations)}"

    async def report(station: str, batches: Sequence[Sequence[tuple[int, int]]]) -> None:
        for batch in batches:
            results = await service.send(*(sessions[n].events[index] for n, index in batch), station=station)
            assert not any(result.HasField("error") for result in results), results

    async def all_seen(station: str) -> Sequence[object]:
        found = await service.all(station_id=station)
        by_name = sorted(found, key=lambda found: (found.transaction_id, found.generation))
        names = dict(enumerate(sorted({found.transaction_id for found in found})))
        for each in by_name:
            assert each == await service.get(each.transaction_id, station=station, generation=each.generation)
        return [[bare(found) for found in by_name], await seen(service, station, names)]

    async def compare() -> None:
        await report(straight, [[message] for message in sent])
        await report(shuffled, batches)
        assert await all_seen(shuffled) == await all_seen(straight)

    runner.run(compare())


@EXAMPLES
@given(st.data())
def test_2_x_with_refused_tokens(run: Run, data: st.DataObject) -> None:
    """Tokens at any event, some of them refused, and refusals recorded at once or later, in any order."""
    runner, service = run
    sessions = data.draw(sessions_2x())
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    refused = set()
    for n, index in sent:
        event = sessions[n].events[index]
        text = data.draw(st.sampled_from(["", "TAG", "GOOD", "BAD"]))
        event.ClearField("id_token")
        if text:
            event.id_token.id_token = text
            if text == "BAD" or data.draw(st.integers(0, 4)) == 0:
                refused.add((n, index))
    batches = data.draw(deliveries(sent))
    lag = data.draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    straight, shuffled = f"A{next(_stations)}", f"B{next(_stations)}"

    async def report(station: str, batches: Sequence[Sequence[tuple[int, int]]], lag: Sequence[bool]) -> None:
        waiting: list[str] = []
        for batch, later in zip(batches, lag, strict=True):
            results = await service.send(*(sessions[n].events[index] for n, index in batch), station=station)
            assert not any(result.HasField("error") for result in results), results
            keys = [result.event_key for message, result in zip(batch, results, strict=True) if message in refused]
            waiting = [*keys, *waiting]
            if not later:
                await refuse(station, waiting)
                waiting = []
        await refuse(station, waiting)

    async def refuse(station: str, keys: Sequence[str]) -> None:
        items = [service.refusal(key, AUTHORIZATION_STATUS_BLOCKED, station=station) for key in keys if key]
        response = await service.ingest.RecordAuthorizations(RecordAuthorizationsRequest(items=items), CONTEXT)
        assert not any(result.HasField("error") for result in response.results), response

    async def all_seen(station: str) -> Sequence[object]:
        found = await service.all(station_id=station)
        by_name = sorted(found, key=lambda found: (found.transaction_id, found.generation))
        statuses = {
            name: [event.authorization_status for event in await service.events(name, station=station)]
            for name in sorted({found.transaction_id for found in found})
        }
        return [[bare(found) for found in by_name], statuses]

    async def compare() -> None:
        await report(straight, [[message] for message in sent], [False] * len(sent))
        await report(shuffled, batches, lag)
        assert await all_seen(shuffled) == await all_seen(straight)

    runner.run(compare())
