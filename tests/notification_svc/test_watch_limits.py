"""How many watches there may be: a viewer who opens thousands has a few, and nobody else is held up."""

from contextlib import AsyncExitStack

import grpc

from mesh.runtime.call_rules import CallRules
from tests.notification_svc.rig import Notifications, item, refused, token
from tests.waiting import eventually

RULES = CallRules()
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_viewer_who_opens_many_watches_has_as_many_as_may_be(notifications: Notifications) -> None:
    """The others are refused before they cost a query; those that are open go on, and so do other callers."""
    async with AsyncExitStack() as stack:
        viewer = token(username="viewer")
        open_ = [
            await stack.enter_async_context(notifications.watch(metadata=viewer))
            for _ in range(RULES.streams_per_caller)
        ]
        for _ in range(100):
            with refused(EXHAUSTED, "TOO_MANY_STREAMS"):
                async with notifications.watch(metadata=viewer) as watch:
                    await watch.response()
        other = await stack.enter_async_context(notifications.watch(metadata=token(username="other")))
        await notifications.publish(item("a"))
        for watch in (open_[0], open_[-1], other):
            assert await watch.ids(1) == ["a"]
        assert len(await notifications.all()) == 1


async def test_a_watch_that_ends_makes_room(notifications: Notifications) -> None:
    viewer = token(username="viewer")
    async with AsyncExitStack() as stack:
        for _ in range(RULES.streams_per_caller):
            await stack.enter_async_context(notifications.watch(metadata=viewer))

    async def begins() -> bool:
        try:
            async with notifications.watch(metadata=viewer):
                return True
        except grpc.aio.AioRpcError:
            return False

    await eventually(begins)


async def test_a_tenants_watches_leave_room_for_other_tenants(notifications: Notifications) -> None:
    async with AsyncExitStack() as stack:
        for number in range(RULES.streams_per_tenant):
            metadata = token(username=f"viewer-{number % 12}")
            await stack.enter_async_context(notifications.watch(metadata=metadata))
        with refused(EXHAUSTED, "TOO_MANY_STREAMS"):
            async with notifications.watch(metadata=token(username="another")) as watch:
                await watch.response()
        async with notifications.watch("other", metadata=token("other")) as watch:
            await notifications.publish(item("a", tenant_id="other"))
            assert await watch.ids(1) == ["a"]
