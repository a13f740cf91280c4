"""Background work of auth_svc."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from csms.auth.v1.user_service_pb2 import RefreshRequest
from sqlalchemy import Table
from structlog.testing import capture_logs

from auth_svc import key_store, models
from auth_svc.keys import REPLACED_AFTER_US
from auth_svc.sessions import SESSION_S
from mesh.database.kept_connections import KeptConnections
from mesh.events import outbox
from tests.auth_svc.conftest import Auth
from tests.waiting import eventually, until


async def _count(auth: Auth, table: Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return await auth.database.read(lambda connection: int(connection.execute(query).scalar_one()))


@asynccontextmanager
async def _running(auth: Auth) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(work()) for work in auth.background]
    yield
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_expired_sessions_are_deleted(auth: Auth) -> None:
    """Nobody need ask for them; sessions that last are kept."""
    await auth.login()
    auth.clock.advance(SESSION_S)
    kept = await auth.login()
    assert await _count(auth, models.session) == 2

    async def one_left() -> bool:
        return await _count(auth, models.session) == 1

    async with _running(auth):
        await eventually(one_left)
    await auth.users.Refresh(RefreshRequest(refresh_token=kept.refresh_token))


async def test_signing_key_is_replaced(auth: Auth) -> None:
    auth.clock.us += REPLACED_AFTER_US

    async def replaced() -> bool:
        return len(await auth.database.read(key_store.list_signing_keys)) == 2

    async with _running(auth):
        await eventually(replaced)


async def test_old_events_are_removed(auth: Auth) -> None:
    """All of them in one turn, however many; young ones are kept."""

    def event(number: int) -> outbox.OutboxEvent:
        return outbox.OutboxEvent(
            event_id=str(number), tenant_id="default", type="test", station_id="", event_time_us=auth.clock()
        )

    await auth.database.write(lambda connection: outbox.append(connection, map(event, range(1200))))
    auth.clock.advance(30 * 24 * 3600 + 1)
    await auth.database.write(lambda connection: outbox.append(connection, [event(1200)]))

    async def one_left() -> bool:
        return await _count(auth, models.outbox) == 1

    async with _running(auth):
        await eventually(one_left)
    assert await auth.events("test") == [{}]


async def test_database_that_is_away_ends_nothing(auth: Auth) -> None:
    """It is said, and tried again later; other errors would end the task."""
    connected = auth.database._connections
    auth.database._connections = KeptConnections(sa.create_engine("postgresql+psycopg2://127.0.0.1:1/none"))
    try:
        with capture_logs() as logs:

            def put_off() -> bool:
                return any(entry["event"] == "periodic task put off" for entry in logs)

            async with _running(auth):
                await until(put_off)
    finally:
        auth.database._connections = connected
