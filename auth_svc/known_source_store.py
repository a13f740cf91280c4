"""The SQL of known sources: networks from which a user has logged in. Functions run inside a transaction."""

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models

# A user's most recent ones are kept.
MOST_PER_USER = 32

_table = models.known_source.c


def last_login_us(connection: Connection, tenant_id: str, username_key: str, network: str) -> int | None:
    """The time of the user's latest login that was recorded from a network; None for none."""
    query = sa.select(_table.last_us).where(
        _table.tenant_id == tenant_id, _table.username_key == username_key, _table.network == network
    )
    return connection.execute(query).scalar_one_or_none()


def record_login(connection: Connection, tenant_id: str, username_key: str, network: str, *, now_us: int) -> None:
    """Records a login from a network, unless the user was removed; of too many the least recent are removed."""
    account = models.user_account.c
    here = sa.and_(_table.tenant_id == tenant_id, _table.username_key == username_key)
    # The lock makes logins of one user come one after the other, so that none overlooks the rows of another.
    user = sa.select(account.username_key).where(account.tenant_id == tenant_id, account.username_key == username_key)
    if connection.execute(user.with_for_update()).first() is None:
        return
    updated = sa.update(models.known_source).where(here, _table.network == network).values(last_us=now_us)
    if connection.execute(updated).rowcount:
        return
    values = {"tenant_id": tenant_id, "username_key": username_key, "network": network}
    connection.execute(sa.insert(models.known_source).values(**values, first_us=now_us, last_us=now_us))
    kept = sa.select(_table.network).where(here).order_by(_table.last_us.desc(), _table.network).limit(MOST_PER_USER)
    connection.execute(sa.delete(models.known_source).where(here, _table.network.not_in(kept)))


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` sources without a login since `before_us`; returns how many."""
    key = sa.tuple_(_table.tenant_id, _table.username_key, _table.network)
    old = sa.select(_table.tenant_id, _table.username_key, _table.network).where(_table.last_us < before_us)
    return connection.execute(sa.delete(models.known_source).where(key.in_(old.limit(limit)))).rowcount
