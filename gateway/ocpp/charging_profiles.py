"""Charging profiles: checks, and the conversions that the versions share. OCPP 2.0.1 part 2, K01; 1.6 section 3.13."""

from collections.abc import Callable, Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_PROFILE_KIND_RECURRING,
    CHARGING_PROFILE_KIND_RELATIVE,
    CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS,
    CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE,
    CHARGING_PROFILE_PURPOSE_TX_PROFILE,
    RECURRENCY_KIND_UNSPECIFIED,
    ChargingProfile,
    ChargingRateUnit,
    ChargingSchedule,
    ChargingSchedulePeriod,
)

from gateway.ocpp.checks import check_decimal, check_not_negative, check_time
from gateway.ocpp.enums import CHARGING_RATE_UNITS, words
from gateway.ocpp.translation import Payload, UnacceptableError
from mesh.runtime.times import from_timestamp

# Of a limit, and of the least rate; 1.6 and 2.x alike.
DECIMALS = 1

_MOST_PHASES = 3
_UNIT_WORDS = words(CHARGING_RATE_UNITS)


def check_profile(profile: ChargingProfile, evse_id: int, field: str) -> None:
    """UnacceptableError for a profile that contradicts itself, or that cannot be for this EVSE."""
    check_not_negative(evse_id, "evse_id")
    check_not_negative(profile.charging_profile_id, f"{field}.charging_profile_id")
    check_not_negative(profile.stack_level, f"{field}.stack_level")
    _check_purpose(profile, evse_id, field)
    _check_times(profile, field)
    for index, schedule in enumerate(profile.schedules):
        _check_schedule(schedule, f"{field}.schedules[{index}]")


def check_start_profile(profile: ChargingProfile, evse_id: int, field: str) -> None:
    """As `check_profile`, for a profile that goes with a requested start: for a transaction that has no name yet."""
    if profile.purpose != CHARGING_PROFILE_PURPOSE_TX_PROFILE:
        raise _contradiction(f"{field}.purpose", "must be TX_PROFILE where a start is requested")
    if profile.transaction_id:
        raise _contradiction(
            f"{field}.transaction_id", "must be empty where a start is requested: the transaction has no name yet"
        )
    check_profile(profile, evse_id, field)


def unit_word(unit: ChargingRateUnit.ValueType, field: str) -> str:
    """OCPP's word for a unit of limits. UnacceptableError where there is none."""
    word = _UNIT_WORDS.get(unit)
    if word is None:
        raise _contradiction(field, "must be WATTS or AMPERES")
    return word


def to_schedule(
    schedule: ChargingSchedule, field: str, to_period: Callable[[ChargingSchedulePeriod, str], Payload]
) -> Payload:
    """OCPP's ChargingSchedule, with periods as the version has them. UnacceptableError for more than one decimal."""
    payload: Payload = {
        "chargingRateUnit": unit_word(schedule.charging_rate_unit, f"{field}.charging_rate_unit"),
        "chargingSchedulePeriod": [
            to_period(period, f"{field}.periods[{index}]") for index, period in enumerate(schedule.periods)
        ],
    }
    if schedule.HasField("duration_s"):
        payload["duration"] = schedule.duration_s
    if schedule.HasField("start_time"):
        payload["startSchedule"] = check_time(schedule.start_time, f"{field}.start_time")
    if schedule.HasField("min_charging_rate"):
        payload["minChargingRate"] = check_decimal(schedule.min_charging_rate, DECIMALS, f"{field}.min_charging_rate")
    return payload


def to_rate(number: float, field: str) -> float:
    """A limit as a station sent it. UnacceptableError for one that no double holds."""
    try:
        return float(number)
    except OverflowError as error:
        raise UnacceptableError("PropertyConstraintViolation", field, "is too large a number") from error


def _check_purpose(profile: ChargingProfile, evse_id: int, field: str) -> None:
    if profile.purpose == CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS:
        raise _contradiction(f"{field}.purpose", "is for limits from elsewhere, which a central system does not set")
    if profile.purpose == CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE and evse_id:
        raise _contradiction("evse_id", "must be 0 for CHARGING_STATION_MAX_PROFILE, which limits the whole station")
    if profile.purpose == CHARGING_PROFILE_PURPOSE_TX_PROFILE and not evse_id:
        raise _contradiction("evse_id", "must name the EVSE of the transaction for TX_PROFILE")
    if profile.purpose != CHARGING_PROFILE_PURPOSE_TX_PROFILE and profile.transaction_id:
        raise _contradiction(f"{field}.transaction_id", "is for TX_PROFILE only")


def _check_times(profile: ChargingProfile, field: str) -> None:
    recurs = profile.kind == CHARGING_PROFILE_KIND_RECURRING
    if recurs != (profile.recurrency_kind != RECURRENCY_KIND_UNSPECIFIED):
        raise _contradiction(f"{field}.recurrency_kind", "goes with RECURRING, and with nothing else")
    both = profile.HasField("valid_from") and profile.HasField("valid_to")
    if both and from_timestamp(profile.valid_to) <= from_timestamp(profile.valid_from):
        raise _contradiction(f"{field}.valid_to", "must be later than valid_from")
    if profile.kind == CHARGING_PROFILE_KIND_RELATIVE:
        for index, schedule in enumerate(profile.schedules):
            if schedule.HasField("start_time"):
                raise _contradiction(
                    f"{field}.schedules[{index}].start_time",
                    "must be absent for RELATIVE, which starts with the charging",
                )


def _check_schedule(schedule: ChargingSchedule, field: str) -> None:
    if schedule.HasField("duration_s"):
        check_not_negative(schedule.duration_s, f"{field}.duration_s")
    if not schedule.periods:
        raise _contradiction(f"{field}.periods", "at least one is needed")
    _check_starts(schedule.periods, field)
    for index, period in enumerate(schedule.periods):
        if period.HasField("number_phases") and not 1 <= period.number_phases <= _MOST_PHASES:
            raise _contradiction(f"{field}.periods[{index}].number_phases", "must be 1, 2 or 3")
        if period.HasField("phase_to_use") and (
            period.number_phases != 1 or not 1 <= period.phase_to_use <= _MOST_PHASES
        ):
            raise _contradiction(f"{field}.periods[{index}].phase_to_use", "must be 1, 2 or 3, beside number_phases 1")


def _check_starts(periods: Sequence[ChargingSchedulePeriod], field: str) -> None:
    if periods[0].start_period_s:
        raise _contradiction(
            f"{field}.periods[0].start_period_s", "must be 0: nothing would be said of the time before"
        )
    for index in range(1, len(periods)):
        if periods[index].start_period_s <= periods[index - 1].start_period_s:
            raise _contradiction(
                f"{field}.periods[{index}].start_period_s", "must be later than that of the period before"
            )


def _contradiction(field: str, message: str) -> UnacceptableError:
    return UnacceptableError("PropertyConstraintViolation", field, message)
