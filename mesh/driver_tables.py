"""The tables of a service that may name a driver, and how the erasure of a driver changes their rows.

A service lists them in the order in which they are walked. A decision about a row is pure: it is made once while the
table is read, and again when the row is held.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row, key_columns

PAGE = 200
"""Rows that are read together."""


class Verdict(Enum):
    """The treatment of a row that is not changed."""

    REMOVE = auto()
    WAIT = auto()  # it is of something that is not over yet


REMOVE, WAIT = Verdict.REMOVE, Verdict.WAIT

Decision = Mapping[str, Any] | Verdict | None
"""New values of columns, or a verdict; None: the row does not name the driver."""

Decide = Callable[[Row, Driver], Decision]

Hold = Callable[[Connection, Sequence[Row]], Sequence[bool]]
"""`hold(connection, rows)` locks what writers of these rows lock, and says of each whether it has to wait."""

About = Callable[[Row, Driver], Row]
"""The part of a row that is about the driver, for the export."""


def _whole(row: Row, _driver: Driver) -> Row:
    return row


@dataclass(frozen=True, kw_only=True)
class DriverTable:
    """A table that may name a driver. `order` has the columns of an index beyond the tenant, which name a row.

    Without it, that is the primary key. `sqlite_order` is for SQLite, where the index is another.
    """

    table: sa.Table
    decide: Decide
    hold: Hold | None = None
    about: About = _whole
    order: Sequence[str] = ()
    sqlite_order: Sequence[str] = ()
    page: int = PAGE

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.table.name}"

    def order_of(self, dialect: str) -> Sequence[str]:
        """The columns by which it is walked."""
        own = (self.sqlite_order or self.order) if dialect == "sqlite" else self.order
        return own or key_columns(self.table)


def emptied(column: str) -> Decide:
    """Empties a column with a payload that names the driver."""

    def decide(row: Row, driver: Driver) -> Decision:
        return {column: ""} if driver.mentions_payload(row[column]) else None

    return decide


def reworded(*columns: str) -> Decide:
    """Replaces the id token in columns of text for people."""

    def decide(row: Row, driver: Driver) -> Decision:
        named = [name for name in columns if driver.mentions(row[name])]
        return {name: driver.without(row[name]) for name in named} or None

    return decide


# Linked entries of the audit pass through the outbox as they are: what is hashed is not changed on its way.
_AUDIT = "audit.entry"


def _outbox_row(row: Row, driver: Driver) -> Decision:
    """A published event is wanted by nobody here; another one is published without the id token."""
    if not driver.mentions_payload(row["data"]):
        return None
    if row["published_us"] is not None:
        return REMOVE
    if row["type"] == _AUDIT:
        return WAIT
    data = driver.replaced(msgspec.json.decode(row["data"]))
    return {"data": msgspec.json.encode(data).decode()}


def outbox_rows(table: sa.Table) -> DriverTable:
    """The outbox of a service."""
    return DriverTable(table=table, decide=_outbox_row)


def progress_table(metadata: sa.MetaData) -> sa.Table:
    """The table of how far the erasures of drivers are in a service, for its `models.py`."""
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Table(
        "driver_erasure_progress",
        metadata,
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("erasure_id", key, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),  # that is walked; empty: all were
        sa.Column("position", sa.Text, nullable=False),  # of the last row that was read, as JSON
        sa.Column("removed_rows", sa.BigInteger, nullable=False),
        sa.Column("changed_rows", sa.BigInteger, nullable=False),
        sa.Column("waiting_rows", sa.BigInteger, nullable=False),  # in the present walk
    )
