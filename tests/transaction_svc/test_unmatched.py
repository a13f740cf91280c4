"""Values alone make no transaction (quirk 18): events without one wait, join the one they match, or stay unmatched."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_BLOCKED
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_service_pb2 import (
    TRANSACTION_STATE_ACTIVE,
    TRANSACTION_STATE_ENDED,
    UNMATCHED_REASON_AWAITING_START,
    UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
    ListUnmatchedEventsRequest,
    UnmatchedEvent,
)
from sqlalchemy import Engine

from mesh.identity.callers import set_caller
from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock
from tests.transaction_svc.conftest import make_service
from tests.transaction_svc.kit import (
    CONTEXT,
    VIEWER,
    Service,
    at,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
    values_16,
)
from transaction_svc import batch_context, number_store

EVSE = EvseRef(evse_id=1, connector_id=1)


def reasons(events: Sequence[UnmatchedEvent]) -> list[tuple[str, int]]:
    """The unmatched events: the number that each names, and the reason."""
    return [(each.event.event.transaction_id, each.reason) for each in events]


async def test_values_before_their_start_join_it(service: Service) -> None:
    """They were measured after it, but arrive before it: the transaction is ACTIVE, and has their energy."""
    await service.one(values_16("0", -5 + 3600, 2000))
    assert await service.all() == []
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    found = await service.get(number)
    assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ACTIVE, 1000, 2)
    assert list(found.flags) == []
    assert await service.unmatched() == []
    assert [each.transaction_id for each in await service.all()] == [number]


async def test_numbers_that_are_none_make_no_transaction(service: Service) -> None:
    """No transaction is listed in any state; all events can be read, newest first."""
    numbers = ["-1", "0", "2147483647", "4242"]
    for second, number in enumerate(numbers):
        assert (await service.one(values_16(number, second, 1000))).transaction_id == ""
        service.clock.advance(1)
    assert await service.all() == []
    kept = await service.unmatched()
    assert reasons(kept) == [
        ("4242", UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID),
        ("2147483647", UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID),
        ("0", UNMATCHED_REASON_AWAITING_START),
        ("-1", UNMATCHED_REASON_AWAITING_START),
    ]
    assert await service.published() == []
    for number in numbers:
        with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
            await service.get(number)


async def test_what_waits_neither_holds_a_token_nor_ends_others(service: Service) -> None:
    """A stop with a tag, and values with a time after the start of an open transaction."""
    number = (await service.one(start_16(0, id_tag="A"))).transaction_id
    await service.one(values_16("4242", 50, 5000))
    await service.one(stop_16("4242", 60, 5100, id_tag="B"))
    await service.one(event_2x("x", "UPDATED", 3, 70, 5, evse=EVSE, id_token={"id_token": "B"}), station="CP2")
    assert (await service.get(number)).state == TRANSACTION_STATE_ACTIVE
    assert not (await service.one(start_16(100, id_tag="B", connector=2))).concurrent
    assert {found.state for found in await service.all()} == {TRANSACTION_STATE_ACTIVE}


@pytest.mark.parametrize("number", ["-1", "0"])
async def test_a_whole_session_before_its_start(service: Service, number: str) -> None:
    """An operator may run a start again that was in quarantine: it has ended at once, with all its energy."""
    await service.send(values_16(number, 60, 1300), values_16(number, 120, 1600), stop_16(number, 180, 1900))
    assert len(await service.unmatched()) == 3
    await service.one(values_16(number, 190, 1900))  # measured after the stop: it waits for another
    given = (await service.one(start_16())).transaction_id
    found = await service.get(given)
    assert (found.state, found.energy_wh, found.end_time) == (TRANSACTION_STATE_ENDED, 900, at(180))
    assert (found.event_count, list(found.flags)) == (4, [])
    assert [each.event.event.event_time for each in await service.unmatched()] == [at(190)]
    assert [kind for kind, _data in await service.published()] == ["transaction.started", "transaction.ended"]
    for event in (values_16(number, 60, 1300), stop_16(number, 180, 1900)):
        repeat = await service.one(event)
        assert (repeat.repeated, repeat.transaction_id) == (True, given)


async def test_values_of_before_the_start_or_another_connector_wait_on(service: Service) -> None:
    await service.one(values_16("0", -10, 900))
    await service.one(values_16("0", 10, 500, connector=2))
    number = (await service.one(start_16())).transaction_id
    assert (await service.get(number)).event_count == 1
    assert len(await service.unmatched()) == 2


async def test_matched_events_move_to_a_transaction_that_began_between(service: Service) -> None:
    """The later start arrives last; the stop, which fits both transactions, moves with the values."""
    first = (await service.one(start_16(0, meter_start=0))).transaction_id
    await service.one(values_16("-1", 10, 10))
    await service.one(values_16("-1", 200, 200))
    await service.one(stop_16("-1", 300, 300))
    assert (await service.get(first)).energy_wh == 300
    second = (await service.one(start_16(100, meter_start=100))).transaction_id
    found = await service.get(first)
    assert (found.energy_wh, found.stopped_reason, found.end_time) == (10, tx.STOPPED_REASON_SUPERSEDED, at(100))
    found = await service.get(second)
    assert (found.energy_wh, found.state, found.end_time) == (200, TRANSACTION_STATE_ENDED, at(300))


async def test_a_late_stop_releases_later_events(service: Service) -> None:
    """Values without a number that were measured after the end do not belong to the transaction."""
    number = (await service.one(start_16(0, meter_start=0))).transaction_id
    await service.send(values_16("0", 50, 50), values_16("0", 150, 150))
    assert (await service.get(number)).event_count == 3
    await service.one(stop_16(number, 100, 100))
    found = await service.get(number)
    assert (found.energy_wh, found.event_count, list(found.flags)) == (100, 3, [])
    assert [each.event.event.event_time for each in await service.unmatched()] == [at(150)]


async def test_a_stop_that_fits_no_open_transaction_is_kept(service: Service) -> None:
    """It has another tag, or a lower meter: it is acknowledged and listed, and the open transaction goes on."""
    started = (await service.one(start_16())).transaction_id
    await service.one(values_16(started, 60, 1300))
    for stop in (stop_16("-1", 90, 1400, id_tag="OTHER"), stop_16("-1", 91, 1200), stop_16("987654", 92, 10)):
        service.clock.advance(1)
        assert (await service.one(stop)).transaction_id == ""
        assert (await service.one(stop)).repeated
    assert [found.state for found in await service.all()] == [TRANSACTION_STATE_ACTIVE]
    assert [number for number, _reason in reasons(await service.unmatched())] == ["987654", "-1", "-1"]


async def test_a_stop_that_could_mean_two_waits(service: Service) -> None:
    """A person has to decide, since a wrong match would be a wrong bill."""
    for connector in (1, 2):
        await service.one(start_16(connector=connector))
    await service.one(stop_16("-1", 90, 1400))
    assert reasons(await service.unmatched()) == [("-1", UNMATCHED_REASON_AWAITING_START)]


async def test_a_number_named_before_it_was_given_is_of_another_system(service: Service) -> None:
    """A fleet moves here in mid-session: a transaction here gets the number of a session of the other system."""
    number = "1"  # the next that is given
    await service.send(values_16(number, 0, 5000), values_16(number, 60, 5100))
    given = (await service.one(start_16(300, meter_start=5300, id_tag="NEW"))).transaction_id
    assert given == number
    # From the station's queue: read after the start, measured before it.
    await service.send(values_16(number, 120, 5200), stop_16(number, 180, 5300, id_tag="OLD"))
    found = await service.get(given)
    assert (found.state, found.event_count, found.energy_wh) == (TRANSACTION_STATE_ACTIVE, 1, 0)
    assert {reason for _number, reason in reasons(await service.unmatched())} == {
        UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID
    }
    assert len(await service.unmatched()) == 4
    await service.send(values_16(number, 360, 5400), stop_16(number, 420, 5500, id_tag="NEW"))
    found = await service.get(given)
    assert (found.state, found.event_count, found.energy_wh) == (TRANSACTION_STATE_ENDED, 3, 200)
    assert list(found.flags) == []


@pytest.mark.parametrize("start_first", [False, True], ids=["values-first", "start-first"])
async def test_a_foreign_number_in_the_batch_of_the_start_that_gets_it(service: Service, start_first: bool) -> None:
    """In either order, since the station cannot have known the number."""
    events = [values_16("1", 60, 5000), start_16(0, meter_start=1000)]
    await service.send(*(reversed(events) if start_first else events))
    [found] = await service.all()
    assert (found.transaction_id, found.event_count) == ("1", 1)


async def test_a_stop_of_another_system_ends_no_transaction(service: Service) -> None:
    """All drivers have one tag: the session's values, or a stop without a tag, show that it is another one."""
    await service.one(values_16("4242", -60, 50_000, connector=2))
    number = (await service.one(start_16(0, id_tag="FLEET"))).transaction_id
    await service.one(stop_16("4242", 60, 51_000, id_tag="FLEET"))
    await service.one(stop_16("5555", 61, 51_000, id_tag=""))
    assert (await service.get(number)).state == TRANSACTION_STATE_ACTIVE


async def test_a_clock_set_back_loses_nothing(service: Service) -> None:
    """An event that fits the transaction of its number belongs to it, also if its time is before the start."""
    number = (await service.one(start_16(7200, meter_start=1000))).transaction_id
    await service.one(values_16(number, 7260, 1100))
    await service.send(values_16(number, 3700, 1200), stop_16(number, 3760, 1300))
    found = await service.get(number)
    assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ENDED, 300, 4)


@pytest.mark.parametrize("id_tag", ["", "CARD-OF-THE-GROUP", "TAG"])
@pytest.mark.parametrize("stop_at", [-3000, -90])
@pytest.mark.parametrize("with_values", [True, False], ids=["values", "no values"])
async def test_a_stop_by_a_clock_set_back_belongs_to_its_number(
    service: Service, id_tag: str, stop_at: int, with_values: bool
) -> None:
    """Its tag does not matter: no earlier session can have reached its register."""
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    if with_values:
        await service.one(values_16(number, stop_at - 1000, 1000))  # nothing flowed yet: it could be another's
        await service.one(values_16(number, stop_at - 500, 2000))
    assert (await service.one(stop_16(number, stop_at, 5000, id_tag=id_tag))).transaction_id == number
    found = await service.get(number)
    assert (found.state, found.energy_wh) == (TRANSACTION_STATE_ENDED, 4000)
    assert len(await service.unmatched()) == int(with_values)


@pytest.mark.parametrize(
    ("meter_stop", "id_tag", "is_ours"), [(1000, "OTHER", True), (0, "", True), (0, "OTHER", False)]
)
async def test_a_number_that_its_station_has_named_is_known(
    service: Service, meter_stop: int, id_tag: str, is_ours: bool
) -> None:
    """The session has no energy, or another register; a stop with another tag and register does not belong to it."""
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    await service.one(values_16(number, 60, 1000))
    result = await service.one(stop_16(number, -3000, meter_stop, id_tag=id_tag))
    assert result.transaction_id == (number if is_ours else "")


async def test_a_stop_of_another_system_above_the_register(service: Service) -> None:
    """Its values were read before the start. Without them, a stop that is not above the register stays unmatched."""
    await service.one(values_16("1", 0, 50_000, connector=2))
    given = (await service.one(start_16(300, meter_start=1000, id_tag="NEW"))).transaction_id
    assert given == "1"
    for id_tag in ("", "OLD"):
        assert (await service.one(stop_16(given, 180, 51_000, id_tag=id_tag))).transaction_id == ""
    await service.one(start_16(300, meter_start=5300, id_tag="NEW"), station="CP2")
    assert (await service.one(stop_16("2", 180, 5300, id_tag="OLD"), station="CP2")).transaction_id == ""
    assert {found.state for found in await service.all()} == {TRANSACTION_STATE_ACTIVE}


async def test_numbers_begin_where_the_setting_says(engine: Engine, clock: FakeClock) -> None:
    """Also where lower numbers have been given; a lower setting later changes nothing."""
    given: list[int] = []
    for turn, first in enumerate((1, 1_000_000, 500, 1_000_001)):
        service = make_service(engine, clock)
        number_store.set_first_number(service.database.engine, first)
        starts = [start_16(turn * 1000, connector=n, id_tag=f"{turn}-{n}") for n in (1, 2)]
        given.extend(int(result.transaction_id) for result in await service.send(*starts))
    await service.database.close()
    assert given[0] == 1
    assert given[2] == 1_000_000
    assert all(number > 1_000_000 for number in given[3:])
    assert len(set(given)) == len(given)


async def test_updates_alone_make_no_transaction_of_2_x(service: Service) -> None:
    """It is not ACTIVE, supersedes no other, and holds no token; its start makes it complete."""
    await service.one(event_2x("first", "STARTED", 0, 0, 100))
    await service.one(event_2x("late", "UPDATED", 1, 200, 400, evse=EVSE, id_token={"id_token": "TAG2"}))
    assert [found.transaction_id for found in await service.all()] == ["first"]
    assert (await service.get("first")).state == TRANSACTION_STATE_ACTIVE
    with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
        await service.get("late")
    assert reasons(await service.unmatched()) == [("late", UNMATCHED_REASON_AWAITING_START)]
    assert not (await service.one(start_16(0, id_tag="TAG2"), station="CP2")).concurrent
    await service.one(event_2x("late", "STARTED", 0, 150, 300))
    late = await service.get("late")
    assert (late.state, late.energy_wh, late.event_count) == (TRANSACTION_STATE_ACTIVE, 100, 2)
    assert (await service.get("first")).end_time == at(150)
    assert await service.unmatched() == []


async def test_an_end_without_a_start_is_a_transaction_of_2_x(service: Service) -> None:
    """It has all events from before its end, and is flagged."""
    await service.send(event_2x("a", "UPDATED", 1, 60, 200), event_2x("a", "ENDED", 2, 120, 300))
    found = await service.get("a")
    assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ENDED, 100, 2)
    assert "missing_start" in found.flags
    assert await service.unmatched() == []


async def test_each_generation_of_a_name_can_be_read(service: Service) -> None:
    """GET returns the transactions and events of the lists."""
    for use in range(3):
        t = use * 1000
        await service.one(event_2x("1", "STARTED", 0, t, t))
        await service.one(event_2x("1", "ENDED", 1, t + 120, t + 100 * (use + 1)))
    listed = await service.all(filter='transaction_id = "1"')
    assert sorted(found.generation for found in listed) == [1, 2, 3]
    for found in listed:
        assert await service.get("1", generation=found.generation) == found
        [begin, _end] = await service.events("1", generation=found.generation)
        assert begin.event.event_time == found.start_time
    assert (await service.get("1")).generation == 3
    for asked in (service.get("1", generation=4), service.events("1", generation=4), service.get("1", generation=-1)):
        with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
            await asked


async def test_what_is_unmatched_is_listed_in_pages(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is listed once, for one station or all; holders are read one at a time, and still match a start."""
    monkeypatch.setattr(batch_context, "HOLDER_SIZE", 3)
    for n in range(8):
        service.clock.advance(1)
        await service.one(values_16("0", n, 1000 + n), station=f"CP{n % 2 + 1}")
        await service.one(event_2x(f"x{n}", "UPDATED", 1, n, n), station="CP3")
    for station_id, count in (("", 16), ("CP1", 4), ("CP3", 8)):
        seen: list[tuple[str, Any]] = []
        token = ""
        while True:
            set_caller(VIEWER)
            request = ListUnmatchedEventsRequest(station_id=station_id, page_size=3, page_token=token)
            response = await service.operator.ListUnmatchedEvents(request, CONTEXT)
            assert len(response.unmatched_events) <= 3
            seen.extend((each.station_id, each.event.ordinal) for each in response.unmatched_events)
            token = response.next_page_token
            if not token:
                break
        assert len(seen) == len(set(seen)) == count
        times = [each for each in seen if each[0] != "CP3"]
        assert station_id == "" or times == sorted(times, reverse=True)
    number = (await service.one(start_16(0), station="CP1")).transaction_id
    assert (await service.get(number, station="CP1")).event_count == 5
    assert await service.unmatched(station="CP1") == []


async def test_a_start_sent_again_with_another_time_is_one(service: Service) -> None:
    """Three starts, a second apart, come in any order: one transaction begins with the first of them."""
    for station, order in (("CP1", (0, 1, 2)), ("CP2", (2, 0, 1)), ("CP3", (1, 2, 0))):
        results = [await service.one(start_16(second, id_tag=station), station=station) for second in order]
        assert len({result.transaction_id for result in results}) == 1
        assert [result.repeated for result in results] == [False, True, True]
        assert [list(result.quirks) for result in results] == [[], ["repeated_event"], ["repeated_event"]]
        [found] = await service.all(station_id=station)
        assert (found.start_time, found.event_count, list(found.flags)) == (at(0), 3, [])
        await service.one(stop_16(found.transaction_id, 60, 1500, id_tag=station), station=station)
        assert (await service.one(start_16(1, id_tag=station), station=station)).repeated
        assert (await service.get(found.transaction_id, station=station)).energy_wh == 500


@pytest.mark.parametrize(
    "again",
    [
        start_16(301),
        start_16(1, meter_start=1001),
        start_16(1, id_tag="OTHER"),
        start_16(1, connector=2),
    ],
)
async def test_a_start_that_differs_otherwise_is_another_one(service: Service, again: tx.TransactionEvent) -> None:
    """It comes after 300 seconds, or has another meter, tag or connector."""
    first = await service.one(start_16())
    assert (await service.one(again)).transaction_id != first.transaction_id


async def test_a_start_after_a_stop_or_another_transaction_is_another_one(service: Service) -> None:
    """No energy flowed, so that the meter is the same; the events between separate them."""
    numbers = []
    for second, tag in ((0, "A"), (10, "A"), (20, "B"), (30, "A")):
        numbers.append((await service.one(start_16(second, id_tag=tag))).transaction_id)
        if second == 0:
            await service.one(stop_16(numbers[0], 5, 1000, id_tag=tag))
    assert len(set(numbers)) == 4


async def test_a_token_that_is_refused_when_its_start_comes_again_holds_nothing(service: Service) -> None:
    """The first answer and the token's status were lost: the second start has the status."""
    first = await service.one(start_16(0))
    again = await service.one(start_16(1))
    await service.refuse(again)
    found = await service.get(first.transaction_id)
    assert (found.event_count, found.authorization_status) == (2, AUTHORIZATION_STATUS_BLOCKED)
    assert (await service.one(start_16(0), station="CP2")).concurrent_count == 0
    third = await service.one(start_16(2))
    assert (third.transaction_id, third.concurrent_count) == (first.transaction_id, 1)
    assert (await service.one(start_16(0), station="CP3")).concurrent_count == 2  # authorized again
    await service.refuse(third)
    assert (await service.get(first.transaction_id)).authorization_status == AUTHORIZATION_STATUS_BLOCKED
    assert (await service.one(start_16(0), station="CP4")).concurrent_count == 2


async def test_a_start_through_two_gateways_at_once(engine: Engine, clock: FakeClock) -> None:
    """Two replicas commit two batches at the same time: the station's lock in the database decides."""
    one, other = make_service(engine, clock), make_service(engine, clock)
    for turn in range(10):
        station = f"CP{turn}"
        results = await asyncio.gather(
            *(service.one(start_16(second), station=station) for service, second in ((one, 0), (other, 1), (one, 2)))
        )
        assert len({result.transaction_id for result in results}) == 1
        assert sorted(result.repeated for result in results) == [False, True, True]
        assert len(await one.all(station_id=station)) == 1
    await one.database.close()
    await other.database.close()


async def test_values_and_their_start_at_once(engine: Engine, clock: FakeClock) -> None:
    """Two replicas commit them in two batches: the values belong to the transaction in any order."""
    one, other = make_service(engine, clock), make_service(engine, clock)
    for turn in range(10):
        station = f"CP{turn}"
        started, _values = await asyncio.gather(
            one.one(start_16(0, id_tag=station), station=station), other.one(values_16("0", 60, 1400), station=station)
        )
        found = await one.get(started.transaction_id, station=station)
        assert (found.energy_wh, found.event_count) == (400, 2)
    await one.database.close()
    await other.database.close()


async def test_a_value_with_two_times_belongs_by_the_latest(service: Service) -> None:
    """A message has values of several times, the first of them before the start."""
    event = values_16("0", 60, 1100)
    event.meter_values.insert(0, sampled(-60, register(990)))
    await service.one(event)
    number = (await service.one(start_16())).transaction_id
    assert (await service.get(number)).event_count == 2


_ROW = """
    INSERT INTO tx (tenant_id, station_id, transaction_id, generation, fold, station_hash, ended, token_key, evse_id,
                    evse_hash, begin_us, energy_mwh, create_us, update_us)
    VALUES ('default', :station, :name, 1, :fold, 1, false, 'tag', 1, 2, 1, 0, 1, 1)
"""


async def test_what_former_versions_took_for_transactions(service: Service, engine: Engine) -> None:
    """Values alone are waiting events; an orphan that ended is shown, but holds no token and no EVSE position."""
    started = await service.one(start_16(id_tag="OTHER"))
    array = '[1,1,1,[2,0,1,0],1,1,{started},null,{stopped},null,0,0,1,1,"TAG","","","",0,0,false,false,{orphan},false]'
    states = {
        "values-1": array.format(started="false", stopped="false", orphan="true"),
        "values-2": '{"v":2,"event_count":1,"begin_us":1,"evse_id":1,"orphan":true}',
        "stop-1": array.format(started="false", stopped="true", orphan="true"),
        "end-2": '{"v":2,"event_count":1,"begin_us":1,"evse_id":1,"stopped":true}',
        "start-2": '{"v":2,"event_count":1,"begin_us":1,"evse_id":1,"started":true}',
    }
    migration = importlib.import_module("transaction_svc.migrations.versions.0007_waiting")
    with engine.begin() as connection:
        for name, state in states.items():
            connection.execute(sa.text(_ROW), {"station": "OLD", "name": name, "fold": state})
        migration._mark(connection)
        rows = connection.execute(
            sa.text("SELECT transaction_id, waiting, ended, token_key, evse_id FROM tx WHERE station_id = 'OLD'")
        ).all()
    assert {row[0]: (bool(row[1]), bool(row[2]), *row[3:]) for row in rows} == {
        "values-1": (True, True, "", 0),
        "values-2": (True, True, "", 0),
        "stop-1": (False, True, "", 0),
        "end-2": (False, False, "tag", 1),
        "start-2": (False, False, "tag", 1),
    }
    listed = {found.transaction_id for found in await service.all()}
    assert listed == {started.transaction_id, "stop-1", "end-2", "start-2"}
    assert await service.unmatched(station="OLD") == []  # these rows have no events
