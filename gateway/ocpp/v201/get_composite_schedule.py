"""GetCompositeSchedule, K08."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_RATE_UNIT_UNSPECIFIED,
    CompositeSchedule,
    GetCompositeScheduleRequest,
    GetCompositeScheduleResponse,
)

from gateway.ocpp.charging_profiles import unit_word
from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.enums import CHARGING_RATE_UNITS, GENERIC_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.charging_schedules import to_periods
from gateway.ocpp.v2.parts import set_evse, status_info
from gateway.ocpp.values import parse_us, set_time


def to_calls(command: GetCompositeScheduleRequest) -> Sequence[Payload]:
    """The question, for one EVSE or (0) the station."""
    if command.duration_s <= 0:
        raise UnacceptableError("PropertyConstraintViolation", "duration_s", "must be a number of seconds, from 1")
    payload: Payload = {
        "evseId": check_not_negative(command.evse_id, "evse_id"),
        "duration": command.duration_s,
    }
    if command.charging_rate_unit != CHARGING_RATE_UNIT_UNSPECIFIED:
        payload["chargingRateUnit"] = unit_word(command.charging_rate_unit, "charging_rate_unit")
    return [payload]


def to_answer(_command: GetCompositeScheduleRequest, payloads: Sequence[Payload]) -> GetCompositeScheduleResponse:
    """The schedule of the station. Raises UnacceptableError for numbers that cannot be kept."""
    [payload] = payloads
    answer = GetCompositeScheduleResponse(status=GENERIC_STATUSES[payload["status"]], status_info=status_info(payload))
    if "schedule" in payload:
        _fill(answer.schedule, payload["schedule"])
    return answer


def _fill(schedule: CompositeSchedule, reported: Payload) -> None:
    set_evse(schedule.evse, reported["evseId"], 0, "schedule.evseId")
    us = parse_us(reported["scheduleStart"])
    if us is not None:
        set_time(schedule.start_time, us)
    schedule.duration_s = check_int32(reported["duration"], "schedule.duration")
    schedule.charging_rate_unit = CHARGING_RATE_UNITS[reported["chargingRateUnit"]]
    schedule.periods.extend(to_periods(reported["chargingSchedulePeriod"], "schedule.chargingSchedulePeriod"))


OUTBOUND = Outbound(action="GetCompositeSchedule", to_calls=to_calls, to_answer=to_answer)
