"""Changes of callers for many who wait: found at once or by a shared look, and never claimed before a look."""

import asyncio
from typing import Any

import pytest

from auth_svc import caller_change_store
from auth_svc.caller_changes import LOOK_EVERY_S, MOST_WAIT_S, CallerChangeFeed
from mesh.database.engine import Database
from mesh.identity.caller_directory import CHANGES_TIMEOUT_S
from mesh.identity.known_callers import STALE_S, WAIT_S
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from tests.auth_svc.conftest import Auth

LOOK_S = 0.1


class WatchedDatabase:
    """The reads of a database: counted, and refused while it `is_unavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0
        self.is_unavailable = False

    async def read(self, work: Any) -> Any:
        """See Database."""
        self.reads += 1
        if self.is_unavailable:
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "no database")
        return await self._database.read(work)


@pytest.fixture
async def watched(auth: Auth) -> WatchedDatabase:
    return WatchedDatabase(auth.database)


def feed_of(watched: WatchedDatabase) -> CallerChangeFeed:
    """A feed that hears of no commit, as that of another replica."""
    return CallerChangeFeed(database=watched, look_every_s=LOOK_S)  # type: ignore[arg-type]


async def change(auth: Auth) -> None:
    now_us = auth.clock()
    await auth.database.write(
        lambda connection: caller_change_store.record_change(connection, "default", "user:vera", now_us)
    )


async def test_changes_of_another_replica_are_found_by_a_look(auth: Auth, watched: WatchedDatabase) -> None:
    feed = feed_of(watched)
    known = await feed.changes(0, wait_s=0)
    waiting = asyncio.create_task(feed.changes(known.version, wait_s=4))
    await change(auth)
    found = await waiting
    assert [each.subject for each in found.changes] == ["user:vera"]
    assert found.version == known.version + 1


async def test_the_time_between_looks_and_what_else_a_question_takes_leave_no_revoked_caller_beyond_5_s() -> None:
    """A change right after a look is known with the answer after the next one; where that fails, knowledge is stale."""
    assert LOOK_EVERY_S < WAIT_S < MOST_WAIT_S
    assert WAIT_S + CHANGES_TIMEOUT_S <= STALE_S < 5


async def test_many_that_wait_share_the_looks(watched: WatchedDatabase) -> None:
    feed = feed_of(watched)
    known = await feed.changes(0, wait_s=0)
    answers = await asyncio.gather(*(feed.changes(known.version, wait_s=4) for _ in range(20)))
    assert watched.reads == 2
    assert {(len(each.changes), each.version, each.incomplete) for each in answers} == {(0, known.version, False)}


async def test_an_answer_says_up_to_when_nothing_was_missed(watched: WatchedDatabase) -> None:
    """An answer after a look counts from it; one that comes before the look reads itself."""
    now_s = 100.0
    feed = CallerChangeFeed(
        database=watched,  # type: ignore[arg-type]
        monotonic_s=lambda: now_s,
        look_every_s=LOOK_S,
    )
    known = await feed.changes(0, wait_s=0)
    waiting = asyncio.create_task(feed.changes(known.version, wait_s=4))
    await asyncio.sleep(0)
    now_s = 101.0
    assert (await waiting).checked_after_s == 1.0
    assert watched.reads == 2
    now_s = 102.0
    assert (await feed.changes(known.version, wait_s=LOOK_S / 10)).checked_after_s == 0.0
    assert watched.reads == 3


async def test_where_no_look_succeeds_each_that_waits_has_the_error(watched: WatchedDatabase) -> None:
    feed = feed_of(watched)
    known = await feed.changes(0, wait_s=0)
    watched.is_unavailable = True
    answers = await asyncio.gather(*(feed.changes(known.version, wait_s=4) for _ in range(3)), return_exceptions=True)
    assert [each.reason for each in answers if isinstance(each, MeshError)] == [Reason.DATABASE_UNAVAILABLE] * 3
    watched.is_unavailable = False
    assert (await feed.changes(known.version, wait_s=0.01)).version == known.version
