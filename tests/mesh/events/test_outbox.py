"""Events are committed with the change that they report, once, and do not stay for ever."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from mesh.database.engine import make_engine
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with an empty outbox."""
    engine = make_engine(database_url, "public")
    metadata = sa.MetaData()
    outbox.outbox_table(metadata)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def _event(number: int, event_time_us: int = 0) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"e{number}",
        tenant_id="default",
        type="thing.done",
        station_id="CP1",
        event_time_us=event_time_us,
        data={"text": 'Grüße "😀"', "number": number, "nothing": None},
    )


def _ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT event_id FROM outbox ORDER BY outbox_id")))


def test_events_come_back_as_they_were(engine: Engine) -> None:
    """In the order in which they were appended, the data as JSON."""
    with engine.begin() as connection:
        outbox.append(connection, [_event(2, 5), _event(1, 6)])
        outbox.append(connection, [])
        rows = outbox.unpublished(connection, limit=10)
    assert [(row.event_id, row.event_time_us) for row in rows] == [("e2", 5), ("e1", 6)]
    assert rows[0].data == '{"text":"Grüße \\"😀\\"","number":2,"nothing":null}'


def test_an_event_is_kept_once(engine: Engine) -> None:
    """Appended again, in the same transaction or a later one, it changes nothing."""
    for _ in range(2):
        with engine.begin() as connection:
            outbox.append(connection, [_event(1), _event(1), _event(2)])
    assert _ids(engine) == ["e1", "e2"]


def test_what_is_undone_tells_nothing(engine: Engine) -> None:
    """An event goes with its transaction."""
    with engine.connect() as connection, connection.begin() as transaction:
        outbox.append(connection, [_event(1)])
        transaction.rollback()
    assert _ids(engine) == []


def test_removing_looks_at_the_oldest_only(engine: Engine) -> None:
    """Published events go after a day, others after theirs; at most `limit` rows go in one turn."""
    day_us = 86_400_000_000
    now_us = 3 * day_us + 1
    with engine.begin() as connection:
        outbox.append(connection, [_event(number, event_time_us=number - 1) for number in range(1, 9)])
        rows = {row.event_id: row.outbox_id for row in outbox.unpublished(connection, limit=10)}
        outbox.mark_published(connection, [rows["e3"], rows["e4"]], now_us=now_us - day_us - 1)
        outbox.mark_published(connection, [rows["e5"]], now_us=now_us - day_us)
        assert outbox.remove_old(connection, now_us=now_us, days=3, limit=2) == 1
        assert outbox.remove_old(connection, now_us=now_us, days=3, limit=3) == 2
        assert outbox.remove_old(connection, now_us=now_us, days=3, limit=100) == 0
    assert _ids(engine) == ["e2", "e5", "e6", "e7", "e8"]
