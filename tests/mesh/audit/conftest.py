"""A database with the audit of a service, on both databases."""

from collections.abc import AsyncIterator

import pytest

from mesh.database.engine import Database, make_engine


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schema of notification_svc, with the tables and triggers of every service's audit."""
    return ("notification",)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The tables and triggers, as the migrations of the service make them."""
    database = Database(engine=make_engine(database_url, "notification"))
    yield database
    await database.close()
