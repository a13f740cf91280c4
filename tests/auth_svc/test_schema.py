"""The migrations make what models.py says."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from auth_svc import migrations, models
from mesh.database import migrate
from mesh.database.engine import Database


def test_migrations_make_the_tables_of_the_models(database: Database) -> None:
    """Alembic finds nothing to change after all migrations."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, models.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    """A second replica that migrates finds it done."""
    migrate.upgrade(database.engine, migrations, "auth")
