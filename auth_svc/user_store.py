"""The SQL of users. Functions run inside a transaction that Database opens around them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, role_store, usernames
from auth_svc.caller_change_store import record_change
from auth_svc.common_store import event, insert
from auth_svc.normalization import fold
from auth_svc.role_store import Assignment
from mesh.audit import entries as audit
from mesh.events import outbox
from mesh.identity.callers import Role


@dataclass(frozen=True, kw_only=True)
class User:
    """A user. The hash is argon2id's, in its own notation."""

    tenant_id: str
    username: str
    role: Role | None  # the built-in role in the whole tenant
    password_hash: str = field(repr=False)
    create_us: int
    password_expire_us: int | None = None  # of a temporary password


COLUMNS = [column for column in models.user_account.c if column.name not in ("username_key", "username_skeleton")]
"""The columns that `to_user` makes a user of."""


def create_user(connection: Connection, user: User, assignments: Collection[Assignment] = ()) -> bool:
    """Adds a user, with its event; False if the name, or one that looks like it, is in use in the tenant."""
    key = usernames.key(user.username)
    names = {"username_key": key, "username_skeleton": usernames.skeleton(user.username)}
    values = asdict(user) | {"role": int(user.role or 0)} | names
    created = insert(connection, models.user_account, values)
    if created:
        # A release before this one removes a user and leaves the roles: nobody inherits them.
        role_store.assign(connection, user.tenant_id, f"user:{key}", assignments)
        outbox.append(connection, [_user_event("created", user, user.create_us)])
        _audit(connection, None, user, time_us=user.create_us)
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


def find_key(connection: Connection, tenant_id: str, username: str) -> str | None:
    """The key of a user of a tenant by this name, or None."""
    query = sa.select(models.user_account.c.username_key).where(_is_user(tenant_id, username))
    return connection.execute(query).scalar()


def is_taken(connection: Connection, tenant_id: str, username: str) -> bool:
    """Whether a name, or one that looks like it, is in use in a tenant."""
    table = models.user_account.c
    key, skeleton = _key(tenant_id, username), usernames.skeleton(username)
    same = sa.and_(table.tenant_id == tenant_id, sa.or_(table.username_key == key, table.username_skeleton == skeleton))
    return connection.execute(sa.select(sa.literal(1)).where(same).limit(1)).first() is not None


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
    account = models.user_account
    statement = sa.delete(account).where(_is_user(tenant_id, username)).returning(*COLUMNS, account.c.username_key)
    row = connection.execute(statement).mappings().first()
    if row is None:
        return False
    user = _user({name: row[name] for name in row if name != "username_key"})
    subject = f"user:{row['username_key']}"
    role_store.unassign(connection, tenant_id, subject)
    outbox.append(connection, [_user_event("deleted", user, now_us)])
    record_change(connection, tenant_id, subject, now_us)
    _audit(connection, user, None, time_us=now_us)
    return True


def set_password(
    connection: Connection,
    tenant_id: str,
    username: str,
    password_hash: str,
    *,
    now_us: int,
    expire_us: int | None = None,
    replaced_hash: str | None = None,
) -> bool:
    """Gives a user a new password and ends the user's sign-ins; False where the user is not there.

    With `expire_us` it is a temporary password. With `replaced_hash` nothing is done either where the user's present
    password is another one.
    """
    account, is_user = models.user_account, _is_user(tenant_id, username)
    if replaced_hash is not None:
        is_user = sa.and_(is_user, account.c.password_hash == replaced_hash)
    values = {"password_hash": password_hash, "password_expire_us": expire_us}
    update = sa.update(account).where(is_user).values(values).returning(account.c.username_key, account.c.username)
    row = connection.execute(update).first()
    if row is None:
        return False
    audit.acted(
        connection, tenant_id=tenant_id, resource_type="user", resource=row.username, details={"changed": ["password"]}
    )
    table = models.session
    connection.execute(sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.username_key == row.username_key))
    record_change(connection, tenant_id, f"user:{row.username_key}", now_us)
    return True


def set_roles(
    connection: Connection, user: User, role: Role | None, assignments: Collection[Assignment], *, now_us: int
) -> None:
    """Gives a user these roles instead of the present ones, with its event."""
    account = models.user_account
    update = sa.update(account).where(_is_user(user.tenant_id, user.username)).values(role=int(role or 0))
    subject = f"user:{connection.execute(update.returning(account.c.username_key)).scalar_one()}"
    role_store.assign(connection, user.tenant_id, subject, assignments)
    changed = replace(user, role=role)
    outbox.append(connection, [_user_event("updated", changed, now_us)])
    record_change(connection, user.tenant_id, subject, now_us)
    _audit(connection, user, changed, time_us=now_us)


def subjects_of(connection: Connection, tenant_id: str, usernames_of: Collection[str]) -> dict[str, str]:
    """The subject, `user:<key>`, of each of these users by username."""
    table = models.user_account.c
    query = sa.select(table.username, table.username_key).where(
        table.tenant_id == tenant_id, table.username.in_(list(usernames_of))
    )
    return {row.username: f"user:{row.username_key}" for row in connection.execute(query)}


def lock_user(connection: Connection, tenant_id: str, username: str) -> User | None:
    """One user of a tenant, who stays as is until this transaction ends; None where there is none."""
    query = sa.select(*COLUMNS).where(_is_user(tenant_id, username)).with_for_update()
    return to_user(connection.execute(query).mappings().first())


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


def _user(row: Mapping[Any, Any]) -> User:
    return User(**{**row, "role": Role(row["role"]) if row["role"] else None})


def _image(user: User) -> dict[str, Any]:
    """The audited fields of a user."""
    return {"role": user.role.name if user.role else ""}


_audit = partial(audit.row_changed, resource_type="user", resource=lambda row: row.username, image=_image)


def _user_event(verb: str, user: User, now_us: int) -> outbox.OutboxEvent:
    role = user.role.name if user.role else "UNSPECIFIED"
    data = {"username": user.username, "role": f"ROLE_{role}", "tenantId": user.tenant_id}
    return event(f"user.{verb}", user.tenant_id, now_us, data)
