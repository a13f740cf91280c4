"""Streams of server-sent events, and the tickets that open them: on both databases, without the front door."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.event.v1.event_service_pb2 import CreateWatchTicketRequest, StreamEventsRequest
from sqlalchemy import Connection

from mesh.runtime.call_rules import CallRules
from mesh.runtime.times import SECOND_US
from notification_svc import models
from notification_svc.tickets import VALID_S
from tests.conftest import FakeClock
from tests.notification_svc.rig import RETENTION_DAYS, Notifications, item, refused, start_notifications, token

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
Metadata = Sequence[tuple[str, str]]


async def ticket_of(notifications: Notifications, metadata: Metadata | None = None) -> str:
    """A new ticket."""
    made = await notifications.events.CreateWatchTicket(CreateWatchTicketRequest(), metadata=metadata or token())
    return made.ticket


async def parts(notifications: Notifications, metadata: Metadata = (), **fields: Any) -> AsyncGenerator[str, None]:
    """The parts of a stream: what stands between two empty lines."""
    call = notifications.events.StreamEvents(StreamEventsRequest(**fields), metadata=metadata, timeout=120)
    async for body in call:
        assert body.content_type == "text/event-stream"
        text = body.data.decode()
        assert text.endswith("\n\n")
        for part in text.removesuffix("\n\n").split("\n\n"):
            yield part


async def read(notifications: Notifications, count: int, metadata: Metadata = (), **fields: Any) -> list[str]:
    """The first parts of a stream."""
    async with aclosing(parts(notifications, metadata, **fields)) as found:
        return [await anext(found) for _ in range(count)]


def fields_of(part: str) -> dict[str, str]:
    """The lines of a part, by their names."""
    return {name: value for name, _, value in (line.partition(": ") for line in part.split("\n"))}


async def test_an_event_has_its_cursor_its_type_and_itself(notifications: Notifications) -> None:
    await notifications.publish(item("a", type="station.booted", station_id="CP ü"))
    opening, part = await read(notifications, 2, token(), after_cursor=0)
    assert opening == ": open\nretry: 2000"
    [listed] = await notifications.all()
    assert (fields_of(part)["id"], fields_of(part)["event"]) == (str(listed.cursor), "station.booted")
    data = json.loads(fields_of(part)["data"])
    assert (data["eventId"], data["stationId"], data["cursor"]) == ("a", "CP ü", str(listed.cursor))
    assert data["actor"] == ""  # all fields are there, as in lists


async def test_a_caller_that_connects_again_misses_and_doubles_nothing(notifications: Notifications) -> None:
    """The header goes before the cursor that stands in the URL."""
    await notifications.publish(*(item(str(number)) for number in range(9)))
    found: list[str] = []
    last: Metadata = ()
    while len(found) < 9:
        _, *more = await read(notifications, 4, (*token(), *last), after_cursor=0)
        found += [json.loads(fields_of(part)["data"])["eventId"] for part in more]
        last = (("last-event-id", fields_of(more[-1])["id"]),)
    assert found == [str(number) for number in range(9)]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "900"])
async def test_a_last_event_id_that_is_none_is_refused_at_the_start(notifications: Notifications, last: str) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR"):
        await read(notifications, 1, (*token(), ("last-event-id", last)))


async def test_a_cursor_that_has_expired_is_refused_at_the_start(
    notifications: Notifications, clock: FakeClock
) -> None:
    await notifications.publish(item("a"), item("b"))
    first = (await notifications.all())[0].cursor
    clock.advance((RETENTION_DAYS + 1) * 86_400)
    assert await notifications.expire() == 2
    with refused(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await read(notifications, 1, (*token(valid_s=10**9), ("last-event-id", str(first))))


async def test_a_ticket_opens_one_stream_of_its_caller(notifications: Notifications) -> None:
    await notifications.publish(item("ours"), item("theirs", tenant_id="other"))
    ticket = await ticket_of(notifications, token("other"))
    _, part = await read(notifications, 2, ticket=ticket, after_cursor=0)
    assert json.loads(fields_of(part)["data"])["eventId"] == "theirs"
    with refused(UNAUTHENTICATED, "INVALID_TICKET"):
        await read(notifications, 1, ticket=ticket)


async def test_of_many_who_use_a_ticket_at_once_one_gets_the_stream(notifications: Notifications) -> None:
    ticket = await ticket_of(notifications)
    found = await asyncio.gather(*(read(notifications, 1, ticket=ticket) for _ in range(8)), return_exceptions=True)
    assert sorted(isinstance(each, list) for each in found) == [False] * 7 + [True]


async def test_any_replica_takes_a_ticket(
    notifications: Notifications, stack: AsyncExitStack, database_url: str, clock: FakeClock
) -> None:
    other = await start_notifications(stack, database_url, clock)
    ticket = await ticket_of(notifications)
    assert len(await read(other, 1, ticket=ticket)) == 1
    with refused(UNAUTHENTICATED, "INVALID_TICKET"):
        await read(notifications, 1, ticket=ticket)


def _tickets(connection: Connection) -> list[Any]:
    return list(connection.execute(sa.select(models.watch_ticket)))


async def test_a_ticket_ends_after_a_minute_and_is_removed(notifications: Notifications, clock: FakeClock) -> None:
    """And what is stored is no ticket."""
    old = await ticket_of(notifications)
    [row] = await notifications.database.read(_tickets)
    assert old not in str(row)
    assert row.expire_us == clock() + VALID_S * SECOND_US
    clock.advance(seconds=VALID_S)
    with refused(UNAUTHENTICATED, "INVALID_TICKET"):
        await read(notifications, 1, ticket=old)
    unused = await ticket_of(notifications)
    clock.advance(seconds=VALID_S + 1)
    await ticket_of(notifications)
    assert len(await notifications.database.read(_tickets)) == 1
    with refused(UNAUTHENTICATED, "INVALID_TICKET"):
        await read(notifications, 1, ticket=unused)


async def test_a_ticket_is_for_no_other_method(notifications: Notifications) -> None:
    ticket = await ticket_of(notifications)
    for header in ("authorization", "x-api-key"):
        with refused(UNAUTHENTICATED, "INVALID_TOKEN" if header == "authorization" else "INVALID_API_KEY"):
            await read(notifications, 1, ((header, f"Bearer {ticket}" if header == "authorization" else ticket),))


async def test_who_may_not_see_events_gets_no_ticket(notifications: Notifications) -> None:
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await notifications.events.CreateWatchTicket(CreateWatchTicketRequest())
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await ticket_of(notifications, token(role="PLATFORM_ADMINISTRATOR"))


async def test_guesses_of_tickets_are_held_up(notifications: Notifications) -> None:
    """And with them the address that they come from; a caller with a token is not."""
    reasons = []
    for number in range(60):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read(notifications, 1, ticket=f"guess-{number}")
        reasons.append(caught.value.code())
    assert reasons[0] is UNAUTHENTICATED
    assert reasons[-1] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(await read(notifications, 1, token())) == 1


async def test_a_silent_stream_has_a_comment_now_and_then(
    stack: AsyncExitStack, database_url: str, clock: FakeClock
) -> None:
    notifications = await start_notifications(stack, database_url, clock, sign_of_life_s=0.2)
    assert await read(notifications, 3, token()) == [": open\nretry: 2000", ": keepalive", ": keepalive"]


async def test_a_stream_that_fails_later_ends_with_the_error_as_an_event(notifications: Notifications) -> None:
    """The status was sent before: a REST caller would see an end like any other."""
    found: list[str] = []

    async def follow() -> None:
        async for part in parts(notifications, token()):
            found.append(part)
            if len(found) == 1:
                notifications.feed.stop()

    with refused(grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING"):
        await asyncio.wait_for(follow(), 60)
    error = fields_of(found[-1])
    assert error["event"] == "error"
    assert "id" not in error  # the last event's id stands
    assert json.loads(error["data"])["details"][0]["reason"] == "SERVICE_STOPPING"


async def test_a_stream_counts_among_the_streams_of_its_caller(notifications: Notifications) -> None:
    viewer = token(username="viewer")
    async with AsyncExitStack() as opened:
        for _ in range(CallRules().streams_per_caller):
            await opened.enter_async_context(notifications.watch(metadata=viewer))
        ticket = await ticket_of(notifications, viewer)
        with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS"):
            await read(notifications, 1, ticket=ticket)
