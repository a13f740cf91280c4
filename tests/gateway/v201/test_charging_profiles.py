"""Charging profiles of 2.0.1, which go with a requested start."""

from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1.command_service_pb2 import RequestStartTransactionRequest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v2.charging_profiles import to_payload
from tests.gateway.v201 import helpers

NAME = "request_start_transaction"
FROM, TO = Timestamp(seconds=1_760_000_000), Timestamp(seconds=1_760_003_600)
TX_PROFILE = pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE


def _schedule(**more: Any) -> pb.ChargingSchedule:
    periods = more.pop("periods", [pb.ChargingSchedulePeriod(limit=16.1)])
    fields = {"charging_rate_unit": pb.CHARGING_RATE_UNIT_AMPERES, **more}
    return pb.ChargingSchedule(periods=periods, **fields)


def _start(*, evse_id: int = 1, **more: Any) -> RequestStartTransactionRequest:
    fields = {
        "charging_profile_id": 7,
        "purpose": TX_PROFILE,
        "kind": pb.CHARGING_PROFILE_KIND_RELATIVE,
        "schedules": [_schedule()],
        **more,
    }
    return RequestStartTransactionRequest(
        id_token=IdToken(id_token="T"),
        remote_start_id=5,
        evse_id=evse_id,
        charging_profile=pb.ChargingProfile(**fields),
    )


def _told(command: RequestStartTransactionRequest) -> Payload:
    [call] = helpers.to_calls(NAME, command)
    told: Payload = call["chargingProfile"]
    return told


def test_least() -> None:
    """A schedule without a number is given its place; the answer names the profile."""
    assert _told(_start()) == {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]}
        ],
    }
    assert helpers.to_answer(NAME, _start(), {"status": "Accepted"}).charging_profile_id == 7


def test_all() -> None:
    """All that 2.0.1 can say: up to three schedules, and the phase to use."""
    period = pb.ChargingSchedulePeriod(limit=6, number_phases=1, phase_to_use=2)
    full = _schedule(
        charging_schedule_id=9,
        charging_rate_unit=pb.CHARGING_RATE_UNIT_WATTS,
        duration_s=60,
        start_time=FROM,
        min_charging_rate=1.5,
        periods=[period],
    )
    command = _start(
        kind=pb.CHARGING_PROFILE_KIND_RECURRING,
        recurrency_kind=pb.RECURRENCY_KIND_DAILY,
        stack_level=2,
        valid_from=FROM,
        valid_to=TO,
        schedules=[full, _schedule(), _schedule()],
    )
    told = _told(command)
    assert told["recurrencyKind"] == "Daily"
    assert (told["validFrom"], told["validTo"]) == ("2025-10-09T08:53:20.000Z", "2025-10-09T09:53:20.000Z")
    assert [schedule["id"] for schedule in told["chargingSchedule"]] == [9, 2, 3]
    assert told["chargingSchedule"][0] == {
        "id": 9,
        "chargingRateUnit": "W",
        "duration": 60,
        "startSchedule": "2025-10-09T08:53:20.000Z",
        "minChargingRate": 1.5,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6, "numberPhases": 1, "phaseToUse": 2}],
    }


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"purpose": pb.CHARGING_PROFILE_PURPOSE_PRIORITY_CHARGING}, "purpose", "NotSupported"),
        ({"kind": pb.CHARGING_PROFILE_KIND_DYNAMIC}, "kind", "NotSupported"),
        ({"recurrency_kind": 9}, "recurrency_kind", "NotSupported"),
        ({"schedules": []}, "schedules", "OccurrenceConstraintViolation"),
        ({"schedules": [_schedule()] * 4}, "schedules", "OccurrenceConstraintViolation"),
        ({"purpose": pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE}, "purpose", "PropertyConstraintViolation"),
        ({"transaction_id": "t"}, "transaction_id", "PropertyConstraintViolation"),
        (
            {"schedules": [_schedule(charging_rate_unit=0)]},
            "schedules[0].charging_rate_unit",
            "PropertyConstraintViolation",
        ),
        (
            {"schedules": [_schedule(periods=[pb.ChargingSchedulePeriod(limit=6, phase_to_use=1)])]},
            "schedules[0].periods[0].phase_to_use",
            "PropertyConstraintViolation",
        ),
    ],
)
def test_impossible(more: dict[str, Any], field: str, code: str) -> None:
    """A profile that 2.0.1 cannot express, or that contradicts itself, is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, _start(**more))
    assert (caught.value.code, caught.value.field) == (code, f"charging_profile.{field}")


def test_a_profile_needs_a_place() -> None:
    """Where no EVSE is named, nobody could say what the profile is for."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, _start(evse_id=0))
    assert caught.value.field == "evse_id"


def test_names_of_transactions() -> None:
    """As long as 2.0.1 lets them be."""
    profile = _start(transaction_id="t" * 36).charging_profile
    assert to_payload(profile, "p")["transactionId"] == "t" * 36
    profile.transaction_id += "t"
    with pytest.raises(UnacceptableError) as caught:
        to_payload(profile, "p")
    assert caught.value.field == "p.transaction_id"
