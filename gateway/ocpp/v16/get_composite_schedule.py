"""GetCompositeSchedule, 1.6 section 5.7."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_RATE_UNIT_UNSPECIFIED,
    CompositeSchedule,
    GetCompositeScheduleRequest,
    GetCompositeScheduleResponse,
)

from gateway.ocpp.charging_profiles import to_rate, unit_word
from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.enums import CHARGING_RATE_UNITS, GENERIC_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.charging_profiles import to_periods
from gateway.ocpp.v16.parts import set_evse
from gateway.ocpp.values import parse_us, set_time


def to_calls(command: GetCompositeScheduleRequest) -> Sequence[Payload]:
    """The question, for one connector or (0) the station."""
    if command.duration_s <= 0:
        raise UnacceptableError("PropertyConstraintViolation", "duration_s", "must be a number of seconds, from 1")
    payload: Payload = {
        "connectorId": check_not_negative(command.evse_id, "evse_id"),
        "duration": command.duration_s,
    }
    if command.charging_rate_unit != CHARGING_RATE_UNIT_UNSPECIFIED:
        payload["chargingRateUnit"] = unit_word(command.charging_rate_unit, "charging_rate_unit")
    return [payload]


def to_answer(command: GetCompositeScheduleRequest, payloads: Sequence[Payload]) -> GetCompositeScheduleResponse:
    """The schedule of the station. Raises UnacceptableError for numbers that cannot be kept."""
    [payload] = payloads
    answer = GetCompositeScheduleResponse(status=GENERIC_STATUSES[payload["status"]])
    if "chargingSchedule" in payload:
        set_evse(answer.schedule.evse, payload.get("connectorId", command.evse_id))
        _fill(answer.schedule, payload["chargingSchedule"], payload)
    return answer


def _fill(schedule: CompositeSchedule, reported: Payload, payload: Payload) -> None:
    # Some stations send the start only within the schedule.
    us = parse_us(payload.get("scheduleStart") or reported.get("startSchedule") or "")
    if us is not None:
        set_time(schedule.start_time, us)
    if "duration" in reported:
        schedule.duration_s = check_int32(reported["duration"], "chargingSchedule.duration")
    schedule.charging_rate_unit = CHARGING_RATE_UNITS[reported["chargingRateUnit"]]
    schedule.periods.extend(to_periods(reported["chargingSchedulePeriod"]))
    if "minChargingRate" in reported:
        schedule.min_charging_rate = to_rate(reported["minChargingRate"], "chargingSchedule.minChargingRate")


OUTBOUND = Outbound(action="GetCompositeSchedule", to_calls=to_calls, to_answer=to_answer)
