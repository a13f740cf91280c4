"""Samples of old transactions go; what is billed, and what it is billed by, stays as it is."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from csms.transaction.v1.meter_profile_service_pb2 import (
    EVSE_KIND_AC,
    REGISTER_SOURCE_BEGIN_AND_END,
    REGISTER_SOURCE_SAMPLED,
    ZERO_BEGIN_PLACEHOLDER,
)
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from mesh.runtime.settings import Environment
from mesh.runtime.times import DAY_US
from tests.mesh_identities import mesh_environment
from tests.transaction_svc.kit import Service, event_2x, register, sampled, start_16, stop_16, values_16
from tests.transaction_svc.profiles import KWH_AS_WH, reassess, set_profile
from tests.transaction_svc.test_any_order import (
    EXAMPLES,
    Run,
    _stations,
    bare,
    report_16,
    sessions_2x,
    sessions_16,
)
from tests.transaction_svc.test_signed_records import IMPORT, ocmf, signed
from tests.waiting import eventually
from transaction_svc import models, thinning
from transaction_svc.retention import thinning_task
from transaction_svc.settings import TransactionSettings

DAYS = 90
PROFILES: Sequence[dict[str, Any]] = (
    {},
    KWH_AS_WH,
    {"sampled_exponent": -3},
    {"register_source": REGISTER_SOURCE_SAMPLED},
    {"register_source": REGISTER_SOURCE_BEGIN_AND_END},
    {"max_power_w": 1000, "evse_kind": EVSE_KIND_AC},
    {"zero_begin": ZERO_BEGIN_PLACEHOLDER},
)


async def thin(service: Service) -> int:
    """Thins what is older than DAYS; returns the number of transactions."""
    return await thinning.thin_old(service.database, before_us=service.clock() - DAYS * DAY_US)


def pass_days(service: Service, days: int) -> None:
    """Lets time pass."""
    service.clock.us += days * DAY_US


async def payloads(service: Service, name: str, **more: Any) -> list[int]:
    """The number of meter values in each event of a transaction."""
    return [len(recorded.event.meter_values) for recorded in await service.events(name, **more)]


async def stored(service: Service) -> tuple[int, int]:
    """The numbers of rows of events, and of packed ones."""

    def count(connection: Connection, table: sa.Table) -> int:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    return await service.database.read(
        lambda connection: (count(connection, models.tx_event), count(connection, models.tx_packed))
    )


async def play(service: Service, station: str, *, samples: int = 3) -> str:
    """Sends a session of 1.6."""
    number = (await service.one(start_16(meter_start=1000), station=station)).transaction_id
    for n in range(1, samples + 1):
        await service.one(values_16(number, 60 * n, 1000 + 50 * n), station=station)
    await service.one(stop_16(number, 60 * samples + 60, 2000), station=station)
    return number


async def test_samples_go_and_begin_and_end_stay(service: Service) -> None:
    """Of the samples stays what else their events report: their times, states and numbers."""
    number = await play(service, "CP1")
    before = await service.get(number)
    whole = [recorded.event for recorded in await service.events(number)]
    pass_days(service, DAYS)
    assert await thin(service) == 0
    service.clock.us += 1
    assert await thin(service) == 1
    assert await thin(service) == 0
    assert await stored(service) == (2, 1)
    assert await payloads(service, number) == [1, 0, 0, 0, 1]
    assert await service.get(number) == before
    for event in whole[1:-1]:
        event.ClearField("meter_values")
    assert [recorded.event for recorded in await service.events(number)] == whole


async def test_signed_meter_values_stay(service: Service) -> None:
    """Also those between begin and end."""
    record = register(1200, signed_meter_value=signed(ocmf({"TX": "C", "RV": 1.2, **IMPORT})))
    await service.one(event_2x("t", "STARTED", 0, 0, 1000))
    await service.one(event_2x("t", "UPDATED", 1, 60, meter_values=[sampled(60, register(1100), record)]))
    await service.one(event_2x("t", "UPDATED", 2, 120, meter_values=[sampled(120, register(1300))]))
    await service.one(event_2x("t", "ENDED", 3, 180, 1400))
    whole = await service.events("t")
    pass_days(service, DAYS + 1)
    assert await thin(service) == 1
    found = await service.events("t")
    assert [whole[n] for n in (0, 1, 3)] == [found[n] for n in (0, 1, 3)]
    assert await payloads(service, "t") == [1, 1, 0, 1]


async def test_open_and_waiting_transactions_keep_their_samples(service: Service) -> None:
    """As does one that ended long ago, and had an event since."""
    await service.one(start_16())
    open_number = (await service.all())[0].transaction_id
    await service.one(values_16(open_number, 60, 1100))
    await service.one(event_2x("waits", "UPDATED", 5, 60, 1100), station="CP2")
    late = await play(service, "CP3")
    pass_days(service, DAYS + 1)
    await service.one(values_16(late, 61, 1060), station="CP3")
    assert await thin(service) == 0
    assert await payloads(service, open_number) == [1, 1]
    assert await payloads(service, late, station="CP3") == [1, 1, 1, 1, 1, 1]


async def test_a_long_transaction_is_thinned_in_parts(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "_MOST_EVENTS", 3)
    monkeypatch.setattr(thinning, "_MOST", 1)
    numbers = [await play(service, station, samples=samples) for station, samples in (("CP1", 10), ("CP2", 4))]
    pass_days(service, DAYS + 1)
    assert await thin(service) == 2
    assert await payloads(service, numbers[0]) == [1, *[0] * 10, 1]
    assert await payloads(service, numbers[1], station="CP2") == [1, *[0] * 4, 1]


async def test_an_event_that_comes_again_or_late_finds_all_others(service: Service) -> None:
    """Rows of packed events come back for it, and are packed again when it is old too."""
    number = await play(service, "CP1")
    pass_days(service, DAYS + 1)
    await thin(service)
    again = await service.one(values_16(number, 60, 1050))
    assert (again.transaction_id, (await service.get(number)).event_count) == (number, 5)
    assert await stored(service) == (5, 0)
    assert await thin(service) == 1
    assert await stored(service) == (2, 1)
    await service.one(values_16(number, 90, 1070))
    assert await stored(service) == (6, 0)
    assert await payloads(service, number) == [1, 0, 1, 0, 0, 1]
    assert await thin(service) == 0
    pass_days(service, DAYS + 1)
    assert await thin(service) == 1
    assert await stored(service) == (2, 1)
    assert (await service.get(number)).energy_wh == 1000


async def test_a_name_that_is_used_again_leaves_its_packed_events_alone(service: Service) -> None:
    """2.x: a new generation does not need those of the one before."""
    for use in range(2):
        for seq_no, kind in enumerate(("STARTED", "UPDATED", "UPDATED", "ENDED")):
            await service.one(event_2x("t", kind, seq_no, 86_400 * use + 60 * seq_no, 1000 + 100 * use + 10 * seq_no))
            if not use and kind == "ENDED":
                await thinning.thin_old(service.database, before_us=service.clock() + 1)
    assert await stored(service) == (6, 1)
    assert await payloads(service, "t", generation=1) == [1, 0, 0, 1]
    assert await payloads(service, "t", generation=2) == [1, 1, 1, 1]
    await service.one(event_2x("t", "UPDATED", 2, 120, 1020))
    assert [(await service.get("t", generation=n)).event_count for n in (1, 2)] == [4, 4]


async def test_samples_are_kept_unless_a_setting_says_otherwise(service: Service) -> None:
    number = await play(service, "CP1")
    pass_days(service, 10_000)
    env = {"CSMS_AUTH_ADDRESS": "127.0.0.1:1", **mesh_environment("transaction")}
    days = [TransactionSettings.read(Environment(env | more)).sample_days for more in ({}, _SETTING)]
    assert days == [0, 400]
    tasks = [thinning_task(database=service.database, clock=service.clock, days=each) for each in days]
    assert [len(task) for task in tasks] == [0, 1]
    assert await payloads(service, number) == [1, 1, 1, 1, 1]
    thinning_in_background = asyncio.ensure_future(tasks[1][0]())

    async def is_thinned() -> bool:
        return await payloads(service, number) == [1, 0, 0, 0, 1]

    await eventually(is_thinned)
    thinning_in_background.cancel()


_SETTING = {"CSMS_SAMPLE_RETENTION_DAYS": "400"}


async def _outcome(service: Service, station: str, profile: dict[str, Any]) -> Sequence[object]:
    """The transactions of a station, before and after they are assessed by a profile."""
    found = await service.all(station_id=station)
    by_name = sorted(found, key=lambda found: (len(found.transaction_id), found.transaction_id, found.generation))
    names = list(dict.fromkeys(each.transaction_id for each in by_name))
    outcome = [bare(each) for each in by_name]
    if profile:
        await set_profile(service, station_id=station, **profile)
    for name in names:
        again = bare(await reassess(service, name, station=station))
        for field in ("reassess_time", "meter_profile_id"):
            again.ClearField(field)
        outcome.append(again)
    return outcome


@EXAMPLES
@given(st.data())
def test_energy_and_flags_of_1_6_are_those_of_all_samples(run: Run, data: st.DataObject) -> None:
    """For all readings and profiles, and for messages that come late or again after the thinning."""
    runner, service = run
    sessions = data.draw(sessions_16())
    sent = [(n, index) for n, session in enumerate(sessions) for index in range(len(session.events))]
    again = data.draw(st.lists(st.sampled_from(sent), max_size=4))
    others = [message for message in sent if message[1]]  # a late start has no number that values could name
    late = data.draw(st.sets(st.sampled_from(others), max_size=3)) if others else set()
    profile = data.draw(st.sampled_from(PROFILES))
    early = [message for message in sent if message not in late]

    async def report(station: str, *, thinned: bool) -> Sequence[object]:
        numbers = await report_16(service, station, sessions, [early])
        if thinned:
            await thinning.thin_old(service.database, before_us=service.clock() + 1)
        assert await report_16(service, station, sessions, [early, [*sorted(late), *again]]) == numbers
        return await _outcome(service, station, profile)

    whole, thin_one = f"A{next(_stations)}", f"B{next(_stations)}"
    assert runner.run(report(whole, thinned=False)) == runner.run(report(thin_one, thinned=True))


@EXAMPLES
@given(st.data())
def test_energy_and_flags_of_2_x_are_those_of_all_samples(run: Run, data: st.DataObject) -> None:
    """Sequence numbers and names that are used again included."""
    runner, service = run
    sessions = data.draw(sessions_2x())
    sent = [event for session in sessions for event in session.events]
    late = data.draw(st.sets(st.integers(0, len(sent) - 1), max_size=3))
    again = data.draw(st.lists(st.sampled_from(range(len(sent))), max_size=4))
    profile = data.draw(st.sampled_from(PROFILES))
    early = [event for n, event in enumerate(sent) if n not in late]

    async def report(station: str, *, thinned: bool) -> Sequence[object]:
        await _send(service, station, early)
        if thinned:
            await thinning.thin_old(service.database, before_us=service.clock() + 1)
        await _send(service, station, [sent[n] for n in (*sorted(late), *again)])
        return await _outcome(service, station, profile)

    whole, thin_one = f"A{next(_stations)}", f"B{next(_stations)}"
    assert runner.run(report(whole, thinned=False)) == runner.run(report(thin_one, thinned=True))


async def _send(service: Service, station: str, events: Sequence[TransactionEvent]) -> None:
    results = await service.send(*events, station=station)
    assert not any(result.HasField("error") for result in results), results
