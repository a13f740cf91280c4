"""Data types that several actions of OCPP 2.x have in common: EVSEs, id tokens, status infos, meter values."""

from collections.abc import Iterable

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_INVALID, IdToken, IdTokenInfo
from csms.common.v1.meter_value_pb2 import SampledValue
from csms.common.v1.status_info_pb2 import StatusInfo

from gateway.ocpp.checks import check_given, check_int32, check_length, check_not_negative
from gateway.ocpp.enums import AUTHORIZATION_STATUSES, words
from gateway.ocpp.meter_values import MeterValues, add_entries, encode_sample
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.values import decimal_text, format_us
from mesh.runtime.times import from_timestamp

MAX_ID_TOKEN = 36
_MAX_LANGUAGE = 8
_MAX_MESSAGE = 512
_MAX_ADDITIONAL_INFO = 512
# IdTokenEnumType.
ID_TOKEN_TYPES = frozenset(
    {"Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"}
)
# Type of an id token without a given type: "generated in the central system, in no particular format".
_DEFAULT_TYPE = "Central"
# Type of the absent token: a start button was pressed (C02).
NO_AUTHORIZATION = "NoAuthorization"

_STATUS_WORDS = words(AUTHORIZATION_STATUSES)


# EVSEs


def set_evse(evse: EvseRef, evse_id: int, connector_id: int, field: str) -> None:
    """Writes what a station calls an EVSE and a connector; UnacceptableError for a number below 0."""
    evse.evse_id = check_not_negative(check_int32(evse_id, field), field)
    evse.connector_id = check_not_negative(check_int32(connector_id, "connectorId"), "connectorId")


def set_evse_of(evse: EvseRef, payload: Payload) -> None:
    """Writes an EVSEType."""
    set_evse(evse, payload["id"], payload.get("connectorId", 0), "evse.id")


def evse_payload(evse: EvseRef, field: str) -> Payload | None:
    """The EVSEType for an EVSE, or a connector of it; None for EVSE 0, which is the station as a whole.

    Raises UnacceptableError for a connector of no EVSE, and for numbers below 0.
    """
    check_not_negative(evse.evse_id, f"{field}.evse_id")
    check_not_negative(evse.connector_id, f"{field}.connector_id")
    if not evse.evse_id:
        if evse.connector_id:
            raise UnacceptableError(
                "PropertyConstraintViolation", f"{field}.evse_id", "must say of which EVSE the connector is"
            )
        return None
    payload = {"id": evse.evse_id}
    if evse.connector_id:
        payload["connectorId"] = evse.connector_id
    return payload


# Id tokens


def is_somebody(id_token: Payload) -> bool:
    """Whether an IdTokenType can be authorized: a blank one cannot, except that of a start button."""
    return bool(id_token["idToken"].strip()) or id_token["type"] == NO_AUTHORIZATION


def set_id_token(target: IdToken, id_token: Payload) -> None:
    """Writes an IdTokenType. Its additionalInfo stays behind: nothing here decides by it."""
    target.id_token = id_token["idToken"]
    target.type = id_token["type"]


def id_token_payload(token: IdToken, field: str) -> Payload:
    """The IdTokenType for what an operator gave. UnacceptableError where 2.0.1 has no such token."""
    text = check_given(token.id_token, f"{field}.id_token")
    kind = token.type or _DEFAULT_TYPE
    if kind not in ID_TOKEN_TYPES:
        known = ", ".join(sorted(ID_TOKEN_TYPES))
        raise UnacceptableError("PropertyConstraintViolation", f"{field}.type", f"must be one of {known}")
    return {"idToken": check_length(text, MAX_ID_TOKEN, f"{field}.id_token"), "type": kind}


def id_token_info(info: IdTokenInfo) -> Payload:
    """2.0.1's IdTokenInfoType. A status that is not known counts as Invalid; a group that is too long is left out."""
    payload: Payload = {"status": _STATUS_WORDS.get(info.status, _STATUS_WORDS[AUTHORIZATION_STATUS_INVALID])}
    if info.HasField("cache_expire_time"):
        payload["cacheExpiryDateTime"] = format_us(from_timestamp(info.cache_expire_time))
    if info.charging_priority:
        payload["chargingPriority"] = info.charging_priority
    if 0 < len(info.language) <= _MAX_LANGUAGE:
        payload["language1"] = info.language
    if info.personal_message:
        payload["personalMessage"] = _message_content(info)
    group = info.group_id_token
    if 0 < len(group.id_token) <= MAX_ID_TOKEN:
        kind = group.type if group.type in ID_TOKEN_TYPES else _DEFAULT_TYPE
        payload["groupIdToken"] = {"idToken": group.id_token, "type": kind}
    return payload


def _message_content(info: IdTokenInfo) -> Payload:
    content: Payload = {"format": "UTF8", "content": info.personal_message[:_MAX_MESSAGE]}
    if 0 < len(info.language) <= _MAX_LANGUAGE:
        content["language"] = info.language
    return content


# Answers


def status_info(payload: Payload, field: str = "statusInfo") -> StatusInfo | None:
    """More about a status; None where the station gave nothing."""
    info = payload.get(field)
    if info is None:
        return None
    return StatusInfo(reason_code=info["reasonCode"], additional_info=info.get("additionalInfo", ""))


def status_info_payload(reason_code: str, additional_info: str) -> Payload:
    """The StatusInfoType of an answer to a station; a text that is too long is cut."""
    payload: Payload = {"reasonCode": reason_code}
    if additional_info:
        payload["additionalInfo"] = additional_info[:_MAX_ADDITIONAL_INFO]
    return payload


# Meter values

_NO_UNIT: Payload = {}


def add_meter_values(target: MeterValues, entries: Iterable[Payload]) -> None:
    """Appends MeterValueTypes, in their order."""
    add_entries(target, entries, _encode_sample)


def _encode_sample(sample: Payload) -> bytes | None:
    """A SampledValueType; a blank one (quirk 14) is skipped, unless it is signed."""
    value = sample["value"]
    text = value.strip() if isinstance(value, str) else decimal_text(value)
    signed, unit = sample.get("signedMeterValue"), sample.get("unitOfMeasure", _NO_UNIT)
    if not text and signed is None:
        return None
    encoded = encode_sample(sample, value=text, unit=unit.get("unit", ""))
    if signed is None and "multiplier" not in unit:
        return encoded
    fuller = SampledValue.FromString(encoded)
    if "multiplier" in unit:
        fuller.multiplier = check_int32(unit["multiplier"], "unitOfMeasure.multiplier")
    if signed is not None:
        proof = fuller.signed_meter_value
        proof.signed_meter_data = signed["signedMeterData"]
        proof.signing_method = signed["signingMethod"]
        proof.encoding_method = signed["encodingMethod"]
        proof.public_key = signed["publicKey"]
    return fuller.SerializeToString()
