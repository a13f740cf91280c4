"""Meter values as every OCPP version tells them: MeterValueType, and what SampledValueType has in all of them.

Built in place: half the price of making each message and copying it into the next (measured).
"""

from collections.abc import Callable, Iterable

from csms.common.v1.meter_value_pb2 import (
    MEASURAND_LOCATION_UNSPECIFIED,
    MEASURAND_UNSPECIFIED,
    PHASE_UNSPECIFIED,
    READING_CONTEXT_UNSPECIFIED,
    MeterValue,
    SampledValue,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from gateway.enums import LOCATIONS, MEASURANDS, PHASES, READING_CONTEXTS
from gateway.translation import Payload
from gateway.values import parse_us, set_time

MeterValues = RepeatedCompositeFieldContainer[MeterValue]
SampledValues = RepeatedCompositeFieldContainer[SampledValue]

_DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_DEFAULT_CONTEXT = "Sample.Periodic"
_DEFAULT_LOCATION = "Outlet"
_ENUMERATIONS = (
    ("measurand", MEASURANDS),
    ("context", READING_CONTEXTS),
    ("location", LOCATIONS),
    ("phase", PHASES),
)


def add_entries(
    target: MeterValues, entries: Iterable[Payload], add: Callable[[SampledValues, Payload], None]
) -> int | None:
    """Appends MeterValues, in their order; returns the latest readable time in microseconds, if there is one.

    `add(target, sample)` appends one sampled value as the OCPP version at hand writes them.
    """
    latest_us = None
    for entry in entries:
        meter_value = target.add()
        us = parse_us(entry["timestamp"])
        if us is not None:
            set_time(meter_value.sample_time, us)
            if latest_us is None or us > latest_us:
                latest_us = us
        for sample in entry["sampledValue"]:
            add(meter_value.sampled_values, sample)
    return latest_us


def add_sample(target: SampledValues, sample: Payload, *, value: str, unit: str) -> SampledValue:
    """Appends one sampled value with OCPP's defaults filled in, unknown words kept (quirk 16), and returns it."""
    measurand = MEASURANDS.get(sample.get("measurand", _DEFAULT_MEASURAND), MEASURAND_UNSPECIFIED)
    context = READING_CONTEXTS.get(sample.get("context", _DEFAULT_CONTEXT), READING_CONTEXT_UNSPECIFIED)
    location = LOCATIONS.get(sample.get("location", _DEFAULT_LOCATION), MEASURAND_LOCATION_UNSPECIFIED)
    added = target.add()
    added.value, added.measurand, added.context, added.location, added.unit = value, measurand, context, location, unit
    known = bool(measurand and context and location)
    if "phase" in sample:
        phase = PHASES.get(sample["phase"], PHASE_UNSPECIFIED)
        added.phase = phase
        known = known and bool(phase)
    if not known:
        added.raw_words = _unknown_words(sample)
    return added


def _unknown_words(sample: Payload) -> str:
    """Words outside OCPP's enumerations as "field=word", with "; " between several. Units are kept as text anyway."""
    return "; ".join(
        f"{field}={sample[field]}" for field, known in _ENUMERATIONS if field in sample and sample[field] not in known
    )
