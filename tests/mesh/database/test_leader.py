"""Leadership among replicas, which have an engine each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa

from mesh.database import leader as leader_module
from mesh.database.engine import make_engine
from mesh.database.leader import Leader
from tests.waiting import eventually

MakeLeader = Callable[..., Leader]


@pytest.fixture(autouse=True)
def checked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lead is verified at each question."""
    monkeypatch.setattr(leader_module, "LEADING_CHECK_S", 0.0)


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[MakeLeader]:
    """Makes leaders: `replicas(number, work)`. Those of one number share an engine."""
    async with AsyncExitStack() as stack:
        engines: dict[int, sa.Engine] = {}

        def make(number: int, work: str = "work", *, watches_others: bool = True) -> Leader:
            if number not in engines:
                engines[number] = make_engine(postgres_url, f"leader{number}")
                stack.callback(engines[number].dispose)
            leader = Leader(engine=engines[number], work=work, check_s=0, watches_others=watches_others)
            stack.push_async_callback(leader.close)
            return leader

        yield make


async def _sessions(postgres_url: str) -> int:
    engine = make_engine(postgres_url, "counting")
    query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'csms-leader%'")
    with engine.connect() as connection:
        count: int = connection.execute(query).scalar_one()
    engine.dispose()
    return count


async def test_leaders_of_a_process_share_one_session(replicas: MakeLeader, postgres_url: str) -> None:
    leaders = [replicas(1, f"work {number}", watches_others=False) for number in range(5)]
    assert all([await leader.is_leading() for leader in leaders])
    assert await _sessions(postgres_url) == 1


async def test_a_leader_that_is_alone_knows_it_until_another_replica_waits(replicas: MakeLeader) -> None:
    leader, other = replicas(1), replicas(2)
    found = [leader.has_others]  # nothing is known yet
    for asked in (leader, other, leader):
        await asked.is_leading()
        found.append(leader.has_others)
    assert found == [True, False, False, True]
    await other.close()

    async def is_alone() -> bool:
        return await leader.is_leading() and not leader.has_others

    assert await eventually(is_alone)  # the server notices the end of a session in its own time


async def test_others_of_other_work_do_not_count(replicas: MakeLeader) -> None:
    leader, other = replicas(1), replicas(2, "other work")
    assert await leader.is_leading()
    assert await other.is_leading()
    assert not await replicas(3, "other work").is_leading()
    assert await leader.is_leading()
    assert not leader.has_others


async def test_who_takes_over_waits_no_more_and_sees_who_does(replicas: MakeLeader) -> None:
    first, second, third = (replicas(number) for number in (1, 2, 3))
    assert [await leader.is_leading() for leader in (first, second, third)] == [True, False, False]
    await first.close()
    assert await eventually(second.is_leading)
    assert second.has_others
    await third.close()

    async def is_alone() -> bool:
        return await second.is_leading() and not second.has_others

    assert await eventually(is_alone)


async def test_one_that_leaves_takes_no_lead_of_the_same_process_along(replicas: MakeLeader) -> None:
    kept, left = replicas(1, "kept"), replicas(1, "left")
    assert await kept.is_leading()
    assert await left.is_leading()
    await left.close()
    assert await replicas(2, "left").is_leading()
    assert not await replicas(2, "kept").is_leading()
    assert await kept.is_leading()


async def test_a_session_that_is_cut_costs_all_its_leads_and_a_new_one_gets_them_back(
    replicas: MakeLeader, postgres_url: str
) -> None:
    leaders = [replicas(1, f"work {number}") for number in range(3)]
    assert all([await leader.is_leading() for leader in leaders])
    engine = make_engine(postgres_url, "cutting")
    with engine.connect() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'csms-leader1'"
        connection.execute(sa.text(cut))
    engine.dispose()

    async def has_lost() -> bool:
        return not await leaders[0].is_leading()

    assert await eventually(has_lost)
    assert all([await leader.is_leading() for leader in leaders])


async def test_on_sqlite_the_only_process_leads_and_is_alone(tmp_path: object) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/x.sqlite", "x")
    leader = Leader(engine=engine, work="work", watches_others=True)
    assert await leader.is_leading()
    assert not leader.has_others
    await leader.close()
    engine.dispose()
