"""Authorize of 1.6."""

from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeResult
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdToken, IdTokenInfo
from csms.transaction.v1.transaction_ingest_service_pb2 import CountOpenTransactionsResult
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "Authorize"
PAYLOAD = {"idTag": "DEADBEEF"}


def answer(result: AuthorizeResult) -> object:
    """The idTagInfo that the station is given."""
    return helpers.to_response(ACTION, PAYLOAD, {IngestRpc.AUTHORIZE: result})["idTagInfo"]


def test_question() -> None:
    """The tag is asked about; 1.6 knows no type of it, and no place."""
    item = helpers.item(ACTION, PAYLOAD, IngestRpc.AUTHORIZE)
    assert item == AuthorizeItem(origin=helpers.ORIGIN, id_token=IdToken(id_token="DEADBEEF"))
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.AUTHORIZE)


@pytest.mark.parametrize("id_tag", ["", "  "])
def test_blank(id_tag: str) -> None:
    """A blank tag is nobody's."""
    assert helpers.to_items(ACTION, {"idTag": id_tag}) == {}
    assert helpers.to_response(ACTION, {"idTag": id_tag}, {}) == {"idTagInfo": {"status": "Invalid"}}


def test_statuses() -> None:
    """Every outcome has a word of 1.6."""
    words = {}
    for status in AuthorizationStatus.values():
        info = answer(AuthorizeResult(id_token_info=IdTokenInfo(status=status)))
        assert isinstance(info, dict)
        words[AuthorizationStatus.Name(status).removeprefix("AUTHORIZATION_STATUS_")] = info["status"]
    assert words == {
        "UNSPECIFIED": "Invalid",
        "ACCEPTED": "Accepted",
        "BLOCKED": "Blocked",
        "CONCURRENT_TX": "ConcurrentTx",
        "EXPIRED": "Expired",
        "INVALID": "Invalid",
        "NO_CREDIT": "Blocked",
        "NOT_ALLOWED_TYPE_EVSE": "Blocked",
        "NOT_AT_THIS_LOCATION": "Blocked",
        "NOT_AT_THIS_TIME": "Blocked",
        "UNKNOWN": "Invalid",
    }


def test_details() -> None:
    """Expiry and group are sent; a group too long for 1.6 is left out."""
    info = IdTokenInfo(
        status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED,
        cache_expire_time=Timestamp(seconds=1_735_732_800, nanos=5_000_000),
        group_id_token=IdToken(id_token="G" * 20),
    )
    assert answer(AuthorizeResult(id_token_info=info)) == {
        "status": "Accepted",
        "expiryDate": "2025-01-01T12:00:00.005Z",
        "parentIdTag": "G" * 20,
    }
    info.group_id_token.id_token = "G" * 21
    assert "parentIdTag" not in answer(AuthorizeResult(id_token_info=info))  # type: ignore[operator]


def test_error() -> None:
    """Where auth_svc could not say, nobody is let in."""
    assert answer(AuthorizeResult(error=Status(code=13))) == {"status": "Invalid"}


def test_what_a_token_holds() -> None:
    """Asked only where auth_svc wants Authorize to be answered by it, and only of a token that it accepts."""
    info = IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED)
    said = AuthorizeResult(id_token_info=info, max_concurrent_transactions=2, limit_authorize=True)
    results: dict[IngestRpc, Any] = {IngestRpc.AUTHORIZE: said}
    item = helpers.follow_up(ACTION, PAYLOAD, results, IngestRpc.OPEN_TRANSACTIONS)
    assert (item.origin, item.id_token.id_token) == (helpers.ORIGIN, "DEADBEEF")
    for count, held_by_station, status in (
        (1, False, "Accepted"),
        (2, False, "ConcurrentTx"),
        (3, False, "ConcurrentTx"),
        (3, True, "Accepted"),
    ):
        held = CountOpenTransactionsResult(count=count, held_by_station=held_by_station)
        response = helpers.to_response(ACTION, PAYLOAD, results | {IngestRpc.OPEN_TRANSACTIONS: held})
        assert response["idTagInfo"] == {"status": status}
    for change in (
        AuthorizeResult(id_token_info=info, max_concurrent_transactions=2),
        AuthorizeResult(id_token_info=info, limit_authorize=True),
        AuthorizeResult(id_token_info=IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_BLOCKED)),
        AuthorizeResult(error=Status(code=13)),
    ):
        assert helpers.follow_ups(ACTION, PAYLOAD, {IngestRpc.AUTHORIZE: change}) == {}
