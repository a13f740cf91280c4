"""AuthorizationService.ListTokensForLocalLists: what stations decide by while they are offline."""

import grpc
import pytest
from csms.auth.v1.authorization_service_pb2 import ListTokensForLocalListsRequest
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken
from csms.common.v1 import id_token_pb2

from mesh.runtime.times import SECOND_US, from_timestamp, to_timestamp
from tests.auth_svc.conftest import Auth, refused


async def _create(auth: Auth, *tokens: IdToken) -> None:
    admin = await auth.admin()
    for token in tokens:
        await auth.id_tokens.CreateIdToken(CreateIdTokenRequest(id_token=token), metadata=admin)


async def test_each_is_told_as_a_station_is_told(auth: Auth) -> None:
    """Type, status, expiry and group; one that has expired meanwhile is Expired."""
    until_us = auth.clock() + 3600 * SECOND_US
    await _create(
        auth,
        IdToken(id_token="b", type="ISO14443", expire_time=to_timestamp(until_us), group_id_token="fleet"),
        IdToken(id_token="A", status="Blocked"),
        IdToken(id_token="c", expire_time=to_timestamp(until_us - 1)),
    )
    request = ListTokensForLocalListsRequest(tenant_id="default")
    tokens = (await auth.authorization.ListTokensForLocalLists(request)).tokens
    assert [(token.id_token.id_token, token.id_token.type) for token in tokens] == [
        ("A", ""),
        ("b", "ISO14443"),
        ("c", ""),
    ]
    assert tokens[0].id_token_info == id_token_pb2.IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_BLOCKED)
    info = tokens[1].id_token_info
    assert (info.status, info.group_id_token.id_token) == (id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED, "fleet")
    assert from_timestamp(info.cache_expire_time) == until_us
    auth.clock.us = until_us - 1
    tokens = (await auth.authorization.ListTokensForLocalLists(request)).tokens
    assert [token.id_token_info.status for token in tokens[1:]] == [
        id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED,
        id_token_pb2.AUTHORIZATION_STATUS_EXPIRED,
    ]


async def test_pages(auth: Auth) -> None:
    """Each token once, in the order of their folded texts; another tenant has none of them."""
    await _create(auth, *(IdToken(id_token=text) for text in ("d", "B", "a", "C", "e")))
    request = ListTokensForLocalListsRequest(tenant_id="default", page_size=2)
    found: list[str] = []
    while True:
        page = await auth.authorization.ListTokensForLocalLists(request)
        found += [token.id_token.id_token for token in page.tokens]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == ["a", "B", "C", "d", "e"]
    other = await auth.authorization.ListTokensForLocalLists(ListTokensForLocalListsRequest(tenant_id="other"))
    assert not other.tokens


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (ListTokensForLocalListsRequest(), "INVALID_FIELD", "tenant_id"),
        (ListTokensForLocalListsRequest(tenant_id="\0"), "INVALID_FIELD", "tenant_id"),
        (ListTokensForLocalListsRequest(tenant_id="default", page_size=-1), "INVALID_FIELD", "page_size"),
        (ListTokensForLocalListsRequest(tenant_id="default", page_token="x"), "INVALID_PAGE_TOKEN", None),
    ],
)
async def test_what_is_refused(
    auth: Auth, request_: ListTokensForLocalListsRequest, reason: str, field: str | None
) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason, field):
        await auth.authorization.ListTokensForLocalLists(request_)
