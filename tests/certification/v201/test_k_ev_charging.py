"""Block K, vehicles that negotiate (K15 to K17). Of each case the name is known; its steps are our reading."""

from typing import Any

import pytest
from csms.station.v1 import charging_profile_pb2 as profiles
from csms.station.v1 import charging_profile_service_pb2 as service
from csms.station.v1 import ev_charging_pb2 as ev
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub

from tests.certification.played_station import now
from tests.certification.v201.charging import ACCEPTED, make_profile, make_schedule, set_limit, set_profile
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

AC_NEEDS = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230}


async def _needs(station: ChargingStation, **more: Any) -> str:
    """A vehicle of three phases tells what it needs; returns the status of the answer."""
    needs = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": AC_NEEDS}
    answer = await station.call("NotifyEVChargingNeeds", evseId=1, chargingNeeds=needs, **more)
    status: str = answer["status"]
    return status


async def _gets_profile(station: ChargingStation, status: str = "Accepted") -> Any:
    """The profile that follows, which the station answers so; returns its schedule."""
    action, payload = await station.next_call({"status": status})
    assert (action, payload["evseId"]) == ("SetChargingProfile", 1)
    profile = payload["chargingProfile"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", station.transaction_id)
    [schedule] = profile["chargingSchedule"]
    return schedule


async def _chooses(station: ChargingStation, limit: float) -> None:
    """The vehicle chooses a schedule."""
    schedule = {
        "id": 1,
        "chargingRateUnit": "A",
        "duration": 600,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    answer = await station.call("NotifyEVChargingSchedule", timeBase=now(), evseId=1, chargingSchedule=schedule)
    assert answer == {"status": "Accepted"}


async def _vehicle(station: ChargingStation) -> Any:
    """The vehicle, as operators see it."""
    request = service.ListEvChargingRequest(station_id=station.station_id)
    stub: Any = ChargingProfileServiceStub(station.mesh.station_channel)
    response = await stub.ListEvCharging(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    [found] = response.ev_charging
    return found


async def _has(station: ChargingStation, state: int) -> Any:
    """Waits until the vehicle's profile has that state; returns the vehicle."""

    async def is_so() -> bool:
        return bool((await _vehicle(station)).state == state)

    await eventually(is_so)
    return await _vehicle(station)


async def test_tc_k_53_csms(station: ChargingStation) -> None:
    """K15: needs are accepted, a profile within the station's limits follows, and the vehicle keeps to it."""
    schedule = make_schedule(periods=[_period(10)], duration_s=200_000)
    maximum = make_profile("CHARGING_STATION_MAX_PROFILE", schedules=[schedule])
    await station.told("SetChargingProfile", ACCEPTED, charging_profile=maximum)
    await station.charge()
    assert await _needs(station) == "Accepted"
    sent = await _gets_profile(station)
    assert (sent["chargingRateUnit"], sent["minChargingRate"]) == ("A", 6)
    assert sent["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10, "numberPhases": 3}]
    await _has(station, ev.EV_CHARGING_STATE_ACTIVE)
    await _chooses(station, 10)
    found = await _vehicle(station)
    assert (found.transaction_id, found.exceeds_limits) == (station.transaction_id, False)
    assert found.needs.ac_parameters.max_current_a == 16
    assert [period.limit for period in found.ev_schedule.periods] == [10]


def _period(limit: float) -> profiles.ChargingSchedulePeriod:
    return profiles.ChargingSchedulePeriod(limit=limit)


async def test_tc_k_55_csms(station: ChargingStation) -> None:
    """K15 to K17: the vehicle chooses more than it may, and is sent the limits again; a limit from elsewhere counts."""
    await set_limit(station, evseId=1)
    await station.charge()
    assert await _needs(station, maxScheduleTuples=1) == "Accepted"
    schedule = await _gets_profile(station)
    assert [period["limit"] for period in schedule["chargingSchedulePeriod"]] == [8.1]
    await _has(station, ev.EV_CHARGING_STATE_ACTIVE)
    await _chooses(station, 12)
    assert (await _vehicle(station)).exceeds_limits
    await _gets_profile(station)
    found = await _has(station, ev.EV_CHARGING_STATE_ACTIVE)
    assert found.renegotiation_count == 1
    await _chooses(station, 8.1)
    assert not (await _vehicle(station)).exceeds_limits


async def test_tc_k_57_csms(station: ChargingStation) -> None:
    """K17: the vehicle tells other needs while it charges, and gets another profile."""
    await station.charge()
    assert await _needs(station) == "Accepted"
    first = await _gets_profile(station)
    await _has(station, ev.EV_CHARGING_STATE_ACTIVE)
    needs = {"requestedEnergyTransfer": "AC_single_phase", "acChargingParameters": AC_NEEDS | {"evMaxCurrent": 32}}
    answer = await station.call("NotifyEVChargingNeeds", evseId=1, chargingNeeds=needs)
    assert answer["status"] == "Accepted"
    second = await _gets_profile(station)
    periods = [schedule["chargingSchedulePeriod"][0] for schedule in (first, second)]
    assert [(period["limit"], period["numberPhases"]) for period in periods] == [(16, 3), (32, 1)]
    await _chooses(station, 32)
    assert not (await _vehicle(station)).exceeds_limits


async def test_tc_k_58_csms(station: ChargingStation) -> None:
    """K16: an operator sets another profile for the transaction; the vehicle's next schedule is held against that."""
    await station.charge()
    assert await _needs(station) == "Accepted"
    await _gets_profile(station)
    await _has(station, ev.EV_CHARGING_STATE_ACTIVE)
    schedule = make_schedule(periods=[_period(8)])
    stricter = make_profile("TX_PROFILE", transaction_id=station.transaction_id, schedules=[schedule])
    action, payload, _told = await station.told(
        "SetChargingProfile", ACCEPTED, evse={"evse_id": 1}, charging_profile=stricter
    )
    assert (action, payload["chargingProfile"]["transactionId"]) == ("SetChargingProfile", station.transaction_id)
    await _chooses(station, 12)
    assert (await _vehicle(station)).exceeds_limits
    assert (await _gets_profile(station))["chargingSchedulePeriod"][0]["limit"] == 8
    await _chooses(station, 8)
    assert not (await _vehicle(station)).exceeds_limits


async def test_tc_k_59_csms(station: ChargingStation) -> None:
    """K16: after an operator's profile the vehicle tells its needs again, which get a profile."""
    await station.charge()
    sent, _number = await set_profile(station, make_profile("TX_PROFILE", transaction_id=station.transaction_id))
    assert sent["transactionId"] == station.transaction_id
    assert await _needs(station) == "Accepted"
    await _gets_profile(station)
    await _has(station, ev.EV_CHARGING_STATE_ACTIVE)


async def test_needs_without_a_transaction(station: ChargingStation) -> None:
    """K15: no profile can follow, and the answer says so; nor does one follow that the station rejects."""
    assert await _needs(station) == "Rejected"
    assert (await _vehicle(station)).state == ev.EV_CHARGING_STATE_NO_TRANSACTION
    await station.charge()
    assert await _needs(station) == "Accepted"
    await _gets_profile(station, "Rejected")
    await _has(station, ev.EV_CHARGING_STATE_REJECTED)
