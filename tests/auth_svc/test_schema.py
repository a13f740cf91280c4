"""The migrations make what models.py says."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
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


def test_what_refers_to_users_survives_a_table_that_is_made_anew(database: Database) -> None:
    """SQLite makes `user_account` anew to drop a constraint; sessions go with the former table unless they are kept."""
    now = {"create_us": 1, "refresh_us": 1, "expire_us": 2}
    user = {"tenant_id": "default", "username_key": "ann"}
    with database.engine.begin() as connection:
        account = {**user, "username": "Ann", "role": 1, "password_hash": "x", "create_us": 1}
        connection.execute(sa.insert(models.user_account).values(account))
        hashes = {"session_id": "s", "family_hash": "f", "secret_hash": "h"}
        connection.execute(sa.insert(models.session).values({**user, **now, **hashes}))
    for revision in ("0009", "head"):
        _move_to(database, revision)
    with database.engine.connect() as connection:
        assert connection.execute(sa.select(models.session.c.session_id)).scalars().all() == ["s"]


def _move_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"], config.attributes["schema"] = connection, "auth"
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
