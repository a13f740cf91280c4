"""Gives each service a role of its own in PostgreSQL, which owns the service's schema and reaches no other.

    CSMS_DATABASE_ADMIN_URL=… CSMS_STATION_DATABASE_URL=… … python -m deploy.database_roles

The administrator's URL is for this program alone. The roles and their passwords are those of the URLs of the services.
It may run at each start: it makes what is missing, sets passwords, and hands over schemas that a release before made.
"""

import os
import sys
from collections.abc import Mapping

import sqlalchemy as sa
from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from mesh.contract.services import OPERATOR_SERVICES
from mesh.runtime.masking import mask_text
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError

_ADMIN = "CSMS_DATABASE_ADMIN_URL"
# Two runs at the same time wait for each other. Any fixed number does.
_ADVISORY_LOCK = 0x6F637071
# Tables, partitions and views, and sequences that belong to no column.
_RELATIONS = text(
    """
    SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'S'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_get_userbyid(c.relowner) <> :role
    AND NOT (c.relkind = 'S' AND EXISTS (
        SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass))
    ORDER BY c.oid
    """
)


def make_roles(admin_url: URL, urls: Mapping[str, URL]) -> None:
    """Makes the role of each service, by the name and password in its URL, and gives it the service's schema.

    Raises DBAPIError.
    """
    engine = sa.create_engine(admin_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            _close_to_others(connection)
            for service, url in urls.items():
                _make_role(connection, str(url.username), str(url.password))
                _give_schema(connection, service, str(url.username))
    finally:
        engine.dispose()


def _close_to_others(connection: Connection) -> None:
    """Takes from all roles what they have by default: to connect, to make temporary tables, to use `public`."""
    [database] = connection.execute(text("SELECT quote_ident(current_database())")).scalars()
    connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))


def _make_role(connection: Connection, role: str, password: str) -> None:
    known = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
    name, database = _quoted(connection, role), _quoted(connection, connection.engine.url.database or "")
    # Hashed here: a statement may be in the server's log.
    driver_connection = connection.connection.driver_connection
    secret = encrypt_password(password, role, scope=driver_connection, algorithm="scram-sha-256")
    [literal] = connection.execute(text("SELECT quote_literal(:secret)"), {"secret": secret}).scalars()
    verb = "CREATE" if known is None else "ALTER"
    connection.exec_driver_sql(
        f"{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {literal}"
    )
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {name}")


def _give_schema(connection: Connection, schema: str, role: str) -> None:
    name, own = _quoted(connection, role), _quoted(connection, schema)
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {own} AUTHORIZATION {name}")
    connection.exec_driver_sql(f"ALTER SCHEMA {own} OWNER TO {name}")
    for relation, is_sequence in connection.execute(_RELATIONS, {"schema": schema, "role": role}).all():
        kind = "SEQUENCE" if is_sequence else "TABLE"
        connection.exec_driver_sql(f"ALTER {kind} {relation} OWNER TO {name}")


def _quoted(connection: Connection, name: str) -> str:
    [quoted] = connection.execute(text("SELECT quote_ident(:name)"), {"name": name}).scalars()
    return str(quoted)


def read_urls(env: Environment) -> tuple[URL, Mapping[str, URL]]:
    """The administrator's URL, and that of each service. Raises SettingError."""
    urls = {service: _read(env, f"CSMS_{service.upper()}_DATABASE_URL") for service in OPERATOR_SERVICES}
    if len({url.username for url in urls.values()}) < len(urls):
        raise SettingError("two services have the same role in their URLs: each needs one of its own")
    return _read(env, _ADMIN), urls


def _read(env: Environment, setting: str) -> URL:
    try:
        url = make_url(env.text(setting))
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.username or not url.database:
        raise SettingError(f"{setting}: postgresql+psycopg2://user:password@host/database is needed")
    if setting != _ADMIN and not url.password:
        raise SettingError(f"{setting}: the role needs a password")
    return url


def main() -> int:
    """Makes the roles that the environment names; returns the exit status."""
    try:
        admin_url, urls = read_urls(Environment(os.environ))
        make_roles(admin_url, urls)
    except SettingError as error:
        sys.stderr.write(f"database_roles: {error}\n")
        return EX_CONFIG
    except DBAPIError as error:
        sys.stderr.write(f"database_roles: {mask_text(' '.join(str(error.orig).split()))}\n")
        return 1
    sys.stdout.write(f"roles: {', '.join(f'{url.username} for {service}' for service, url in urls.items())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
