"""Id tokens that stations asked for and nobody has added: a list with where and when, and one call to add each."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest, FindReaderFormsRequest
from csms.auth.v1.id_token_service_pb2 import (
    AddSeenIdTokenRequest,
    CreateIdTokenRequest,
    DeleteIdTokenRequest,
    IdToken,
    ListSeenIdTokensRequest,
    ListSeenIdTokensResponse,
    SeenIdToken,
)
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, AUTHORIZATION_STATUS_UNKNOWN
from csms.common.v1.id_token_pb2 import IdToken as Asked
from csms.common.v1.origin_pb2 import Origin

from auth_svc import models, seen_token_store, seen_tokens
from auth_svc.seen_token_store import SeenToken
from auth_svc.seen_tokens import SeenTokens
from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.auth_svc.conftest import Auth, refused
from tests.conftest import FakeClock
from tests.waiting import eventually


@pytest.fixture
async def running(auth: Auth) -> AsyncIterator[Auth]:
    """auth_svc with what runs beside its servers."""
    tasks = [asyncio.ensure_future(background()) for background in auth.background]
    yield auth
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _item(text: str, station: str = "CP1", evse: int = 0, kind: str = "", tenant: str = "default") -> AuthorizeItem:
    return AuthorizeItem(
        origin=Origin(tenant_id=tenant, station_id=station),
        id_token=Asked(id_token=text, type=kind),
        evse=EvseRef(evse_id=evse, connector_id=1) if evse else None,
    )


async def _ask(auth: Auth, *items: AuthorizeItem) -> list[int]:
    answer = await auth.authorization.Authorize(AuthorizeRequest(items=items))
    return [result.id_token_info.status for result in answer.results]


async def _page(auth: Auth, **fields: object) -> ListSeenIdTokensResponse:
    request = ListSeenIdTokensRequest(**fields)  # type: ignore[arg-type]
    return await auth.id_tokens.ListSeenIdTokens(request, metadata=await auth.admin())


async def _seen(auth: Auth, count: int) -> list[SeenIdToken]:
    """The list, once it has this many."""

    async def listed() -> list[SeenIdToken]:
        found = list((await _page(auth)).seen_id_tokens)
        return found if len(found) == count else []

    return await eventually(listed)


async def test_where_and_when(running: Auth, clock: FakeClock) -> None:
    """The latest place and time, the first time, and how often; the answer stays Unknown."""
    first_us = clock()
    assert await _ask(running, _item("04ABCD", "CP1", 2, "ISO14443")) == [AUTHORIZATION_STATUS_UNKNOWN]
    [seen] = await _seen(running, 1)
    assert (seen.id_token, seen.type, seen.station_id, seen.evse.evse_id) == ("04ABCD", "ISO14443", "CP1", 2)
    clock.advance(60)
    await _ask(running, _item("04abcd", "CP2"), _item("04abcd", "CP2"))

    async def again() -> SeenIdToken | None:
        [one] = await _seen(running, 1)
        return one if one.count == 3 else None

    one = await eventually(again)
    assert one is not None
    assert (one.station_id, one.HasField("evse")) == ("CP2", False)
    assert one.first_seen_time == to_timestamp(first_us)
    assert one.last_seen_time == to_timestamp(first_us + 60 * SECOND_US)


async def test_what_an_operator_types_was_seen_nowhere(running: Auth) -> None:
    """A look-up of its reader's form is no sighting: what a station asks for later is listed alone."""
    await running.authorization.FindReaderForms(FindReaderFormsRequest(tenant_id="default", id_tokens=["typed"]))
    await _ask(running, _item("read"))
    assert [one.id_token for one in await _seen(running, 1)] == ["read"]


async def test_one_call_adds_it(running: Auth) -> None:
    """As it was seen, with what the operator says beside it; then it is accepted, and listed as seen no more."""
    await _ask(running, _item("Tag 1", kind="iso14443"), _item("other"))
    await _seen(running, 2)
    request = AddSeenIdTokenRequest(id_token="TAG 1", display_name="Ada")
    added = (await running.id_tokens.AddSeenIdToken(request, metadata=await running.admin())).id_token
    assert (added.id_token, added.type, added.status, added.display_name) == ("Tag 1", "ISO14443", "Accepted", "Ada")
    assert await _ask(running, _item("tag 1")) == [AUTHORIZATION_STATUS_ACCEPTED]
    assert [one.id_token for one in await _seen(running, 1)] == ["other"]
    assert [event["idToken"] for event in await running.events("id_token.created")] == ["Tag 1"]
    with refused(grpc.StatusCode.NOT_FOUND, "ID_TOKEN_NOT_SEEN"):
        await running.id_tokens.AddSeenIdToken(request, metadata=await running.admin())
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "status"):
        await running.id_tokens.AddSeenIdToken(
            AddSeenIdTokenRequest(id_token="other", status="Fine"), metadata=await running.admin()
        )
    assert len(await _seen(running, 1)) == 1


async def test_what_is_added_otherwise_leaves_the_list(running: Auth) -> None:
    """CreateIdToken, too; one that is deleted comes back when it is seen."""
    await _ask(running, _item("X"))
    await _seen(running, 1)
    admin = await running.admin()
    await running.id_tokens.CreateIdToken(CreateIdTokenRequest(id_token=IdToken(id_token="x")), metadata=admin)
    assert (await _page(running)).seen_id_tokens == []
    await running.id_tokens.DeleteIdToken(DeleteIdTokenRequest(id_token="x"), metadata=admin)
    await _ask(running, _item("X"))
    await _seen(running, 1)


async def test_another_tenant_sees_its_own(running: Auth) -> None:
    await _ask(running, _item("mine"), _item("theirs", tenant="other"))
    assert [one.id_token for one in await _seen(running, 1)] == ["mine"]
    with refused(grpc.StatusCode.NOT_FOUND, "ID_TOKEN_NOT_SEEN"):
        await running.id_tokens.AddSeenIdToken(AddSeenIdTokenRequest(id_token="theirs"), metadata=await running.admin())


def _one(number: int, last_us: int | None = None) -> SeenToken:
    seen_us = number if last_us is None else last_us
    return SeenToken(
        tenant_id="default",
        id_token=f"T{number}",
        type="",
        station_id="CP",
        evse_id=0,
        connector_id=0,
        first_us=seen_us,
        last_us=seen_us,
        count=1,
    )


async def test_pages(auth: Auth) -> None:
    """Newest first, without gaps where several were seen at once."""
    rows = [_one(number, number // 2) for number in range(7)]
    await auth.database.write(lambda connection: seen_token_store.record(connection, rows))
    texts: list[str] = []
    token = ""
    while True:
        page = await _page(auth, page_size=2, page_token=token)
        texts += [one.id_token for one in page.seen_id_tokens]
        token = page.next_page_token
        if not token:
            break
    assert texts == ["T6", "T5", "T4", "T3", "T2", "T1", "T0"]


async def test_the_list_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens seen last are kept, up to a number and an age."""
    monkeypatch.setattr(seen_token_store, "MOST", 5)
    for start in (0, 4):
        rows = [_one(number) for number in range(start, start + 4)]
        await database.write(lambda connection, rows=rows: seen_token_store.record(connection, rows))  # type: ignore[misc]
    kept = sa.select(models.seen_token.c.id_token).order_by(models.seen_token.c.last_us)
    texts = await database.read(lambda connection: connection.execute(kept).scalars().all())
    assert texts == ["T3", "T4", "T5", "T6", "T7"]
    assert await database.write(partial(seen_token_store.remove_old, before_us=5, limit=100)) == 2
    assert await database.read(lambda connection: connection.execute(kept).scalars().all()) == ["T5", "T6", "T7"]


async def test_memory_is_bounded(database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up tokens beyond the bound are passed over; those noted before count on."""
    monkeypatch.setattr(seen_tokens, "MOST_WAITING", 2)
    seen = SeenTokens(database=database, clock=clock)
    for text in ("a", "b", "c", "a"):
        seen.note(("default", text), _item(text))
    await seen.flush()
    query = sa.select(models.seen_token.c.id_token, models.seen_token.c.count).order_by(models.seen_token.c.id_token)
    assert [tuple(row) for row in await database.read(lambda connection: connection.execute(query).all())] == [
        ("a", 2),
        ("b", 1),
    ]


async def test_a_database_that_is_away(database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noted tokens are kept and joined with those that are noted meanwhile."""
    seen = SeenTokens(database=database, clock=clock)
    seen.note(("default", "a"), _item("a"))
    with monkeypatch.context() as patched:

        async def away(_work: object) -> None:
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "away")

        patched.setattr(database, "write", away)
        await seen.flush()
    clock.advance(5)
    seen.note(("default", "a"), _item("a", "CP9"))
    seen.note(("default", "b"), _item("b"))
    await seen.flush()
    rows = await database.read(
        lambda connection: seen_token_store.list_seen(connection, "default", after=None, limit=10)
    )
    assert {(row.id_token, row.station_id, row.count) for row in rows} == {("a", "CP9", 2), ("b", "CP1", 1)}
    [joined] = [row for row in rows if row.id_token == "a"]
    assert joined.last_us - joined.first_us == 5 * SECOND_US
