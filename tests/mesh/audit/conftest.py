"""A database with the audit of a service, on both databases."""

from collections.abc import AsyncIterator

import pytest

from mesh.database import migrate
from mesh.database.engine import Database, make_engine
from notification_svc import migrations


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The tables and triggers, as the migrations of a service make them."""
    database = Database(engine=make_engine(database_url, "notification"))
    migrate.upgrade(database.engine, migrations, "notification")
    yield database
    await database.close()
