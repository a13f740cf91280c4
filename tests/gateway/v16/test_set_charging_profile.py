"""SetChargingProfile of 1.6, and with it all that it makes of a charging profile."""

import json
from typing import Any

import pytest
from csms.station.v1 import charging_profile_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import charging, helpers

NAME = "set_charging_profile"
MAX_PROFILE = pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE
TX_PROFILE = pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE
Request = pb.SetChargingProfileRequest
Period = pb.ChargingSchedulePeriod


def test_least() -> None:
    """The least that a profile may say; EVSE 0 is the station."""
    command = Request(charging_profile=charging.profile())
    assert helpers.to_calls(NAME, command) == [{"connectorId": 0, "csChargingProfiles": charging.PAYLOAD}]


def test_all() -> None:
    """All that 1.6 can say."""
    schedule = charging.schedule(
        Period(limit=32.5, number_phases=1),
        Period(start_period_s=1800),
        charging_schedule_id=4,
        charging_rate_unit=pb.CHARGING_RATE_UNIT_WATTS,
        duration_s=3600,
        start_time=charging.FROM,
        min_charging_rate=6.1,
    )
    profile = charging.profile(
        stack_level=3,
        purpose=pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
        kind=pb.CHARGING_PROFILE_KIND_RECURRING,
        recurrency_kind=pb.RECURRENCY_KIND_WEEKLY,
        valid_from=charging.FROM,
        valid_to=charging.TO,
        transaction_id="12",
        schedules=[schedule],
    )
    [call] = helpers.to_calls(NAME, Request(evse_id=2, charging_profile=profile))
    assert call == {
        "connectorId": 2,
        "csChargingProfiles": {
            "chargingProfileId": 7,
            "stackLevel": 3,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Recurring",
            "recurrencyKind": "Weekly",
            "validFrom": charging.FROM_TEXT,
            "validTo": charging.TO_TEXT,
            "transactionId": 12,
            "chargingSchedule": {
                "chargingRateUnit": "W",
                "duration": 3600,
                "startSchedule": charging.FROM_TEXT,
                "minChargingRate": 6.1,
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 32.5, "numberPhases": 1},
                    {"startPeriod": 1800, "limit": 0},
                ],
            },
        },
    }


@pytest.mark.parametrize(
    ("fields", "evse_id", "words"),
    [
        ({"purpose": pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE}, 0, {"ChargePointMaxProfile"}),
        ({"purpose": pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE}, 0, {"TxDefaultProfile"}),
        ({"purpose": pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE}, 1, {"TxProfile"}),
        ({"kind": pb.CHARGING_PROFILE_KIND_ABSOLUTE}, 1, {"Absolute"}),
        ({"kind": pb.CHARGING_PROFILE_KIND_RELATIVE}, 1, {"Relative"}),
        (
            {"kind": pb.CHARGING_PROFILE_KIND_RECURRING, "recurrency_kind": pb.RECURRENCY_KIND_DAILY},
            1,
            {"Recurring", "Daily"},
        ),
    ],
)
def test_words(fields: dict[str, Any], evse_id: int, words: set[str]) -> None:
    """Each of 1.6's words."""
    [call] = helpers.to_calls(NAME, Request(evse_id=evse_id, charging_profile=charging.profile(**fields)))
    assert words <= set(map(str, call["csChargingProfiles"].values()))


@pytest.mark.parametrize(
    ("limit", "text"),
    [(0.1, "0.1"), (0.3, "0.3"), (16.1, "16.1"), (7.0, "7"), (11040, "11040"), (1e12 + 0.7, "1000000000000.7")],
)
def test_limits_are_exact(limit: float, text: str) -> None:
    """A limit leaves with the digits that it came with."""
    command = Request(charging_profile=charging.profile(schedules=[charging.schedule(Period(limit=limit))]))
    [call] = helpers.to_calls(NAME, helpers.over_the_wire(command))
    [period] = call["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert json.dumps(period["limit"]) == text


NOT_SUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"purpose": pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS}, "purpose"),
    ({"purpose": pb.CHARGING_PROFILE_PURPOSE_PRIORITY_CHARGING}, "purpose"),
    ({"purpose": pb.CHARGING_PROFILE_PURPOSE_LOCAL_GENERATION}, "purpose"),
    ({"kind": pb.CHARGING_PROFILE_KIND_DYNAMIC}, "kind"),
    ({"recurrency_kind": 9}, "recurrency_kind"),
    ({"schedules": [charging.schedule(), charging.schedule()]}, "schedules"),
    ({"schedules": []}, "schedules"),
    ({"schedules": [charging.schedule(Period(limit=6, number_phases=1, phase_to_use=2))]}, "schedules[0].periods[0].phase_to_use"),  # noqa: E501
]  # fmt: skip
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"charging_profile_id": -1}, "charging_profile_id"),
    ({"stack_level": -1}, "stack_level"),
    ({"purpose": TX_PROFILE, "transaction_id": "abc"}, "transaction_id"),
    ({"purpose": TX_PROFILE, "transaction_id": "2147483648"}, "transaction_id"),
    ({"transaction_id": "1"}, "transaction_id"),
    ({"kind": pb.CHARGING_PROFILE_KIND_RECURRING}, "recurrency_kind"),
    ({"recurrency_kind": pb.RECURRENCY_KIND_DAILY}, "recurrency_kind"),
    ({"valid_from": charging.TO, "valid_to": charging.FROM}, "valid_to"),
    ({"valid_from": charging.TO, "valid_to": charging.TO}, "valid_to"),
    ({"schedules": [charging.schedule(start_time=charging.FROM)]}, "schedules[0].start_time"),
    ({"schedules": [pb.ChargingSchedule(charging_rate_unit=pb.CHARGING_RATE_UNIT_WATTS)]}, "schedules[0].periods"),
    ({"schedules": [charging.schedule(Period(start_period_s=1))]}, "schedules[0].periods[0].start_period_s"),
    ({"schedules": [charging.schedule(Period(), Period())]}, "schedules[0].periods[1].start_period_s"),
    ({"valid_from": Timestamp(seconds=1 << 60)}, "valid_from"),
    ({"schedules": [charging.schedule(charging_rate_unit=0)]}, "schedules[0].charging_rate_unit"),
    ({"schedules": [charging.schedule(duration_s=-1)]}, "schedules[0].duration_s"),
    ({"schedules": [charging.schedule(min_charging_rate=6.25)]}, "schedules[0].min_charging_rate"),
    ({"schedules": [charging.schedule(Period(limit=6), Period(limit=16.25))]}, "schedules[0].periods[1].limit"),
    ({"schedules": [charging.schedule(Period(limit=0.1 + 0.2))]}, "schedules[0].periods[0].limit"),
    ({"schedules": [charging.schedule(Period(limit=-1))]}, "schedules[0].periods[0].limit"),
    ({"schedules": [charging.schedule(Period(limit=float("nan")))]}, "schedules[0].periods[0].limit"),
    ({"schedules": [charging.schedule(Period(limit=float("inf")))]}, "schedules[0].periods[0].limit"),
    ({"schedules": [charging.schedule(Period(start_period_s=-1))]}, "schedules[0].periods[0].start_period_s"),
    ({"schedules": [charging.schedule(Period(number_phases=4))]}, "schedules[0].periods[0].number_phases"),
]


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [(*case, "NotSupported") for case in NOT_SUPPORTED] + [(*case, "PropertyConstraintViolation") for case in INVALID],
)
def test_impossible(more: dict[str, Any], field: str, code: str) -> None:
    """A profile that 1.6 cannot express, or that makes no sense, is refused with the field; nothing is rounded."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, Request(evse_id=1, charging_profile=charging.profile(**more)))
    assert (caught.value.code, caught.value.field) == (code, f"charging_profile.{field}")


@pytest.mark.parametrize(("evse_id", "purpose"), [(-1, TX_PROFILE), (0, TX_PROFILE), (1, MAX_PROFILE)])
def test_impossible_evse(evse_id: int, purpose: pb.ChargingProfilePurpose.ValueType) -> None:
    """A transaction is at an EVSE, the most of the station at none."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, Request(evse_id=evse_id, charging_profile=charging.profile(purpose=purpose)))
    assert caught.value.field == "evse_id"


def test_answers() -> None:
    """Every word of the station has its status; the answer names the profile."""
    command = Request(charging_profile=charging.profile())
    answers = {
        word: helpers.to_answer(NAME, command, {"status": word}) for word in helpers.answer_words("SetChargingProfile")
    }
    assert {word: (answer.status, answer.status_info.reason_code) for word, answer in answers.items()} == {
        "Accepted": (pb.CHARGING_PROFILE_STATUS_ACCEPTED, ""),
        "Rejected": (pb.CHARGING_PROFILE_STATUS_REJECTED, ""),
        "NotSupported": (pb.CHARGING_PROFILE_STATUS_REJECTED, "UnsupportedRequest"),
    }
    assert {answer.charging_profile_id for answer in answers.values()} == {7}
