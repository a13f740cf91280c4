"""The schema that the migrations make is the one that models.py describes."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from mesh.database import migrate
from transaction_svc import migrations, models


def test_models_are_what_migrations_make(engine: Engine) -> None:
    """Nothing is left to migrate, but for tables of the other kind of database."""

    def belongs_here(thing: Any, _name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        return kind != "table" or thing.info.get("dialect", engine.dialect.name) == engine.dialect.name

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": belongs_here, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, models.metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    """Replicas migrate at each start."""
    migrate.upgrade(engine, migrations, "transaction")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "0016"
