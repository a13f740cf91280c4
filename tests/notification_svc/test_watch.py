"""How operators watch events: none missed, none twice, nobody else's, from any cursor, until the service stops."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest

from mesh.grpc.servers import GrpcServer
from mesh.runtime.errors import from_rpc_error
from notification_svc.feed import MAX_EVENTS
from tests.conftest import FakeClock
from tests.notification_svc.rig import RETENTION_DAYS, Notifications, item, refused, start_notifications, token
from tests.waiting import PATIENCE_S, until


async def test_without_a_cursor_only_what_happens_from_now_on(notifications: Notifications) -> None:
    """Once the watch has begun, which the caller can see, nothing is missed."""
    await notifications.publish(item("before"))
    async with notifications.watch() as watch:
        await notifications.publish(item("a"), item("b"))
        await notifications.publish(item("c"))
        assert await watch.ids(3) == ["a", "b", "c"]


async def test_from_zero_all_that_is_kept_and_then_what_happens(notifications: Notifications) -> None:
    """Backlog first, then live, without a seam."""
    await notifications.publish(item("a"), item("b"))
    async with notifications.watch(after_cursor=0) as watch:
        assert await watch.ids(2) == ["a", "b"]
        await notifications.publish(item("c"))
        assert await watch.ids(1) == ["c"]


async def test_reconnecting_with_the_last_cursor_misses_and_doubles_nothing(notifications: Notifications) -> None:
    """Cut off again and again while events keep coming."""
    total = 1200

    async def publish() -> None:
        for batch in range(0, total, 10):
            await notifications.publish(*(item(str(index)) for index in range(batch, batch + 10)))

    publishing = asyncio.create_task(publish())
    found: list[str] = []
    cursor = 0
    while len(found) < total:
        async with notifications.watch(after_cursor=cursor) as watch:
            for _ in range(min(97, total - len(found))):
                event = (await watch.response()).event
                found.append(event.event_id)
                cursor = event.cursor
    await publishing
    assert found == [str(index) for index in range(total)]


async def test_filter_holds_for_backlog_and_live(notifications: Notifications) -> None:
    """And a resumed watch does not get stuck behind what it does not want."""
    await notifications.publish(item("a"), *(item(f"x{index}", type="noise") for index in range(255)))
    await notifications.publish(*(item(f"y{index}", type="noise") for index in range(255)), item("b"))
    async with notifications.watch(after_cursor=0, filter='type = "station.booted"') as watch:
        assert await watch.ids(2) == ["a", "b"]
        await notifications.publish(item("z", type="noise"))
        await notifications.publish(item("z2", type="noise"), item("c"))
        assert await watch.ids(1) == ["c"]


async def test_watcher_sees_its_own_tenant_only(notifications: Notifications) -> None:
    await notifications.publish(item("theirs", tenant_id="other"), item("ours"))
    async with notifications.watch(after_cursor=0) as ours, notifications.watch("other", after_cursor=0) as theirs:
        await notifications.publish(item("theirs2", tenant_id="other"), item("ours2"))
        assert await ours.ids(2) == ["ours", "ours2"]
        assert await theirs.ids(2) == ["theirs", "theirs2"]


async def test_many_watchers_see_the_same(notifications: Notifications) -> None:
    """Beginning at different moments, all to the end."""
    async with AsyncExitStack() as stack:
        watches = []
        for index in range(12):
            watches.append(await stack.enter_async_context(notifications.watch(after_cursor=0)))
            await notifications.publish(*(item(f"{index}.{number}") for number in range(40)))
        expected = [f"{index}.{number}" for index in range(12) for number in range(40)]
        for found in await asyncio.gather(*(watch.ids(len(expected)) for watch in watches)):
            assert found == expected


async def test_slow_watcher_catches_up_and_nothing_grows_meanwhile(notifications: Notifications) -> None:
    """It reads from the database what memory has let go of, while a quick one stays live."""
    total = MAX_EVENTS * 3
    payload = {"text": "x" * 500}  # more than the buffers of a connection take
    async with notifications.watch(after_cursor=0) as slow, notifications.watch(after_cursor=0) as quick:
        for start in range(0, total, 256):
            items = [item(str(index)) for index in range(start, start + 256)]
            for each in items:
                each.event.data.update(payload)
            await notifications.publish(*items)
            assert await quick.ids(256) == [str(index) for index in range(start, start + 256)]
        assert await slow.ids(total) == [str(index) for index in range(total)]


async def test_sign_of_life_where_nothing_happens(stack: AsyncExitStack, database_url: str, clock: FakeClock) -> None:
    notifications = await start_notifications(stack, database_url, clock, sign_of_life_s=0.05)
    async with notifications.watch(filter='type = "never"') as watch:
        for index in range(3):
            await notifications.publish(item(str(index)))
            assert not (await watch.response()).HasField("event")


@pytest.mark.parametrize(("cursor", "reason"), [(-1, "INVALID_CURSOR"), (99, "INVALID_CURSOR")])
async def test_cursor_of_another_stream_is_refused(notifications: Notifications, cursor: int, reason: str) -> None:
    await notifications.publish(item("a"))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        async with notifications.watch(after_cursor=cursor) as watch:
            await watch.response()


async def test_cursor_that_has_expired_is_told(notifications: Notifications) -> None:
    """So that the caller knows that it has missed events."""
    await notifications.publish(item("a"), item("b"), item("c"))
    first = (await notifications.all())[0]
    notifications.clock.advance((RETENTION_DAYS + 1) * 86_400)
    await notifications.expire()
    with refused(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        async with notifications.watch(after_cursor=first.cursor, metadata=token(valid_s=10**9)) as watch:
            await watch.response()


async def test_wrong_filter_is_refused(notifications: Notifications) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FILTER"):
        async with notifications.watch(filter="type >") as watch:
            await watch.response()


async def test_watch_ends_with_its_token(notifications: Notifications) -> None:
    """Or a holder of an old token would watch for ever."""
    async with notifications.watch(metadata=token(valid_s=3600)) as watch:
        await notifications.publish(item("a"))
        assert await watch.ids(1) == ["a"]
        notifications.clock.advance(10 * 365 * 86_400)
        await notifications.publish(item("b"))  # wakes the watch; whether it is still told is a matter of moments
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            assert await watch.ids(2) == ["b", "never"]
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")


async def test_service_that_stops_says_so(
    stack: AsyncExitStack, database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, though calls may take their time to end, and the caller goes on at the next one from where it was."""
    monkeypatch.setattr(GrpcServer.stop, "__defaults__", (3600.0,))
    notifications = await start_notifications(stack, database_url, clock)
    await notifications.publish(item("a"))
    async with notifications.watch(after_cursor=0) as watch:
        cursor = (await watch.response()).event.cursor
        stopping = asyncio.create_task(notifications.stop())
        assert await watch.error() == (grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING")
        await asyncio.wait_for(stopping, PATIENCE_S)  # else it waits for watchers
    again = await start_notifications(stack, database_url, clock)
    await again.publish(item("b"))
    async with again.watch(after_cursor=cursor) as watch:
        assert await watch.ids(1) == ["b"]


async def test_watcher_of_one_replica_sees_what_another_took_in(
    stack: AsyncExitStack, database_url: str, clock: FakeClock
) -> None:
    """Both write to one stream, and both deliver all of it in the same order."""
    here = await start_notifications(stack, database_url, clock)
    there = await start_notifications(stack, database_url, clock)
    async with here.watch() as at_here, there.watch() as at_there:
        for index in range(30):
            await (here, there)[index % 2].publish(item(str(index)))
        expected = [str(index) for index in range(30)]
        assert await at_here.ids(30) == expected
        assert await at_there.ids(30) == expected


async def test_watchers_leave_nothing_behind(notifications: Notifications) -> None:
    """When the last one has gone, its stream is read no more."""
    for _ in range(3):
        async with notifications.watch(after_cursor=0), notifications.watch(after_cursor=0):
            pass
    feed = notifications.feed
    await until(lambda: not feed.watched())
