"""The SQL of users. Functions run inside a transaction that Database opens around them."""

from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, usernames
from auth_svc.common_store import event, insert
from auth_svc.normalization import fold
from mesh.events import outbox
from mesh.identity.callers import Role


@dataclass(frozen=True, kw_only=True)
class User:
    """A user. The hash is argon2id's, in its own notation."""

    tenant_id: str
    username: str
    role: Role
    password_hash: str = field(repr=False)
    create_us: int


COLUMNS = [column for column in models.user_account.c if column.name not in ("username_key", "username_skeleton")]
"""What `to_user` makes a user of."""


def create_user(connection: Connection, user: User) -> bool:
    """Adds a user, with its event; False if the name, or one that looks like it, is in use in the tenant."""
    names = {"username_key": usernames.key(user.username), "username_skeleton": usernames.skeleton(user.username)}
    values = asdict(user) | {"role": int(user.role)} | names
    created = insert(connection, models.user_account, values)
    if created:
        outbox.append(connection, [_user_event("created", user, user.create_us)])
    return created


def create_first_administrator(connection: Connection, user: User) -> bool:
    """Adds `user` where the tenant has no administrator; False where it has one, or the name is in use."""
    return not has_administrator(connection, user.tenant_id) and create_user(connection, user)


def has_administrator(connection: Connection, tenant_id: str) -> bool:
    """Whether a tenant has an administrator."""
    table = models.user_account.c
    query = sa.select(sa.literal(1)).where(table.tenant_id == tenant_id, table.role == int(Role.ADMINISTRATOR)).limit(1)
    return connection.execute(query).first() is not None


def get_user(connection: Connection, tenant_id: str, username: str) -> User | None:
    """One user of a tenant, or None."""
    query = sa.select(*COLUMNS).where(_is_user(tenant_id, username))
    return to_user(connection.execute(query).mappings().first())


def list_users(connection: Connection, tenant_id: str, *, after_key: str, limit: int) -> list[User]:
    """Up to `limit` users of a tenant beyond `after_key`, sorted by their keys."""
    table = models.user_account
    query = sa.select(*COLUMNS).where(table.c.tenant_id == tenant_id, table.c.username_key > after_key)
    rows = connection.execute(query.order_by(table.c.username_key).limit(limit)).mappings()
    return [_user(row) for row in rows]


def is_last_administrator(connection: Connection, tenant_id: str, username: str) -> bool:
    """Whether this user is the only administrator of the tenant, who then stays so until this transaction ends."""
    table = models.user_account.c
    query = (
        sa.select(table.username_key)
        .where(table.tenant_id == tenant_id, table.role == int(Role.ADMINISTRATOR))
        .order_by(table.username_key)
        .with_for_update()
    )
    administrators = list(connection.execute(query).scalars())
    return administrators == [connection.execute(sa.select(_key(tenant_id, username))).scalar_one()]


def delete_user(connection: Connection, tenant_id: str, username: str, *, now_us: int) -> bool:
    """Removes a user with the sessions, and with its event; False where it is not there."""
    statement = sa.delete(models.user_account).where(_is_user(tenant_id, username)).returning(*COLUMNS)
    user = to_user(connection.execute(statement).mappings().first())
    if user is None:
        return False
    outbox.append(connection, [_user_event("deleted", user, now_us)])
    return True


def set_password(connection: Connection, tenant_id: str, username: str, password_hash: str) -> bool:
    """Gives a user a new password and ends the user's sessions; False where the user is not there."""
    update = sa.update(models.user_account).where(_is_user(tenant_id, username)).values(password_hash=password_hash)
    if connection.execute(update).rowcount == 0:
        return False
    table = models.session
    of_user = sa.and_(table.c.tenant_id == tenant_id, table.c.username_key == _key(tenant_id, username))
    connection.execute(sa.delete(table).where(of_user))
    return True


def _is_user(tenant_id: str, username: str) -> ColumnElement[bool]:
    table = models.user_account.c
    return sa.and_(table.tenant_id == tenant_id, table.username_key == _key(tenant_id, username))


def _key(tenant_id: str, username: str) -> ColumnElement[str]:
    """The key of the tenant's user of this name: those who were added before names had a normal form keep theirs."""
    normal, earlier = usernames.key(username), fold(username)
    if normal == earlier:
        return sa.literal(normal)
    account = sa.alias(models.user_account)
    is_earlier = sa.and_(account.c.tenant_id == tenant_id, account.c.username_key == earlier)
    found = sa.select(account.c.username_key).where(is_earlier).scalar_subquery()
    return sa.func.coalesce(found, normal)


def fill_skeletons(connection: Connection) -> int:
    """Fills in the look-alike forms of names without one, and returns their number.

    Of equal ones of a tenant only the first gets it.
    """
    table = models.user_account
    query = sa.select(table.c.tenant_id, table.c.username_key, table.c.username, table.c.username_skeleton)
    rows = connection.execute(query.order_by(table.c.create_us).with_for_update()).all()
    known, filled = {(row.tenant_id, row.username_skeleton) for row in rows}, 0
    for row in rows:
        skeleton = usernames.skeleton(row.username)
        if row.username_skeleton or (row.tenant_id, skeleton) in known:
            continue
        known.add((row.tenant_id, skeleton))
        here = sa.and_(table.c.tenant_id == row.tenant_id, table.c.username_key == row.username_key)
        connection.execute(sa.update(table).where(here).values(username_skeleton=skeleton))
        filled += 1
    return filled


def to_user(row: sa.RowMapping | None) -> User | None:
    """The user of a row of COLUMNS; None for none."""
    return None if row is None else _user(row)


def _user(row: sa.RowMapping) -> User:
    return User(**{**row, "role": Role(row["role"])})


def _user_event(verb: str, user: User, now_us: int) -> outbox.OutboxEvent:
    data = {"username": user.username, "role": f"ROLE_{user.role.name}", "tenantId": user.tenant_id}
    return event(f"user.{verb}", user.tenant_id, now_us, data)
