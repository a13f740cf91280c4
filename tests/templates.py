"""Databases with the schemas of services: migrated once in a run, and copied for each test.

Migrating is most of the time of a short test.
"""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from sqlalchemy.engine import make_url

import auth_svc.migrations
import notification_svc.migrations
import station_svc.migrations
import transaction_svc.migrations
from mesh.database import migrate
from mesh.database.engine import make_engine

_MIGRATIONS: Mapping[str, ModuleType] = {
    "auth": auth_svc.migrations,
    "notification": notification_svc.migrations,
    "station": station_svc.migrations,
    "transaction": transaction_svc.migrations,
}


class Templates:
    """Migrated databases of this process, made when first needed; SQLite's are files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    def copy_sqlite(self, services: tuple[str, ...], folder: Path) -> None:
        """Puts a migrated file `<service>.db` into a folder for each service that has none there yet."""
        for service in services:
            if (folder / f"{service}.db").exists():
                continue
            template = self._folder / f"{service}.db"
            if template.name not in self._made:
                _migrate(f"sqlite:///{template}", service)
                self._made.add(template.name)
            shutil.copyfile(template, folder / template.name)

    def postgresql(self, services: tuple[str, ...], server: str) -> str:
        """The name of a database of the server with the schemas of these services."""
        name = "_".join(("template", *services))
        if name not in self._made:
            execute(server, f"CREATE DATABASE {name}")
            for service in services:
                _migrate(make_url(server).set(database=name).render_as_string(hide_password=False), service)
            self._made.add(name)
        return name


@cache
def shared_templates() -> Templates:
    """The templates of this process, which are removed with it."""
    folder = Path(tempfile.mkdtemp(prefix="csms-test-templates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Templates(folder)


def execute(server: str, statement: str) -> None:
    """Runs a statement that no transaction may contain, as those about databases. The connection is kept."""
    with _engine(server).connect() as connection:
        connection.execute(sa.text(statement))


def disconnect(server: str) -> None:
    """Closes the connection that is kept for `execute`."""
    _engine(server).dispose()


@cache
def _engine(server: str) -> sa.Engine:
    return sa.create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)


def _migrate(url: str, service: str) -> None:
    engine = make_engine(url, service)
    migrate.upgrade(engine, _MIGRATIONS[service], service)
    engine.dispose()
