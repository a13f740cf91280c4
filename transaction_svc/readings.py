"""What meter values say about energy: the samples of the imported-energy register, in integer mWh. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from csms.common.v1 import meter_value_pb2
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue

from transaction_svc.clocks import is_plausible, read_time
from transaction_svc.facts import BEGIN, BETWEEN, END, Interval, Reading

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 64
# 10^18 mWh, a thousand TWh: what is beyond is no reading, and would not fit the database.
_MOST_DIGITS = 18
_MWH_PER_UNIT = {"": 1_000, "wh": 1_000, "kwh": 1_000_000, "Wh": 1_000, "kWh": 1_000_000}

_INTERVAL = meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_INTERVAL
_ENERGY = frozenset(
    (
        meter_value_pb2.MEASURAND_UNSPECIFIED,  # OCPP's default is the register
        meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        _INTERVAL,
    )
)
# Beside the ranks of readings: no reading of the register at all.
_OF_INTERVAL = 3
_OUTLET = frozenset((meter_value_pb2.MEASURAND_LOCATION_UNSPECIFIED, meter_value_pb2.MEASURAND_LOCATION_OUTLET))
# Which of the three phases a value belongs to; the sum takes each once.
_PHASES: Mapping[int, int] = {
    meter_value_pb2.PHASE_UNSPECIFIED: 0,
    meter_value_pb2.PHASE_L1: 1,
    meter_value_pb2.PHASE_L2: 2,
    meter_value_pb2.PHASE_L3: 3,
    meter_value_pb2.PHASE_L1_N: 1,
    meter_value_pb2.PHASE_L2_N: 2,
    meter_value_pb2.PHASE_L3_N: 3,
}
_RANKS = {
    meter_value_pb2.READING_CONTEXT_TRANSACTION_BEGIN: BEGIN,
    meter_value_pb2.READING_CONTEXT_TRANSACTION_END: END,
}


def to_mwh(text: str, unit: str, multiplier: int) -> int | None:
    """Decimal text as integer mWh, cut below that; None where it is no number, or its unit none of energy.

    OCPP: Wh where there is no unit; the value is multiplied by ten to the `multiplier`. -1 and the like stay negative.
    """
    scale = _MWH_PER_UNIT.get(unit) or _MWH_PER_UNIT.get(unit.strip().lower())
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
    if not -_LONGEST_NUMBER < multiplier + number.adjusted() < _MOST_DIGITS - 6:
        return None
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the pattern lets neither infinity nor NaN through
    whole, power = int("".join(map(str, digits))) * scale, exponent + multiplier
    factor: int = 10 ** abs(power)
    whole = whole * factor if power >= 0 else whole // factor
    # What is below zero must stay so, however little it is.
    return -max(whole, 1) if sign else whole


def read_meter_values(
    values: Sequence[MeterValue], *, order_us: int, receive_us: int
) -> tuple[Sequence[Reading], Sequence[Interval]]:
    """The register's readings and the intervals' energies, at most one of each rank for each meter value.

    A sample without a plausible time counts as taken at `order_us`.
    """
    readings: list[Reading] = []
    intervals: list[Interval] = []
    # Slices: walking through the repeated field itself ends with an IndexError, made and thrown away each time.
    for value in values[:]:
        samples = []
        for sample in value.sampled_values[:]:
            measurand = sample.measurand
            if measurand in _ENERGY and (found := _energy(sample, measurand)):
                samples.append(found)
        if not samples:
            continue
        raw_us = read_time(value, "sample_time")
        at_us = raw_us if raw_us is not None and is_plausible(raw_us, receive_us) else order_us
        for rank, source, energy in _best(samples):
            if rank == _OF_INTERVAL:
                # By the clock of the station, right or wrong: it tells one interval from the next.
                intervals.append((at_us if raw_us is None else raw_us, source, energy))
            else:
                readings.append((rank, at_us, source, energy))
    return readings, intervals


_Sample = tuple[int, int, int, int]
"""Rank, source (0 is best), phase (0 is all of them), energy in mWh."""


def _energy(sample: SampledValue, measurand: int) -> _Sample | None:
    """What a sample of an energy says; None where that is nothing."""
    words = sample.raw_words
    # An unspecified measurand with the station's own word for it is some other quantity, not the default one.
    if words and ("measurand=" in words or "unit=" in words):
        return None
    phase = _PHASES.get(sample.phase)
    if phase is None:
        return None
    energy = to_mwh(sample.value, sample.unit, sample.multiplier)
    if energy is None:
        return None
    rank = _OF_INTERVAL if measurand == _INTERVAL else _RANKS.get(sample.context, BETWEEN)
    # The outlet before other places, all phases before a sum.
    return rank, (sample.location not in _OUTLET) * 2 + (phase != 0), phase, energy


def _best(samples: Sequence[_Sample]) -> Iterable[tuple[int, int, int]]:
    """Of each rank the best source and its energy."""
    if len(samples) == 1:
        rank, source, _phase, energy = samples[0]
        return ((rank, source, energy),)
    sources: dict[int, int] = {}
    for rank, source, _phase, _value in samples:
        sources[rank] = min(source, sources.get(rank, source))
    return [(rank, source, _sum(samples, rank, source)) for rank, source in sources.items()]


def _sum(samples: Sequence[_Sample], rank: int, source: int) -> int:
    """The energy of all phases, each taken once; below zero where one of them is."""
    phases: dict[int, int] = {}
    for its_rank, its_source, phase, energy in samples:
        if (its_rank, its_source) == (rank, source):
            phases.setdefault(phase, energy)
    lowest = min(phases.values())
    return lowest if lowest < 0 else sum(phases.values())
