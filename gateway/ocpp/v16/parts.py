"""Data types that several actions of 1.6 have in common: connectors, id tags, meter values."""

import re
from collections.abc import Iterable

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.common.v1.meter_value_pb2 import (
    MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
    MEASURAND_LOCATION_OUTLET,
    READING_CONTEXT_TRANSACTION_BEGIN,
    ReadingContext,
    SampledValue,
)

from gateway.ocpp.checks import check_int32, check_int64, check_not_negative
from gateway.ocpp.enums import AUTHORIZATION_STATUS_WORDS_16, UNITS_16
from gateway.ocpp.meter_values import MeterValues, add_entries, encode_sample
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.values import format_us, set_time
from mesh.runtime.times import from_timestamp

MAX_ID_TAG = 20  # CiString20Type


# Connectors


def set_evse(evse: EvseRef, connector_id: int) -> None:
    """Writes 1.6's connector n as EVSE n with connector 1; connector 0 is the station as a whole.

    Raises UnacceptableError for a connector below 0.
    """
    connector_id = check_not_negative(check_int32(connector_id, "connectorId"), "connectorId")
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


# Id tags


def id_tag_info(info: IdTokenInfo) -> Payload:
    """1.6's IdTagInfo. A group that is too long for a parentIdTag is left out."""
    payload: Payload = {"status": AUTHORIZATION_STATUS_WORDS_16[info.status]}
    if info.HasField("cache_expire_time"):
        payload["expiryDate"] = format_us(from_timestamp(info.cache_expire_time))
    if 0 < len(info.group_id_token.id_token) <= MAX_ID_TAG:
        payload["parentIdTag"] = info.group_id_token.id_token
    return payload


# Transactions


_DECIMAL = re.compile(r"-?[0-9]{1,10}")


def transaction_number(transaction_id: str, field: str) -> int:
    """1.6's number of a transaction. UnacceptableError where the name is no number of 32 bits."""
    if not _DECIMAL.fullmatch(transaction_id):
        raise UnacceptableError(
            "PropertyConstraintViolation", field, "a transaction of OCPP 1.6 is named by a whole number"
        )
    return check_int32(int(transaction_id), field)


def transaction_id_text(number: int) -> str:
    """The contract's name of 1.6's transaction: the number as it came, also where it is -1 or 0 (quirk 18)."""
    return str(check_int64(number, "transactionId"))


# Meter values

_RAW, _SIGNED = "Raw", "SignedData"  # formats


def add_meter_values(target: MeterValues, entries: Iterable[Payload]) -> int | None:
    """Appends 1.6's MeterValues, in their order; returns the latest readable time in microseconds, if there is one."""
    return add_entries(target, entries, _encode_sample)


def _encode_sample(sample: Payload) -> bytes | None:
    """One sampled value with OCPP's defaults filled in; a blank one is skipped (quirk 14)."""
    value = sample["value"].strip()
    if not value:
        return None
    unit = sample.get("unit", "")
    encoded = encode_sample(sample, value=value, unit=UNITS_16.get(unit, unit))
    given = sample.get("format", _RAW)
    if given == _RAW:
        return encoded
    odd = SampledValue.FromString(encoded)
    if given == _SIGNED:
        odd.signed_meter_value.signed_meter_data = value
        odd.value = ""
    else:
        odd.raw_words = "; ".join(filter(None, (odd.raw_words, f"format={given}")))
    return odd.SerializeToString()


def add_register(target: MeterValues, wh: int, us: int | None, context: ReadingContext.ValueType) -> None:
    """Appends a reading of the energy register in watt-hours, kept also where it is nonsense (quirk 21).

    1.6's meterStart and meterStop. Raises UnacceptableError where it is no number of 64 bits.
    """
    meter_value = target.add()
    if us is not None:
        set_time(meter_value.sample_time, us)
    sample = meter_value.sampled_values.add()
    sample.value = str(check_int64(wh, "meterStart" if context == READING_CONTEXT_TRANSACTION_BEGIN else "meterStop"))
    sample.measurand = MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER
    sample.context = context
    sample.location = MEASURAND_LOCATION_OUTLET
    sample.unit = "Wh"
