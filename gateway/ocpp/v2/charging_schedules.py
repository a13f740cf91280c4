"""Charging schedules as OCPP 2.x has them, part 2, ChargingScheduleType, in both directions."""

from collections.abc import Iterable, Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_RATE_UNIT_UNSPECIFIED,
    COST_KIND_UNSPECIFIED,
    ChargingSchedule,
    ChargingSchedulePeriod,
    ConsumptionCost,
    CostComponent,
    SalesTariff,
    SalesTariffEntry,
)

from gateway.ocpp.charging_profiles import DECIMALS, to_rate, to_schedule
from gateway.ocpp.checks import check_decimal, check_int32, check_length, check_not_negative
from gateway.ocpp.enums import CHARGING_RATE_UNITS, COST_KINDS, words
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.values import parse_us, set_time

_COST_WORDS = words(COST_KINDS)
_MOST_PERIODS = 1024
_MOST_ENTRIES = 1024
_MOST_COSTS = 3
_MOST_MULTIPLIER = 3
_MOST_DESCRIPTION = 32


# To the station


def schedule_payload(schedule: ChargingSchedule, number: int, field: str) -> Payload:
    """A ChargingScheduleType; `number` is its number where it has none. Raises UnacceptableError."""
    _check_count(schedule.periods, 1, _MOST_PERIODS, f"{field}.periods")
    payload: Payload = {
        "id": schedule.charging_schedule_id or number,
        **to_schedule(schedule, field, _to_period),
    }
    if schedule.HasField("sales_tariff"):
        payload["salesTariff"] = _tariff_payload(schedule.sales_tariff, f"{field}.sales_tariff")
    return payload


def _to_period(period: ChargingSchedulePeriod, field: str) -> Payload:
    payload: Payload = {
        "startPeriod": period.start_period_s,
        "limit": check_decimal(period.limit, DECIMALS, f"{field}.limit"),
    }
    if period.HasField("number_phases"):
        payload["numberPhases"] = period.number_phases
    if period.HasField("phase_to_use"):
        payload["phaseToUse"] = period.phase_to_use
    return payload


def _tariff_payload(tariff: SalesTariff, field: str) -> Payload:
    _check_count(tariff.entries, 1, _MOST_ENTRIES, f"{field}.entries")
    payload: Payload = {
        "id": tariff.sales_tariff_id,
        "salesTariffEntry": [
            _entry_payload(entry, f"{field}.entries[{index}]") for index, entry in enumerate(tariff.entries)
        ],
    }
    if tariff.description:
        text = check_length(tariff.description, _MOST_DESCRIPTION, f"{field}.description")
        payload["salesTariffDescription"] = text
    if tariff.HasField("price_level_count"):
        payload["numEPriceLevels"] = tariff.price_level_count
    return payload


def _entry_payload(entry: SalesTariffEntry, field: str) -> Payload:
    interval: Payload = {"start": check_not_negative(entry.start_s, f"{field}.start_s")}
    if entry.HasField("duration_s"):
        interval["duration"] = check_not_negative(entry.duration_s, f"{field}.duration_s")
    payload: Payload = {"relativeTimeInterval": interval}
    if entry.HasField("price_level"):
        payload["ePriceLevel"] = check_not_negative(entry.price_level, f"{field}.price_level")
    if entry.consumption_costs:
        _check_count(entry.consumption_costs, 1, _MOST_COSTS, f"{field}.consumption_costs")
        payload["consumptionCost"] = [
            _consumption_payload(cost, f"{field}.consumption_costs[{index}]")
            for index, cost in enumerate(entry.consumption_costs)
        ]
    return payload


def _consumption_payload(cost: ConsumptionCost, field: str) -> Payload:
    _check_count(cost.costs, 1, _MOST_COSTS, f"{field}.costs")
    return {
        "startValue": check_decimal(cost.start_value, DECIMALS, f"{field}.start_value"),
        "cost": [_cost_payload(one, f"{field}.costs[{index}]") for index, one in enumerate(cost.costs)],
    }


def _cost_payload(cost: CostComponent, field: str) -> Payload:
    word = _COST_WORDS.get(cost.kind)
    if word is None:
        known = ", ".join(_COST_WORDS.values())
        raise UnacceptableError("PropertyConstraintViolation", f"{field}.kind", f"must be one of {known}")
    payload: Payload = {"costKind": word, "amount": cost.amount}
    if cost.HasField("amount_multiplier"):
        if abs(cost.amount_multiplier) > _MOST_MULTIPLIER:
            raise UnacceptableError("PropertyConstraintViolation", f"{field}.amount_multiplier", "must be -3 to 3")
        payload["amountMultiplier"] = cost.amount_multiplier
    return payload


def _check_count(items: Sequence[object], least: int, most: int, field: str) -> None:
    if not least <= len(items) <= most:
        raise UnacceptableError(
            "OccurrenceConstraintViolation",
            field,
            f"has {len(items)} items, and the station's OCPP allows {least} to {most}",
        )


# From the station


def to_schedules(entries: Iterable[Payload], field: str) -> list[ChargingSchedule]:
    """Schedules as a station sent them. UnacceptableError for numbers that cannot be stored."""
    return [to_reported_schedule(entry, f"{field}[{index}]") for index, entry in enumerate(entries)]


def to_reported_schedule(entry: Payload, field: str) -> ChargingSchedule:
    """A ChargingScheduleType as a station sent it. UnacceptableError for numbers that cannot be stored."""
    schedule = ChargingSchedule(
        charging_schedule_id=check_int32(entry["id"], f"{field}.id"),
        charging_rate_unit=CHARGING_RATE_UNITS.get(entry["chargingRateUnit"], CHARGING_RATE_UNIT_UNSPECIFIED),
        periods=to_periods(entry["chargingSchedulePeriod"], f"{field}.chargingSchedulePeriod"),
    )
    us = parse_us(entry.get("startSchedule", ""))
    if us is not None:
        set_time(schedule.start_time, us)
    if "duration" in entry:
        schedule.duration_s = check_int32(entry["duration"], f"{field}.duration")
    if "minChargingRate" in entry:
        schedule.min_charging_rate = to_rate(entry["minChargingRate"], f"{field}.minChargingRate")
    if "salesTariff" in entry:
        schedule.sales_tariff.CopyFrom(_to_tariff(entry["salesTariff"], f"{field}.salesTariff"))
    return schedule


def to_periods(entries: Iterable[Payload], field: str) -> list[ChargingSchedulePeriod]:
    """Periods as a station sent them. UnacceptableError for numbers that cannot be stored."""
    return [_to_reported_period(entry, f"{field}[{index}]") for index, entry in enumerate(entries)]


def _to_reported_period(entry: Payload, field: str) -> ChargingSchedulePeriod:
    period = ChargingSchedulePeriod(
        start_period_s=check_int32(entry["startPeriod"], f"{field}.startPeriod"),
        limit=to_rate(entry["limit"], f"{field}.limit"),
    )
    if "numberPhases" in entry:
        period.number_phases = check_int32(entry["numberPhases"], f"{field}.numberPhases")
    if "phaseToUse" in entry:
        period.phase_to_use = check_int32(entry["phaseToUse"], f"{field}.phaseToUse")
    return period


def _to_tariff(payload: Payload, field: str) -> SalesTariff:
    tariff = SalesTariff(
        sales_tariff_id=check_int32(payload["id"], f"{field}.id"),
        description=payload.get("salesTariffDescription", ""),
        entries=[
            _to_entry(entry, f"{field}.salesTariffEntry[{index}]")
            for index, entry in enumerate(payload["salesTariffEntry"])
        ],
    )
    if "numEPriceLevels" in payload:
        tariff.price_level_count = check_int32(payload["numEPriceLevels"], f"{field}.numEPriceLevels")
    return tariff


def _to_entry(payload: Payload, field: str) -> SalesTariffEntry:
    interval = payload["relativeTimeInterval"]
    entry = SalesTariffEntry(start_s=check_int32(interval["start"], f"{field}.relativeTimeInterval.start"))
    if "duration" in interval:
        entry.duration_s = check_int32(interval["duration"], f"{field}.relativeTimeInterval.duration")
    if "ePriceLevel" in payload:
        entry.price_level = check_int32(payload["ePriceLevel"], f"{field}.ePriceLevel")
    for index, consumption in enumerate(payload.get("consumptionCost", ())):
        place = f"{field}.consumptionCost[{index}]"
        cost = entry.consumption_costs.add(start_value=to_rate(consumption["startValue"], f"{place}.startValue"))
        cost.costs.extend(_to_cost(one, f"{place}.cost[{at}]") for at, one in enumerate(consumption["cost"]))
    return entry


def _to_cost(payload: Payload, field: str) -> CostComponent:
    cost = CostComponent(
        kind=COST_KINDS.get(payload["costKind"], COST_KIND_UNSPECIFIED),
        amount=check_int32(payload["amount"], f"{field}.amount"),
    )
    if "amountMultiplier" in payload:
        cost.amount_multiplier = check_int32(payload["amountMultiplier"], f"{field}.amountMultiplier")
    return cost
