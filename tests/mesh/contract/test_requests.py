"""Checks of operators' requests, on messages of the contract."""

import pytest
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken, ListIdTokensRequest
from csms.auth.v1.user_service_pb2 import LoginRequest, LogoutRequest
from csms.station.v1.command_service_pb2 import RESET_TYPE_IMMEDIATE, ResetRequest
from csms.station.v1.rollout_service_pb2 import CommandRollout, CreateRolloutRequest
from google.protobuf.message import Message

from mesh.contract.requests import check_request, check_text
from mesh.runtime.errors import MeshError


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (LoginRequest(), "username"),
        (LoginRequest(username="x"), "password"),
        (CreateIdTokenRequest(), "id_token"),
        (CreateIdTokenRequest(id_token=IdToken(type="Local")), "id_token.id_token"),
    ],
)
def test_first_missing_field_is_named_by_its_path(request_: Message, path: str) -> None:
    with pytest.raises(MeshError) as caught:
        check_request(request_)
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": path})


@pytest.mark.parametrize(
    "request_",
    [
        LoginRequest(username="x", password="y"),
        CreateIdTokenRequest(id_token=IdToken(id_token="x")),
        ListIdTokensRequest(),
        LogoutRequest(),
    ],
)
def test_whole_requests_pass(request_: Message) -> None:
    """Optional fields may be missing."""
    check_request(request_)


@pytest.mark.parametrize(
    ("reset", "path"),
    [
        (ResetRequest(station_id="CP1"), "command.reset.station_id"),
        (ResetRequest(request_id="r"), "command.reset.request_id"),
        (ResetRequest(), None),
    ],
)
def test_a_request_for_many_stations_names_none(reset: ResetRequest, path: str | None) -> None:
    """Though that of one station has to; in a rollout each has its own."""
    request = CreateRolloutRequest(filter="x", command=CommandRollout(reset=reset))
    if path is None:
        check_request(request)
        return
    with pytest.raises(MeshError) as caught:
        check_request(request)
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": path})


@pytest.mark.parametrize("request_id", ["x" * 65, "a\0"])
def test_a_request_id_is_short_and_storable(request_id: str) -> None:
    with pytest.raises(MeshError) as caught:
        check_request(ResetRequest(station_id="CP1", request_id=request_id))
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": "request_id"})


@pytest.mark.parametrize("request_id", ["", "x" * 64, "é" * 64])
def test_request_ids_up_to_the_bound_pass(request_id: str) -> None:
    check_request(ResetRequest(station_id="CP1", type=RESET_TYPE_IMMEDIATE, request_id=request_id))


@pytest.mark.parametrize(
    ("text", "least", "message"),
    [
        ("", 1, "f: 1 to 3 characters are needed, and none of them U+0000"),
        ("abcd", 0, "f: at most 3 characters are taken, and none of them U+0000"),
        ("a\0", 0, "f: at most 3 characters are taken, and none of them U+0000"),
    ],
)
def test_a_text_is_refused_with_its_bounds(text: str, least: int, message: str) -> None:
    with pytest.raises(MeshError) as caught:
        check_text("f", text, most=3, least=least)
    assert (caught.value.reason, caught.value.message, caught.value.metadata) == (
        "INVALID_FIELD",
        message,
        {"field": "f"},
    )


@pytest.mark.parametrize(("text", "least"), [("", 0), ("é", 1), ("abc", 1)])
def test_texts_within_their_bounds_pass(text: str, least: int) -> None:
    check_text("f", text, most=3, least=least)
