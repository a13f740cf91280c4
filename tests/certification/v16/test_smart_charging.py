"""Charging profiles, and what comes of them."""

from typing import Any

import pytest
from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1 import charging_profile_pb2 as profiles
from csms.station.v1 import charging_profile_service_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub

from mesh.runtime.times import now_us, to_timestamp
from tests.certification.played_station import now
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
SCHEDULE = {
    "start_time": to_timestamp(now_us()),
    "duration_s": 86_400,
    "charging_rate_unit": profiles.CHARGING_RATE_UNIT_AMPERES,
    "periods": [
        {"start_period_s": 0, "limit": 6.0, "number_phases": 3},
        {"start_period_s": 3_600, "limit": 16.1, "number_phases": 3},
    ],
}
PERIODS = [
    {"startPeriod": 0, "limit": 6.0, "numberPhases": 3},
    {"startPeriod": 3_600, "limit": 16.1, "numberPhases": 3},
]


def _profile(purpose: str, **more: Any) -> dict[str, Any]:
    return {
        "stack_level": 1,
        "purpose": profiles.ChargingProfilePurpose.Value(f"CHARGING_PROFILE_PURPOSE_{purpose}"),
        "kind": profiles.CHARGING_PROFILE_KIND_ABSOLUTE,
        "schedules": [SCHEDULE],
        **more,
    }


async def _set(charge_point: ChargePoint, profile: Any) -> tuple[Any, int]:
    """A profile for connector 1, which is taken; returns what was sent of it, and its number."""
    action, payload, told = await charge_point.told("SetChargingProfile", ACCEPTED, evse_id=1, charging_profile=profile)
    assert (action, payload["connectorId"]) == ("SetChargingProfile", 1)
    assert told.status == profiles.CHARGING_PROFILE_STATUS_ACCEPTED
    sent = payload["csChargingProfiles"]
    assert sent["chargingProfileId"] == told.charging_profile_id
    assert (sent["stackLevel"], sent["chargingProfileKind"]) == (1, "Absolute")
    assert sent["chargingSchedule"]["chargingRateUnit"] == "A"
    assert sent["chargingSchedule"]["chargingSchedulePeriod"] == PERIODS
    return sent, told.charging_profile_id


async def _held(charge_point: ChargePoint) -> list[int]:
    """The profiles that the charge point holds, as the mesh knows it."""
    request = charging_profile_service_pb2.ListChargingProfilesRequest(
        station_id=charge_point.station_id, filter="state = ACTIVE"
    )
    service: Any = ChargingProfileServiceStub(charge_point.mesh.station_channel)
    response = await service.ListChargingProfiles(request, metadata=charge_point.mesh.metadata, timeout=TIMEOUT_S)
    return [found.charging_profile.charging_profile_id for found in response.charging_profiles]


async def test_tc_056_csms(charge_point: ChargePoint) -> None:
    """A default profile for transactions."""
    sent, number = await _set(charge_point, _profile("TX_DEFAULT_PROFILE"))
    assert sent["chargingProfilePurpose"] == "TxDefaultProfile"
    assert "transactionId" not in sent
    assert await _held(charge_point) == [number]


async def test_tc_057_csms(charge_point: ChargePoint) -> None:
    """A profile for the transaction that goes on; it is gone with it."""
    transaction = await charge_point.charge()
    sent, number = await _set(charge_point, _profile("TX_PROFILE", transaction_id=str(transaction)))
    assert sent["chargingProfilePurpose"] == "TxProfile"
    assert sent["transactionId"] == transaction
    assert await _held(charge_point) == [number]
    await charge_point.finish(transaction)


async def test_tc_059_csms(charge_point: ChargePoint) -> None:
    """A remote start that brings its profile with it."""
    action, payload, told = await charge_point.told(
        "RequestStartTransaction",
        ACCEPTED,
        evse_id=1,
        id_token={"id_token": charge_point.tag},
        charging_profile=_profile("TX_PROFILE"),
    )
    assert action == "RemoteStartTransaction"
    profile = payload.pop("chargingProfile")
    assert payload == {"connectorId": 1, "idTag": charge_point.tag}
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == PERIODS
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED
    await charge_point.status("Preparing")
    number = await charge_point.start()
    await charge_point.status("Charging")
    await charge_point.finish(number)


async def test_tc_066_csms(charge_point: ChargePoint) -> None:
    """The composite schedule of all profiles."""
    await _set(charge_point, _profile("TX_DEFAULT_PROFILE"))
    schedule = {"duration": 300, "chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS}
    answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": now(), "chargingSchedule": schedule}
    action, payload, told = await charge_point.told("GetCompositeSchedule", answer, evse_id=1, duration_s=300)
    assert (action, payload) == ("GetCompositeSchedule", {"connectorId": 1, "duration": 300})
    assert told.status_info == StatusInfo()
    assert told.schedule.evse.evse_id == 1
    assert told.schedule.duration_s == 300
    assert [(period.start_period_s, period.limit) for period in told.schedule.periods] == [(0, 6.0), (3_600, 16.1)]


async def test_tc_067_csms(charge_point: ChargePoint) -> None:
    """A profile is cleared by its number, then others by what they are for, then one that is not there."""
    _sent, number = await _set(charge_point, _profile("TX_DEFAULT_PROFILE"))
    action, payload, told = await charge_point.told("ClearChargingProfile", ACCEPTED, charging_profile_id=number)
    assert (action, payload) == ("ClearChargingProfile", {"id": number})
    assert told.status == profiles.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED
    assert await _held(charge_point) == []
    await _set(charge_point, _profile("TX_DEFAULT_PROFILE"))
    purpose = profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
    criteria = {"evse_id": 1, "purpose": purpose, "stack_level": 1}
    _action, payload, told = await charge_point.told("ClearChargingProfile", ACCEPTED, criteria=criteria)
    assert payload == {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    assert await _held(charge_point) == []
    _action, _payload, told = await charge_point.told(
        "ClearChargingProfile", {"status": "Unknown"}, charging_profile_id=number
    )
    assert told.status == profiles.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN
