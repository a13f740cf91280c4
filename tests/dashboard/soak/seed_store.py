"""The fleet of the soak, in the PostgreSQL of a mesh that runs: bulk SQL, with rows of real stations as templates."""
# ruff: noqa: S608 - statements are made of names that the database has given

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import connection
from psycopg2.extras import RealDictCursor, execute_values

from tests.dashboard.soak import rows
from tests.dashboard.soak.rows import Row, Template
from tests.local_run.processes import wait_until

LEAST_EVENTS, MOST_EVENTS = 8, 40
TEMPLATE_S = 240.0
_CHUNK = 5_000
_DAYS = 60


class SeedStore:
    """A connection to the database of a mesh. `schemas` has the schema of each table."""

    def __init__(self, url: str) -> None:
        self._connection: connection = psycopg2.connect(url.replace("+psycopg2", "", 1))
        self._connection.autocommit = True
        found = self._read("SELECT table_name, table_schema FROM information_schema.tables")
        own = [row for row in found if row["table_schema"] not in ("pg_catalog", "information_schema")]
        self._schemas = {row["table_name"]: row["table_schema"] for row in own}
        # Each service has an outbox and a copy of the placements: those of the stations' service are meant.
        for name in ("outbox", "station_placement", "station_group"):
            self._schemas[name] = self._schemas["connector"]

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def wait_for_templates(self) -> tuple[Template, Template]:
        """A transaction of a real station that has ended, and one that goes on. Raises TimeoutError."""
        found: list[Template] = []

        def are_both_there() -> bool:
            both = self._template("t.ended"), self._template("NOT t.ended")
            found[:] = [one for one in both if one is not None]
            return len(found) == len(both)

        if not wait_until(are_both_there, TEMPLATE_S, every_s=1.0):  # each look reads whole tables
            raise TimeoutError(f"no station had a session of {LEAST_EVENTS} events within {TEMPLATE_S:.0f} s")
        ended, running = found
        return ended, running

    def seed(self, stations: int, transactions: int, with_events: int) -> None:
        """Adds the fleet with its history; `with_events` of the transactions have their events."""
        ended, running = self.wait_for_templates()
        now_us = time.time_ns() // 1000
        self._seed_stations(stations, ended.row["station_id"], now_us)
        self._insert("tx", rows.transactions(ended, stations, transactions, now_us))
        self._insert("tx", rows.open_transactions(running, stations, transactions, now_us))
        self._insert("tx_event", rows.events(ended, stations, with_events, now_us))
        sums = self._read(f"SELECT * FROM {self._name('rollup')} WHERE station_id = ''")
        self._insert("rollup", rows.rollups(sums, _DAYS))
        for table in ("station", "connection", "connector", "tx", "tx_event", "rollup"):
            self._run(f"ANALYZE {self._name(table)}")

    def append_events(self, events: Sequence[Row]) -> None:
        """Adds events to the outbox of the stations' service, whose relay publishes them as any others."""
        self._insert("outbox", events)

    def event_count(self) -> int:
        """Events that have reached the service that browsers watch."""
        return int(self._read(f"SELECT count(*) AS n FROM {self._name('event')}")[0]["n"])

    def _seed_stations(self, count: int, like: str, now_us: int) -> None:
        tenant_id = self._one("station", like)["tenant_id"]
        version = self._read(f"SELECT max(version) AS n FROM {self._name('placement_version')}")[0]["n"]
        self._insert("site", rows.sites(tenant_id, now_us))
        self._insert("station", rows.stations(self._one("station", like), count))
        self._insert("connection", rows.connections(self._one("connection", like), count, now_us))
        self._insert("sighting", rows.sightings(count, tenant_id, now_us))
        self._insert("connector", rows.connectors(self._one("connector", like), count))
        self._insert("station_group", rows.groups(count, tenant_id))
        self._insert("station_placement", rows.placements(count, tenant_id, version))
        self._run(f"UPDATE {self._name('placement_version')} SET version = {version + count}")

    def _template(self, condition: str) -> Template | None:
        tx, event = self._name("tx"), self._name("tx_event")
        found = self._read(
            f"SELECT t.* FROM {tx} t JOIN {event} e ON e.station_id = t.station_id"
            f" AND e.transaction_id = t.transaction_id WHERE {condition} AND NOT t.waiting AND t.flags = ''"
            f" GROUP BY t.station_id, t.transaction_id, t.generation, t.tenant_id"
            f" HAVING count(*) BETWEEN {LEAST_EVENTS} AND {MOST_EVENTS} ORDER BY count(*) DESC LIMIT 1"
        )
        if not found:
            return None
        row = found[0]
        its = f"SELECT * FROM {event} WHERE station_id = %s AND transaction_id = %s"
        return Template(row=row, events=self._read(its, row["station_id"], row["transaction_id"]))

    def _one(self, table: str, station_id: str) -> Row:
        return self._read(f"SELECT * FROM {self._name(table)} WHERE station_id = %s LIMIT 1", station_id)[0]

    def _name(self, table: str) -> str:
        return f'"{self._schemas[table]}"."{table}"'

    def _read(self, statement: str, *values: Any) -> list[Row]:
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement, values or None)
            return [dict(row) for row in cursor]

    def _run(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _insert(self, table: str, new: Iterable[Row]) -> None:
        for chunk in _chunks(new):
            names = list(chunk[0])
            columns = ", ".join(f'"{name}"' for name in names)
            with self._connection.cursor() as cursor:
                execute_values(
                    cursor,
                    f"INSERT INTO {self._name(table)} ({columns}) VALUES %s",
                    [[row[name] for name in names] for row in chunk],
                    page_size=_CHUNK,
                )


def _chunks(new: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in new:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
