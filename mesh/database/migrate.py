"""Brings a service's schema up to date: Alembic, one history per service, safe to run at the same time.

Revisions have four digits, as their files do, and each one leaves the schema usable for the release before. Alembic is
imported only where a revision is missing: it is 10 MiB of a process and most of a start.
"""

from contextlib import closing
from pathlib import Path
from types import ModuleType

from sqlalchemy import Connection, Engine, MetaData, inspect, text

# Taken while migrating, so that replicas starting together wait for each other. Any fixed number does.
_ADVISORY_LOCK = 0x6F637070


def upgrade(engine: Engine, migrations: ModuleType, schema: str) -> None:
    """Runs the migrations in the package `migrations` that are missing. `schema` is made where it is not there.

    A schema of a newer release is left as it is.
    """
    folder = Path(str(migrations.__file__)).parent
    if _revision(engine, schema) >= max(file.name[:4] for file in (folder / "versions").glob("[0-9]*.py")):
        return
    from alembic import command  # noqa: PLC0415 - see the head of this module
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    with closing(engine.connect()) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # No timeout: another replica's migration, or this one, may take long.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            # A migration waits for tables no longer than this, so that it cannot queue up the service's own work.
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            if not inspect(connection).has_schema(schema):  # a role that owns its schema alone may make none
                connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        config.attributes["connection"] = connection
        config.attributes["schema"] = schema
        command.upgrade(config, "head")


def _revision(engine: Engine, schema: str) -> str:
    """The revision of the schema; empty where nothing was migrated yet."""
    place = schema if engine.dialect.name == "postgresql" else None
    with closing(engine.connect()) as connection:
        if not inspect(connection).has_table("alembic_version", schema=place):
            return ""
        return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def run_environment(metadata: MetaData) -> None:
    """Runs the migrations; the `migrations/env.py` of each service calls this."""
    from alembic import context  # noqa: PLC0415 - see the head of this module

    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table="alembic_version",
        version_table_schema=context.config.attributes["schema"] if connection.dialect.name == "postgresql" else None,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()
