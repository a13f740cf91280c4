"""Present power of transactions, and what operators see of all of them at once."""

from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1 import meter_value_pb2 as meter
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_service_pb2 import GetTransactionSummaryRequest, TransactionSummary

from mesh.identity.callers import Scope, set_caller
from mesh.placements import store as placement_store
from mesh.placements.store import Placement
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.transaction_svc.kit import (
    CONTEXT,
    START_US,
    VIEWER,
    Service,
    booted,
    event_2x,
    register,
    start_16,
    stop_16,
    values_16,
)
from transaction_svc.models import PLACEMENTS

HOUR_S = 3600


async def _power(service: Service, number: str) -> float | None:
    found = await service.get(number)
    return found.power_w if found.HasField("power_w") else None


async def test_power_is_that_between_the_two_latest_readings(service: Service) -> None:
    """In the transaction and in its events; not known before there are two, and none once it has ended."""
    number = (await service.one(start_16())).transaction_id
    assert await _power(service, number) is None
    await service.one(values_16(number, 60, 1100))
    assert await _power(service, number) == 6000
    service.clock.advance(60)
    await service.one(values_16(number, 120, 1183))
    assert await _power(service, number) == 4980
    service.clock.advance(60)
    await service.one(values_16(number, 180, 1183))
    assert await _power(service, number) == 0
    assert [data["powerW"] for _kind, data in await service.published("transaction.updated")] == [4980, 0]
    await service.one(stop_16(number, 240, 1200))
    assert await _power(service, number) is None
    (_kind, ended), *_others = await service.published("transaction.ended")
    assert "powerW" not in ended


async def test_readings_that_come_late_change_nothing(service: Service) -> None:
    """Power is of the latest ones by the station's time, in any order of arrival."""
    number = (await service.one(start_16())).transaction_id
    for seconds, value in ((120, 1300), (60, 1100), (180, 1310)):
        await service.one(values_16(number, seconds, value))
    assert await _power(service, number) == 600


async def test_power_is_nothing_while_charging_is_suspended(service: Service) -> None:
    await service.one(event_2x("A", "STARTED", 0, 0, 1000, charging_state=tx.CHARGING_STATE_CHARGING))
    await service.one(event_2x("A", "UPDATED", 1, 60, 1100))
    assert await _power(service, "A") == 6000
    suspended = event_2x("A", "UPDATED", 2, 70, charging_state=tx.CHARGING_STATE_SUSPENDED_EV)
    await service.one(suspended)
    assert await _power(service, "A") == 0
    await service.one(event_2x("A", "UPDATED", 3, 120, 1120, charging_state=tx.CHARGING_STATE_CHARGING))
    assert await _power(service, "A") == 1200


async def test_a_coarse_register_gives_the_mean(service: Service) -> None:
    """One that counts whole kilowatt-hours shows 0 and 60 kW by turns; its mean since the begin does not."""
    number = (await service.one(start_16(meter_start=5000))).transaction_id
    for minute, value in ((10, 6000), (11, 6000), (12, 7000)):
        await service.one(values_16(number, 60 * minute, value))
    assert await _power(service, number) == 10_000


async def test_power_is_never_more_than_the_evse_has(service: Service) -> None:
    number = (await service.one(start_16())).transaction_id
    await service.one(values_16(number, 1, 2000))
    power = await _power(service, number)
    assert power is not None
    assert power <= 400_000


async def _summary(service: Service, **request: Any) -> TransactionSummary:
    response = await service.operator.GetTransactionSummary(GetTransactionSummaryRequest(**request), CONTEXT)
    return response.summary


async def _charge(service: Service, station: str, watts: int, **more: Any) -> str:
    number = (await service.one(start_16(**more), station=station)).transaction_id
    await service.one(values_16(number, HOUR_S, 1000 + watts), station=station)
    return number


async def test_the_sum_of_open_transactions(service: Service) -> None:
    """Ended ones, other tenants and unmatched events are not counted; a silent one has no power any more."""
    number = await _charge(service, "CP1", 2000)
    await _charge(service, "CP2", 3000)
    await service.one(start_16(), station="CP3")
    await service.send_items([service.item(start_16(), station="CP9", tenant="other")])
    await service.one(values_16("999", 10, 1010), station="CP4")
    set_caller(VIEWER)
    found = await _summary(service)
    assert (found.active_count, found.power_w, found.power_count, found.hanging_count) == (3, 5000, 2, 0)
    await service.one(stop_16(number, 2 * HOUR_S, 5000), station="CP1")
    set_caller(VIEWER)
    found = await _summary(service)
    assert (found.active_count, found.power_w, found.power_count) == (2, 3000, 1)
    await service.notify(booted(), station="CP2")
    service.clock.advance(1801)
    set_caller(VIEWER)
    found = await _summary(service)
    assert (found.active_count, found.power_w, found.power_count, found.hanging_count) == (2, 0, 0, 1)


async def test_scope_and_filter(service: Service) -> None:
    await _charge(service, "CP1", 2000)
    await _charge(service, "CP2", 3000)
    placement = Placement(
        tenant_id="default", station_id="CP2", site_id="bonn", path="/bonn/", time_zone="Europe/Berlin", version=1
    )
    await service.database.write(
        lambda connection: placement_store.record(
            connection, PLACEMENTS, placements=[placement], after_version=0, reset=False
        )
    )
    other = (await service.one(start_16(connector=2, id_tag="B"), station="CP2")).transaction_id
    await service.one(stop_16(other, 60, 1500, id_tag="B"), station="CP2")
    await service.rollups.count_due()
    set_caller(VIEWER, Scope(is_whole=False, site_ids=frozenset({"bonn"})))
    found = await _summary(service)
    assert (found.active_count, found.power_w, found.time_zone) == (1, 3000, "Europe/Berlin")
    set_caller(VIEWER)
    assert (await _summary(service, filter="NOT site:bonn")).power_w == 2000
    assert (await _summary(service, filter='station_id = "CP2"')).power_w == 3000
    with pytest.raises(MeshError, match="INVALID_FILTER"):
        await _summary(service, filter="power_w > 5")


async def test_the_energy_of_the_day_by_hour(service: Service) -> None:
    """In the zone that is asked for; what was charged before its midnight is not of the day."""
    number = (await service.one(start_16())).transaction_id
    for hour in range(1, 4):
        await service.one(values_16(number, hour * HOUR_S, 1000 + hour * 1000))
    await service.one(stop_16(number, 4 * HOUR_S, 5000))
    service.clock.us = START_US + 4 * HOUR_S * SECOND_US
    await service.rollups.count_due()
    set_caller(VIEWER)
    utc = await _summary(service)
    assert utc.time_zone == "UTC"
    assert utc.energy_wh == pytest.approx(4000)
    assert sum(hour.energy_wh for hour in utc.hours) == pytest.approx(4000)
    starts = [hour.start_time.seconds for hour in utc.hours]
    assert starts == sorted(starts)
    assert all(start % HOUR_S == 0 for start in starts)
    # 08:53 UTC is 17:53 in Tokyo, and 00:53 of the next day comes 7 hours later.
    tokyo = await _summary(service, time_zone="Asia/Tokyo")
    assert tokyo.day_start_time == to_timestamp((START_US // SECOND_US // 86_400 * 86_400 - 9 * HOUR_S) * SECOND_US)
    assert tokyo.energy_wh == pytest.approx(4000)
    service.clock.advance(8 * HOUR_S)
    assert (await _summary(service, time_zone="Asia/Tokyo")).energy_wh == 0
    with pytest.raises(MeshError, match="time_zone"):
        await _summary(service, time_zone="Mars/Olympus")


async def test_the_sum_reads_the_index_on_open_transactions(service: Service) -> None:
    """No index that begins with the tenant, and not the table: most of it has ended long ago."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        statements.append((statement, parameters))

    sa.event.listen(service.database.engine, "before_cursor_execute", note)
    set_caller(VIEWER)
    await _summary(service)
    statement, parameters = next(pair for pair in statements if "power_w" in pair[0])
    is_sqlite = service.database.engine.dialect.name == "sqlite"

    with service.database.engine.begin() as connection:
        if not is_sqlite:  # a table of a few rows is read whole otherwise
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        asked = f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}"
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(asked, parameters))

    assert "tx_open_" in plan, plan
    assert "tx_newest" not in plan, plan


def _power_sample(value: str, unit: str = "W", **more: Any) -> meter.SampledValue:
    return meter.SampledValue(value=value, unit=unit, measurand=meter.MEASURAND_POWER_ACTIVE_IMPORT, **more)


async def test_the_power_that_a_station_measured_comes_before_that_of_its_register(service: Service) -> None:
    """In any unit; summed over its phases, unless it reports their sum; at the outlet rather than elsewhere."""
    number = (await service.one(start_16())).transaction_id
    phases = [_power_sample("2.4", "kW", phase=phase) for phase in (meter.PHASE_L1, meter.PHASE_L2, meter.PHASE_L3)]
    cases: list[tuple[list[meter.SampledValue], int]] = [
        ([_power_sample("7400")], 7400),
        (phases, 7200),
        ([*phases, _power_sample("7300.9")], 7300),
        ([_power_sample("3", "kW", location=meter.MEASURAND_LOCATION_BODY), _power_sample("2900")], 2900),
        ([_power_sample("11", multiplier=3)], 11_000),
        ([_power_sample("-200")], 0),
        ([_power_sample("6000000")], 400_000),
    ]
    for minute, (samples, watts) in enumerate(cases, 1):
        await service.one(values_16(number, 60 * minute, 0, samples=[register(1000 + 100 * minute), *samples]))
        assert await _power(service, number) == watts


async def test_a_register_that_is_read_later_counts_again(service: Service) -> None:
    """A station that reports its power once does not keep it; one of another quantity has none."""
    number = (await service.one(start_16())).transaction_id
    await service.one(values_16(number, 60, 0, samples=[register(1100), _power_sample("7400")]))
    await service.one(values_16(number, 120, 1150))
    assert await _power(service, number) == 3000
    await service.one(values_16(number, 180, 0, samples=[register(1250), _power_sample("7400", "VA")]))
    assert await _power(service, number) == 6000


async def test_measured_power_is_that_of_the_latest_time_in_any_order(service: Service) -> None:
    number = (await service.one(start_16())).transaction_id
    for seconds, watts in ((120, "3000"), (60, "7000"), (90, "9000")):
        await service.one(values_16(number, seconds, 0, samples=[_power_sample(watts)]))
    assert await _power(service, number) == 3000
    await service.one(values_16(number, 30, 1001))  # out of order: its transaction is built anew
    assert await _power(service, number) == 3000
