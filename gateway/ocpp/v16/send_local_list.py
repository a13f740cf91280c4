"""SendLocalList, 1.6 section 5.15."""

from collections.abc import Sequence

from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_UNSPECIFIED
from csms.station.v1.local_list_pb2 import (
    LOCAL_LIST_UPDATE_TYPE_FULL,
    LocalListEntry,
    SendLocalListRequest,
    SendLocalListResponse,
)

from gateway.ocpp.checks import check_given
from gateway.ocpp.enums import AUTHORIZATION_STATUS_WORDS_16, LOCAL_LIST_UPDATE_TYPES, SEND_LOCAL_LIST_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.parts import MAX_ID_TAG, id_tag_info

_UPDATE_WORDS = words(LOCAL_LIST_UPDATE_TYPES)


def to_calls(command: SendLocalListRequest) -> Sequence[Payload]:
    """One CALL. Tokens that 1.6 cannot express are left out; `to_answer` lists them.

    Versions 0 and below are reserved: 0 is an empty list, -1 none at all.
    """
    if command.version_number < 1:
        raise UnacceptableError("PropertyConstraintViolation", "version_number", "must be above 0")
    if command.update_type not in _UPDATE_WORDS:
        raise UnacceptableError("OccurenceConstraintViolation", "update_type", "FULL or DIFFERENTIAL is needed")
    full = command.update_type == LOCAL_LIST_UPDATE_TYPE_FULL
    entries = [_to_entry(entry, f"entries[{index}]", full=full) for index, entry in enumerate(command.entries)]
    return [
        {
            "listVersion": command.version_number,
            "updateType": _UPDATE_WORDS[command.update_type],
            "localAuthorizationList": [entry for entry in entries if entry is not None],
        }
    ]


def _to_entry(entry: LocalListEntry, field: str, *, full: bool) -> Payload | None:
    id_tag = check_given(entry.id_token.id_token, f"{field}.id_token.id_token")
    if entry.HasField("id_token_info"):
        status = entry.id_token_info.status
        if status == AUTHORIZATION_STATUS_UNSPECIFIED or status not in AUTHORIZATION_STATUS_WORDS_16:
            raise UnacceptableError(
                "OccurenceConstraintViolation", f"{field}.id_token_info.status", "one that OCPP has is needed"
            )
    elif full:
        raise UnacceptableError(
            "OccurenceConstraintViolation", f"{field}.id_token_info.status", "is required in a full list"
        )
    if not _is_fit(entry):
        return None
    payload: Payload = {"idTag": id_tag}
    if entry.HasField("id_token_info"):
        payload["idTagInfo"] = id_tag_info(entry.id_token_info)
    return payload


def _is_fit(entry: LocalListEntry) -> bool:
    return len(entry.id_token.id_token) <= MAX_ID_TAG


def to_answer(command: SendLocalListRequest, payloads: Sequence[Payload]) -> SendLocalListResponse:
    """Whether the station accepted it, and the tokens that were left out."""
    [payload] = payloads
    return SendLocalListResponse(
        status=SEND_LOCAL_LIST_STATUSES[payload["status"]],
        left_out_id_tokens=[entry.id_token.id_token for entry in command.entries if not _is_fit(entry)],
    )


OUTBOUND = Outbound(action="SendLocalList", to_calls=to_calls, to_answer=to_answer)
