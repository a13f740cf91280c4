"""Forms of one id token: found by each, stored once, sent to stations as readers write it."""

from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.authorization_service_pb2 import (
    AuthorizeItem,
    AuthorizeRequest,
    FindReaderFormsRequest,
    ListTokensForLocalListsRequest,
)
from csms.auth.v1.id_token_service_pb2 import IdToken
from csms.common.v1 import id_token_pb2
from csms.common.v1.origin_pb2 import Origin

from auth_svc import models
from auth_svc.id_token_form_store import adopt_id_tokens
from mesh.runtime.times import SECOND_US
from tests.auth_svc.conftest import Auth, refused
from tests.auth_svc.test_id_tokens import Operator

ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
BLOCKED = id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
EMAID, HYPHENED = "DEABCC123456785", "DE-ABC-C12345678-5"


@pytest.fixture
async def operator(auth: Auth) -> Operator:
    """The administrator."""
    return Operator(auth, await auth.admin())


async def test_every_form_finds_the_token(auth: Auth, operator: Operator) -> None:
    """For a station that asks, and for an operator that adds, reads, changes and removes."""
    await operator.create(id_token=HYPHENED)
    for text in (EMAID, HYPHENED, f" {EMAID.lower()} ", "de-abcc12345678-5"):
        assert await _ask(auth, text) == ACCEPTED
        got = await operator.get(text)
        assert got.id_token == HYPHENED
        with refused(grpc.StatusCode.ALREADY_EXISTS, "ID_TOKEN_EXISTS"):
            await operator.create(id_token=text.strip())
    await operator.update(IdToken(id_token=EMAID, status="Blocked"))
    assert await _ask(auth, HYPHENED) == BLOCKED
    assert await operator.texts(f'id_token = "{EMAID}"') == [HYPHENED]
    await operator.delete(f"{EMAID} ")
    assert await _ask(auth, HYPHENED) == id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN


async def test_stations_are_sent_the_form_that_readers_send(auth: Auth, operator: Operator) -> None:
    """Noted when a reader's form is news, and then for an hour; the letters' case is none."""
    await operator.create(id_token=HYPHENED)
    await operator.create(id_token="Tag")
    assert await _local_list(auth) == [HYPHENED, "Tag"]
    await _ask(auth, EMAID)
    await _ask(auth, "TAG")
    assert await _local_list(auth) == [EMAID, "Tag"]
    [token] = (await operator.page(where=f'id_token = "{EMAID}"')).id_tokens
    assert (token.id_token, token.reader_id_token) == (HYPHENED, EMAID)
    await _ask(auth, f"{EMAID} ")
    assert await _local_list(auth) == [EMAID, "Tag"]
    auth.clock.advance(3600)
    await _ask(auth, f"{EMAID} ")
    assert await _local_list(auth) == [f"{EMAID} ", "Tag"]


async def test_the_form_of_a_token_is_found_without_noting_one(auth: Auth, operator: Operator) -> None:
    """By any form of it; as it is stored until a reader sent another; nothing for a token that is not known."""
    await operator.create(id_token=HYPHENED)
    assert await _forms(auth, EMAID, "Nobody", "", "\t", "x" * 300, HYPHENED) == [HYPHENED, "", "", "", "", HYPHENED]
    assert await _local_list(auth) == [HYPHENED]
    await _ask(auth, f"{EMAID} ")
    assert await _forms(auth, HYPHENED, EMAID.lower()) == [f"{EMAID} "] * 2
    assert await _forms(auth, HYPHENED, tenant="other") == [""]
    for request in (FindReaderFormsRequest(), FindReaderFormsRequest(tenant_id="default", id_tokens=["x"] * 257)):
        field = "id_tokens" if request.tenant_id else "tenant_id"
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", field):
            await auth.authorization.FindReaderForms(request)


async def test_tokens_that_were_two_become_one(auth: Auth, operator: Operator) -> None:
    """The stricter of both holds, the pair is listed and told, and what held before holds until then."""
    await _store_old(auth, EMAID, expire_us=auth.clock() + 50 * SECOND_US, display_name="Ann")
    await _store_old(auth, HYPHENED, status="Blocked", group_id_token="G")
    await _store_old(auth, "Other")
    assert [await _ask(auth, text) for text in (EMAID, HYPHENED, "OTHER")] == [ACCEPTED, BLOCKED, ACCEPTED]
    assert await _adopt(auth) == 3
    assert await _adopt(auth) == 0
    assert [await _ask(auth, text) for text in (EMAID, HYPHENED, "OTHER")] == [BLOCKED, BLOCKED, ACCEPTED]
    [token] = (await operator.page(where="merged = true")).id_tokens
    assert (token.id_token, token.status, token.group_id_token, token.display_name) == (EMAID, "Blocked", "G", "Ann")
    assert token.HasField("expire_time")
    assert [(form.id_token, form.status) for form in token.merged_id_tokens] == [(HYPHENED, "Blocked")]
    assert await operator.texts("") == [EMAID, "Other"]
    [data] = await auth.events("id_token.merged")
    assert (data["idToken"], data["mergedIdToken"], data["status"]) == (EMAID, HYPHENED, "Blocked")


async def test_what_an_older_build_finds_follows(auth: Auth, operator: Operator) -> None:
    """It finds a token by its own old key, and must get the same answer for each form; nothing of it stays behind."""
    await _store_old(auth, EMAID)
    await _store_old(auth, HYPHENED)
    await _adopt(auth)
    await operator.update(IdToken(id_token=EMAID, status="NoCredit"))
    assert {(row.id_token, row.status) for row in await _rows(auth)} == {(EMAID, "NoCredit"), (HYPHENED, "NoCredit")}
    await operator.delete(HYPHENED)
    assert await _rows(auth) == []


async def _ask(auth: Auth, text: str) -> int:
    item = AuthorizeItem(
        origin=Origin(tenant_id="default", station_id="CP1"), id_token=id_token_pb2.IdToken(id_token=text)
    )
    [result] = (await auth.authorization.Authorize(AuthorizeRequest(items=[item]))).results
    return result.id_token_info.status


async def _forms(auth: Auth, *texts: str, tenant: str = "default") -> list[str]:
    request = FindReaderFormsRequest(tenant_id=tenant, id_tokens=texts)
    return list((await auth.authorization.FindReaderForms(request)).reader_id_tokens)


async def _local_list(auth: Auth) -> list[str]:
    request = ListTokensForLocalListsRequest(tenant_id="default")
    response = await auth.authorization.ListTokensForLocalLists(request)
    return [token.id_token.id_token for token in response.tokens]


async def _store_old(auth: Auth, text: str, **columns: Any) -> None:
    """A row as a build before match_key writes it."""
    values = {
        "tenant_id": "default",
        "token_key": text.casefold(),
        "id_token": text,
        "type": "",
        "status": "Accepted",
        "group_id_token": "",
        "display_name": "",
        "create_us": 1,
        "update_us": 1,
    } | columns
    await auth.database.write(lambda connection: connection.execute(sa.insert(models.id_token).values(**values)))


async def _adopt(auth: Auth) -> int:
    return await auth.database.write(lambda connection: adopt_id_tokens(connection, limit=100, now_us=auth.clock()))


async def _rows(auth: Auth) -> list[Any]:
    return await auth.database.read(lambda connection: list(connection.execute(sa.select(models.id_token)).all()))
