"""Charging profiles that stations report in parts, and limits from elsewhere, on both databases."""

from collections.abc import Sequence
from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import charging_limit_pb2 as limit_pb
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import charging_profile_service_pb2 as service_pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub

from mesh.runtime.times import SECOND_US
from station_svc.features.smart_charging import limits, reported
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import OFFLINE, answering, failing
from tests.station_svc.conftest import StationSystem, fails_with

DEFAULT = pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
EXTERNAL = pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS
EMS, SO, CSO = pb.CHARGING_LIMIT_SOURCE_EMS, pb.CHARGING_LIMIT_SOURCE_SO, pb.CHARGING_LIMIT_SOURCE_CSO
STARTED = pb.GET_CHARGING_PROFILES_STATUS_ACCEPTED
NONE = pb.GET_CHARGING_PROFILES_STATUS_NO_PROFILES


def _profile(profile_id: int, purpose: Any = DEFAULT, **more: Any) -> pb.ChargingProfile:
    schedule = pb.ChargingSchedule(
        charging_rate_unit=pb.CHARGING_RATE_UNIT_AMPERES, periods=[pb.ChargingSchedulePeriod(limit=8.1)]
    )
    return pb.ChargingProfile(
        charging_profile_id=profile_id,
        purpose=purpose,
        kind=pb.CHARGING_PROFILE_KIND_RELATIVE,
        schedules=[schedule],
        **more,
    )


def _answer(command: Any, status: Any = STARTED) -> Any:
    if isinstance(command, pb.GetChargingProfilesRequest):
        return pb.GetChargingProfilesResponse(status=status, report_id=command.report_id)
    return pb.SetChargingProfileResponse(
        status=pb.CHARGING_PROFILE_STATUS_ACCEPTED, charging_profile_id=command.charging_profile.charging_profile_id
    )


async def _open(system: StationSystem, status: Any = STARTED) -> int:
    system.gateway.behave = answering(lambda command: _answer(command, status))
    return await system.open("CP1", version="2.0.1")


async def _set(system: StationSystem, profile_id: int, *, evse_id: int = 1, **more: Any) -> None:
    request = pb.SetChargingProfileRequest(
        station_id="CP1", evse=EvseRef(evse_id=evse_id), charging_profile=_profile(profile_id, **more)
    )
    await system.commands.SetChargingProfile(request)


async def _ask(system: StationSystem, **more: Any) -> int:
    return (
        await system.commands.GetChargingProfiles(pb.GetChargingProfilesRequest(station_id="CP1", **more))
    ).report_id


async def _part(
    system: StationSystem,
    epoch: int,
    report_id: int,
    *profiles: pb.ChargingProfile,
    ordinal: int | None = None,
    **more: Any,
) -> None:
    fields = {"limit_source": CSO, "evse_id": 1} | more
    report = pb.ChargingProfileReport(report_id=report_id, charging_profiles=profiles, **fields)
    item = ingest_pb2.ReportItem(origin=system.origin("CP1", epoch, ordinal), charging_profile_report=report)
    [result] = await system.notify(item)
    assert not result.HasField("error"), result.error


async def _states(system: StationSystem) -> Sequence[tuple[int, str, str]]:
    """Number, state and source of each profile, oldest first."""
    stub: Any = ChargingProfileServiceStub(system.operators)
    found = await stub.ListChargingProfiles(service_pb.ListChargingProfilesRequest(station_id="CP1"))
    return [
        (
            one.charging_profile.charging_profile_id,
            service_pb.ChargingProfileState.Name(one.state).rpartition("_")[2],
            pb.ChargingLimitSource.Name(one.limit_source).rpartition("_")[2],
        )
        for one in reversed(found.charging_profiles)
    ]


async def test_reported_profiles_are_the_same_resource(system: StationSystem) -> None:
    """One that was set here is marked, others are added; a part that comes again changes nothing."""
    epoch = await _open(system)
    await _set(system, 1)
    report_id = await _ask(system)
    await _part(system, epoch, report_id, _profile(90, EXTERNAL), limit_source=EMS, evse_id=0, to_be_continued=True)
    for _time in range(2):
        await _part(system, epoch, report_id, _profile(1), _profile(2), ordinal=50)
    assert await _states(system) == [(1, "ACTIVE", "CSO"), (90, "ACTIVE", "EMS"), (2, "ACTIVE", "CSO")]
    kinds = [(kind, data["chargingProfileId"]) for kind, _station, data in await system.events("charging_profile.")]
    assert kinds == [("charging_profile.active", number) for number in (1, 90, 2)]
    assert await system.count(models.charging_profile_report) == 0


async def test_parts_that_come_twice_or_after_the_last_change_nothing(system: StationSystem) -> None:
    """Parts have no numbers: each that came again has the same profiles, and a late one has what is held too."""
    epoch = await _open(system)
    await _set(system, 1)
    await _set(system, 2, stack_level=2)
    report_id = await _ask(system)
    for _time in range(2):  # over another connection, since the answer was lost with the first
        await _part(system, epoch, report_id, _profile(1), to_be_continued=True)
        epoch = await _open(system)
    for _time in range(2):
        await _part(system, epoch, report_id, _profile(90, EXTERNAL), limit_source=EMS)
    assert await _states(system) == [(1, "ACTIVE", "CSO"), (2, "UNKNOWN", "CSO"), (90, "ACTIVE", "EMS")]
    before = await system.events("charging_profile.")
    await _part(system, epoch, report_id, _profile(1), to_be_continued=True)
    assert await system.events("charging_profile.") == before
    await _part(system, epoch, report_id, _profile(2, stack_level=2), to_be_continued=True)  # for the first time
    assert await _states(system) == [(1, "ACTIVE", "CSO"), (2, "ACTIVE", "CSO"), (90, "ACTIVE", "EMS")]
    assert await system.count(models.charging_profile_report) == 0


async def test_a_complete_report_without_a_profile(system: StationSystem) -> None:
    """Profiles that were set here are unknown then, those from elsewhere are gone; others were not asked for."""
    epoch = await _open(system)
    await _set(system, 1)
    await _set(system, 2, evse_id=2)
    first = await _ask(system, evse=EvseRef(evse_id=1))
    await _part(system, epoch, first, _profile(1), to_be_continued=True)
    await _part(system, epoch, first, _profile(90, EXTERNAL), limit_source=EMS)
    second = await _ask(system, evse=EvseRef(evse_id=1))
    assert second != first
    await _set(system, 3, stack_level=4)  # after the question: it need not be in the answer
    await _part(system, epoch, second, _profile(4, stack_level=7))
    assert await _states(system) == [
        (1, "UNKNOWN", "CSO"),
        (2, "ACTIVE", "CSO"),
        (90, "CLEARED", "EMS"),
        (3, "ACTIVE", "CSO"),
        (4, "ACTIVE", "CSO"),
    ]
    await _part(system, epoch, await _ask(system), _profile(1))
    assert (1, "ACTIVE", "CSO") in await _states(system)


async def test_a_station_that_has_none(system: StationSystem) -> None:
    """Its answer is the whole report."""
    await _open(system, NONE)
    await _set(system, 1)
    await _ask(system, criteria=pb.GetChargingProfilesCriteria(charging_profile_ids=[2]))
    assert await _states(system) == [(1, "ACTIVE", "CSO")]
    await _ask(system, criteria=pb.GetChargingProfilesCriteria(purpose=DEFAULT))
    assert await _states(system) == [(1, "UNKNOWN", "CSO")]


async def test_a_report_of_which_a_part_is_missing(system: StationSystem, clock: FakeClock) -> None:
    """It says so; what came stays, and nothing is concluded from what did not."""
    epoch = await _open(system)
    await _set(system, 1)
    report_id = await _ask(system)
    await _part(system, epoch, report_id, _profile(2), to_be_continued=True)
    clock.advance(reported.PART_WAIT_US // SECOND_US + 60)
    await system.housekeeper.end_due()
    assert await _states(system) == [(1, "ACTIVE", "CSO"), (2, "ACTIVE", "CSO")]
    [(_kind, _station, data)] = await system.events("charging_profile.report_incomplete")
    assert data == {"reportId": report_id, "partCount": 1}
    await _part(system, epoch, report_id, _profile(3))
    assert await _states(system) == [(1, "ACTIVE", "CSO"), (2, "ACTIVE", "CSO"), (3, "ACTIVE", "CSO")]


async def test_a_question_that_was_not_asked_leaves_nothing(system: StationSystem) -> None:
    await _open(system)
    system.gateway.behave = failing(OFFLINE)
    with fails_with(OFFLINE.reason):
        await _ask(system)
    assert await system.count(models.charging_profile_report) == 0


async def test_the_profiles_of_a_station_are_bounded(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported, "MOST_LIVE", 3)
    epoch = await _open(system)
    await _part(system, epoch, 7, *(_profile(number) for number in range(1, 6)))
    assert [number for number, _state, _source in await _states(system)] == [1, 2, 3]


# Limits from elsewhere


async def _limit(system: StationSystem, epoch: int, *, ordinal: int | None = None, **fields: Any) -> None:
    limit = limit_pb.ChargingLimit(**({"limit_source": EMS} | fields))
    [result] = await system.notify(
        ingest_pb2.ReportItem(origin=system.origin("CP1", epoch, ordinal), charging_limit=limit)
    )
    assert not result.HasField("error"), result.error


async def _clear(system: StationSystem, epoch: int, **fields: Any) -> None:
    clearing = limit_pb.ChargingLimitClearing(**({"limit_source": EMS} | fields))
    [result] = await system.notify(
        ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), charging_limit_clearing=clearing)
    )
    assert not result.HasField("error"), result.error


async def _limits(system: StationSystem, **more: Any) -> Sequence[tuple[int, int, bool, bool]]:
    """EVSE, source, whether in force, whether critical."""
    stub: Any = ChargingProfileServiceStub(system.operators)
    found = await stub.ListChargingLimits(service_pb.ListChargingLimitsRequest(station_id="CP1", **more))
    in_force = limit_pb.CHARGING_LIMIT_STATE_ACTIVE
    return [
        (one.evse_id, one.limit_source, one.state == in_force, one.is_grid_critical) for one in found.charging_limits
    ]


async def test_a_limit_is_replaced_and_cleared(system: StationSystem) -> None:
    """One of each source at each EVSE; a copy that comes late changes nothing."""
    epoch = await _open(system)
    await _limit(system, epoch, ordinal=10)
    await _limit(system, epoch, ordinal=12, is_grid_critical=True)
    await _limit(system, epoch, ordinal=11)
    await _limit(system, epoch, ordinal=13, limit_source=SO, evse_id=2)
    assert await _limits(system) == [(0, EMS, True, True), (2, SO, True, False)]
    system.ordinals[epoch] = 20
    await _clear(system, epoch)
    assert await _limits(system) == [(0, EMS, False, True), (2, SO, True, False)]
    assert await _limits(system, filter="state = ACTIVE AND limit_source = SO") == [(2, SO, True, False)]
    kinds = [kind for kind, _station, _data in await system.events("charging_limit.")]
    assert kinds == ["charging_limit.set"] * 3 + ["charging_limit.cleared"]


async def test_without_an_evse_all_limits_of_the_source_are_cleared(system: StationSystem) -> None:
    epoch = await _open(system)
    for evse_id in (0, 1, 2):
        await _limit(system, epoch, evse_id=evse_id)
    await _clear(system, epoch, evse_id=1)
    assert [one[2] for one in await _limits(system)] == [True, False, True]
    await _clear(system, epoch)
    assert [one[2] for one in await _limits(system)] == [False, False, False]
    assert len(await system.events("charging_limit.cleared")) == 3


async def test_the_limits_of_a_station_are_bounded(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_OF_STATION", 2)
    epoch = await _open(system)
    for evse_id in (1, 2, 3, 1):
        await _limit(system, epoch, evse_id=evse_id)
    assert [one[0] for one in await _limits(system)] == [1, 2]
