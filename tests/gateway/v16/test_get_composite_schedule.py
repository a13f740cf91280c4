"""GetCompositeSchedule of 1.6."""

from typing import Any

import pytest
from csms.common.v1 import status_info_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import charging_profile_pb2 as pb

from gateway.ocpp.translation import UnacceptableError
from tests.gateway import payloads
from tests.gateway.v16 import charging, helpers

NAME = "get_composite_schedule"
Request = pb.GetCompositeScheduleRequest


def test_calls() -> None:
    """The unit is left to the station where none is asked for."""
    assert helpers.to_calls(NAME, Request(duration_s=60)) == [{"connectorId": 0, "duration": 60}]
    command = Request(evse_id=2, duration_s=60, charging_rate_unit=pb.CHARGING_RATE_UNIT_WATTS)
    assert helpers.to_calls(NAME, command) == [{"connectorId": 2, "duration": 60, "chargingRateUnit": "W"}]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"evse_id": -1}, "evse_id"),
        ({"duration_s": -1}, "duration_s"),
        ({"duration_s": 0}, "duration_s"),
        ({"charging_rate_unit": 9}, "charging_rate_unit"),
    ],
)
def test_impossible(fields: dict[str, Any], field: str) -> None:
    """A command that makes no sense is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, Request(**{"duration_s": 60, **fields}))
    assert caught.value.field == field


def test_an_answer_with_all_in_it() -> None:
    """Every field of the station's schedule arrives, to the digit."""
    schedule = {
        "duration": 600,
        "startSchedule": charging.TO_TEXT,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
            {"startPeriod": 300, "limit": 0},
        ],
        "minChargingRate": 6.5,
    }
    told = {
        "status": "Accepted",
        "connectorId": 2,
        "scheduleStart": charging.FROM_TEXT,
        "chargingSchedule": schedule,
    }
    answer = helpers.over_the_wire(helpers.to_answer(NAME, Request(evse_id=2), told))
    assert answer == pb.GetCompositeScheduleResponse(
        status=status_info_pb2.GENERIC_STATUS_ACCEPTED,
        schedule=pb.CompositeSchedule(
            evse=EvseRef(evse_id=2, connector_id=1),
            start_time=charging.FROM,
            duration_s=600,
            charging_rate_unit=pb.CHARGING_RATE_UNIT_AMPERES,
            min_charging_rate=6.5,
            periods=[
                pb.ChargingSchedulePeriod(limit=16.1, number_phases=3),
                pb.ChargingSchedulePeriod(start_period_s=300),
            ],
        ),
    )
    del told["scheduleStart"], told["connectorId"]
    answer = helpers.to_answer(NAME, Request(evse_id=3), told)
    assert answer.schedule.start_time == charging.TO  # which is all the station said of it
    assert answer.schedule.evse.evse_id == 3


def test_answers() -> None:
    """Every word of the station has its status; without a schedule there is none."""
    answers = {
        word: helpers.to_answer(NAME, Request(), {"status": word})
        for word in helpers.answer_words("GetCompositeSchedule")
    }
    assert {word: answer.status for word, answer in answers.items()} == {
        "Accepted": status_info_pb2.GENERIC_STATUS_ACCEPTED,
        "Rejected": status_info_pb2.GENERIC_STATUS_REJECTED,
    }
    assert not any(answer.HasField("schedule") for answer in answers.values())


def test_every_unit() -> None:
    """Both units of the schema, in the fullest answer that it allows."""
    schema = helpers.SCHEMAS.schema("GetCompositeSchedule", "response")
    units = {
        helpers.to_answer(NAME, Request(), payload).schedule.charging_rate_unit
        for path, payload in payloads.every_word(schema)
        if path[-1] == "chargingRateUnit"
    }
    assert units == {pb.CHARGING_RATE_UNIT_WATTS, pb.CHARGING_RATE_UNIT_AMPERES}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("chargingSchedule", "duration"), 2**31),
        (("chargingSchedule", "chargingSchedulePeriod", 0, "limit"), 10**400),
        (("chargingSchedule", "chargingSchedulePeriod", 0, "startPeriod"), 2**31),
        (("chargingSchedule", "minChargingRate"), 10**400),
        (("connectorId",), -1),
    ],
)
def test_an_answer_that_cannot_be_kept(path: payloads.Path, value: int) -> None:
    """A number beyond all bounds is the station's mistake, and told as one."""
    told = payloads.maximal(helpers.SCHEMAS.schema("GetCompositeSchedule", "response"))
    payloads.put(told, path, value)
    with pytest.raises(UnacceptableError):
        helpers.TRANSLATORS.version.outbound[NAME].to_answer(Request(), [told])  # type: ignore[union-attr]
