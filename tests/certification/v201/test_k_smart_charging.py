"""Block K, smart charging. Of each case the name is known; its steps are our reading of the use cases of part 2."""

import json
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import charging_limit_pb2 as limits
from csms.station.v1 import charging_profile_pb2 as profiles
from csms.station.v1 import charging_profile_service_pb2 as service
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub

from mesh.runtime.errors import from_rpc_error
from tests.certification.played_station import now
from tests.certification.v201.charging import ACCEPTED, PERIODS, make_profile, make_schedule, set_limit, set_profile
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXTERNAL = profiles.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS


async def _listed(station: ChargingStation, filter_: str = "state = ACTIVE") -> Any:
    """The profiles that the station holds, as operators see them."""
    request = service.ListChargingProfilesRequest(station_id=station.station_id, filter=filter_)
    stub: Any = ChargingProfileServiceStub(station.mesh.station_channel)
    response = await stub.ListChargingProfiles(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return response.charging_profiles


async def _held(station: ChargingStation) -> Sequence[int]:
    return [found.charging_profile.charging_profile_id for found in await _listed(station)]


async def _limits(station: ChargingStation, filter_: str = "state = ACTIVE") -> Any:
    """The limits from elsewhere, as operators see them."""
    request = service.ListChargingLimitsRequest(station_id=station.station_id, filter=filter_)
    stub: Any = ChargingProfileServiceStub(station.mesh.station_channel)
    response = await stub.ListChargingLimits(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return response.charging_limits


async def test_tc_k_01_csms(station: ChargingStation) -> None:
    """K01: a default profile for the transactions of an EVSE."""
    sent, number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"))
    assert (sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == ("TxDefaultProfile", "Absolute")
    assert "transactionId" not in sent
    assert await _held(station) == [number]


async def test_tc_k_02_csms(station: ChargingStation) -> None:
    """K01: a profile for a transaction that the station does not have; the station rejects it."""
    sent, _number = await set_profile(station, make_profile("TX_PROFILE", transaction_id="none"), status="Rejected")
    assert (sent["chargingProfilePurpose"], sent["transactionId"]) == ("TxProfile", "none")
    assert await _held(station) == []


async def test_tc_k_03_csms(station: ChargingStation) -> None:
    """K01: the limit of the station as a whole."""
    sent, number = await set_profile(station, make_profile("CHARGING_STATION_MAX_PROFILE"), evse_id=0)
    assert sent["chargingProfilePurpose"] == "ChargingStationMaxProfile"
    assert await _held(station) == [number]


async def test_tc_k_04_csms(station: ChargingStation) -> None:
    """K01: a profile of the same number replaces the one before."""
    _sent, number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"))
    sent, again = await set_profile(
        station, make_profile("TX_DEFAULT_PROFILE", charging_profile_id=number, stack_level=2)
    )
    assert (again, sent["stackLevel"]) == (number, 2)
    [held] = await _listed(station)
    assert (held.charging_profile.charging_profile_id, held.charging_profile.stack_level) == (number, 2)
    assert len(await _listed(station, "state = REPLACED")) == 1


async def _clear(station: ChargingStation, status: str = "Accepted", **fields: Any) -> Any:
    """Profiles are cleared, which the station answers so; returns what was sent."""
    action, payload, told = await station.told("ClearChargingProfile", {"status": status}, **fields)
    assert action == "ClearChargingProfile"
    assert profiles.ClearChargingProfileStatus.Name(told.status).endswith(status.upper())
    return payload


async def test_tc_k_05_csms(station: ChargingStation) -> None:
    """K10: a profile is cleared by its number."""
    _sent, number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"))
    assert await _clear(station, charging_profile_id=number) == {"chargingProfileId": number}
    assert await _held(station) == []


async def test_tc_k_06_csms(station: ChargingStation) -> None:
    """K10: a profile is cleared by its stack level and purpose, another one stays."""
    await set_profile(station, make_profile("TX_DEFAULT_PROFILE"))
    _sent, other = await set_profile(station, make_profile("TX_DEFAULT_PROFILE", stack_level=2))
    purpose = profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
    criteria = {"evse": {"evse_id": 1}, "purpose": purpose, "stack_level": 1}
    assert await _clear(station, criteria=criteria) == {
        "chargingProfileCriteria": {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    }
    assert await _held(station) == [other]


async def test_tc_k_08_csms(station: ChargingStation) -> None:
    """K10: there is no such profile."""
    assert await _clear(station, "Unknown", charging_profile_id=99) == {"chargingProfileId": 99}


async def test_tc_k_10_csms(station: ChargingStation) -> None:
    """K01: a default profile for the transactions of all EVSEs."""
    sent, number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"), evse_id=0)
    assert sent["chargingProfilePurpose"] == "TxDefaultProfile"
    [held] = await _listed(station)
    assert (held.charging_profile.charging_profile_id, held.evse_id) == (number, 0)


async def test_tc_k_15_csms(station: ChargingStation) -> None:
    """K01: a station without smart charging says so by a CALLERROR, which operators see."""
    request = profiles.SetChargingProfileRequest(
        station_id=station.station_id, evse=EvseRef(evse_id=1), charging_profile=make_profile("TX_DEFAULT_PROFILE")
    )
    mesh = station.mesh
    told = mesh.commands.SetChargingProfile(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    _call, message_id, action, _payload = await station.station.receive()
    assert action == "SetChargingProfile"
    await station.station.send(json.dumps([4, message_id, "NotSupported", "", {}]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await told
    error = from_rpc_error(caught.value)
    assert (error.reason, error.metadata["ocpp_error_code"]) == ("CALL_ERROR", "NotSupported")
    [found] = await _listed(station, "state = REJECTED")
    assert found.reason_code == "NotSupported"


async def test_tc_k_19_csms(station: ChargingStation) -> None:
    """K01: a profile that recurs daily."""
    recurring: dict[str, Any] = {
        "kind": profiles.CHARGING_PROFILE_KIND_RECURRING,
        "recurrency_kind": profiles.RECURRENCY_KIND_DAILY,
    }
    sent, _number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE", **recurring))
    assert (sent["chargingProfileKind"], sent["recurrencyKind"]) == ("Recurring", "Daily")
    assert "startSchedule" in sent["chargingSchedule"][0]


def _reported(number: int, purpose: str = "TxDefaultProfile") -> Any:
    """A profile as a station reports it."""
    schedule = {"id": 1, "chargingRateUnit": "A", "startSchedule": now(), "chargingSchedulePeriod": PERIODS}
    kinds = {"chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute"}
    return {"id": number, "stackLevel": 1, **kinds, "chargingSchedule": [schedule]}


async def _ask(station: ChargingStation, **fields: Any) -> Any:
    """The station is asked for its profiles, and will report them; returns the request."""
    action, payload, told = await station.told("GetChargingProfiles", ACCEPTED, **fields)
    assert action == "GetChargingProfiles"
    assert told.status == profiles.GET_CHARGING_PROFILES_STATUS_ACCEPTED
    assert told.report_id == payload["requestId"]
    return payload


async def _report(station: ChargingStation, request: Any, *found: Any, evse_id: int = 1, **more: Any) -> None:
    """A part of the report."""
    fields = {"requestId": request["requestId"], "chargingLimitSource": "CSO", "evseId": evse_id} | more
    assert await station.call("ReportChargingProfiles", chargingProfile=list(found), **fields) == {}


async def _gets(station: ChargingStation, criterion: Any, evse_id: int | None, **fields: Any) -> None:
    """A profile that was set here and one from elsewhere are reported, in two parts; both are shown."""
    _sent, number = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"), evse_id=evse_id or 0)
    request = await _ask(station, **fields)
    assert request["chargingProfile"] == criterion
    assert request.get("evseId") == evse_id
    where = {"evse_id": evse_id or 0}
    other = _reported(77, "ChargingStationExternalConstraints")
    await _report(station, request, other, **where, chargingLimitSource="EMS", tbc=True)
    await _report(station, request, _reported(number), **where)
    external, ours = await _listed(station)
    assert external.limit_source == profiles.CHARGING_LIMIT_SOURCE_EMS
    assert (external.charging_profile.charging_profile_id, external.charging_profile.purpose) == (77, EXTERNAL)
    assert external.charging_profile.schedules[0].periods[0].limit == 8.1
    assert (ours.charging_profile.charging_profile_id, ours.evse_id) == (number, evse_id or 0)
    assert ours.limit_source == profiles.CHARGING_LIMIT_SOURCE_CSO
    assert ours.HasField("report_time")


async def test_tc_k_29_csms(station: ChargingStation) -> None:
    """K09: the profiles of the station as a whole."""
    await _gets(station, {}, 0, evse={"evse_id": 0})


async def test_tc_k_30_csms(station: ChargingStation) -> None:
    """K09: the profiles of an EVSE."""
    await _gets(station, {}, 1, evse={"evse_id": 1})


async def test_tc_k_31_csms(station: ChargingStation) -> None:
    """K09: all profiles."""
    await _gets(station, {}, None)


async def test_tc_k_32_csms(station: ChargingStation) -> None:
    """K09: profiles by their numbers."""
    await _gets(station, {"chargingProfileId": [1, 77]}, None, criteria={"charging_profile_ids": [1, 77]})


async def test_tc_k_33_csms(station: ChargingStation) -> None:
    """K09: the profiles of an EVSE, of one stack level."""
    await _gets(station, {"stackLevel": 1}, 1, evse={"evse_id": 1}, criteria={"stack_level": 1})


async def test_tc_k_34_csms(station: ChargingStation) -> None:
    """K09: the profiles of an EVSE, of some sources."""
    sources = [profiles.CHARGING_LIMIT_SOURCE_EMS, profiles.CHARGING_LIMIT_SOURCE_CSO]
    criterion = {"chargingLimitSource": ["EMS", "CSO"]}
    await _gets(station, criterion, 1, evse={"evse_id": 1}, criteria={"limit_sources": sources})


async def test_tc_k_35_csms(station: ChargingStation) -> None:
    """K09: the profiles of an EVSE, of one purpose. One that is not reported is not held any more."""
    _sent, gone = await set_profile(station, make_profile("TX_DEFAULT_PROFILE"))
    purpose = profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
    request = await _ask(station, evse={"evse_id": 1}, criteria={"purpose": purpose})
    assert request["chargingProfile"] == {"chargingProfilePurpose": "TxDefaultProfile"}
    await _report(station, request, _reported(gone + 1))
    assert await _held(station) == [gone + 1]
    [unknown] = await _listed(station, "state = UNKNOWN")
    assert unknown.charging_profile.charging_profile_id == gone


async def test_tc_k_36_csms(station: ChargingStation) -> None:
    """K09: the profiles of an EVSE, of one purpose and stack level."""
    purpose = profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
    criterion = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    await _gets(station, criterion, 1, evse={"evse_id": 1}, criteria={"purpose": purpose, "stack_level": 1})


async def test_tc_k_37_csms(station: ChargingStation) -> None:
    """K05, F01: a remote start that brings its profile with it; with a transaction in it, it is not sent."""
    action, payload, told = await station.told(
        "RequestStartTransaction",
        ACCEPTED,
        evse={"evse_id": 1},
        id_token={"id_token": station.tag, "type": "ISO14443"},
        charging_profile=make_profile("TX_PROFILE"),
    )
    assert action == "RequestStartTransaction"
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED
    profile = payload["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert "transactionId" not in profile
    await station.start("RemoteStart", info={"remoteStartId": payload["remoteStartId"]})
    assert await _held(station) == [profile["id"]]


async def _composite(station: ChargingStation, evse_id: int) -> None:
    """The composite schedule of an EVSE, or of the station."""
    schedule = {
        "evseId": evse_id,
        "duration": 300,
        "scheduleStart": now(),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": PERIODS,
    }
    action, payload, told = await station.told(
        "GetCompositeSchedule",
        {"status": "Accepted", "schedule": schedule},
        evse={"evse_id": evse_id},
        duration_s=300,
        charging_rate_unit=profiles.CHARGING_RATE_UNIT_AMPERES,
    )
    assert action == "GetCompositeSchedule"
    assert payload == {"evseId": evse_id, "duration": 300, "chargingRateUnit": "A"}
    assert (told.schedule.evse.evse_id, told.schedule.duration_s) == (evse_id, 300)
    assert [(period.start_period_s, period.limit) for period in told.schedule.periods] == [(0, 8.1), (60, 10.0)]
    assert told.schedule.HasField("start_time")


async def test_tc_k_43_csms(station: ChargingStation) -> None:
    """K08: of an EVSE."""
    await _composite(station, 1)


async def test_tc_k_44_csms(station: ChargingStation) -> None:
    """K08: of the station."""
    await _composite(station, 0)


async def test_tc_k_48_csms(station: ChargingStation) -> None:
    """K12: a limit is set and changed while nobody charges."""
    await set_limit(station)
    await set_limit(station, evseId=1)
    await set_limit(station, evseId=1)
    found = await _limits(station)
    assert [(limit.evse_id, limit.limit_source) for limit in found] == [
        (0, profiles.CHARGING_LIMIT_SOURCE_EMS),
        (1, profiles.CHARGING_LIMIT_SOURCE_EMS),
    ]
    assert found[0].is_grid_critical
    assert [period.limit for period in found[0].schedules[0].periods] == [8.1, 10]
    assert found[0].state == limits.CHARGING_LIMIT_STATE_ACTIVE


async def _released(station: ChargingStation) -> None:
    await set_limit(station, evseId=1)
    assert await station.call("ClearedChargingLimit", chargingLimitSource="SO", evseId=1) == {}
    assert len(await _limits(station)) == 1
    assert await station.call("ClearedChargingLimit", chargingLimitSource="EMS", evseId=1) == {}
    assert await _limits(station) == []
    [cleared] = await _limits(station, "state = CLEARED")
    assert cleared.HasField("clear_time")


async def test_tc_k_50_csms(station: ChargingStation) -> None:
    """K13: a limit is released while nobody charges."""
    await _released(station)


async def test_tc_k_51_csms(station: ChargingStation) -> None:
    """K13: a limit is released, and the transaction is charged at another rate."""
    await station.charge()
    await _released(station)
    assert await station.update("ChargingRateChanged", "Charging") == {}
    assert len(await station.transactions()) == 1


async def test_tc_k_52_csms(station: ChargingStation) -> None:
    """K12: a limit from elsewhere is in the report of profiles; in the next report it is gone."""
    await set_limit(station)
    request = await _ask(station, criteria={"purpose": EXTERNAL})
    assert request["chargingProfile"] == {"chargingProfilePurpose": "ChargingStationExternalConstraints"}
    external = _reported(5, "ChargingStationExternalConstraints")
    await _report(station, request, external, evse_id=0, chargingLimitSource="EMS")
    [found] = await _listed(station, "limit_source = EMS")
    assert found.charging_profile.purpose == EXTERNAL
    _action, _payload, told = await station.told(
        "GetChargingProfiles", {"status": "NoProfiles"}, criteria={"purpose": EXTERNAL}
    )
    assert told.status == profiles.GET_CHARGING_PROFILES_STATUS_NO_PROFILES
    assert await _held(station) == []


async def test_tc_k_60_csms(station: ChargingStation) -> None:
    """K01: a profile for the transaction that goes on; it is gone with it."""
    await station.charge()
    sent, number = await set_profile(station, make_profile("TX_PROFILE", transaction_id=station.transaction_id))
    assert sent["transactionId"] == station.transaction_id
    assert await _held(station) == [number]
    await station.stop()
    await station.is_ended()

    async def gone() -> bool:
        return not await _held(station)

    await eventually(gone)


async def test_tc_k_70_csms(station: ChargingStation) -> None:
    """K01: several profiles, one after the other, each with a number of its own; one has three schedules."""
    numbers = []
    for purpose, evse_id in (("CHARGING_STATION_MAX_PROFILE", 0), ("TX_DEFAULT_PROFILE", 0), ("TX_DEFAULT_PROFILE", 1)):
        _sent, number = await set_profile(station, make_profile(purpose), evse_id=evse_id)
        numbers.append(number)
    await station.charge()
    three = make_profile("TX_PROFILE", transaction_id=station.transaction_id, schedules=[make_schedule()] * 3)
    sent, number = await set_profile(station, three)
    assert [schedule["id"] for schedule in sent["chargingSchedule"]] == [1, 2, 3]
    assert sorted(await _held(station)) == sorted({*numbers, number})
    assert len({*numbers, number}) == 4
