"""Migrating: once, also if others do it at the same time, and all or nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from auth_svc import migrations as auth
from mesh.database import migrate
from mesh.database.engine import make_engine
from notification_svc import migrations as notification
from station_svc import migrations as station
from transaction_svc import migrations as transaction

SERVICES = [auth, notification, station, transaction]
_ENV = """
import sqlalchemy
from mesh.database.migrate import run_environment
run_environment(sqlalchemy.MetaData())
"""
_STEP = """
import sqlalchemy as sa
from alembic import op
revision = {revision!r}
down_revision = {before!r}
def upgrade():
{body}
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database; its schema is not there yet."""
    engine = make_engine(database_url, "things")
    yield engine
    engine.dispose()


@pytest.fixture
def migrations(tmp_path: Path) -> ModuleType:
    """A history of no steps, in a folder whose name is unpleasant for configuration files."""
    folder = tmp_path / "100%s of them"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(_ENV)
    module = ModuleType("migrations")
    module.__file__ = str(folder / "__init__.py")
    return module


def _add_step(migrations: ModuleType, number: int, *statements: str) -> None:
    body = "\n".join(f"    op.execute({statement!r})" for statement in statements)
    before = f"{number - 1:04}" if number > 1 else None
    path = Path(str(migrations.__file__)).parent / "versions" / f"{number:04}.py"
    path.write_text(_STEP.format(revision=f"{number:04}", before=before, body=body))


def _tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_steps_are_run_once(engine: Engine, migrations: ModuleType) -> None:
    """The missing ones, in their order."""
    _add_step(migrations, 1, "CREATE TABLE one (x int)")
    migrate.upgrade(engine, migrations, "things")
    migrate.upgrade(engine, migrations, "things")
    _add_step(migrations, 2, "ALTER TABLE one RENAME TO two")
    migrate.upgrade(engine, migrations, "things")
    assert _tables(engine) == {"two", "alembic_version"}


def test_a_schema_of_a_newer_release_is_left_as_it_is(engine: Engine, migrations: ModuleType) -> None:
    """A replica of the release before may start again during an upgrade."""
    _add_step(migrations, 1, "CREATE TABLE one (x int)")
    _add_step(migrations, 2, "ALTER TABLE one RENAME TO two")
    migrate.upgrade(engine, migrations, "things")
    (Path(str(migrations.__file__)).parent / "versions" / "0002.py").unlink()
    migrate.upgrade(engine, migrations, "things")
    assert _tables(engine) == {"two", "alembic_version"}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_revisions_are_numbered_as_their_files_are(service: ModuleType) -> None:
    """The files alone say which revision is the newest, so that Alembic is not imported for that."""
    history = ScriptDirectory(str(Path(str(service.__file__)).parent))
    revisions = list(reversed([script.revision for script in history.walk_revisions()]))
    files = sorted(file.name[:4] for file in Path(history.versions).glob("[0-9]*.py"))
    assert revisions == files == [f"{number:04}" for number in range(1, len(files) + 1)]


def test_a_schema_of_its_own(database_url: str, engine: Engine, migrations: ModuleType) -> None:
    """On PostgreSQL two services have their own tables of the same name, and their own history, in one database."""
    if not database_url.startswith("postgresql"):
        pytest.skip("an SQLite file has one service")
    _add_step(migrations, 1, "CREATE TABLE one (x int)")
    other = make_engine(database_url, "others")
    migrate.upgrade(engine, migrations, "things")
    migrate.upgrade(other, migrations, "others")
    assert _tables(engine) == _tables(other) == {"one", "alembic_version"}
    assert sa.inspect(engine).get_table_names(schema="public") == []
    other.dispose()


def test_a_step_that_fails_leaves_nothing(engine: Engine, migrations: ModuleType) -> None:
    """The steps before it in the same upgrade are undone, so that the next attempt starts afresh."""
    _add_step(migrations, 1, "CREATE TABLE one (x int)")
    _add_step(migrations, 2, "CREATE TABLE two (x int)", "ALTER TABLE nothing RENAME TO something")
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(engine, migrations, "things")
    assert _tables(engine) == set()


def test_waiting_for_another_replica_has_no_end_of_its_own(
    database_url: str, engine: Engine, migrations: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits that the service's own work has do not cut a migration, nor the wait for one."""
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has no such limits")
    monkeypatch.setattr("mesh.database.engine.STATEMENT_TIMEOUT_MS", 50)
    monkeypatch.setattr("mesh.database.engine.LOCK_TIMEOUT_MS", 50)
    hasty = make_engine(database_url, "things")
    _add_step(migrations, 1, "SELECT pg_sleep(0.2)", "CREATE TABLE one (x int)")
    with engine.connect() as other, ThreadPoolExecutor(1) as pool:
        with other.begin():
            other.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": migrate._ADVISORY_LOCK})
            migrating = pool.submit(migrate.upgrade, hasty, migrations, "things")
            other.execute(sa.text("SELECT pg_sleep(0.2)"))
            assert not migrating.done()
        migrating.result(60)
    assert "one" in _tables(engine)
    hasty.dispose()
