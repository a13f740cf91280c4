"""Reports of 2.0.1 stations about charging: profiles, limits from elsewhere, needs and schedules of vehicles."""

from typing import Any

import pytest
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import ev_charging_pb2 as ev
from csms.station.v1.station_ingest_service_pb2 import ReportResult
from csms.transaction.v1.transaction_ingest_service_pb2 import FindEvseTransactionsResult
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway import payloads
from tests.gateway.v201 import helpers

REPORTS, EVSE_TRANSACTIONS = IngestRpc.REPORTS, IngestRpc.EVSE_TRANSACTIONS
SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}]}
PROFILE = {
    "id": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}
NEEDS = {"requestedEnergyTransfer": "DC", "dcChargingParameters": {"evMaxCurrent": 125, "evMaxVoltage": 400}}
FOUND = FindEvseTransactionsResult(transaction_id="tx-1")


def _report(action: str, payload: dict[str, Any]) -> Any:
    assert helpers.SCHEMAS.check(action, "request", payload) is None
    return helpers.over_the_wire(helpers.to_items(action, payload)[REPORTS])


def test_a_part_of_the_profiles() -> None:
    payload = {"requestId": 3, "chargingLimitSource": "EMS", "evseId": 1, "tbc": True, "chargingProfile": [PROFILE]}
    report = _report("ReportChargingProfiles", payload).charging_profile_report
    assert (report.report_id, report.evse_id, report.to_be_continued) == (3, 1, True)
    assert report.limit_source == pb.CHARGING_LIMIT_SOURCE_EMS
    [profile] = report.charging_profiles
    assert (profile.charging_profile_id, profile.schedules[0].periods[0].limit) == (7, 8.1)


def test_every_field_of_a_profile_is_kept() -> None:
    """A reported profile is sent to a station again as it was."""
    payload = payloads.maximal(helpers.SCHEMAS.schema("ReportChargingProfiles", "request"))
    report = _report("ReportChargingProfiles", payload).charging_profile_report
    profile = report.charging_profiles[0]
    assert {field.name for field, _value in profile.ListFields()} == set(pb.ChargingProfile.DESCRIPTOR.fields_by_name)
    tariff = profile.schedules[0].sales_tariff
    assert {field.name for field, _value in tariff.ListFields()} == set(pb.SalesTariff.DESCRIPTOR.fields_by_name)


def test_a_limit_from_elsewhere() -> None:
    """The least: of the station as a whole, without a schedule."""
    limit = _report("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO"}}).charging_limit
    assert (limit.evse_id, limit.limit_source) == (0, pb.CHARGING_LIMIT_SOURCE_SO)
    assert not limit.HasField("is_grid_critical")
    assert not limit.schedules
    payload = {
        "evseId": 2,
        "chargingLimit": {"chargingLimitSource": "Other", "isGridCritical": False},
        "chargingSchedule": [SCHEDULE],
    }
    limit = _report("NotifyChargingLimit", payload).charging_limit
    assert (limit.evse_id, limit.HasField("is_grid_critical"), len(limit.schedules)) == (2, True, 1)


def test_a_limit_is_cleared() -> None:
    clearing = _report("ClearedChargingLimit", {"chargingLimitSource": "CSO"}).charging_limit_clearing
    assert clearing.limit_source == pb.CHARGING_LIMIT_SOURCE_CSO
    assert not clearing.HasField("evse_id")
    clearing = _report("ClearedChargingLimit", {"chargingLimitSource": "CSO", "evseId": 1}).charging_limit_clearing
    assert clearing.evse_id == 1


def test_an_unknown_source_is_another_one() -> None:
    payload = {"chargingLimitSource": "Moon"}
    item: Any = helpers.to_items("ClearedChargingLimit", payload)[REPORTS]
    assert item.charging_limit_clearing.limit_source == pb.CHARGING_LIMIT_SOURCE_OTHER


def test_needs_ask_for_the_transaction_first() -> None:
    payload = {"evseId": 2, "maxScheduleTuples": 12, "chargingNeeds": NEEDS}
    items: Any = helpers.to_items("NotifyEVChargingNeeds", payload)
    assert items[EVSE_TRANSACTIONS].evse_id == 2
    assert set(items) == {EVSE_TRANSACTIONS}
    item: Any = helpers.follow_up("NotifyEVChargingNeeds", payload, {EVSE_TRANSACTIONS: FOUND}, REPORTS)
    report = item.ev_charging_needs
    assert (report.evse_id, report.transaction_id, report.needs.max_schedule_tuples) == (2, "tx-1", 12)
    assert report.needs.energy_transfer_mode == ev.ENERGY_TRANSFER_MODE_DC
    assert (report.needs.dc_parameters.max_current_a, report.needs.dc_parameters.max_voltage_v) == (125, 400)


def test_every_field_of_needs_is_kept() -> None:
    payload = payloads.maximal(helpers.SCHEMAS.schema("NotifyEVChargingNeeds", "request"))
    item: Any = helpers.follow_up("NotifyEVChargingNeeds", payload, {EVSE_TRANSACTIONS: FOUND}, REPORTS)
    needs = item.ev_charging_needs.needs
    for message in (needs, needs.ac_parameters, needs.dc_parameters):
        assert {field.name for field, _value in message.ListFields()} == set(message.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ({EVSE_TRANSACTIONS: FOUND, REPORTS: ReportResult()}, "Accepted"),
        ({EVSE_TRANSACTIONS: FindEvseTransactionsResult(), REPORTS: ReportResult()}, "Rejected"),
        ({REPORTS: ReportResult()}, "Rejected"),  # transaction_svc is unavailable
        ({EVSE_TRANSACTIONS: FOUND, REPORTS: ReportResult(error=Status(code=13))}, "Rejected"),
    ],
)
def test_needs_are_accepted_only_where_a_profile_follows(results: dict[IngestRpc, Any], status: str) -> None:
    payload = {"evseId": 2, "chargingNeeds": NEEDS}
    assert helpers.to_response("NotifyEVChargingNeeds", payload, results) == {"status": status}


def test_needs_that_cannot_be() -> None:
    """No vehicle takes less than nothing."""
    needs = NEEDS | {"dcChargingParameters": {"evMaxCurrent": -1, "evMaxVoltage": 400}}
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
    assert caught.value.field == "chargingNeeds.dcChargingParameters.evMaxCurrent"


def test_the_schedule_of_a_vehicle() -> None:
    payload = {"evseId": 1, "timeBase": helpers.NOW, "chargingSchedule": SCHEDULE}
    report = _report("NotifyEVChargingSchedule", payload).ev_charging_schedule
    assert (report.evse_id, report.schedule.periods[0].limit) == (1, 8.1)
    assert report.HasField("time_base")
    assert helpers.to_response("NotifyEVChargingSchedule", payload, {REPORTS: ReportResult()}) == {"status": "Accepted"}
