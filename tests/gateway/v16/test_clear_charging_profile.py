"""ClearChargingProfile of 1.6."""

from typing import Any

import pytest
from csms.station.v1 import charging_profile_pb2 as pb

from gateway.ocpp.translation import Payload, UnacceptableError
from tests.gateway.v16 import helpers

NAME = "clear_charging_profile"
Request = pb.ClearChargingProfileRequest
Criteria = pb.ClearChargingProfileCriteria
MAX = pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE


@pytest.mark.parametrize(
    ("command", "call"),
    [
        (Request(), {}),
        (Request(criteria=Criteria()), {}),
        (Request(charging_profile_id=9), {"id": 9}),
        (Request(charging_profile_id=0), {"id": 0}),
        (Request(criteria=Criteria(evse_id=0)), {"connectorId": 0}),
        (
            Request(criteria=Criteria(evse_id=1, purpose=MAX, stack_level=0)),
            {"connectorId": 1, "chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 0},
        ),
    ],
)
def test_calls(command: pb.ClearChargingProfileRequest, call: Payload) -> None:
    """An absent field means any; EVSE 0 and stack level 0 are values like others."""
    assert helpers.to_calls(NAME, helpers.over_the_wire(command)) == [call]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"charging_profile_id": 1, "criteria": Criteria()}, "criteria", "PropertyConstraintViolation"),
        ({"criteria": Criteria(evse_id=-1)}, "criteria.evse_id", "PropertyConstraintViolation"),
        ({"criteria": Criteria(stack_level=-1)}, "criteria.stack_level", "PropertyConstraintViolation"),
        (
            {"criteria": Criteria(purpose=pb.CHARGING_PROFILE_PURPOSE_LOCAL_GENERATION)},
            "criteria.purpose",
            "NotSupported",
        ),
    ],
)
def test_impossible(fields: dict[str, Any], field: str, code: str) -> None:
    """A purpose that 1.6 does not know would clear others, were it left out."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, Request(**fields))
    assert (caught.value.code, caught.value.field) == (code, field)


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, Request(), {"status": word}).status
        for word in helpers.answer_words("ClearChargingProfile")
    }
    assert told == {
        "Accepted": pb.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED,
        "Unknown": pb.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN,
    }
