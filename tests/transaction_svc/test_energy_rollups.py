"""EnergyService: energy and sessions of hours, days and months, as operators read them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.transaction.v1.energy_service_pb2 import (
    ROLLUP_GRANULARITY_DAY,
    ROLLUP_GRANULARITY_HOUR,
    ROLLUP_GRANULARITY_MONTH,
    ROLLUP_GROUP_CONNECTOR,
    ROLLUP_GROUP_STATION,
    ROLLUP_GROUP_TOTAL,
    EnergyRollup,
    ListEnergyRollupsRequest,
    ListEnergyRollupsResponse,
)
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.identity.callers import Scope, set_caller
from mesh.runtime.errors import MeshError
from tests.transaction_svc.kit import CONTEXT, START_US, VIEWER, Service, at, start_16, stop_16, values_16
from transaction_svc import models, rollup_reports

HOUR_S = 3600
# START_US is 2025-10-08T08:53:20Z.
MIDNIGHT = "2025-10-08T00:00:00Z"


def time(text: str) -> Timestamp:
    """A time, RFC 3339."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(text))
    return stamp


def seconds(text: str) -> float:
    """The same in seconds from the tests' begin."""
    return datetime.fromisoformat(text).timestamp() - START_US / 1_000_000


def moment(stamp: Timestamp) -> str:
    """A timestamp as text."""
    return stamp.ToJsonString().replace("Z", "")


async def ask(service: Service, **more: Any) -> ListEnergyRollupsResponse:
    """Reads a page as a viewer."""
    fields = {"start_time": time("2025-09-01T00:00:00Z"), "end_time": time("2025-11-01T00:00:00Z"), **more}
    if not more.get("kept"):
        set_caller(VIEWER)
    fields.pop("kept", None)
    return await service.energy.ListEnergyRollups(ListEnergyRollupsRequest(**fields), CONTEXT)


async def read(service: Service, **more: Any) -> Sequence[EnergyRollup]:
    """Reads all pages."""
    found: list[EnergyRollup] = []
    token = ""
    while True:
        page = await ask(service, page_token=token, **more)
        found += page.energy_rollups
        token = page.next_page_token
        if not token:
            return found


async def charge(
    service: Service,
    begin: str,
    hours: float,
    *,
    power_w: int = 12_000,
    station: str = "CP1",
    connector: int = 1,
    idle_hours: float = 0,
) -> None:
    """A session at constant power, with a sample each hour and when it is charged; then it stays connected."""
    begin_s = seconds(begin)
    start = start_16(begin_s, meter_start=1000, connector=connector)
    number = (await service.one(start, station=station)).transaction_id
    until = 1000 + round(power_w * hours)
    for hour in range(1, int(hours) + 1):
        sample = values_16(number, begin_s + hour * HOUR_S, 1000 + power_w * hour, connector=connector)
        await service.one(sample, station=station)
    if idle_hours:
        sample = values_16(number, begin_s + hours * HOUR_S, until, connector=connector)
        await service.one(sample, station=station)
    await service.one(stop_16(number, begin_s + (hours + idle_hours) * HOUR_S, until), station=station)
    await service.rollups.count_due()


def figures(rollups: Sequence[EnergyRollup]) -> list[tuple[str, float]]:
    """Begin and energy."""
    return [(moment(each.start_time), each.energy_wh) for each in rollups]


async def test_hours_of_a_session(service: Service) -> None:
    await charge(service, "2025-10-08T10:30:00Z", 2, idle_hours=1.5)
    found = await read(service)
    assert figures(found) == [
        ("2025-10-08T10:00:00", 6000),
        ("2025-10-08T11:00:00", 12000),
        ("2025-10-08T12:00:00", 6000),
        ("2025-10-08T13:00:00", 0),
        ("2025-10-08T14:00:00", 0),
    ]
    assert [each.connected_s for each in found] == [1800, 3600, 3600, 3600, 0]
    assert [each.charging_s for each in found] == [1800, 3600, 1800, 0, 0]
    assert [each.peak_power_w for each in found] == [12000, 12000, 12000, 0, 0]
    assert [(each.started_count, each.ended_count) for each in found] == [(1, 0), (0, 0), (0, 0), (0, 0), (0, 1)]
    assert {(each.station_id, each.evse_id, each.connector_id) for each in found} == {("CP1", 1, 1)}
    assert moment(found[0].end_time) == "2025-10-08T11:00:00"


async def test_days_and_months_are_those_of_the_time_zone(service: Service) -> None:
    """A session from 23:00 to 1:00 in Berlin, at the end of September, is one of two days and months there."""
    await charge(service, "2025-09-30T21:00:00Z", 2)
    by_day = {"granularity": ROLLUP_GRANULARITY_DAY}
    assert figures(await read(service, **by_day)) == [("2025-09-30T00:00:00", 24000)]
    assert figures(await read(service, time_zone="Europe/Berlin", **by_day)) == [
        ("2025-09-29T22:00:00", 12000),
        ("2025-09-30T22:00:00", 12000),
    ]
    by_month = {"granularity": ROLLUP_GRANULARITY_MONTH, "start_time": time("2025-08-01T00:00:00Z")}
    found = await read(service, time_zone="Europe/Berlin", **by_month)
    assert figures(found) == [("2025-08-31T22:00:00", 12000), ("2025-09-30T22:00:00", 12000)]
    assert moment(found[1].end_time) == "2025-10-31T23:00:00"
    hours = await read(service, time_zone="Asia/Kolkata", granularity=ROLLUP_GRANULARITY_HOUR)
    assert figures(hours) == [
        ("2025-09-30T20:30:00", 6000),
        ("2025-09-30T21:30:00", 12000),
        ("2025-09-30T22:30:00", 6000),
    ]


async def test_the_time_zone_is_that_of_the_sites_where_they_have_the_same(service: Service) -> None:
    """Else, and where stations stand in none, UTC."""
    await fleet(service)
    assert (await ask(service)).time_zone == "UTC"
    await stand(service, "CP1", "Europe/Berlin")
    assert (await ask(service, station_id="CP1")).time_zone == "Europe/Berlin"
    assert (await ask(service)).time_zone == "UTC"
    await stand(service, "CP2", "Europe/Berlin")
    page = await ask(service, granularity=ROLLUP_GRANULARITY_DAY, page_size=1)
    assert (page.time_zone, moment(page.energy_rollups[0].start_time)) == ("Europe/Berlin", "2025-10-07T22:00:00")
    assert (await ask(service, time_zone="Asia/Tokyo")).time_zone == "Asia/Tokyo"


async def stand(service: Service, station: str, time_zone: str) -> None:
    """Has a station stand in a site."""
    row = {"station_id": station, "time_zone": time_zone, "site_id": "s", "path": "/s/", "version": 1}
    inserting = sa.insert(models.station_placement).values(tenant_id="default", **row)
    await service.database.write(lambda connection: connection.execute(inserting))


async def test_periods_are_whole_and_begin_in_the_span(service: Service) -> None:
    await charge(service, "2025-10-08T10:30:00Z", 3)
    found = await read(service, start_time=time("2025-10-08T10:30:00Z"), end_time=time("2025-10-08T12:00:01Z"))
    assert figures(found) == [("2025-10-08T11:00:00", 12000), ("2025-10-08T12:00:00", 12000)]
    found = await read(service, start_time=time("2025-10-08T10:00:00Z"), end_time=time("2025-10-08T11:00:00Z"))
    assert figures(found) == [("2025-10-08T10:00:00", 6000)]
    nothing = {"start_time": time("2025-10-08T10:10:00Z"), "end_time": time("2025-10-08T10:50:00Z")}
    assert await read(service, **nothing) == []
    assert await read(service, group=ROLLUP_GROUP_TOTAL, **nothing) == []


async def fleet(service: Service) -> None:
    """Two stations with two connectors each, which charge at the same time."""
    for station in ("CP1", "CP2"):
        for connector in (1, 2):
            await charge(service, "2025-10-08T10:00:00Z", 2, station=station, connector=connector)
    await charge(service, "2025-10-09T10:00:00Z", 1, power_w=20_000, station="CP2")


async def test_connectors_are_summed_up(service: Service) -> None:
    """Their common peak too, which is not the sum of their peaks."""
    await fleet(service)
    by_day = {"granularity": ROLLUP_GRANULARITY_DAY}
    found = await read(service, group=ROLLUP_GROUP_CONNECTOR, **by_day)
    assert [(each.station_id, each.evse_id, each.energy_wh) for each in found] == [
        ("CP1", 1, 24000),
        ("CP1", 2, 24000),
        ("CP2", 1, 24000),
        ("CP2", 1, 20000),
        ("CP2", 2, 24000),
    ]
    found = await read(service, group=ROLLUP_GROUP_STATION, **by_day)
    assert [(each.station_id, each.evse_id, each.energy_wh, each.peak_power_w) for each in found] == [
        ("CP1", 0, 48000, 24000),
        ("CP2", 0, 48000, 24000),
        ("CP2", 0, 20000, 20000),
    ]
    found = await read(service, group=ROLLUP_GROUP_TOTAL, **by_day)
    assert [(each.station_id, each.energy_wh, each.peak_power_w) for each in found] == [
        ("", 96000, 48000),
        ("", 20000, 20000),
    ]
    assert [(each.started_count, each.ended_count, each.connected_s) for each in found] == [(4, 4, 28800), (1, 1, 3600)]


async def test_a_filter_selects_the_connectors(service: Service) -> None:
    await fleet(service)
    more = {"group": ROLLUP_GROUP_TOTAL, "granularity": ROLLUP_GRANULARITY_DAY}
    assert figures(await read(service, filter='station_id = "CP1" AND evse_id = 2', **more)) == [
        ("2025-10-08T00:00:00", 24000)
    ]
    assert figures(await read(service, station_id="CP2", **more)) == [
        ("2025-10-08T00:00:00", 48000),
        ("2025-10-09T00:00:00", 20000),
    ]
    assert await read(service, station_id="CP3", **more) == []
    assert await read(service, station_id="CP\x00", **more) == []


@pytest.mark.parametrize("group", [ROLLUP_GROUP_CONNECTOR, ROLLUP_GROUP_STATION, ROLLUP_GROUP_TOTAL])
@pytest.mark.parametrize("more", [{}, {"filter": "evse_id < 9"}])
async def test_pages_are_the_list_in_parts(
    service: Service, monkeypatch: pytest.MonkeyPatch, group: Any, more: dict[str, Any]
) -> None:
    """Of any size, and with any limit of the days that are read at once or for one page."""
    await fleet(service)
    whole = await read(service, group=group, page_size=1000, **more)
    assert len(whole) > 2
    for size in (2, 3):
        assert await read(service, group=group, page_size=size, **more) == whole
    monkeypatch.setattr(rollup_reports, "_MOST_AT_ONCE", 1)
    monkeypatch.setattr(rollup_reports, "_MOST_OF_PAGE", 7)
    assert await read(service, group=group, page_size=1, **more) == whole


async def test_a_page_token_belongs_to_its_request(service: Service) -> None:
    await fleet(service)
    token = (await ask(service, page_size=1)).next_page_token
    with pytest.raises(MeshError) as caught:
        await ask(service, page_size=1, page_token=token, time_zone="Europe/Berlin")
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


async def test_a_tenant_sees_its_own(service: Service) -> None:
    """And a caller whose role covers some sites only does not see the sums of all."""
    await fleet(service)
    other = start_16(seconds("2025-10-08T10:00:00Z"), meter_start=1000)
    results = await service.send_items([service.item(other, tenant="other")])
    stop = stop_16(results[0].transaction_id, seconds("2025-10-08T11:00:00Z"), 8000)
    await service.send_items([service.item(stop, tenant="other")])
    assert (await ask(service)).pending_count == 0
    set_caller(replace(VIEWER, tenant_id="other"))
    assert (await ask(service, kept=True)).pending_count == 1
    await service.rollups.count_due()
    more = {"group": ROLLUP_GROUP_TOTAL, "granularity": ROLLUP_GRANULARITY_MONTH}
    assert figures((await ask(service, kept=True, **more)).energy_rollups) == [("2025-10-01T00:00:00", 7000)]
    assert figures(await read(service, **more)) == [("2025-10-01T00:00:00", 116000)]
    set_caller(VIEWER, Scope(is_whole=False, site_ids=frozenset({"s"})))
    for group in (ROLLUP_GROUP_TOTAL, ROLLUP_GROUP_CONNECTOR):
        assert not (await ask(service, kept=True, group=group)).energy_rollups


async def test_energy_that_is_doubted_is_shown_apart(service: Service) -> None:
    number = (await service.one(start_16(0, meter_start=0))).transaction_id
    await service.one(values_16(number, 60, 5_000_000))
    await service.one(stop_16(number, 600, 5_000_500))
    await charge(service, "2025-10-08T08:00:00Z", 0.5, connector=2)
    found = await read(service, group=ROLLUP_GROUP_TOTAL, granularity=ROLLUP_GRANULARITY_DAY)
    assert [(each.energy_wh, each.flagged_energy_wh) for each in found] == [(6500, 500)]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("end_time", {"end_time": at(-86_400 * 60)}),
        ("end_time", {"end_time": at(86_400 * 4000)}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("granularity", {"granularity": 9}),
        ("group", {"group": 9}),
        ("start_time", {"start_time": Timestamp(seconds=2**50)}),
    ],
)
async def test_wrong_requests_are_refused(service: Service, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(MeshError) as caught:
        await ask(service, **wrong)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": field})
