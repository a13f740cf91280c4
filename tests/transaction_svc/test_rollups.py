"""Rollups are what a plain recount of all events makes, whatever happens to the transactions, in any order."""

import itertools
from collections.abc import Sequence
from functools import partial

import pytest
import sqlalchemy as sa
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from mesh.runtime.times import DAY_US
from tests.transaction_svc.kit import START_US, Service, booted, event_2x, start_16, stop_16, values_16
from tests.transaction_svc.profiles import reassess, set_profile
from tests.transaction_svc.recount import Counts, Recount, recount_all
from tests.transaction_svc.test_any_order import (
    EXAMPLES,
    Run,
    deliveries,
    report_16,
    sessions_2x,
    sessions_16,
    unnamed_16,
)
from tests.transaction_svc.test_thinning import PROFILES
from transaction_svc import models, rollup_store, thinning
from transaction_svc.export import EXPORTED
from transaction_svc.rollup_form import decode_cells
from transaction_svc.rollup_worker import Rollups

# Each example counts all of its transactions several times.
_FEW = settings(EXAMPLES, max_examples=25)
_stations = (f"R{n}" for n in itertools.count())


async def count(service: Service) -> None:
    """Counts all transactions, open ones too."""
    service.clock.us += 1
    await service.rollups.count_due()
    await service.rollups.count_open()


async def stored(service: Service, *stations: str) -> Recount:
    """The rollups of stations, "" for the sums of the tenant."""

    def read(connection: Connection) -> dict[tuple[str, int, int, int], Counts]:
        table = models.rollup
        rows = connection.execute(sa.select(table).where(table.c.station_id.in_(stations))).all()
        return {
            (row.station_id, row.evse_id, row.connector_id, quarter): amounts
            for row in rows
            for quarter, amounts in decode_cells(row.cells, row.day).items()
        }

    return await service.database.read(read)


async def check(service: Service, *stations: str) -> None:
    """Compares with the recount."""
    assert await stored(service, *stations) == await recount_all(service, stations)


async def play(service: Service, station: str = "CP1", *, begin_s: float = 0, length_s: int = 7200) -> str:
    """A session of 1.6 with a sample each five minutes: 50 Wh in each."""
    number = (await service.one(start_16(begin_s, meter_start=1000), station=station)).transaction_id
    for n, at_s in enumerate(range(300, length_s, 300), start=1):
        await service.one(values_16(number, begin_s + at_s, 1000 + 50 * n), station=station)
    await service.one(stop_16(number, begin_s + length_s, 1000 + length_s // 6), station=station)
    return number


async def test_a_session_counts_in_the_quarter_hours_that_it_lasts(service: Service) -> None:
    await play(service)
    await count(service)
    found = sorted((quarter, counts) for (*_, quarter), counts in (await stored(service, "CP1")).items())
    assert sum(counts[0] for _quarter, counts in found) == 1_200_000
    assert sum(counts[2] for _quarter, counts in found) == 7200 * 1_000_000
    assert [counts[4] for _quarter, counts in found] == [1, *[0] * (len(found) - 1)]
    assert [counts[5] for _quarter, counts in found] == [*[0] * (len(found) - 1), 1]
    assert {counts[0] for _quarter, counts in found[1:-1]} == {150_000}
    await check(service, "CP1")
    assert [counts for _, counts in sorted((await stored(service, "")).items())] == [counts for _, counts in found]


async def test_a_tenants_export_has_them_readable(service: Service) -> None:
    await play(service)
    await count(service)

    def read(connection: Connection) -> tuple[str, str]:
        cells = connection.scalars(sa.select(models.rollup.c.cells).limit(1)).one()
        return cells, connection.scalars(sa.select(models.tx_rollup.c.share)).one()

    packed, share = await service.database.read(read)
    cells = EXPORTED.decoded["rollup.cells"](packed)
    assert sum(each["energy_mwh"] for each in cells) == 1_200_000
    assert sum(EXPORTED.decoded["tx_rollup.share"](share)["energy_mwh"]) == 1_200_000


async def test_nothing_is_counted_twice(service: Service) -> None:
    await play(service)
    await count(service)
    assert await service.rollups.count_due() == 0
    await play(service)
    assert await service.rollups.count_due() == 0
    await check(service, "CP1")


async def test_an_open_transaction_counts_after_its_time_and_again_with_each_further_event(service: Service) -> None:
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    await service.one(values_16(number, 1000, 1500))
    assert await service.rollups.count_due() == 0
    assert await service.rollups.count_open() == 0
    service.clock.us += 1
    assert await service.rollups.count_open() == 1
    await check(service, "CP1")
    service.clock.us += 3600 * 1_000_000
    assert await service.rollups.count_open() == 1  # an event may have been recorded by a clock that is behind
    service.clock.us += 1
    assert await service.rollups.count_open() == 0
    await service.one(values_16(number, 4000, 2500))
    service.clock.us += 1
    assert await service.rollups.count_open() == 1
    await check(service, "CP1")


async def test_an_open_transaction_counts_again_once_it_is_half_as_long_again(service: Service) -> None:
    """Every hour at first: all of its events are read each time."""
    rollups = Rollups(database=service.database, clock=service.clock, open_s=3600)
    number = (await service.one(start_16(-80_000, meter_start=1000))).transaction_id
    began_us = service.clock()
    counted = []
    for quarter in range(1, 33):
        service.clock.us = began_us + quarter * 900 * 1_000_000 + 1
        await service.one(values_16(number, quarter * 900 - 80_000, 1000 + quarter))
        if await rollups.count_open():
            counted.append(quarter / 4)
    assert counted == [1, 2.25, 3.5, 5.25, 8]


async def test_a_late_sample_changes_the_hours_that_it_lies_in(service: Service) -> None:
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    await service.one(stop_16(number, 7200, 3000))
    await count(service)
    before = await stored(service, "CP1")
    await service.one(values_16(number, 3600, 2900))
    await count(service)
    after = await stored(service, "CP1")
    assert before != after
    assert sum(counts[0] for counts in before.values()) == sum(counts[0] for counts in after.values()) == 2_000_000
    await check(service, "CP1")


async def test_a_transaction_that_moves_to_another_evse_leaves_nothing_behind(service: Service) -> None:
    """2.x: the EVSE of an event without a start, and then that of its start."""
    await service.one(event_2x("t", "ENDED", 3, 3600, 2000, evse=_evse(2)))
    await count(service)
    assert {unit[1] for unit in await stored(service, "CP1")} == {2}
    await service.one(event_2x("t", "STARTED", 0, 0, 1000))
    await count(service)
    assert {unit[1] for unit in await stored(service, "CP1")} == {1}
    await check(service, "CP1")


def _evse(number: int) -> object:
    return event_2x("t", "STARTED", 0, 0).evse.__class__(evse_id=number, connector_id=1)


async def test_an_operators_end_counts_and_the_late_stop_replaces_it(service: Service) -> None:
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    await service.one(values_16(number, 1800, 1500))
    await service.end(number)
    await count(service)
    await check(service, "CP1")
    await service.one(stop_16(number, 3600, 2000))
    await count(service)
    await check(service, "CP1")
    assert sum(counts[5] for counts in (await stored(service, "CP1")).values()) == 1


async def test_a_superseded_transaction_that_is_open_again_has_not_ended(service: Service) -> None:
    """The start that superseded it is older than it was thought to be: its own stop shows that."""
    await service.one(event_2x("a", "STARTED", 0, 0, 1000))
    await service.one(event_2x("b", "ENDED", 2, 4000, 1600, evse=_evse(1)))
    await count(service)
    await check(service, "CP1")
    await service.one(event_2x("b", "STARTED", 0, -4000, 500))
    await count(service)
    await check(service, "CP1")


async def test_thinned_transactions_count_as_before_and_change_as_before(service: Service) -> None:
    number = await play(service)
    await count(service)
    before = await stored(service, "CP1")
    await thinning.thin_old(service.database, before_us=service.clock() + 1)
    await service.database.write(partial(_forget, stations=["CP1"]))
    await count(service)
    assert await stored(service, "CP1") == before
    await service.one(values_16(number, 3599, 1601))
    await count(service)
    assert await stored(service, "CP1") != before


def _forget(connection: Connection, *, stations: Sequence[str]) -> None:
    """Leaves stations as a migration from a release without rollups does."""
    for table in (models.rollup, models.tx_rollup, models.rollup_connector):
        connection.execute(sa.delete(table).where(table.c.station_id.in_(stations)))
    connection.execute(sa.update(models.tx).where(models.tx.c.station_id.in_(stations)).values(rollup_due=None))


async def test_transactions_of_former_releases_are_counted(service: Service) -> None:
    """More than are looked for at once; open ones too."""
    stations = [f"F{n}" for n in range(25)]
    for station in stations:
        await play(service, station, length_s=1200)
        await service.one(start_16(2000, meter_start=2000), station=station)
    await count(service)
    before = await stored(service, *stations, "")
    await service.database.write(partial(_forget, stations=[*stations, ""]))
    assert await service.rollups.count_due() == 50
    assert await stored(service, *stations, "") == before
    await check(service, *stations)


async def test_a_transaction_that_code_of_the_release_before_ended_is_counted(service: Service) -> None:
    """That code does not know the mark. The replica that counts looks for such transactions when it starts."""
    stopped, counted = await play(service), (await service.one(start_16(8000, meter_start=2200))).transaction_id
    await count(service)
    assert await service.rollups.count_missed() == 0
    service.clock.us += 1
    await service.one(values_16(stopped, 1234, 1300))
    await service.end(counted)
    await service.database.write(lambda connection: connection.execute(sa.update(models.tx).values(rollup_due=False)))
    assert await service.rollups.count_due() == 0
    assert await service.rollups.count_missed() == 2
    await check(service, "CP1")
    assert await service.rollups.count_missed() == 0


class _CrashError(Exception):
    pass


@pytest.mark.parametrize("step", ["read_records", "add_changes", "save_shares"])
async def test_a_count_that_fails_midway_leaves_the_sums_right(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Its transaction is rolled back; the next count finds the same transactions."""
    first = await play(service)
    await count(service)
    before = await stored(service, "CP1", "")
    await service.one(values_16(first, 1234, 1300))
    await play(service, begin_s=10_000)
    with monkeypatch.context() as patching:
        _crash_after(patching, step)
        with pytest.raises(_CrashError):
            await service.rollups.count_due()
    assert await stored(service, "CP1", "") == before
    await count(service)
    await check(service, "CP1")


def _crash_after(patching: pytest.MonkeyPatch, step: str) -> None:
    whole = getattr(rollup_store, step)

    def crash(*given: object, **named: object) -> None:
        whole(*given, **named)
        raise _CrashError

    patching.setattr(rollup_store, step, crash)


async def test_a_transaction_that_changes_while_it_is_counted_is_counted_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays due, and nothing of the former state is added."""
    number = await play(service)
    whole = service.database.write
    sent = False

    async def write(work: object) -> object:
        nonlocal sent
        if not sent:
            sent = True
            await service.one(values_16(number, 1234, 1300))
        return await whole(work)  # type: ignore[arg-type]

    monkeypatch.setattr(service.database, "write", write)
    assert await service.rollups.count_due() == 0
    assert await stored(service, "CP1") == {}
    assert await service.rollups.count_due() == 1
    await check(service, "CP1")


async def test_nothing_is_counted_before_the_rollups_that_were_removed(service: Service) -> None:
    """By the retention, for good: a sum of a part would be wrong."""
    old = await play(service, begin_s=-3 * 86_400)
    new = await play(service)
    await count(service)
    whole = await stored(service, "CP1")
    before_us = START_US - DAY_US
    await service.database.write(lambda connection: rollup_store.remove_old(connection, before_us=before_us, limit=500))
    kept = {unit: counts for unit, counts in whole.items() if unit[3] * 900_000_000 >= before_us // DAY_US * DAY_US}
    assert await stored(service, "CP1") == kept != whole
    await service.one(values_16(old, -3 * 86_400 + 1234, 1300))
    await count(service)
    assert await stored(service, "CP1") == kept
    await service.one(values_16(new, 1234, 1300))
    await count(service)
    assert await stored(service, "CP1") != kept


@_FEW
@given(st.data())
def test_1_6_in_any_order(run: Run, data: st.DataObject) -> None:
    """With numbers and without, late, repeated, and counted at any time between."""
    runner, service = run
    sessions = data.draw(st.one_of(sessions_16(), unnamed_16()))
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    batches = data.draw(deliveries(sent))
    counted = data.draw(st.sets(st.integers(0, len(batches) - 1)))
    straight, shuffled = next(_stations), next(_stations)

    async def compare() -> None:
        await report_16(service, straight, sessions, [[message] for message in sent])
        for upto in sorted({*counted, len(batches) - 1}):
            await report_16(service, shuffled, sessions, _with_all(batches[: upto + 1], sent))
            await count(service)
        await check(service, straight, shuffled)
        assert _bare(await stored(service, straight)) == _bare(await stored(service, shuffled))

    runner.run(compare())


def _with_all(
    batches: Sequence[Sequence[tuple[int, int]]], sent: Sequence[tuple[int, int]]
) -> Sequence[Sequence[tuple[int, int]]]:
    """Batches before which the starts have come, which give the numbers."""
    known = {message for batch in batches for message in batch}
    starts = [message for message in sent if message[1] == 0 and any(each[0] == message[0] for each in known)]
    return [starts, *batches]


def _bare(found: Recount) -> dict[tuple[int, ...], Counts]:
    return {unit[1:]: counts for unit, counts in found.items()}


@_FEW
@given(st.data())
def test_2_x_in_any_order(run: Run, data: st.DataObject) -> None:
    """Names that are used again, transactions that supersede others, ends without a begin."""
    runner, service = run
    sessions = data.draw(sessions_2x())
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    batches = data.draw(deliveries(sent))
    counted = data.draw(st.sets(st.integers(0, len(batches) - 1)))
    straight, shuffled = next(_stations), next(_stations)

    async def send(station: str, batch: Sequence[tuple[int, int]]) -> None:
        events: list[TransactionEvent] = [sessions[n].events[index] for n, index in batch]
        results = await service.send(*events, station=station)
        assert not any(result.HasField("error") for result in results), results

    async def compare() -> None:
        for message in sent:
            await send(straight, [message])
        for n, batch in enumerate(batches):
            await send(shuffled, batch)
            if n in counted:
                await count(service)
                await check(service, shuffled)
        await thinning.thin_old(service.database, before_us=service.clock() + 1)
        await count(service)
        await _count_again(service, straight, shuffled)
        assert _bare(await stored(service, straight)) == _bare(await stored(service, shuffled))

    runner.run(compare())


async def _count_again(service: Service, *stations: str) -> None:
    """The sum of all changes is what the transactions make that there are in the end."""
    before = await stored(service, *stations)
    await service.database.write(partial(_forget, stations=stations))
    await count(service)
    assert await stored(service, *stations) == before


@_FEW
@given(st.data())
def test_reassessed_by_any_profile(run: Run, data: st.DataObject) -> None:
    """The sum is the energy that the transactions have now; late events and other profiles leave nothing behind."""
    runner, service = run
    sessions = data.draw(sessions_16())
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    profiles = data.draw(st.lists(st.sampled_from(PROFILES), min_size=1, max_size=3))
    station = next(_stations)

    async def compare() -> None:
        numbers = await report_16(service, station, sessions, [sent])
        for profile in profiles:
            await count(service)
            await set_profile(service, station_id=station, **profile)
            for number in numbers.values():
                await reassess(service, number, station=station)
        await count(service)
        found = await stored(service, station)
        energy = sum(round(each.energy_wh * 1000) for each in await service.all(station_id=station))
        assert sum(counts[0] for counts in found.values()) == energy
        await _count_again(service, station)

    runner.run(compare())


async def test_a_refused_tokens_energy_counts_since_it_was_delivered(service: Service) -> None:
    result = await service.one(start_16(0, meter_start=1000))
    await service.refuse(result)
    await service.one(stop_16(result.transaction_id, 60, 1010))
    await count(service)
    await check(service, "CP1")
    assert sum(counts[0] for counts in (await stored(service, "CP1")).values()) == 10_000


async def test_a_transaction_that_was_abandoned_and_goes_on(service: Service) -> None:
    """It counts as ended, and then as its own stop has it."""
    number = (await service.one(start_16(0, meter_start=1000))).transaction_id
    await service.one(values_16(number, 900, 1200))
    await service.notify(booted())
    service.clock.us += 2 * DAY_US
    assert await service.expiry.end_due() == 1
    await count(service)
    await check(service, "CP1")
    await service.one(stop_16(number, 1800, 1300))
    await count(service)
    await check(service, "CP1")


async def test_events_that_wait_count_for_nothing(service: Service) -> None:
    await service.one(event_2x("t", "UPDATED", 1, 60, 1000))
    await service.one(values_16("-1", 60, 1000), station="CP2")
    await count(service)
    assert await stored(service, "CP1", "CP2", "") == {}
    assert await service.rollups.count_due() == 0
