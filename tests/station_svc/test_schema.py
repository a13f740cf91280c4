"""The migrations make what models.py says."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mesh.database import migrate
from station_svc import migrations, models
from tests.station_svc.conftest import StationSystem


def _differences(system: StationSystem) -> object:
    with system.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, models.metadata)


async def test_migrations_make_the_tables_of_the_models(system: StationSystem) -> None:
    """Alembic finds nothing to change after all migrations, and a second replica finds them done."""
    assert await asyncio.to_thread(_differences, system) == []
    await asyncio.to_thread(migrate.upgrade, system.database.engine, migrations, "station")
    assert await asyncio.to_thread(_differences, system) == []
