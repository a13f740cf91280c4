"""The migrations make what models.py says."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mesh.database import migrate
from mesh.database.engine import make_engine
from notification_svc import migrations, models


def test_migrations_make_the_tables_of_the_models(database_url: str) -> None:
    """Alembic finds nothing to change after all migrations, however often they are run."""
    engine = make_engine(database_url, "notification")
    migrate.upgrade(engine, migrations, "notification")
    migrate.upgrade(engine, migrations, "notification")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, models.metadata) == []
    engine.dispose()
