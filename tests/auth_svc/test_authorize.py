"""AuthorizationService.Authorize: the answer to a station about a token."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest, AuthorizeResult
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdTokenInfo
from csms.common.v1.id_token_pb2 import IdToken as AskedToken
from csms.common.v1.origin_pb2 import Origin
from sqlalchemy import Connection, Engine

from auth_svc import id_token_store
from auth_svc.authorization_servicer import ConcurrencyRule
from auth_svc.id_token_store import IdToken
from auth_svc.normalization import STATUSES
from mesh.database import pipeline
from mesh.runtime.errors import from_status
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.auth_svc.conftest import Auth, StartAuth, refused

ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
UNKNOWN = id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN
INVALID = id_token_pb2.AUTHORIZATION_STATUS_INVALID
TOKEN = IdToken(
    tenant_id="default",
    id_token="Tag",
    type="",
    status="Accepted",
    expire_us=None,
    group_id_token="",
    display_name="",
    create_us=1,
    update_us=1,
)


async def _store(auth: Auth, *tokens: IdToken) -> None:
    def create(connection: Connection) -> None:
        for token in tokens:
            assert id_token_store.create_id_token(connection, token)

    await auth.database.write(create)


def _item(text: str, *, tenant_id: str = "default", kind: str = "") -> AuthorizeItem:
    return AuthorizeItem(
        origin=Origin(tenant_id=tenant_id, station_id="CP1"), id_token=AskedToken(id_token=text, type=kind)
    )


async def _ask(auth: Auth, *items: AuthorizeItem) -> list[AuthorizeResult]:
    return list((await auth.authorization.Authorize(AuthorizeRequest(items=items))).results)


async def _info(auth: Auth, text: str, **how: Any) -> IdTokenInfo:
    (result,) = await _ask(auth, _item(text, **how))
    assert not result.HasField("error")
    return result.id_token_info


async def test_known_token_is_found_whatever_its_case(auth: Auth) -> None:
    """OCPP compares tokens without regard to case."""
    await _store(auth, TOKEN)
    for text in ("Tag", "TAG", "tag"):
        assert await _info(auth, text) == IdTokenInfo(status=ACCEPTED)


async def test_token_of_another_tenant_is_unknown(auth: Auth) -> None:
    """The same text may be a token of two tenants, with two statuses."""
    await _store(auth, TOKEN, replace(TOKEN, tenant_id="other", status="Blocked"))
    assert (await _info(auth, "Tag")).status == ACCEPTED
    assert (await _info(auth, "Tag", tenant_id="other")).status == id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
    assert (await _info(auth, "Tag", tenant_id="third")).status == UNKNOWN


@pytest.mark.parametrize("word", STATUSES)
async def test_every_status_is_told_as_it_is_stored(auth: Auth, word: str) -> None:
    """No word that an operator may give is lost on the way to the station."""
    await _store(auth, replace(TOKEN, status=word))
    name = AuthorizationStatus.Name((await _info(auth, "Tag")).status)
    assert name.removeprefix("AUTHORIZATION_STATUS_").replace("_", "") == word.upper()


async def test_unknown_tokens_are_accepted_where_the_setting_says_so(start_auth: StartAuth) -> None:
    """CSMS_UNKNOWN_TOKENS=accept changes the answer for unknown tokens, not for barred ones."""
    auth = await start_auth(accept_unknown=True)
    await _store(auth, replace(TOKEN, status="Blocked"))
    assert (await _info(auth, "nobody's")).status == ACCEPTED
    assert (await _info(auth, "Tag")).status == id_token_pb2.AUTHORIZATION_STATUS_BLOCKED


async def test_how_many_transactions_a_token_may_hold(start_auth: StartAuth) -> None:
    """The token's own number; else that of the setting, for unknown tokens too. None is any number."""
    auth = await start_auth(accept_unknown=True, concurrency=ConcurrencyRule(max_transactions=2, limit_authorize=True))
    await _store(
        auth,
        TOKEN,
        replace(TOKEN, id_token="Own", max_concurrent_transactions=5),
        replace(TOKEN, id_token="Any", max_concurrent_transactions=0),
    )
    items = [_item("tag"), _item("own"), _item("any"), _item("nobody's"), _item("", kind="NoAuthorization")]
    results = await _ask(auth, *items)
    told = [(result.max_concurrent_transactions, result.limit_authorize) for result in results]
    assert told == [(2, True), (5, True), (0, False), (2, True), (0, False)]
    assert {result.id_token_info.status for result in results} == {ACCEPTED}


async def test_without_a_setting_a_token_may_hold_any_number_of_transactions(auth: Auth) -> None:
    """And where it has a number of its own, Authorize says nothing of it."""
    await _store(auth, TOKEN, replace(TOKEN, id_token="Own", max_concurrent_transactions=1))
    told = [
        (result.max_concurrent_transactions, result.limit_authorize)
        for result in await _ask(auth, _item("tag"), _item("own"))
    ]
    assert told == [(0, False), (1, False)]


async def test_token_is_expired_from_its_expiry_on(auth: Auth) -> None:
    """Until then the station may cache the acceptance, and no longer."""
    expire_us = auth.clock() + 60 * SECOND_US
    await _store(auth, replace(TOKEN, expire_us=expire_us))
    auth.clock.advance(59)
    assert await _info(auth, "tag") == IdTokenInfo(status=ACCEPTED, cache_expire_time=to_timestamp(expire_us))
    auth.clock.advance(1)
    assert await _info(auth, "tag") == IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_EXPIRED)


async def test_barred_token_stays_barred_beyond_its_expiry(auth: Auth) -> None:
    """An operator's word on a token outweighs its age."""
    await _store(auth, replace(TOKEN, status="Blocked", expire_us=auth.clock() - 1))
    assert await _info(auth, "tag") == IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_BLOCKED)


async def test_group_is_told(auth: Auth) -> None:
    """Its members may stop each other's transactions, so stations need it."""
    await _store(auth, replace(TOKEN, group_id_token="Family"))
    assert (await _info(auth, "tag")).group_id_token == AskedToken(id_token="Family", type="Central")


@pytest.mark.parametrize("text", ["", "nul\0inside", "x" * 256])
async def test_token_that_nobody_could_register_is_invalid(auth: Auth, text: str) -> None:
    """A station's nonsense is answered, and harms no neighbour in the batch."""
    await _store(auth, TOKEN)
    odd, sound = await _ask(auth, _item(text), _item("Tag"))
    assert (odd.id_token_info.status, sound.id_token_info.status) == (INVALID, ACCEPTED)


async def test_start_button_needs_no_token(auth: Auth) -> None:
    """OCPP 2.0.1 part 2, C02: type NoAuthorization comes with an empty token."""
    assert (await _info(auth, "", kind="NoAuthorization")).status == ACCEPTED
    assert (await _info(auth, "someone", kind="NoAuthorization")).status == UNKNOWN


async def test_item_without_tenant_is_its_own_error(auth: Auth) -> None:
    """Each item has its own result, in the order of the items."""
    await _store(auth, TOKEN)
    broken, sound = await _ask(auth, _item("Tag", tenant_id=""), _item("Tag"))
    assert from_status(broken.error).reason == "INVALID_FIELD"
    assert not broken.HasField("id_token_info")
    assert sound.id_token_info.status == ACCEPTED


def _is_question(sql: str) -> bool:
    return sql.lstrip().startswith(("SELECT", "EXECUTE"))


async def test_batch_is_one_statement(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """256 questions cost as many statements as one, and answers keep their order; unknown tokens cost one more."""
    await _store(auth, *(replace(TOKEN, id_token=f"tag-{number}") for number in range(0, 256, 2)))
    with _counted(auth.database.engine, monkeypatch) as statements:
        results = await _ask(auth, *(_item(f"TAG-{number}") for number in range(256)))
    assert [result.id_token_info.status for result in results] == [ACCEPTED, UNKNOWN] * 128
    assert len(list(filter(_is_question, statements))) == 2
    with _counted(auth.database.engine, monkeypatch) as statements:
        await _ask(auth, *(_item(f"TAG-{number}") for number in range(0, 256, 2)))
    assert len(list(filter(_is_question, statements))) == 1


async def test_empty_batch_and_too_large_a_batch(auth: Auth) -> None:
    """Nothing is answered with nothing; more than the contract allows is refused."""
    assert await _ask(auth) == []
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "items"):
        await _ask(auth, *(_item("Tag") for _ in range(257)))


async def test_same_token_twice_in_a_batch(auth: Auth) -> None:
    """Two stations may ask about one driver at once."""
    await _store(auth, TOKEN)
    results = await _ask(auth, _item("Tag"), _item("TAG"))
    assert [result.id_token_info.status for result in results] == [ACCEPTED, ACCEPTED]


@contextmanager
def _counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Counts the statements: those of SQLAlchemy, and those past its results."""
    statements: list[str] = []
    run = pipeline.run

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def note_and_run(connection: Connection, *told: pipeline.Statement) -> list[tuple[Any, ...]]:
        statements.extend(statement for statement, _values in told)
        return run(connection, *told)

    sa.event.listen(engine, "before_cursor_execute", note)
    monkeypatch.setattr(pipeline, "run", note_and_run)
    yield statements
    monkeypatch.undo()
    sa.event.remove(engine, "before_cursor_execute", note)
