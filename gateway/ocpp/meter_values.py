"""Meter values as in every OCPP version: MeterValueType, and the fields of SampledValueType that all of them have.

A sampled value is written in protobuf's wire format: a station sends few kinds of them again and again, and all fields
but the value are looked up. In a protobuf message its fields would be set each time, at twice the cost.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from csms.common.v1.meter_value_pb2 import (
    MEASURAND_LOCATION_UNSPECIFIED,
    MEASURAND_UNSPECIFIED,
    PHASE_UNSPECIFIED,
    READING_CONTEXT_UNSPECIFIED,
    MeterValue,
    SampledValue,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from gateway.ocpp.enums import LOCATIONS, MEASURANDS, PHASES, READING_CONTEXTS
from gateway.ocpp.protobuf_wire import tag, varint
from gateway.ocpp.translation import Payload
from gateway.ocpp.values import parse_us, set_time

MeterValues = RepeatedCompositeFieldContainer[MeterValue]
Encode = Callable[[Payload], bytes | None]
"""A sampled value of one OCPP version, as a serialized SampledValue; None for one that is left out."""

_SAMPLED_VALUES = tag(MeterValue.DESCRIPTOR.fields_by_name["sampled_values"])
_VALUE = tag(SampledValue.DESCRIPTOR.fields_by_name["value"])

_LONGEST_KEPT = 200
_DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_DEFAULT_CONTEXT = "Sample.Periodic"
_DEFAULT_LOCATION = "Outlet"
_ENUMERATIONS = (
    ("measurand", MEASURANDS),
    ("context", READING_CONTEXTS),
    ("location", LOCATIONS),
    ("phase", PHASES),
)


def add_entries(target: MeterValues, entries: Iterable[Payload], encode: Encode) -> int | None:
    """Appends MeterValues, in their order; returns the latest readable time in microseconds, if there is one."""
    latest_us = None
    for entry in entries:
        meter_value = target.add()
        us = parse_us(entry["timestamp"])
        if us is not None:
            set_time(meter_value.sample_time, us)
            if latest_us is None or us > latest_us:
                latest_us = us
        parts: list[bytes] = []
        for sample in entry["sampledValue"]:
            encoded = encode(sample)
            if encoded is not None:
                parts += (_SAMPLED_VALUES, varint(len(encoded)), encoded)
        meter_value.MergeFromString(b"".join(parts))
    return latest_us


def encode_sample(sample: Payload, *, value: str, unit: str) -> bytes:
    """One sampled value with OCPP's defaults filled in, unknown words kept (quirk 16)."""
    word = sample.get
    measurand, context = word("measurand", _DEFAULT_MEASURAND), word("context", _DEFAULT_CONTEXT)
    location, phase = word("location", _DEFAULT_LOCATION), word("phase")
    # A word that is not OCPP's may be as long as a frame: it is not cached.
    is_short = len(measurand) + len(context) + len(location) + len(unit) + len(phase or "") <= _LONGEST_KEPT
    encode = _kept_kind if is_short else _kind
    text = value.encode()
    return encode(measurand, context, location, phase, unit) + varint(len(text)) + text


def _kind(measurand: str, context: str, location: str, phase: str | None, unit: str) -> bytes:
    """All of a sampled value that comes before the length of its value."""
    kind = SampledValue(
        measurand=MEASURANDS.get(measurand, MEASURAND_UNSPECIFIED),
        context=READING_CONTEXTS.get(context, READING_CONTEXT_UNSPECIFIED),
        location=LOCATIONS.get(location, MEASURAND_LOCATION_UNSPECIFIED),
        phase=PHASE_UNSPECIFIED if phase is None else PHASES.get(phase, PHASE_UNSPECIFIED),
        unit=unit,
        raw_words=_unknown_words((measurand, context, location, phase)),
    )
    return kind.SerializeToString() + _VALUE


_kept_kind = lru_cache(maxsize=1024)(_kind)


def _unknown_words(words: Iterable[str | None]) -> str:
    """Words outside OCPP's enumerations as "field=word", with "; " between several. Units are kept as text anyway."""
    pairs = zip(_ENUMERATIONS, words, strict=True)
    return "; ".join(f"{field}={word}" for (field, known), word in pairs if word is not None and word not in known)
