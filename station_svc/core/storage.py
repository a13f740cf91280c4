"""Storage, as packages register it: the tables of each, and for how long it keeps their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from mesh.database.partitions import TimePartitions
from mesh.driver_tables import DriverTable, outbox_rows
from station_svc.core import models, retention_store

Removal = Callable[..., int]
"""`removal(connection, before_us=…, limit=…)` removes up to so many older rows, and returns how many."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """For how many days rows are kept by default. CSMS_<name>_RETENTION_DAYS sets it.

    A table with `partitions` goes a partition at a time where it has them; its removal leaves those alone.
    """

    name: str
    days: int
    removals: Sequence[Removal]
    partitions: TimePartitions | None = None


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The tables of one package that are about stations, and the retention of its rows.

    Where a station is removed, its rows in `present` are removed at once, those in `history`, which has a row per
    frame, in the background. `drivers` are those that may name a driver.
    """

    present: Sequence[sa.Table] = ()
    history: Sequence[sa.Table] = ()
    retention: Sequence[Retention] = ()
    drivers: Sequence[DriverTable] = ()


def aged(age: sa.Column[int]) -> Removal:
    """Removes the rows whose `age` column is older."""
    return partial(retention_store.remove_old, age=age)


STORAGE = Storage(
    present=[
        models.connector,
        models.sighting,
        models.quirk,
        models.condition,
        models.variable,
        models.variable_change,
        models.allocation,
        models.placement_history,
    ],
    retention=[
        Retention(name="CONNECTION", days=30, removals=[retention_store.remove_old_connections]),
        Retention(name="VARIABLE_CHANGE", days=365, removals=[aged(models.variable_change.c.change_us)]),
    ],
    drivers=[outbox_rows(models.outbox)],
)
"""Of the stations themselves, and of what they are connected to."""
