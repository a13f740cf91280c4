"""REQUIRED fields (AIP-203), on messages of the contract."""

import pytest
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken, ListIdTokensRequest
from csms.auth.v1.user_service_pb2 import LoginRequest, LogoutRequest
from google.protobuf.message import Message

from mesh.contract.required import check_required
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
        check_required(request_)
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
    check_required(request_)
