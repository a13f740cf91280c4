"""SendLocalList of 1.6."""

import pytest
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import IdToken, IdTokenInfo
from csms.station.v1 import local_list_pb2
from csms.station.v1.local_list_pb2 import LocalListEntry, SendLocalListRequest

from gateway.ocpp.translation import UnacceptableError
from mesh.runtime.times import to_timestamp
from tests.gateway.v16 import helpers

NAME = "send_local_list"
FULL = local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL
DIFFERENTIAL = local_list_pb2.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL
ACCEPTED = IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED)


def entry(id_token: str, info: IdTokenInfo | None = ACCEPTED) -> LocalListEntry:
    """An entry."""
    return LocalListEntry(id_token=IdToken(id_token=id_token), id_token_info=info)


def request(
    *entries: LocalListEntry, kind: local_list_pb2.LocalListUpdateType.ValueType = FULL, version: int = 1
) -> SendLocalListRequest:
    """A command."""
    return SendLocalListRequest(version_number=version, update_type=kind, entries=entries)


def test_full() -> None:
    """All that 1.6 can say of a token."""
    info = IdTokenInfo(
        status=id_token_pb2.AUTHORIZATION_STATUS_BLOCKED,
        cache_expire_time=to_timestamp(1_760_000_000_123_456),
        group_id_token=IdToken(id_token="FLEET", type="Central"),
    )
    assert helpers.to_calls(NAME, request(entry("A", info), entry("B" * 20), version=7)) == [
        {
            "listVersion": 7,
            "updateType": "Full",
            "localAuthorizationList": [
                {
                    "idTag": "A",
                    "idTagInfo": {
                        "status": "Blocked",
                        "expiryDate": "2025-10-09T08:53:20.123Z",
                        "parentIdTag": "FLEET",
                    },
                },
                {"idTag": "B" * 20, "idTagInfo": {"status": "Accepted"}},
            ],
        }
    ]


def test_an_empty_list() -> None:
    """The list itself is there, and has nothing in it."""
    [call] = helpers.to_calls(NAME, request())
    assert call["localAuthorizationList"] == []


def test_differential() -> None:
    """One without more to it is taken out."""
    [call] = helpers.to_calls(NAME, request(entry("A"), entry("B", None), kind=DIFFERENTIAL))
    assert call["updateType"] == "Differential"
    assert call["localAuthorizationList"] == [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}, {"idTag": "B"}]


def test_what_does_not_fit_is_left_out_and_told() -> None:
    """Tokens above 20 characters, put in or taken out; a group that is too long goes alone."""
    group = IdTokenInfo(status=ACCEPTED.status, group_id_token=IdToken(id_token="G" * 21))
    command = request(entry("A" * 21), entry("B", group), entry("C" * 21, None), kind=DIFFERENTIAL)
    [call] = helpers.to_calls(NAME, command)
    assert call["localAuthorizationList"] == [{"idTag": "B", "idTagInfo": {"status": "Accepted"}}]
    answer = helpers.to_answer(NAME, command, {"status": "Accepted"})
    assert list(answer.left_out_id_tokens) == ["A" * 21, "C" * 21]


def test_statuses() -> None:
    """Every status that the contract has is said in a word that 1.6 has: one that may not charge is never Accepted."""
    numbers = [number for number in id_token_pb2.AuthorizationStatus.values() if number]
    entries = [entry(str(number), IdTokenInfo(status=number)) for number in numbers]
    [call] = helpers.to_calls(NAME, request(*entries))
    words = {int(one["idTag"]): one["idTagInfo"]["status"] for one in call["localAuthorizationList"]}
    assert [number for number, word in words.items() if word == "Accepted"] == [ACCEPTED.status]
    assert words.keys() == set(numbers)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (request(version=0), "version_number"),
        (request(version=-1), "version_number"),
        (request(kind=local_list_pb2.LOCAL_LIST_UPDATE_TYPE_UNSPECIFIED), "update_type"),
        (request(entry("A"), entry("")), "entries[1].id_token.id_token"),
        (request(entry("A", None)), "entries[0].id_token_info.status"),
        (request(entry("A", IdTokenInfo()), kind=DIFFERENTIAL), "entries[0].id_token_info.status"),
        (request(entry("A", IdTokenInfo(status=99))), "entries[0].id_token_info.status"),  # type: ignore[arg-type]
    ],
)
def test_impossible(command: SendLocalListRequest, field: str) -> None:
    """Refused by the field's name, before anything is sent."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, request(), {"status": word}).status
        for word in helpers.answer_words("SendLocalList")
    }
    assert told == {
        "Accepted": local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED,
        "Failed": local_list_pb2.SEND_LOCAL_LIST_STATUS_FAILED,
        "NotSupported": local_list_pb2.SEND_LOCAL_LIST_STATUS_NOT_SUPPORTED,
        "VersionMismatch": local_list_pb2.SEND_LOCAL_LIST_STATUS_VERSION_MISMATCH,
    }
