"""What several actions of 1.6 have in common: connectors, id tags, meter values."""

from collections.abc import Iterable
from typing import TypeVar

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.common.v1.meter_value_pb2 import (
    MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
    MEASURAND_LOCATION_OUTLET,
    MEASURAND_LOCATION_UNSPECIFIED,
    MEASURAND_UNSPECIFIED,
    PHASE_UNSPECIFIED,
    READING_CONTEXT_TRANSACTION_BEGIN,
    READING_CONTEXT_UNSPECIFIED,
    MeterValue,
    ReadingContext,
    SampledValue,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import Message

from gateway.enums import (
    AUTHORIZATION_STATUS_WORDS_16,
    LOCATIONS,
    MEASURANDS,
    PHASES,
    READING_CONTEXTS,
    UNITS_16,
)
from gateway.translation import LaneName, Payload, Results, UnacceptableError
from gateway.values import format_us, parse_us, set_time
from mesh.times import from_timestamp

MAX_ID_TAG = 20  # CiString20Type
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)

M = TypeVar("M", bound=Message)

MeterValues = RepeatedCompositeFieldContainer[MeterValue]
SampledValues = RepeatedCompositeFieldContainer[SampledValue]


def result_of(results: Results, lane: LaneName, kind: type[M]) -> M:
    """The result of a lane that the route does not name as optional."""
    result = results[lane]
    if not isinstance(result, kind):
        raise TypeError(f"{lane} returned {type(result).__name__}, not {kind.__name__}")
    return result


# Numbers


def check_int32(value: int, field: str) -> int:
    """The number itself; UnacceptableError where it is none of 32 bits, which the schemas do not ask for."""
    if value not in _INT32:
        raise UnacceptableError("PropertyConstraintViolation", field, "is not a whole number of 32 bits")
    return value


def check_int64(value: int, field: str) -> int:
    """The number itself; UnacceptableError where it is none of 64 bits."""
    if value not in _INT64:
        raise UnacceptableError("PropertyConstraintViolation", field, "is not a whole number of 64 bits")
    return value


def check_not_negative(value: int, field: str) -> int:
    """The number itself; UnacceptableError where it is below 0."""
    if value < 0:
        raise UnacceptableError("PropertyConstraintViolation", field, "must not be below 0")
    return value


# Connectors


def set_evse(evse: EvseRef, connector_id: int) -> None:
    """Writes 1.6's connector n as EVSE n with connector 1; connector 0 is the station as a whole.

    Raises UnacceptableError for a connector below 0.
    """
    check_not_negative(check_int32(connector_id, "connectorId"), "connectorId")
    evse.evse_id = connector_id
    evse.connector_id = 1 if connector_id else 0


def to_connector_id(evse: EvseRef, field: str) -> int:
    """1.6's number for a connector. UnacceptableError for a second connector of an EVSE, which 1.6 cannot name."""
    check_not_negative(evse.evse_id, f"{field}.evse_id")
    if evse.connector_id not in (0, 1) or (evse.connector_id and not evse.evse_id):
        raise UnacceptableError(
            "PropertyConstraintViolation",
            f"{field}.connector_id",
            "OCPP 1.6 has no connectors within an EVSE: its connector n is EVSE n with connector 1",
        )
    return evse.evse_id


# What operators give


def check_given(text: str, field: str) -> str:
    """The text itself; UnacceptableError where it is empty."""
    if not text:
        raise UnacceptableError("OccurenceConstraintViolation", field, "is required")
    return text


def check_length(text: str, limit: int, field: str) -> str:
    """The text itself; UnacceptableError where it is longer than 1.6 allows."""
    if len(text) > limit:
        raise UnacceptableError(
            "PropertyConstraintViolation", field, f"has {len(text)} characters, and OCPP 1.6 allows {limit}"
        )
    return text


# Id tags


def id_tag_info(info: IdTokenInfo) -> Payload:
    """1.6's IdTagInfo. A group that is too long for a parentIdTag is left out."""
    payload: Payload = {"status": AUTHORIZATION_STATUS_WORDS_16[info.status]}
    if info.HasField("cache_expire_time"):
        payload["expiryDate"] = format_us(from_timestamp(info.cache_expire_time))
    if 0 < len(info.group_id_token.id_token) <= MAX_ID_TAG:
        payload["parentIdTag"] = info.group_id_token.id_token
    return payload


def authorization(results: Results) -> IdTokenInfo | None:
    """What auth_svc said of the id tag; None where it was not asked, was away, or could not say."""
    result: Message | None = results.get(LaneName.AUTHORIZE)
    if not isinstance(result, AuthorizeResult) or result.HasField("error"):
        return None
    return result.id_token_info


# Transactions


def transaction_id_text(number: int) -> str:
    """The contract's name of 1.6's transaction: the number as it came, also where it is -1 or 0 (quirk 18)."""
    return str(check_int64(number, "transactionId"))


# Meter values

_DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_DEFAULT_CONTEXT = "Sample.Periodic"
_DEFAULT_LOCATION = "Outlet"
_FORMATS = frozenset({"Raw", "SignedData"})
_ENUMERATIONS = (
    ("measurand", MEASURANDS),
    ("context", READING_CONTEXTS),
    ("location", LOCATIONS),
    ("phase", PHASES),
    ("format", _FORMATS),
)


def add_meter_values(target: MeterValues, entries: Iterable[Payload]) -> int | None:
    """Appends 1.6's MeterValues, in their order; returns the latest readable time in microseconds, if there is one.

    Built in place: half the price of making each message and copying it into the next (measured).
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
            _add_sample(meter_value.sampled_values, sample)
    return latest_us


def _add_sample(target: SampledValues, sample: Payload) -> None:
    """Appends one sampled value with OCPP's defaults filled in; a blank one is skipped (quirk 14)."""
    value = sample["value"].strip()
    if not value:
        return
    unit = sample.get("unit", "")
    measurand = MEASURANDS.get(sample.get("measurand", _DEFAULT_MEASURAND), MEASURAND_UNSPECIFIED)
    context = READING_CONTEXTS.get(sample.get("context", _DEFAULT_CONTEXT), READING_CONTEXT_UNSPECIFIED)
    location = LOCATIONS.get(sample.get("location", _DEFAULT_LOCATION), MEASURAND_LOCATION_UNSPECIFIED)
    added = target.add(
        value=value, measurand=measurand, context=context, location=location, unit=UNITS_16.get(unit, unit)
    )
    if "phase" in sample:
        added.phase = PHASES.get(sample["phase"], PHASE_UNSPECIFIED)
    if sample.get("format") == "SignedData":
        added.signed_meter_value.signed_meter_data = value
        added.value = ""
    if not (measurand and context and location) or "phase" in sample or "format" in sample:
        added.raw_words = _unknown_words(sample)


def _unknown_words(sample: Payload) -> str:
    """Words outside OCPP's enumerations as "field=word", with "; " between several. Units are kept as text anyway."""
    return "; ".join(
        f"{field}={sample[field]}" for field, known in _ENUMERATIONS if field in sample and sample[field] not in known
    )


def add_register(target: MeterValues, wh: int, us: int | None, context: ReadingContext.ValueType) -> None:
    """Appends a reading of the energy register in watt-hours, kept also where it is nonsense (quirk 21).

    1.6's meterStart and meterStop. Raises UnacceptableError where it is no number of 64 bits.
    """
    meter_value = target.add()
    if us is not None:
        set_time(meter_value.sample_time, us)
    meter_value.sampled_values.add(
        value=str(check_int64(wh, "meterStart" if context == READING_CONTEXT_TRANSACTION_BEGIN else "meterStop")),
        measurand=MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        context=context,
        location=MEASURAND_LOCATION_OUTLET,
        unit="Wh",
    )
