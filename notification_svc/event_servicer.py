"""EventService: operators list and watch events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import grpc
from csms.event.v1.event_service_pb2 import (
    CreateWatchTicketRequest,
    CreateWatchTicketResponse,
    ListEventsRequest,
    ListEventsResponse,
    StreamEventsRequest,
    WatchEventsRequest,
    WatchEventsResponse,
)
from csms.event.v1.event_service_pb2_grpc import EventServiceServicer
from google.api.httpbody_pb2 import HttpBody
from sqlalchemy import ColumnElement

from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import decode_token, encode_token, page_size
from mesh.grpc.types import Context
from mesh.identity.caller_directory import current_credential
from mesh.identity.callers import CREDENTIAL_NEEDED, Caller, current_caller, current_scope, unauthenticated
from mesh.placements.conditions import both
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, Clock, to_timestamp
from notification_svc import server_sent_events, store
from notification_svc.feed import PAGE, Feed, Tail
from notification_svc.messages import to_message
from notification_svc.tickets import WatchTickets

SIGN_OF_LIFE_S = 15.0
# The header of REST callers that connect again, as gRPC has it.
_LAST_EVENT_ID = "last-event-id"
_LONGEST_CURSOR = 18  # digits
# Streams of events are for their reader alone, and none is to be held back until it ends.
_HEADERS = (("cache-control", "no-store"), ("x-accel-buffering", "no"))


class EventServicer(EventServiceServicer):
    """EventService. `sign_of_life_s` is the longest time without a message in a watch, in seconds."""

    def __init__(
        self,
        *,
        database: Database,
        feed: Feed,
        tickets: WatchTickets,
        clock: Clock,
        sign_of_life_s: float = SIGN_OF_LIFE_S,
    ) -> None:
        self._database = database
        self._feed = feed
        self._tickets = tickets
        self._clock = clock
        self._sign_of_life_s = sign_of_life_s

    async def ListEvents(self, request: ListEventsRequest, context: Context) -> ListEventsResponse:
        """Lists them by their cursors."""
        tenant_id, size = current_caller().tenant_id, page_size(request.page_size, default=100)
        condition = _condition(request.filter)
        binding = f"{request.after_cursor} {request.filter}"
        (after,) = decode_token(request.page_token, [int], binding=binding) or (request.after_cursor,)
        page = await self._page(tenant_id, after, condition, size + 1)
        _check_cursor(after, page)
        events = page.events[:size]
        more = len(page.events) > size
        return ListEventsResponse(
            events=[to_message(event) for event in events],
            next_page_token=encode_token([events[-1].cursor], binding=binding) if more else "",
        )

    async def WatchEvents(self, request: WatchEventsRequest, context: Context) -> AsyncIterator[WatchEventsResponse]:
        """Reads from the database up to the live end, then continues from memory as far as that reaches.

        Each iteration continues after the last cursor sent, wherever it reads, so that no event is missed or sent twice
        between the two. A watcher that is too slow for the events in memory reads from the database again: nothing
        queues up for it.
        """
        after = request.after_cursor if request.HasField("after_cursor") else None
        watch = await self._begin(request.filter, after)
        await context.send_initial_metadata(())  # "from now on" begins here, and the caller may see that
        async for event in self._follow(watch):
            yield WatchEventsResponse(event=None if event is None else to_message(event))

    async def StreamEvents(self, request: StreamEventsRequest, context: Context) -> AsyncIterator[HttpBody]:
        """The same as text. An error in the middle is passed on by the interceptor (service.py, `last_words`)."""
        watch = await self._begin(request.filter, _last_event_id(request, context))
        await context.send_initial_metadata(_HEADERS)
        yield server_sent_events.opening()
        async for event in self._follow(watch):
            yield server_sent_events.keepalive() if event is None else server_sent_events.event(event)

    async def CreateWatchTicket(self, request: CreateWatchTicketRequest, context: Context) -> CreateWatchTicketResponse:
        """Makes one for the credential of this call."""
        del request, context
        credential = current_credential()
        if credential is None:
            raise unauthenticated(CREDENTIAL_NEEDED)
        ticket, expire_us = await self._tickets.make(credential, tenant_id=current_caller().tenant_id)
        return CreateWatchTicketResponse(ticket=ticket, expire_time=to_timestamp(expire_us))

    async def _begin(self, wanted: str, after: int | None) -> "_Watch":
        """The beginning of a watch, after a cursor; None: from now on. Raises MeshError for a wrong one."""
        caller, condition = current_caller(), _condition(wanted)
        page = await self._page(caller.tenant_id, after or 0, condition, 1)
        if after is None:
            after = page.last_cursor
        _check_cursor(after, page)
        return _Watch(caller=caller, condition=condition, after=after, head=page.last_cursor)

    async def _follow(self, watch: "_Watch") -> AsyncIterator[store.StoredEvent | None]:
        """The events of a watch; None for a sign of life."""
        loop = asyncio.get_running_loop()
        caller, after, spoke_s = watch.caller, watch.after, loop.time()
        with self._feed.watch(caller.tenant_id, watch.head) as tail:
            while True:
                events, after = await self._next(caller.tenant_id, tail, after, watch.condition)
                for event in events:
                    yield event
                    spoke_s = loop.time()
                left_s = spoke_s + self._sign_of_life_s - loop.time()
                if left_s <= 0:
                    yield None
                    spoke_s = loop.time()
                    continue
                await tail.wait(after, min(left_s, self._valid_s(caller)))

    async def _next(
        self, tenant_id: str, tail: Tail, after: int, condition: ColumnElement[bool] | None
    ) -> tuple[Sequence[store.StoredEvent], int]:
        """Events beyond a cursor, and the one up to which there are no others."""
        if tail.head <= after:
            return (), after
        recent = tail.after(after) if condition is None else None
        if recent is not None:
            return recent, tail.head
        page = await self._page(tenant_id, after, condition, PAGE)
        _check_cursor(after, page)
        return page.events, page.through

    async def _page(self, tenant_id: str, after: int, condition: ColumnElement[bool] | None, limit: int) -> store.Page:
        return await self._database.read(
            lambda connection: store.read_page(connection, tenant_id, after=after, condition=condition, limit=limit)
        )

    def _valid_s(self, caller: Caller) -> float:
        """For how long the caller's access token is still valid. Raises MeshError UNAUTHENTICATED when it is not."""
        left_s = caller.expires_s - self._clock() / SECOND_US
        if left_s <= 0:
            raise MeshError(
                grpc.StatusCode.UNAUTHENTICATED,
                Reason.INVALID_TOKEN,
                "the access token has expired: refresh it, and watch again from the last cursor",
            )
        return left_s


@dataclass(frozen=True, kw_only=True)
class _Watch:
    """A watch that begins: after a cursor, where the stream has come to `head`."""

    caller: Caller
    condition: ColumnElement[bool] | None
    after: int
    head: int


def _last_event_id(request: StreamEventsRequest, context: Context) -> int | None:
    """The cursor that a stream goes on from: the header goes before the request's field. Raises INVALID_CURSOR."""
    for key, value in context.invocation_metadata() or ():
        if key == _LAST_EVENT_ID and value:
            if not str(value).isascii() or not str(value).isdigit() or len(value) > _LONGEST_CURSOR:
                raise _invalid_cursor("Last-Event-ID", f"{str(value)[:_LONGEST_CURSOR]!r} is no id of this stream")
            return int(value)
    return request.after_cursor if request.HasField("after_cursor") else None


def _condition(text: str) -> ColumnElement[bool] | None:
    """Of the events that a filter names and the caller's permission covers; None for all of its tenant."""
    tenant_id = current_caller().tenant_id
    wanted = to_condition(text, store.event_filters(tenant_id))
    return both(wanted, store.conditions(tenant_id).in_scope(current_scope()))


def _check_cursor(after: int, page: store.Page) -> None:
    if after < 0 or after > page.last_cursor:
        raise _invalid_cursor(
            "after_cursor", f"{after} is not a cursor of this stream, which has come to {page.last_cursor}"
        )
    if 0 < after < page.removed_cursor:
        raise MeshError(
            grpc.StatusCode.OUT_OF_RANGE,
            Reason.CURSOR_EXPIRED,
            f"events after {after} have been removed since: begin again from 0, with the oldest that is kept",
        )


def _invalid_cursor(field: str, message: str) -> MeshError:
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_CURSOR, f"{field}: {message}", {"field": field})
