"""Smart charging of 2.0.1: SetChargingProfile, ClearChargingProfile, GetCompositeSchedule and GetChargingProfiles."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1.command_service_pb2 import CostUpdatedRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

DEFAULT, TX = pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE, pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE
EXTERNAL = pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS


def _profile(**more: Any) -> pb.ChargingProfile:
    schedule = pb.ChargingSchedule(
        charging_rate_unit=pb.CHARGING_RATE_UNIT_AMPERES, periods=[pb.ChargingSchedulePeriod(limit=8.1)]
    )
    fields: dict[str, Any] = {
        "charging_profile_id": 7,
        "purpose": DEFAULT,
        "kind": pb.CHARGING_PROFILE_KIND_RELATIVE,
        "schedules": [schedule],
    }
    return pb.ChargingProfile(**(fields | more))


def _refused(name: str, command: Any) -> str:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(name, command)
    return caught.value.field


def test_a_profile_is_set() -> None:
    """Limits leave as they came: 8.1 is a multiple of 0.1."""
    [call] = helpers.to_calls(
        "set_charging_profile", pb.SetChargingProfileRequest(evse_id=1, charging_profile=_profile())
    )
    assert call["evseId"] == 1
    assert call["chargingProfile"]["chargingSchedule"] == [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}]}
    ]


def test_a_profile_of_a_transaction_names_it() -> None:
    """K01.FR.03, by our reading."""
    command = pb.SetChargingProfileRequest(evse_id=1, charging_profile=_profile(purpose=TX))
    assert _refused("set_charging_profile", command) == "charging_profile.transaction_id"
    command.charging_profile.transaction_id = "tx"
    [call] = helpers.to_calls("set_charging_profile", command)
    assert call["chargingProfile"]["transactionId"] == "tx"


def test_a_tariff_goes_with_its_schedule() -> None:
    """All fields of salesTariff."""
    costs = [pb.CostComponent(kind=pb.COST_KIND_RELATIVE_PRICE_PERCENTAGE, amount=80, amount_multiplier=-1)]
    entry = pb.SalesTariffEntry(
        start_s=0,
        duration_s=3600,
        price_level=2,
        consumption_costs=[pb.ConsumptionCost(start_value=1.5, costs=costs)],
    )
    profile = _profile()
    profile.schedules[0].sales_tariff.CopyFrom(
        pb.SalesTariff(sales_tariff_id=3, description="Night", price_level_count=4, entries=[entry])
    )
    command = pb.SetChargingProfileRequest(evse_id=1, charging_profile=profile)
    [call] = helpers.to_calls("set_charging_profile", command)
    assert call["chargingProfile"]["chargingSchedule"][0]["salesTariff"] == {
        "id": 3,
        "salesTariffDescription": "Night",
        "numEPriceLevels": 4,
        "salesTariffEntry": [
            {
                "relativeTimeInterval": {"start": 0, "duration": 3600},
                "ePriceLevel": 2,
                "consumptionCost": [
                    {
                        "startValue": 1.5,
                        "cost": [{"costKind": "RelativePricePercentage", "amount": 80, "amountMultiplier": -1}],
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("tariff", "field"),
    [
        (pb.SalesTariff(), "entries"),
        (pb.SalesTariff(description="d" * 33, entries=[pb.SalesTariffEntry()]), "description"),
        (pb.SalesTariff(entries=[pb.SalesTariffEntry(price_level=-1)]), "entries[0].price_level"),
        (
            pb.SalesTariff(entries=[pb.SalesTariffEntry(consumption_costs=[pb.ConsumptionCost()])]),
            "entries[0].consumption_costs[0].costs",
        ),
    ],
)
def test_a_tariff_that_2_0_1_cannot_express(tariff: pb.SalesTariff, field: str) -> None:
    profile = _profile()
    profile.schedules[0].sales_tariff.CopyFrom(tariff)
    command = pb.SetChargingProfileRequest(evse_id=1, charging_profile=profile)
    assert _refused("set_charging_profile", command) == f"charging_profile.schedules[0].sales_tariff.{field}"


def test_profiles_are_cleared() -> None:
    """By number, by criteria, or all of ours: one CALL for each purpose that a central system sets."""
    name = "clear_charging_profile"
    assert helpers.to_calls(name, pb.ClearChargingProfileRequest(charging_profile_id=7)) == [{"chargingProfileId": 7}]
    criteria = pb.ClearChargingProfileCriteria(evse_id=0, stack_level=2)
    assert helpers.to_calls(name, pb.ClearChargingProfileRequest(criteria=criteria)) == [
        {"chargingProfileCriteria": {"evseId": 0, "stackLevel": 2}}
    ]
    all_of_them = pb.ClearChargingProfileRequest()
    purposes = [
        call["chargingProfileCriteria"]["chargingProfilePurpose"] for call in helpers.to_calls(name, all_of_them)
    ]
    assert purposes == ["ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"]
    answers = [{"status": "Unknown"}, {"status": "Accepted"}, {"status": "Unknown"}]
    told = helpers.to_answer(name, all_of_them, *answers)
    assert told.status == pb.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED


def test_profiles_that_cannot_be_cleared() -> None:
    both = pb.ClearChargingProfileRequest(
        charging_profile_id=1, criteria=pb.ClearChargingProfileCriteria(stack_level=1)
    )
    assert _refused("clear_charging_profile", both) == "criteria"
    external = pb.ClearChargingProfileRequest(criteria=pb.ClearChargingProfileCriteria(purpose=EXTERNAL))
    assert _refused("clear_charging_profile", external) == "criteria.purpose"


def test_profiles_are_asked_for() -> None:
    name = "get_charging_profiles"
    assert helpers.to_calls(name, pb.GetChargingProfilesRequest(report_id=5)) == [
        {"requestId": 5, "chargingProfile": {}}
    ]
    criteria = pb.GetChargingProfilesCriteria(
        purpose=EXTERNAL, stack_level=0, limit_sources=[pb.CHARGING_LIMIT_SOURCE_EMS, pb.CHARGING_LIMIT_SOURCE_SO]
    )
    request = pb.GetChargingProfilesRequest(report_id=5, evse=EvseRef(), criteria=criteria)
    assert helpers.to_calls(name, request) == [
        {
            "requestId": 5,
            "evseId": 0,
            "chargingProfile": {
                "chargingProfilePurpose": "ChargingStationExternalConstraints",
                "stackLevel": 0,
                "chargingLimitSource": ["EMS", "SO"],
            },
        }
    ]
    answer = helpers.to_answer(name, request, {"status": "NoProfiles"})
    assert (answer.status, answer.report_id) == (pb.GET_CHARGING_PROFILES_STATUS_NO_PROFILES, 5)


def test_profiles_that_cannot_be_asked_for() -> None:
    name = "get_charging_profiles"
    ids = pb.GetChargingProfilesCriteria(charging_profile_ids=[1], stack_level=0)
    assert _refused(name, pb.GetChargingProfilesRequest(report_id=1, criteria=ids)) == "criteria.charging_profile_ids"
    sources = pb.GetChargingProfilesCriteria(limit_sources=[pb.CHARGING_LIMIT_SOURCE_EMS] * 5)
    assert _refused(name, pb.GetChargingProfilesRequest(report_id=1, criteria=sources)) == "criteria.limit_sources"
    connector = pb.GetChargingProfilesRequest(report_id=1, evse=EvseRef(evse_id=1, connector_id=1))
    assert _refused(name, connector) == "evse.connector_id"


def test_a_composite_schedule() -> None:
    """An answer with 8.1, which a check by binary floats refuses, and one without a schedule."""
    name, command = "get_composite_schedule", pb.GetCompositeScheduleRequest(evse_id=2, duration_s=60)
    assert helpers.to_calls(name, command) == [{"evseId": 2, "duration": 60}]
    schedule = {
        "evseId": 2,
        "duration": 60,
        "scheduleStart": "2026-12-01T10:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1, "numberPhases": 1, "phaseToUse": 2}],
    }
    found = helpers.to_answer(name, command, {"status": "Accepted", "schedule": schedule})
    assert found.schedule.evse.evse_id == 2
    [period] = found.schedule.periods
    assert (period.limit, period.number_phases, period.phase_to_use) == (8.1, 1, 2)
    assert not helpers.to_answer(name, command, {"status": "Rejected"}).HasField("schedule")
    assert _refused(name, pb.GetCompositeScheduleRequest()) == "duration_s"


def test_a_cost() -> None:
    """To the digit; whole ones as whole numbers."""
    name = "cost_updated"
    for text, number in (("3.25", 3.25), ("0", 0), ("12", 12), ("0.001", 0.001)):
        [call] = helpers.to_calls(name, CostUpdatedRequest(transaction_id="tx", total_cost=text))
        assert call == {"totalCost": number, "transactionId": "tx"}
    for text in ("", "-1", "1,5", "1e3", "0.0001", "1" * 13, "NaN"):
        assert _refused(name, CostUpdatedRequest(transaction_id="tx", total_cost=text)) == "total_cost"
    assert _refused(name, CostUpdatedRequest(transaction_id="t" * 37, total_cost="1")) == "transaction_id"
