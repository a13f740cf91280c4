"""A schema as an earlier release had it, and the upgrade from there."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from mesh.database.engine import Database


@contextmanager
def downgraded(database: Database, service: str, revision: str) -> Iterator[Connection]:
    """A connection to the schema at a revision of `service`; at the end it is upgraded again, in one transaction."""
    migrations = importlib.import_module(f"{service}.migrations")
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent).replace("%", "%%"))
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        config.attributes["schema"] = service.removesuffix("_svc")
        command.downgrade(config, revision)
        yield connection
        command.upgrade(config, "head")
