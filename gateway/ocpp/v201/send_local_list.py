"""SendLocalList, D01."""

from collections.abc import Sequence

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1.local_list_pb2 import (
    LOCAL_LIST_UPDATE_TYPE_FULL,
    LocalListEntry,
    SendLocalListRequest,
    SendLocalListResponse,
)

from gateway.ocpp.checks import check_given
from gateway.ocpp.enums import AUTHORIZATION_STATUSES, LOCAL_LIST_UPDATE_TYPES, SEND_LOCAL_LIST_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import ID_TOKEN_TYPES, MAX_ID_TOKEN, id_token_info, status_info

_UPDATE_WORDS = words(LOCAL_LIST_UPDATE_TYPES)
_STATUS_WORDS = words(AUTHORIZATION_STATUSES)
# Type of a token that has none, such as an id tag of 1.6. A station compares tokens of its list with those that its
# readers read, type included, and the most readers are of this one.
_READER_TYPE = "ISO14443"


def to_calls(command: SendLocalListRequest) -> Sequence[Payload]:
    """One CALL, without a list where it is empty (D01.FR.04 in our reading; the schema wants one item at least).

    Tokens that 2.0.1 cannot express are left out; `to_answer` lists them. Version 0 is reserved for no list.
    """
    if command.version_number < 1:
        raise UnacceptableError("PropertyConstraintViolation", "version_number", "must be above 0")
    if command.update_type not in _UPDATE_WORDS:
        raise UnacceptableError("OccurrenceConstraintViolation", "update_type", "FULL or DIFFERENTIAL is needed")
    full = command.update_type == LOCAL_LIST_UPDATE_TYPE_FULL
    entries = [_to_entry(entry, f"entries[{index}]", full=full) for index, entry in enumerate(command.entries)]
    payload: Payload = {
        "versionNumber": command.version_number,
        "updateType": _UPDATE_WORDS[command.update_type],
    }
    if fit := [entry for entry in entries if entry is not None]:
        payload["localAuthorizationList"] = fit
    return [payload]


def _to_entry(entry: LocalListEntry, field: str, *, full: bool) -> Payload | None:
    """The AuthorizationData of an entry; None where 2.0.1 has no such token."""
    text = check_given(entry.id_token.id_token, f"{field}.id_token.id_token")
    has_info = entry.HasField("id_token_info")
    if has_info and entry.id_token_info.status not in _STATUS_WORDS:
        raise UnacceptableError(
            "OccurrenceConstraintViolation", f"{field}.id_token_info.status", "one that OCPP has is needed"
        )
    if full and not has_info:
        raise UnacceptableError(
            "OccurrenceConstraintViolation", f"{field}.id_token_info.status", "is required in a full list"
        )
    if not _is_fit(entry.id_token):
        return None
    payload: Payload = {"idToken": {"idToken": text, "type": _type_of(entry.id_token)}}
    if has_info:
        payload["idTokenInfo"] = id_token_info(entry.id_token_info)
    return payload


def _type_of(token: IdToken) -> str:
    return token.type or _READER_TYPE


def _is_fit(token: IdToken) -> bool:
    return len(token.id_token) <= MAX_ID_TOKEN and _type_of(token) in ID_TOKEN_TYPES


def to_answer(command: SendLocalListRequest, payloads: Sequence[Payload]) -> SendLocalListResponse:
    """Whether the station accepted it, and the tokens that were left out."""
    [payload] = payloads
    return SendLocalListResponse(
        status=SEND_LOCAL_LIST_STATUSES[payload["status"]],
        status_info=status_info(payload),
        left_out_id_tokens=[entry.id_token.id_token for entry in command.entries if not _is_fit(entry.id_token)],
    )


OUTBOUND = Outbound(action="SendLocalList", to_calls=to_calls, to_answer=to_answer)
