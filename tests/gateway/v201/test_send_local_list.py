"""SendLocalList of 2.0.1."""

import pytest
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import IdToken, IdTokenInfo
from csms.station.v1 import local_list_pb2 as pb
from csms.station.v1.local_list_pb2 import LocalListEntry, SendLocalListRequest

from gateway.ocpp.translation import UnacceptableError
from mesh.runtime.times import to_timestamp
from tests.gateway.v201 import helpers

NAME = "send_local_list"
FULL, DIFFERENTIAL = pb.LOCAL_LIST_UPDATE_TYPE_FULL, pb.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL
ACCEPTED = IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED)


def entry(text: str, kind: str = "ISO14443", info: IdTokenInfo | None = ACCEPTED) -> LocalListEntry:
    """An entry."""
    return LocalListEntry(id_token=IdToken(id_token=text, type=kind), id_token_info=info)


def request(
    *entries: LocalListEntry, kind: pb.LocalListUpdateType.ValueType = FULL, version: int = 1
) -> SendLocalListRequest:
    """A command."""
    return SendLocalListRequest(version_number=version, update_type=kind, entries=entries)


def test_full() -> None:
    """The type of a token is sent with it; a token without one is a card, which is what readers read."""
    info = IdTokenInfo(
        status=id_token_pb2.AUTHORIZATION_STATUS_NO_CREDIT,
        cache_expire_time=to_timestamp(1_760_000_000_123_456),
        group_id_token=IdToken(id_token="FLEET", type="Central"),
        charging_priority=-3,
    )
    assert helpers.to_calls(NAME, request(entry("A" * 36, "KeyCode", info), entry("B", ""), version=7)) == [
        {
            "versionNumber": 7,
            "updateType": "Full",
            "localAuthorizationList": [
                {
                    "idToken": {"idToken": "A" * 36, "type": "KeyCode"},
                    "idTokenInfo": {
                        "status": "NoCredit",
                        "cacheExpiryDateTime": "2025-10-09T08:53:20.123Z",
                        "chargingPriority": -3,
                        "groupIdToken": {"idToken": "FLEET", "type": "Central"},
                    },
                },
                {"idToken": {"idToken": "B", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}},
            ],
        }
    ]


@pytest.mark.parametrize(("kind", "word"), [(FULL, "Full"), (DIFFERENTIAL, "Differential")])
def test_no_list_is_sent_where_there_are_no_entries(kind: pb.LocalListUpdateType.ValueType, word: str) -> None:
    """The schema allows no list without items."""
    assert helpers.to_calls(NAME, request(kind=kind)) == [{"versionNumber": 1, "updateType": word}]


def test_differential() -> None:
    """A token to remove has its type, and no more."""
    [call] = helpers.to_calls(NAME, request(entry("A"), entry("B", "eMAID", None), kind=DIFFERENTIAL))
    assert call["localAuthorizationList"] == [
        {"idToken": {"idToken": "A", "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}},
        {"idToken": {"idToken": "B", "type": "eMAID"}},
    ]


def test_tokens_that_do_not_fit_are_left_out_and_listed() -> None:
    """Those above 36 characters, and those of a type that 2.0.1 does not have."""
    command = request(entry("A" * 37), entry("B"), entry("C", "EVCCID"))
    [call] = helpers.to_calls(NAME, command)
    assert [one["idToken"]["idToken"] for one in call["localAuthorizationList"]] == ["B"]
    answer = helpers.to_answer(NAME, command, {"status": "Accepted"})
    assert list(answer.left_out_id_tokens) == ["A" * 37, "C"]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (request(version=0), "version_number"),
        (request(kind=pb.LOCAL_LIST_UPDATE_TYPE_UNSPECIFIED), "update_type"),
        (request(entry("A"), entry("")), "entries[1].id_token.id_token"),
        (request(entry("A", info=None)), "entries[0].id_token_info.status"),
        (request(entry("A", info=IdTokenInfo()), kind=DIFFERENTIAL), "entries[0].id_token_info.status"),
    ],
)
def test_impossible(command: SendLocalListRequest, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    assert helpers.statuses_told(NAME, request(), "SendLocalListStatusEnumType") == {
        "Accepted": pb.SEND_LOCAL_LIST_STATUS_ACCEPTED,
        "Failed": pb.SEND_LOCAL_LIST_STATUS_FAILED,
        "VersionMismatch": pb.SEND_LOCAL_LIST_STATUS_VERSION_MISMATCH,
    }
