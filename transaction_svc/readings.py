"""What meter values say about energy: the samples of the imported-energy register, in integer mWh. Pure."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from csms.common.v1 import meter_value_pb2
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue

from transaction_svc.clocks import is_plausible, read_time
from transaction_svc.facts import BEGIN, BETWEEN, END, Interval, Reading

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 64
# 10^18 mWh, a thousand TWh: what is beyond is no reading, and would not fit the database.
_MOST_DIGITS = 18
_MWH_PER_UNIT = {"": 1_000, "wh": 1_000, "kwh": 1_000_000}

_REGISTER = frozenset((meter_value_pb2.MEASURAND_UNSPECIFIED, meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER))
_INTERVAL = meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_INTERVAL
_OUTLET = frozenset((meter_value_pb2.MEASURAND_LOCATION_UNSPECIFIED, meter_value_pb2.MEASURAND_LOCATION_OUTLET))
# Which of the three phases a value belongs to; the sum takes each once.
_PHASES = {
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
    values: Iterable[MeterValue], *, order_us: int, receive_us: int
) -> tuple[Sequence[Reading], Sequence[Interval]]:
    """The register's readings and the intervals' energies, at most one of each for each meter value.

    A sample without a plausible time counts as taken at `order_us`.
    """
    readings: list[Reading] = []
    intervals: list[Interval] = []
    for value in values:
        registers, sums = _by_source(value.sampled_values)
        if not registers and not sums:
            continue
        raw_us = read_time(value.sample_time) if value.HasField("sample_time") else None
        at_us = raw_us if raw_us is not None and is_plausible(raw_us, receive_us) else order_us
        for rank, found in registers.items():
            source, energy = _best(found)
            readings.append((rank, at_us, source, energy))
        if sums:
            source, energy = _best(sums)
            # By the clock of the station, right or wrong: it tells one interval from the next.
            intervals.append((at_us if raw_us is None else raw_us, source, energy))
    return readings, intervals


_BySource = dict[tuple[bool, bool], dict[int, int]]
"""Energies in mWh by (not at the outlet, single phase), then by phase; phase 0 stands for all of them."""


def _by_source(samples: Iterable[SampledValue]) -> tuple[dict[int, _BySource], _BySource]:
    registers: dict[int, _BySource] = {}
    intervals: _BySource = {}
    for sample in samples:
        measurand = sample.measurand
        if measurand in _REGISTER:
            found = registers.setdefault(_RANKS.get(sample.context, BETWEEN), {})
        elif measurand == _INTERVAL:
            found = intervals
        else:
            continue
        _add(found, sample)
    return {rank: found for rank, found in registers.items() if found}, intervals


def _add(found: _BySource, sample: SampledValue) -> None:
    # An unspecified measurand with the station's own word for it is some other quantity, not the default one.
    if sample.raw_words and ("measurand=" in sample.raw_words or "unit=" in sample.raw_words):
        return
    phase = sample.phase and _PHASES.get(sample.phase)
    if phase is None:
        return
    energy = to_mwh(sample.value, sample.unit, sample.multiplier)
    if energy is not None:
        found.setdefault((sample.location not in _OUTLET, phase != 0), {}).setdefault(phase, energy)


def _best(found: _BySource) -> tuple[int, int]:
    """How good the source is, 0 being best, and its energy: the outlet before other places, all phases before a sum."""
    elsewhere, by_phase = source = min(found)
    phases = found[source].values()
    broken = min(phases)
    return elsewhere * 2 + by_phase, broken if broken < 0 else sum(phases)
