"""The language of a driver and the message for them, from the operator to the station's answer."""

import grpc
import pytest
from csms.auth.v1.authorization_service_pb2 import (
    AuthorizeItem,
    AuthorizeRequest,
    ListTokensForLocalListsRequest,
)
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, GetIdTokenRequest, IdToken, UpdateIdTokenRequest
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.common.v1.origin_pb2 import Origin
from google.protobuf.field_mask_pb2 import FieldMask

from tests.auth_svc.conftest import Auth, refused


async def _create(auth: Auth, **fields: str) -> None:
    token = IdToken(id_token="Tag", **fields)  # type: ignore[arg-type]
    await auth.id_tokens.CreateIdToken(CreateIdTokenRequest(id_token=token), metadata=await auth.admin())


async def _info(auth: Auth) -> IdTokenInfo:
    token = id_token_pb2.IdToken(id_token="Tag", type="ISO14443")
    request = AuthorizeRequest(items=[AuthorizeItem(origin=Origin(tenant_id="default"), id_token=token)])
    [result] = (await auth.authorization.Authorize(request)).results
    return result.id_token_info


async def test_station_gets_language_and_message(auth: Auth) -> None:
    await _create(auth, language="de-DE", personal_message="Guten Tag, Zoë!")
    info = await _info(auth)
    assert (info.language, info.personal_message) == ("de-DE", "Guten Tag, Zoë!")
    page = await auth.authorization.ListTokensForLocalLists(ListTokensForLocalListsRequest(tenant_id="default"))
    assert [token.id_token_info.personal_message for token in page.tokens] == ["Guten Tag, Zoë!"]


async def test_message_is_changed_and_removed(auth: Auth) -> None:
    await _create(auth, language="en", personal_message="Hello")
    token = IdToken(id_token="Tag", language="fr")
    mask = FieldMask(paths=["language", "personal_message"])
    await auth.id_tokens.UpdateIdToken(
        UpdateIdTokenRequest(id_token=token, update_mask=mask), metadata=await auth.admin()
    )
    response = await auth.id_tokens.GetIdToken(GetIdTokenRequest(id_token="Tag"), metadata=await auth.admin())
    assert (response.id_token.language, response.id_token.personal_message) == ("fr", "")


@pytest.mark.parametrize(
    ("field", "text"), [("language", "x" * 9), ("personal_message", "x" * 513), ("personal_message", "line\nbreak")]
)
async def test_text_that_stations_cannot_show_is_refused(auth: Auth, field: str, text: str) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", f"id_token.{field}"):
        await _create(auth, **{field: text})
