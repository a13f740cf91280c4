"""Conditions of a station, quirks of its handshake, and the end of its socket."""

from typing import TypeAlias

import pytest
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc.conftest import StationSystem, attempt, fails_with, of_tenant
from tests.waiting import until

UNRESPONSIVE = station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE
CLOCK_SKEW = station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
BOOT_REFUSED = station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED
Kind: TypeAlias = station_pb2.StationConditionType.ValueType


async def test_a_condition_begins_changes_and_ends(system: StationSystem, clock: FakeClock) -> None:
    """Seen as long as it lasts, since when it began; told when it begins and when it ends, not when it changes."""
    await system.open("CP1")
    began_us = clock()
    await _report(system, "CP1", (CLOCK_SKEW, -3600))
    clock.advance(60)
    await _report(system, "CP1", (CLOCK_SKEW, -3700), (UNRESPONSIVE, 2))
    skew, silence = sorted((await system.station("CP1")).conditions, key=lambda condition: -condition.type)
    assert (skew.type, skew.clock_skew_s, skew.unanswered_calls) == (CLOCK_SKEW, -3700, 0)
    assert skew.begin_time.ToMicroseconds() == began_us
    assert skew.update_time.ToMicroseconds() == clock()
    assert (silence.type, silence.unanswered_calls, silence.clock_skew_s) == (UNRESPONSIVE, 2, 0)
    await _report(system, "CP1", (CLOCK_SKEW, 0), (UNRESPONSIVE, 0))
    assert not (await system.station("CP1")).conditions
    assert [(kind, data) for kind, _station, data in await system.events("station.condition")] == [
        ("station.condition_began", {"type": "STATION_CONDITION_TYPE_CLOCK_SKEW", "clockSkewS": -3600}),
        ("station.condition_began", {"type": "STATION_CONDITION_TYPE_UNRESPONSIVE", "unansweredCalls": 2}),
        ("station.condition_ended", {"type": "STATION_CONDITION_TYPE_CLOCK_SKEW"}),
        ("station.condition_ended", {"type": "STATION_CONDITION_TYPE_UNRESPONSIVE"}),
    ]


async def test_a_condition_may_come_back(system: StationSystem, clock: FakeClock) -> None:
    """It begins anew, and is published anew; a report that comes twice is published once."""
    await system.open("CP1")
    for size in (1, 1, 0, 0, 1):
        await _report(system, "CP1", (UNRESPONSIVE, size))
        clock.advance(1)
    [condition] = (await system.station("CP1")).conditions
    assert condition.begin_time.ToMicroseconds() == clock() - 1_000_000
    kinds = [kind.removeprefix("station.condition_") for kind, *_rest in await system.events("station.condition")]
    assert kinds == ["began", "ended", "began"]


async def test_refused_boots_are_added_up_with_their_reason(system: StationSystem, clock: FakeClock) -> None:
    """Over connections, each report once; why and when the last one was; in the list's filter, and told as an event."""
    await system.open("CP1")
    await system.open("CP2")
    began_us = clock()
    await _report(system, "CP1", (BOOT_REFUSED, 2), reason="TypeConstraintViolation: first")
    await _report(system, "CP1", (BOOT_REFUSED, 2), reason="TypeConstraintViolation: first")
    clock.advance(60)
    await _report(system, "CP1", (BOOT_REFUSED, 1), reason="TypeConstraintViolation: chargePointModel is missing.")
    [condition] = (await system.station("CP1")).conditions
    assert (condition.type, condition.refused_boots) == (BOOT_REFUSED, 3)
    assert condition.reason == "TypeConstraintViolation: chargePointModel is missing."
    assert condition.begin_time.ToMicroseconds() == began_us
    assert condition.update_time.ToMicroseconds() == clock()
    assert await _listed(system, "boot_refused = true") == ["CP1"]
    clock.advance(1)
    await _report(system, "CP1", (BOOT_REFUSED, 0))
    assert await _listed(system, "boot_refused = true") == []
    kind = "STATION_CONDITION_TYPE_BOOT_REFUSED"
    assert [(name, data) for name, _station, data in await system.events("station.condition")] == [
        (
            "station.condition_began",
            {"type": kind, "refusedBoots": 2, "reason": "TypeConstraintViolation: first"},
        ),
        ("station.condition_ended", {"type": kind}),
    ]


async def test_an_older_report_changes_nothing(system: StationSystem, clock: FakeClock) -> None:
    """Reports of two gateways may arrive out of order: the later one counts."""
    await system.open("CP1")
    clock.advance(10)
    await _report(system, "CP1", (UNRESPONSIVE, 1))
    await _report(system, "CP1", (UNRESPONSIVE, 0), late_s=5)
    assert len((await system.station("CP1")).conditions) == 1
    await _report(system, "CP1", (UNRESPONSIVE, 0))
    await _report(system, "CP1", (UNRESPONSIVE, 1), late_s=5)
    assert not (await system.station("CP1")).conditions


async def test_the_end_of_what_never_began_is_nothing(system: StationSystem) -> None:
    """Every connection's first answer shows that the station answers."""
    await system.open("CP1")
    await _report(system, "CP1", (UNRESPONSIVE, 0))
    assert not await system.events("station.condition")


async def test_many_stations_in_one_batch(system: StationSystem) -> None:
    """One that is unknown leaves its neighbours alone."""
    for number in range(3):
        await system.open(f"CP{number}")
    items = [_sighting(system, f"CP{number}", (CLOCK_SKEW, 400 + number)) for number in range(5)]
    await system.ingest.RecordSightings(ingest_pb2.RecordSightingsRequest(items=items))
    for number in range(3):
        [condition] = (await system.station(f"CP{number}")).conditions
        assert condition.clock_skew_s == 400 + number
    assert len(await system.events("station.condition")) == 3


async def test_stations_can_be_found_by_what_is_wrong(system: StationSystem) -> None:
    for number in range(3):
        await system.open(f"CP{number}")
    await _report(system, "CP0", (UNRESPONSIVE, 1), (CLOCK_SKEW, 400))
    await _report(system, "CP1", (CLOCK_SKEW, 400))
    await _report(system, "CP2", (UNRESPONSIVE, 3))
    await _report(system, "CP2", (UNRESPONSIVE, 0))
    for filter_text, expected in (
        ("unresponsive = true", ["CP0"]),
        ("clock_skewed = true", ["CP0", "CP1"]),
        ("clock_skewed = true AND unresponsive = false", ["CP1"]),
        ("unresponsive = false", ["CP1", "CP2"]),
    ):
        page = await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter=filter_text))
        assert [station.station_id for station in page.stations] == expected


async def test_a_removed_station_leaves_no_condition(system: StationSystem) -> None:
    """One of the same name that comes later begins without."""
    await system.open("CP1")
    await _report(system, "CP1", (UNRESPONSIVE, 1))
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    await system.open("CP1")
    assert not (await system.station("CP1")).conditions


async def test_another_version_than_before_is_odd(system: StationSystem) -> None:
    """Quirk 3: told to the gateway that lets the station in, also where the socket before is closed."""
    epoch = await system.open("CP1")
    assert list((await system.attempt(_attempt_with("2.0.1")))[0].quirks) == ["version_changed"]
    assert list((await system.attempt(_attempt_with("2.0.1")))[0].quirks) == []
    await system.close("CP1", epoch)
    both = await system.attempt(_attempt_with("1.6"), _attempt_with("2.0.1"))
    assert [list(result.quirks) for result in both] == [["version_changed"], ["version_changed"]]


async def test_a_decoded_credential_is_odd(system: StationSystem) -> None:
    """Quirk 7: counted, and good all the same."""
    credential = await system.create("CP1")
    given, decoded = await system.attempt(
        attempt("CP1", credential=credential.encode()), attempt("CP1", credential=bytes.fromhex(credential))
    )
    assert (list(given.quirks), list(decoded.quirks)) == ([], ["credential_decoded"])
    assert not decoded.HasField("error")


@pytest.mark.parametrize(
    ("after_s", "reason", "odd"),
    [
        (60, station_pb2.BOOT_REASON_POWER_UP, ["rebooted_soon"]),
        (60, station_pb2.BOOT_REASON_TRIGGERED, []),
        (601, station_pb2.BOOT_REASON_POWER_UP, []),
    ],
)
async def test_a_boot_soon_after_another_is_odd(
    system: StationSystem, clock: FakeClock, after_s: int, reason: station_pb2.BootReason.ValueType, odd: list[str]
) -> None:
    """Quirk 24: but not where it was asked for."""
    epoch = await system.open("CP1")
    [first] = await system.boot(system.boot_item("CP1", epoch))
    assert list(first.quirks) == []
    clock.advance(after_s)
    item = system.boot_item("CP1", epoch)
    item.reason = reason
    [second] = await system.boot(item)
    assert list(second.quirks) == odd


async def test_an_operator_closes_a_connection(system: StationSystem) -> None:
    """The gateway that holds the socket closes it with 1012: come back."""
    epoch = await system.open("CP1")
    request = station_service_pb2.CloseConnectionRequest(station_id="CP1")
    assert (await system.stations.CloseConnection(request)).epoch == epoch
    await until(lambda: system.gateway.closed == [("CP1", epoch, 1012)])
    with fails_with("STATION_NOT_FOUND"):
        await system.stations.CloseConnection(request, metadata=of_tenant("other"))
    await system.close("CP1", epoch)
    with fails_with("STATION_OFFLINE"):
        await system.stations.CloseConnection(request)
    assert len(system.gateway.closed) == 1


def _attempt_with(version: str) -> ingest_pb2.OpenConnectionItem:
    item = attempt("CP1")
    item.ocpp_version = version
    return item


def _sighting(system: StationSystem, station_id: str, *sizes: tuple[Kind, int], late_s: int = 0) -> ingest_pb2.Sighting:
    time = to_timestamp(system.clock() - late_s * 1_000_000)
    return ingest_pb2.Sighting(
        tenant_id="default",
        station_id=station_id,
        seen_time=time,
        conditions=[ingest_pb2.ConditionReport(type=kind, size=size, report_time=time) for kind, size in sizes],
    )


async def _report(
    system: StationSystem, station_id: str, *sizes: tuple[Kind, int], late_s: int = 0, reason: str = ""
) -> None:
    item = _sighting(system, station_id, *sizes, late_s=late_s)
    for report in item.conditions:
        report.reason = reason
    await system.ingest.RecordSightings(ingest_pb2.RecordSightingsRequest(items=[item]))


async def _listed(system: StationSystem, filter_text: str) -> list[str]:
    page = await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter=filter_text))
    return [station.station_id for station in page.stations]
