"""How operators list events."""

from typing import Any

import grpc
import pytest

from mesh.runtime.times import SECOND_US
from tests.notification_svc.rig import RETENTION_DAYS, Notifications, item, refused

DAY_S = 24 * 3600.0
MIDNIGHT_US = 1_760_054_400_000_000  # the first one after the clock's first moment


async def test_pages_hold_each_event_once(notifications: Notifications) -> None:
    await notifications.publish(*(item(str(index)) for index in range(7)))
    first = await notifications.list(page_size=3)
    await notifications.publish(item("7"))
    second = await notifications.list(page_size=3, page_token=first.next_page_token)
    third = await notifications.list(page_size=3, page_token=second.next_page_token)
    found = [event.event_id for page in (first, second, third) for event in page.events]
    assert found == [str(index) for index in range(8)]
    assert third.next_page_token == ""


async def test_full_last_page_has_no_next(notifications: Notifications) -> None:
    """A page that is full by chance promises nothing."""
    await notifications.publish(item("0"), item("1"))
    page = await notifications.list(page_size=2)
    assert (len(page.events), page.next_page_token) == (2, "")


async def test_default_page_has_a_hundred(notifications: Notifications) -> None:
    await notifications.publish(*(item(str(index)) for index in range(101)))
    assert len((await notifications.list()).events) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('type = "station.booted"', "ab"),
        ('source = "transaction" AND station_id = "CP2"', "d"),
        ('station_id = "CP1" AND NOT type = "station.booted"', "c"),
        ('station_id != "CP1" OR type = "transaction.started"', "bcd"),
    ],
)
async def test_filter_picks(notifications: Notifications, text: str, expected: str) -> None:
    await notifications.publish(
        item("a"),
        item("b", station_id="CP2"),
        item("c", type="transaction.started", source="transaction"),
        item("d", type="transaction.ended", source="transaction", station_id="CP2"),
    )
    assert "".join(event.event_id for event in await notifications.all(filter=text, page_size=1)) == expected


async def test_cursor_is_where_a_list_goes_on(notifications: Notifications) -> None:
    await notifications.publish(item("a"), item("b"))
    first, second = await notifications.all()
    assert [event.event_id for event in await notifications.all(after_cursor=first.cursor)] == ["b"]
    assert await notifications.all(after_cursor=second.cursor) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"after_cursor": -1}, "INVALID_CURSOR"),
        ({"after_cursor": 1000}, "INVALID_CURSOR"),
        ({"filter": 'colour = "red"'}, "INVALID_FILTER"),
        ({"page_token": "nonsense"}, "INVALID_PAGE_TOKEN"),
        ({"page_size": -1}, "INVALID_FIELD"),
    ],
)
async def test_wrong_requests_are_explained(notifications: Notifications, fields: dict[str, Any], reason: str) -> None:
    """Each with its reason; a cursor that was never given belongs to another stream, and nothing is to be skipped."""
    await notifications.publish(item("a"))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        await notifications.list(**fields)


async def test_page_token_belongs_to_its_filter(notifications: Notifications) -> None:
    """Paging on with another filter or another start would leave events out."""
    await notifications.publish(item("a"), item("b"), item("c"))
    token = (await notifications.list(page_size=1)).next_page_token
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
        await notifications.list(page_token=token, filter='type = "x"')
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
        await notifications.list(page_token=token, after_cursor=1)


async def test_old_events_are_removed_and_missed_by_nobody_silently(notifications: Notifications) -> None:
    """A cursor older than all kept events is refused; 0 means the oldest that is kept."""
    notifications.clock.us = MIDNIGHT_US - SECOND_US  # partitions go as a whole
    await notifications.publish(item("a"), item("b"), item("c"))
    a, _, c = await notifications.all()
    page_token = (await notifications.list(page_size=1)).next_page_token
    notifications.clock.advance((RETENTION_DAYS - 1) * DAY_S)
    await notifications.publish(item("d"))
    assert await notifications.expire() == 0
    notifications.clock.advance(DAY_S + 1)
    assert await notifications.expire() == 3
    assert await notifications.expire() == 0
    assert [event.event_id for event in await notifications.all()] == ["d"]
    assert [event.event_id for event in await notifications.all(after_cursor=c.cursor)] == ["d"]
    with refused(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await notifications.list(after_cursor=a.cursor)
    with refused(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await notifications.list(page_token=page_token, page_size=1)


async def test_cursors_are_not_used_again_after_all_is_removed(notifications: Notifications) -> None:
    """An empty stream remembers how far it has come."""
    await notifications.publish(item("a"))
    (a,) = await notifications.all()
    notifications.clock.advance((RETENTION_DAYS + 1) * DAY_S)
    assert await notifications.expire() == 1
    await notifications.publish(item("b"))
    (b,) = await notifications.all()
    assert b.cursor > a.cursor


async def test_removal_takes_many_turns_where_there_is_much(notifications: Notifications) -> None:
    """More than one turn removes, and in each stream only what is old."""
    for batch in range(5):
        await notifications.publish(*(item(f"{batch}.{index}") for index in range(256)))
    notifications.clock.advance((RETENTION_DAYS + 1) * DAY_S)
    await notifications.publish(item("new"), item("other", tenant_id="other"))
    assert await notifications.expire() == 5 * 256
    assert [event.event_id for event in await notifications.all()] == ["new"]
    assert [event.event_id for event in await notifications.all("other")] == ["other"]
