"""How events are taken over: once each, in order, with a cursor that only grows."""

import asyncio
import random
from typing import Any

import grpc
import pytest
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem, PublishEventsRequest
from csms.event.v1.event_service_pb2 import Event

from mesh.runtime.times import to_timestamp
from notification_svc import store
from tests.notification_svc.rig import Notifications, item, refused


async def test_event_is_kept_as_it_came(notifications: Notifications) -> None:
    """Every field, and data of every kind."""
    data: Any = {
        "energy_wh": 12.5,
        "count": 3,
        "text": "é\0\n",
        "on": True,
        "none": None,
        "deep": {"list": [1, "a", {}]},
    }
    sent = item("e1", type="transaction.ended", source="transaction", event_time=to_timestamp(1_700_000_000_123_456))
    sent.event.data.update(data)
    await notifications.publish(sent)
    (event,) = await notifications.all()
    assert event.cursor > 0
    event.ClearField("cursor")
    assert event == sent.event


async def test_event_delivered_again_is_kept_once(notifications: Notifications) -> None:
    """In the same batch, in a later one, and beside new ones; the first delivery counts."""
    await notifications.publish(item("a"), item("b", station_id="first"), item("b", station_id="second"))
    await notifications.publish(item("b", station_id="third"), item("c"), item("a"))
    events = await notifications.all()
    assert [event.event_id for event in events] == ["a", "b", "c"]
    assert events[1].station_id == "first"
    assert len({event.cursor for event in events}) == 3
    assert [event.cursor for event in events] == sorted(event.cursor for event in events)


async def test_same_id_in_two_tenants_is_two_events(notifications: Notifications) -> None:
    """Each tenant has a stream of its own."""
    await notifications.publish(item("a", tenant_id="one"), item("a", tenant_id="two"), item("b", tenant_id="one"))
    assert [event.event_id for event in await notifications.all("one")] == ["a", "b"]
    assert [event.event_id for event in await notifications.all("two")] == ["a"]
    assert await notifications.all("three") == []


async def test_batches_at_the_same_time_share_no_cursor(notifications: Notifications) -> None:
    """Many writers over two tenants, in opposite orders, all at once; each batch stays in its order."""
    batches = [
        [item(f"{batch}.{index}", tenant_id=("one", "two")[(batch + index) % 2]) for index in range(20)]
        for batch in range(20)
    ]
    await asyncio.gather(*(notifications.publish(*batch) for batch in batches))
    for tenant_id in ("one", "two"):
        events = await notifications.all(tenant_id)
        assert len({event.cursor for event in events}) == len(events) == 200
        for batch in range(20):
            own = [int(event.event_id.split(".")[1]) for event in events if event.event_id.startswith(f"{batch}.")]
            assert own == sorted(own)
            assert len(own) == 10


async def test_nothing_is_something_too(notifications: Notifications) -> None:
    """An empty batch, as a probe sends it."""
    await notifications.publish()
    assert await notifications.all() == []


@pytest.mark.parametrize(
    "wrong",
    [
        PublishEventItem(tenant_id="", event=Event(event_id="x", type="t", source="s")),
        item(""),
        item("x" * 2001),
        item("nul\0"),
        item("x", type=""),
        item("x", source=""),
        item("x", station_id="s" * 1101),
        item("x", tenant_id="t\0"),
    ],
)
async def test_event_that_can_never_be_kept_is_refused(notifications: Notifications, wrong: PublishEventItem) -> None:
    """As INVALID_ARGUMENT, with all of its batch: the relay then finds out which one it is."""
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await notifications.publish(item("good"), wrong)
    assert await notifications.all() == []


async def test_longest_names_are_kept(notifications: Notifications) -> None:
    """As long as they may be, they fit into the indexes too."""
    noise = random.Random(1)  # noqa: S311 - repeatable; what repeats itself would be stored smaller
    letters = [chr(number) for number in range(0x4E00, 0x9000)]
    longest = item(
        "".join(noise.choices(letters, k=666)),
        tenant_id="".join(noise.choices(letters, k=85)),
        station_id="".join(noise.choices(letters, k=366)),
    )
    await notifications.publish(longest)
    (event,) = await notifications.database.read(
        lambda connection: store.read_page(connection, longest.tenant_id, after=0, condition=None, limit=5).events
    )
    assert (event.event_id, event.station_id) == (longest.event.event_id, longest.event.station_id)


async def test_batch_is_bounded(notifications: Notifications) -> None:
    """256 events go in, 257 do not."""
    await notifications.publish(*(item(str(index)) for index in range(256)))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await notifications.publish(*(item(f"x{index}") for index in range(257)))
    assert len(await notifications.all()) == 256


async def test_caller_without_the_secret_is_turned_away(notifications: Notifications) -> None:
    """The mesh port is for processes of the mesh."""
    async with grpc.aio.insecure_channel(notifications.mesh_address) as channel:
        call: Any = channel.unary_unary(
            "/csms.event.v1.EventIngestService/PublishEvents",
            request_serializer=PublishEventsRequest.SerializeToString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(PublishEventsRequest(items=[item("a")]), timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
