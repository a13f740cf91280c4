"""A role per service, on a real PostgreSQL: it has its own schema, and nothing of the others."""

import secrets
from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ProgrammingError

import auth_svc.migrations
import notification_svc.migrations
import station_svc.migrations
import transaction_svc.migrations
from deploy import database_roles
from deploy.database_roles import make_roles, read_urls
from mesh.database import migrate
from mesh.database.engine import make_engine
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from tests.gateway.rig import running_mesh

MIGRATIONS: Mapping[str, ModuleType] = {
    "station": station_svc.migrations,
    "transaction": transaction_svc.migrations,
    "auth": auth_svc.migrations,
    "notification": notification_svc.migrations,
}


@pytest.fixture
def admin(postgres_url: str) -> Iterator[URL]:
    """An empty database, with its administrator."""
    name = f"roles_{secrets.token_hex(6)}"
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_url).set(database=name)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def urls(admin: URL) -> Iterator[Mapping[str, URL]]:
    """The URLs of the services; their roles are not there yet."""
    suffix = secrets.token_hex(4)
    yield {service: admin.set(username=f"{service}_{suffix}", password=secrets.token_hex(16)) for service in MIGRATIONS}
    engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for service in MIGRATIONS:
            known = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :r"), {"r": f"{service}_{suffix}"})
            if known.first() is not None:
                connection.execute(text(f"DROP OWNED BY {service}_{suffix} CASCADE"))
                connection.execute(text(f"DROP ROLE {service}_{suffix}"))
    engine.dispose()


def _migrate(service: str, url: URL) -> None:
    engine = make_engine(url.render_as_string(hide_password=False), service)
    try:
        migrate.upgrade(engine, MIGRATIONS[service], service)
    finally:
        engine.dispose()


def _refused(url: URL, statement: str) -> bool:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        return "permission denied" in str(error)
    finally:
        engine.dispose()
    return False


def _one(url: URL, query: str) -> object:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(text(query)).scalar_one()
    finally:
        engine.dispose()


def test_a_role_migrates_its_own_schema_and_reaches_no_other(admin: URL, urls: Mapping[str, URL]) -> None:
    make_roles(admin, urls)
    for service, url in urls.items():
        _migrate(service, url)
    for service, url in urls.items():
        assert _one(url, f"SELECT count(*) FROM {service}.alembic_version") == 1  # noqa: S608
        others = [other for other in urls if other != service]
        assert all(_refused(url, f"SELECT * FROM {other}.alembic_version") for other in others)  # noqa: S608
        assert all(_refused(url, f"CREATE TABLE {other}.mine (a int)") for other in others)
        assert _refused(url, "CREATE TABLE public.mine (a int)")
        assert _refused(url, "CREATE TEMPORARY TABLE mine (a int)")
        assert _refused(url, "CREATE SCHEMA mine")
        assert _refused(url, "SELECT rolpassword FROM pg_authid")


async def test_the_mesh_runs_with_a_role_for_each_service(admin: URL, urls: Mapping[str, URL]) -> None:
    make_roles(admin, urls)
    own = {
        f"CSMS_{service.upper()}_DATABASE_URL": url.render_as_string(hide_password=False)
        for service, url in urls.items()
    }
    async with running_mesh("postgresql+psycopg2://nobody@127.0.0.1:1/none", **own) as mesh:
        await mesh.create_station("CP1")
        await mesh.create_id_token("04AB12CD")
        assert await mesh.messages("CP1") == []


def test_schemas_of_the_release_before_are_handed_over(admin: URL, urls: Mapping[str, URL]) -> None:
    """Tables, partitions and sequences that the administrator made belong to the roles. A run may be repeated."""
    for service in urls:
        _migrate(service, admin)
    for _ in range(2):
        make_roles(admin, urls)
    owners = """
        SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ') FROM pg_class
        WHERE relnamespace = '{}'::regnamespace
    """
    for service, url in urls.items():
        assert _one(admin, owners.format(service)) == url.username
        _migrate(service, url)


def test_a_password_is_changed_by_another_run(admin: URL, urls: Mapping[str, URL]) -> None:
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = '{}'"
    role = urls["auth"].username
    make_roles(admin, urls)
    first = _one(admin, stored.format(role))
    make_roles(admin, {**urls, "auth": urls["auth"].set(password="another")})
    second = _one(admin, stored.format(role))
    assert str(first).startswith("SCRAM-SHA-256$")
    assert first != second


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"CSMS_DATABASE_ADMIN_URL": ""}, "CSMS_DATABASE_ADMIN_URL is not set"),
        ({"CSMS_AUTH_DATABASE_URL": "sqlite:///file"}, "CSMS_AUTH_DATABASE_URL: postgresql"),
        ({"CSMS_AUTH_DATABASE_URL": "postgresql+psycopg2://auth@db/csms"}, "CSMS_AUTH_DATABASE_URL: the role needs a"),
        ({"CSMS_AUTH_DATABASE_URL": "postgresql+psycopg2://station:p@db/csms"}, "two services have the same role"),
        ({"CSMS_AUTH_DATABASE_URL": "s3cret"}, "CSMS_AUTH_DATABASE_URL: postgresql"),
    ],
)
def test_wrong_urls_are_named_and_not_shown(
    changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        f"CSMS_{service.upper()}_DATABASE_URL": f"postgresql+psycopg2://{service}:p@db/csms" for service in MIGRATIONS
    }
    values |= {"CSMS_DATABASE_ADMIN_URL": "postgresql+psycopg2://admin:p@db/csms"} | changes
    with pytest.raises(SettingError, match=message) as caught:
        read_urls(Environment(values))
    assert "s3cret" not in str(caught.value)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert database_roles.main() == EX_CONFIG
    assert capsys.readouterr().err.startswith("database_roles: ")
