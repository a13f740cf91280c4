"""Samples of meter values that count: Energy.Active.Import.Register and .Interval in mWh, power in W. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from csms.common.v1 import meter_value_pb2
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue

from transaction_svc.clocks import is_plausible, read_time
from transaction_svc.event_record import BEGIN, BETWEEN, END, SIGNED, UNSIGNED, Interval, Power, Reading, series_number
from transaction_svc.signed_records import read_signed_readings

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 64
# 10^18 mWh, a thousand TWh: a larger reading is not plausible, and would not fit the database.
_MOST_DIGITS = 18
_MOST_MWH: int = 10**_MOST_DIGITS
_W_PER_UNIT = {"": 1, "w": 1, "kw": 1_000, "W": 1, "kW": 1_000}
_MWH_PER_UNIT = {"": 1_000, "wh": 1_000, "kwh": 1_000_000, "Wh": 1_000, "kWh": 1_000_000}

_POWER = meter_value_pb2.MEASURAND_POWER_ACTIVE_IMPORT
_INTERVAL = meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_INTERVAL
_ENERGY = frozenset(
    (
        meter_value_pb2.MEASURAND_UNSPECIFIED,  # by OCPP, the register is the default
        meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        _INTERVAL,
    )
)
# A larger power is none that a station has.
_MOST_W = 100_000_000
# Most signatures verified in one message, those of begin and end: each costs a tenth of a millisecond.
_MOST_VERIFIED = 8
# The outlet first: energy is delivered there, and it is OCPP's default.
LOCATIONS: Mapping[int, int] = {
    meter_value_pb2.MEASURAND_LOCATION_UNSPECIFIED: 0,
    meter_value_pb2.MEASURAND_LOCATION_OUTLET: 0,
    meter_value_pb2.MEASURAND_LOCATION_INLET: 1,
    meter_value_pb2.MEASURAND_LOCATION_CABLE: 2,
    meter_value_pb2.MEASURAND_LOCATION_EV: 3,
    meter_value_pb2.MEASURAND_LOCATION_BODY: 4,
    meter_value_pb2.MEASURAND_LOCATION_UPSTREAM: 5,
}
# A bit for each phase; 0 is their sum.
_PHASES: Mapping[int, int] = {
    meter_value_pb2.PHASE_UNSPECIFIED: 0,
    meter_value_pb2.PHASE_L1: 1,
    meter_value_pb2.PHASE_L2: 2,
    meter_value_pb2.PHASE_L3: 4,
    meter_value_pb2.PHASE_L1_N: 1,
    meter_value_pb2.PHASE_L2_N: 2,
    meter_value_pb2.PHASE_L3_N: 4,
}
_RANKS = {
    meter_value_pb2.READING_CONTEXT_TRANSACTION_BEGIN: BEGIN,
    meter_value_pb2.READING_CONTEXT_TRANSACTION_END: END,
}


def to_mwh(text: str, unit: str, multiplier: int) -> int | None:
    """Decimal text as integer mWh, rounded down; None if it is no number, or the unit is not of energy.

    By OCPP the unit is Wh where there is none; the value is multiplied by ten to the `multiplier`. A negative value
    stays negative.
    """
    return _to_integer(text, _MWH_PER_UNIT, unit, multiplier)


def _to_integer(text: str, scales: Mapping[str, int], unit: str, multiplier: int) -> int | None:
    scale = scales.get(unit) or scales.get(unit.strip().lower())
    if scale is None:
        return None
    if not multiplier and len(text) < _MOST_DIGITS - 3 and text.isdecimal() and text.isascii():
        return int(text) * scale
    stripped = text.strip()
    if len(stripped) > _LONGEST_NUMBER or not _NUMBER.fullmatch(stripped):
        return None
    number = Decimal(stripped)
    if not number:
        return 0
    return _shift(number, scale, multiplier)


def _shift(number: Decimal, scale: int, multiplier: int) -> int | None:
    if multiplier + number.adjusted() >= _MOST_DIGITS - 6:
        return -_MOST_MWH if number.is_signed() else _MOST_MWH
    if multiplier + number.adjusted() <= -_LONGEST_NUMBER:
        return None
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the pattern lets neither infinity nor NaN through
    whole, power = int("".join(map(str, digits))) * scale, exponent + multiplier
    factor: int = 10 ** abs(power)
    whole = whole * factor if power >= 0 else whole // factor
    # A negative value must stay negative, however small it is.
    return -max(whole, 1) if sign else whole


class MeterReadings(NamedTuple):
    """The samples that count, in the station's order. Of several powers the last; its time may be implausible."""

    readings: Sequence[Reading]
    intervals: Sequence[Interval]
    power: Power | None


class _Sample(NamedTuple):
    """An energy in a sampled value."""

    is_interval: bool
    rank: int
    location: int
    phase: int
    proof: int
    mwh: int


def read_meter_values(values: Sequence[MeterValue], *, order_us: int, receive_us: int) -> MeterReadings:
    """The registers' readings, the intervals' energies and the power.

    A sample without a plausible time counts as taken at `order_us`.
    """
    readings: list[Reading] = []
    intervals: list[Interval] = []
    power: Power | None = None
    # Slices, since iteration over a repeated field ends with an IndexError, which costs time.
    may_verify = _MOST_VERIFIED
    for value in values[:]:
        samples, verified, watts = _samples(value, may_verify)
        may_verify -= verified
        if not samples and watts is None:
            continue
        raw_us = read_time(value, "sample_time")
        if watts is not None:
            power = order_us if raw_us is None else raw_us, watts
        is_right = raw_us is not None and is_plausible(raw_us, receive_us)
        at_us = raw_us if is_right and raw_us is not None else order_us
        clock_us = 0 if is_right or raw_us is None else raw_us
        for is_interval, rank, series, mwh in _by_series(samples):
            if is_interval:
                # By the station's time, plausible or not: it identifies the interval.
                intervals.append((at_us if raw_us is None else raw_us, series, mwh))
            else:
                readings.append(Reading(at_us=at_us, mwh=mwh, rank=rank, series=series, clock_us=clock_us))
    return MeterReadings(readings, intervals, power)


def _samples(value: MeterValue, may_verify: int) -> tuple[Sequence[_Sample], int, int | None]:
    """The energies of one moment, the number of signatures that were verified, and the power in W."""
    samples: list[_Sample] = []
    powers: list[SampledValue] = []
    verified = 0
    for sample in value.sampled_values[:]:
        measurand = sample.measurand
        if measurand == _POWER:
            powers.append(sample)
        elif measurand not in _ENERGY:
            continue
        elif sample.HasField("signed_meter_value"):
            samples.extend(_signed_energies(sample, measurand, verify=may_verify > verified))
            verified += sample.context in _RANKS
        elif (energy := _energy(sample, measurand, UNSIGNED)) is not None:
            samples.append(energy)
    return samples, verified, _all_watts(powers) if powers else None


def _all_watts(samples: Sequence[SampledValue]) -> int | None:
    """The power of all phases, at the most preferred location that has one."""
    if len(samples) == 1:  # nearly always
        return _watts(samples[0])
    by_location: dict[int, dict[int, int]] = {}
    for sample in samples:
        found, watts = _location_and_phase(sample), _watts(sample)
        if found is not None and watts is not None:
            by_location.setdefault(found[0], {})[found[1]] = watts
    if not by_location:
        return None
    phases = by_location[min(by_location)]
    return phases[0] if 0 in phases else sum(phases.values())


def _watts(sample: SampledValue) -> int | None:
    """A power; None where it is no number, or of another quantity."""
    if _location_and_phase(sample) is None:
        return None
    watts = _to_integer(sample.value, _W_PER_UNIT, sample.unit, sample.multiplier)
    return None if watts is None else min(max(watts, 0), _MOST_W)


def _signed_energies(sample: SampledValue, measurand: int, *, verify: bool) -> Iterable[_Sample]:
    """The energies of a sample with a signed record, which may have several readings."""
    if (found := _location_and_phase(sample)) is None:
        return ()
    location, phase = found
    rank = _RANKS.get(sample.context, BETWEEN)
    if signed_readings := read_signed_readings(sample.signed_meter_value, verify=verify and rank != BETWEEN):
        return [
            _Sample(False, rank if signed.rank is None else signed.rank, location, phase, signed.proof, signed.mwh)
            for signed in signed_readings
        ]
    energy = _energy(sample, measurand, SIGNED)
    return () if energy is None else (energy,)


def _energy(sample: SampledValue, measurand: int, proof: int) -> _Sample | None:
    """The energy of a sample's value; None where it has none."""
    if (found := _location_and_phase(sample)) is None:
        return None
    location, phase = found
    rank = _RANKS.get(sample.context, BETWEEN)
    mwh = to_mwh(sample.value, sample.unit, sample.multiplier)
    if mwh is None or (rank == BETWEEN and not -_MOST_MWH < mwh < _MOST_MWH):
        return None
    return _Sample(measurand == _INTERVAL, rank, location, phase, proof, mwh)


def _location_and_phase(sample: SampledValue) -> tuple[int, int] | None:
    """Location and phase of a sample; None where it is of another quantity, or of an unknown location."""
    words = sample.raw_words
    # An unspecified measurand with the station's own word for it is another quantity, not the default one.
    if words and ("measurand=" in words or "unit=" in words):
        return None
    location, phase = LOCATIONS.get(sample.location), _PHASES.get(sample.phase)
    return None if location is None or phase is None else (location, phase)


def _by_series(samples: Sequence[_Sample]) -> Iterable[tuple[bool, int, int, int]]:
    """The samples of one moment by kind, rank and series; single phases count where there is no sum of all."""
    if len(samples) == 1:
        is_interval, rank, location, phase, proof, mwh = samples[0]
        return ((is_interval, rank, series_number(location, phase, proof=proof), mwh),)
    groups: dict[tuple[bool, int, int, int], dict[int, int]] = {}
    for is_interval, rank, location, phase, proof, mwh in samples:
        groups.setdefault((is_interval, rank, location, proof), {}).setdefault(phase, mwh)
    return [
        (is_interval, rank, series_number(location, 0 if 0 in phases else sum(phases), proof=proof), _sum(phases))
        for (is_interval, rank, location, proof), phases in groups.items()
    ]


def _sum(phases: Mapping[int, int]) -> int:
    """The energy of all phases; negative where one of them is."""
    if 0 in phases:
        return phases[0]
    lowest = min(phases.values())
    return lowest if lowest < 0 else sum(phases.values())
