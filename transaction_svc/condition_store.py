"""The SQL of conditions: what needs a person among transactions and messages, one query for each kind.

mesh/conditions/queries.py adds order, pages and scopes around them.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from mesh.conditions.queries import key_columns, time_columns
from mesh.runtime.times import DAY_US
from transaction_svc.energy import EnergyFlag
from transaction_svc.models import quarantine, tx
from transaction_svc.quarantine_store import OPEN
from transaction_svc.transaction_columns import flags_text

_DOUBTED_US = 14 * DAY_US
_TX = (tx.c.station_id, tx.c.station_id, tx.c.transaction_id, tx.c.generation)


# As the partial index has it: SQLite compares the words.
_HAS_FLAGS = sa.text("tx.flags <> ''")


def _is_of(tenant_id: str) -> ColumnElement[bool]:
    """Whether a transaction is of a tenant, so that no index that begins with it is used."""
    return tx.c.tenant_id.concat("") == tenant_id


def hanging(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Transactions that are hanging: reads the index on them, whatever tenant they are of."""
    del now_us
    begin_us = sa.func.coalesce(tx.c.hanging_us, tx.c.update_us)
    return sa.select(
        *key_columns(*_TX),
        *time_columns(begin_us, begin_us),
        tx.c.update_us,
        tx.c.evse_id,
        tx.c.energy_mwh,
        tx.c.start_us,
        tx.c.hanging_due_us,
    ).where(_is_of(tenant_id), tx.c.hanging_due_us > 0, sa.not_(tx.c.ended))


def doubted(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Transactions of the last days whose readings contradict each other: reads the index on those with flags."""
    raised = sa.or_(*(tx.c.flags.contains(flags_text([flag]), autoescape=True) for flag in EnergyFlag))
    return sa.select(
        *key_columns(*_TX),
        *time_columns(tx.c.create_us, tx.c.update_us),
        tx.c.evse_id,
        tx.c.energy_mwh,
        tx.c.flags,
    ).where(
        tx.c.tenant_id == tenant_id,
        _HAS_FLAGS,
        tx.c.create_us > now_us - _DOUBTED_US,
        sa.not_(tx.c.waiting),
        raised,
    )


def quarantined(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Messages in quarantine, by station and reason: reads the index on open ones."""
    del now_us
    of_tenant = (quarantine.c.tenant_id == tenant_id, quarantine.c.state == sa.literal_column(f"'{OPEN}'"))
    begin_us = sa.func.min(quarantine.c.create_us)
    groups = (
        sa.select(
            quarantine.c.station_id,
            quarantine.c.reason,
            begin_us.label("begin_us"),
            sa.func.max(quarantine.c.create_us).label("last_us"),
            sa.func.count().label("times"),
        )
        .where(*of_tenant)
        .group_by(quarantine.c.station_id, quarantine.c.reason)
        .subquery("groups")
    )
    other = quarantine.alias("oldest")
    oldest = (
        sa.select(other.c.quarantine_id)
        .where(
            other.c.tenant_id == tenant_id,
            other.c.state == sa.literal_column(f"'{OPEN}'"),
            other.c.station_id == groups.c.station_id,
            other.c.reason == groups.c.reason,
            other.c.create_us == groups.c.begin_us,
        )
        .order_by(other.c.quarantine_id)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(
        *key_columns(groups.c.station_id, groups.c.station_id, groups.c.reason),
        *time_columns(groups.c.begin_us, groups.c.last_us, groups.c.times),
        oldest.label("quarantine_id"),
    )
