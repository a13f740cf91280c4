"""All SQL of auth_svc. Functions run inside a transaction that mesh.database.Database opens around them."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, text

from auth_svc import models
from auth_svc.texts import fold
from mesh import outbox
from mesh.filters import Field
from mesh.operators import Role
from mesh.rowset import RowStatement
from mesh.times import to_datetime


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """An id token. `status` and `type` are OCPP's own words; `expire_us` None means never."""

    tenant_id: str
    id_token: str
    type: str
    status: str
    expire_us: int | None
    group_id_token: str
    display_name: str
    create_us: int
    update_us: int


@dataclass(frozen=True, kw_only=True)
class User:
    """A user. The hash is argon2id's, in its own notation."""

    tenant_id: str
    username: str
    role: Role
    password_hash: str
    create_us: int


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session. The hashes are SHA-256, in hexadecimal, of the two halves of its refresh token."""

    tenant_id: str
    session_id: str
    username_key: str
    family_hash: str
    secret_hash: str
    create_us: int
    refresh_us: int
    expire_us: int


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key that access tokens are signed with, from `active_us` on until a newer generation is active."""

    generation: int
    key_id: str
    private_jwk: str
    create_us: int
    active_us: int


_ID_TOKEN = [column for column in models.id_token.c if column.name != "token_key"]
_USER = [column for column in models.user_account.c if column.name != "username_key"]

_FIND_ID_TOKENS = RowStatement(
    """
    SELECT id_token.tenant_id, id_token.id_token, id_token.type, id_token.status, id_token.expire_us,
           id_token.group_id_token, id_token.display_name, id_token.create_us, id_token.update_us
    FROM {rows} JOIN id_token ON id_token.tenant_id = rows.tenant_id AND id_token.token_key = rows.token_key
    """,
    tenant_id="text",
    token_key="text",  # noqa: S106 - a type
)


# Id tokens.


def find_id_tokens(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], IdToken]:
    """The id tokens of (tenant id, token key), those that are known, in one statement."""
    rows = [{"tenant_id": tenant_id, "token_key": key} for tenant_id, key in sorted(keys)]
    found = _FIND_ID_TOKENS.run(connection, rows).mappings()
    tokens = [IdToken(**row) for row in found]
    return {(token.tenant_id, fold(token.id_token)): token for token in tokens}


def create_id_token(connection: Connection, token: IdToken) -> bool:
    """Adds an id token, with its event; False where it is there already."""
    created = _insert(connection, models.id_token, asdict(token) | {"token_key": fold(token.id_token)})
    if created:
        outbox.append(connection, [_id_token_event("created", token, token.create_us)])
    return created


def get_id_token(connection: Connection, tenant_id: str, id_token: str) -> IdToken | None:
    """One id token, or None."""
    row = connection.execute(sa.select(*_ID_TOKEN).where(_is_id_token(tenant_id, id_token))).mappings().first()
    return IdToken(**row) if row else None


def list_id_tokens(
    connection: Connection, tenant_id: str, *, after_key: str, condition: ColumnElement[bool] | None, limit: int
) -> list[IdToken]:
    """Up to `limit` id tokens beyond `after_key`, sorted by their keys."""
    table = models.id_token
    query = sa.select(*_ID_TOKEN).where(table.c.tenant_id == tenant_id, table.c.token_key > after_key)
    if condition is not None:
        query = query.where(condition)
    rows = connection.execute(query.order_by(table.c.token_key).limit(limit)).mappings()
    return [IdToken(**row) for row in rows]


def update_id_token(
    connection: Connection, tenant_id: str, id_token: str, *, changes: Mapping[str, Any], now_us: int
) -> IdToken | None:
    """Changes columns of an id token, with its event; None where it is not there."""
    statement = (
        sa.update(models.id_token)
        .where(_is_id_token(tenant_id, id_token))
        .values(**changes, update_us=now_us)
        .returning(*_ID_TOKEN)
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    token = IdToken(**row)
    outbox.append(connection, [_id_token_event("updated", token, now_us)])
    return token


def delete_id_token(connection: Connection, tenant_id: str, id_token: str, *, now_us: int) -> bool:
    """Removes an id token, with its event; False where it is not there."""
    statement = sa.delete(models.id_token).where(_is_id_token(tenant_id, id_token)).returning(*_ID_TOKEN)
    row = connection.execute(statement).mappings().first()
    if row is None:
        return False
    outbox.append(connection, [_id_token_event("deleted", IdToken(**row), now_us)])
    return True


def id_token_filters(*, status: Any, kind: Any) -> dict[str, Field]:
    """What a list of id tokens may be filtered by; `status` and `kind` read the words of those two fields."""
    table = models.id_token.c
    return {
        "id_token": Field(table.token_key, fold),
        "type": Field(table.type, kind),
        "status": Field(table.status, status),
        "group_id_token": Field(table.group_id_token),
    }


def _is_id_token(tenant_id: str, id_token: str) -> ColumnElement[bool]:
    table = models.id_token.c
    return sa.and_(table.tenant_id == tenant_id, table.token_key == fold(id_token))


def _id_token_event(verb: str, token: IdToken, now_us: int) -> outbox.OutboxEvent:
    data: dict[str, Any] = {
        "id_token": token.id_token,
        "type": token.type,
        "status": token.status,
        "group_id_token": token.group_id_token,
        "display_name": token.display_name,
    }
    if token.expire_us is not None:
        data["expire_time"] = to_datetime(token.expire_us).isoformat().replace("+00:00", "Z")
    return _event(f"id_token.{verb}", token.tenant_id, now_us, data)


# Users.


def create_user(connection: Connection, user: User) -> bool:
    """Adds a user, with its event; False where the name is taken, in whatever tenant."""
    values = asdict(user) | {"role": int(user.role), "username_key": fold(user.username)}
    created = _insert(connection, models.user_account, values)
    if created:
        outbox.append(connection, [_user_event("created", user, user.create_us)])
    return created


def create_first_administrator(connection: Connection, user: User) -> bool:
    """Adds `user` where there is no administrator at all; False where there is one, or the name is taken."""
    return not has_administrator(connection) and create_user(connection, user)


def has_administrator(connection: Connection) -> bool:
    """Whether there is an administrator in any tenant."""
    table = models.user_account.c
    query = sa.select(sa.literal(1)).where(table.role == int(Role.ADMINISTRATOR)).limit(1)
    return connection.execute(query).first() is not None


def find_user(connection: Connection, username: str) -> User | None:
    """The user who logs in by this name, of whatever tenant."""
    query = sa.select(*_USER).where(models.user_account.c.username_key == fold(username))
    return _to_user(connection.execute(query).mappings().first())


def get_user(connection: Connection, tenant_id: str, username: str) -> User | None:
    """One user of a tenant, or None."""
    query = sa.select(*_USER).where(_is_user(tenant_id, username))
    return _to_user(connection.execute(query).mappings().first())


def list_users(connection: Connection, tenant_id: str, *, after_key: str, limit: int) -> list[User]:
    """Up to `limit` users of a tenant beyond `after_key`, sorted by their keys."""
    table = models.user_account
    query = sa.select(*_USER).where(table.c.tenant_id == tenant_id, table.c.username_key > after_key)
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
    return list(connection.execute(query).scalars()) == [fold(username)]


def delete_user(connection: Connection, tenant_id: str, username: str, *, now_us: int) -> bool:
    """Removes a user with the sessions, and with its event; False where it is not there."""
    statement = sa.delete(models.user_account).where(_is_user(tenant_id, username)).returning(*_USER)
    user = _to_user(connection.execute(statement).mappings().first())
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
    of_user = sa.and_(table.c.tenant_id == tenant_id, table.c.username_key == fold(username))
    connection.execute(sa.delete(table).where(of_user))
    return True


def _is_user(tenant_id: str, username: str) -> ColumnElement[bool]:
    table = models.user_account.c
    return sa.and_(table.tenant_id == tenant_id, table.username_key == fold(username))


def _to_user(row: sa.RowMapping | None) -> User | None:
    return None if row is None else _user(row)


def _user(row: sa.RowMapping) -> User:
    return User(**{**row, "role": Role(row["role"])})


def _user_event(verb: str, user: User, now_us: int) -> outbox.OutboxEvent:
    data = {"username": user.username, "role": f"ROLE_{user.role.name}", "tenant_id": user.tenant_id}
    return _event(f"user.{verb}", user.tenant_id, now_us, data)


# Sessions.


def open_session(connection: Connection, session: Session, password_hash: str) -> bool:
    """Adds a session, unless the user is gone or has another password by now than the one that was shown."""
    account = models.user_account.c
    given = {name: value for name, value in asdict(session).items() if name not in ("tenant_id", "username_key")}
    # The lock makes a change of the password at the same moment come before this, or end this session too.
    user = (
        sa.select(account.tenant_id, account.username_key, *(sa.literal(value) for value in given.values()))
        .where(account.tenant_id == session.tenant_id, account.username_key == session.username_key)
        .where(account.password_hash == password_hash)
        .with_for_update(read=True)
    )
    statement = sa.insert(models.session).from_select(["tenant_id", "username_key", *given], user)
    return connection.execute(statement).rowcount == 1


def refresh_session(
    connection: Connection, *, family_hash: str, secret_hash: str, next_hash: str, now_us: int
) -> tuple[str, User] | None:
    """Replaces the secret of a session and returns the session's id and user; None where the secret is not its own."""
    table = models.session.c
    statement = (
        sa.update(models.session)
        .where(table.family_hash == family_hash, table.secret_hash == secret_hash, table.expire_us > now_us)
        .values(secret_hash=next_hash, refresh_us=now_us)
        .returning(table.session_id, table.tenant_id, table.username_key)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    user = get_user(connection, row.tenant_id, row.username_key)
    return None if user is None else (row.session_id, user)


def end_family(connection: Connection, family_hash: str) -> bool:
    """Ends the session that a refresh token belongs to; False where it has ended."""
    statement = sa.delete(models.session).where(models.session.c.family_hash == family_hash)
    return connection.execute(statement).rowcount == 1


def end_session(connection: Connection, tenant_id: str, session_id: str) -> bool:
    """Ends a session; False where it has ended."""
    return connection.execute(sa.delete(models.session).where(_is_session(tenant_id, session_id))).rowcount == 1


def session_user(connection: Connection, tenant_id: str, session_id: str, *, now_us: int) -> User | None:
    """Whose session this is, or None where it has ended."""
    session, account = models.session.c, models.user_account.c
    query = sa.select(*_USER).where(
        _is_session(tenant_id, session_id),
        session.expire_us > now_us,
        account.tenant_id == session.tenant_id,
        account.username_key == session.username_key,
    )
    return _to_user(connection.execute(query).mappings().first())


def delete_expired_sessions(connection: Connection, now_us: int) -> int:
    """Removes sessions that have expired, and returns how many."""
    return connection.execute(sa.delete(models.session).where(models.session.c.expire_us <= now_us)).rowcount


def _is_session(tenant_id: str, session_id: str) -> ColumnElement[bool]:
    table = models.session.c
    return sa.and_(table.tenant_id == tenant_id, table.session_id == session_id)


# Signing keys.


def list_signing_keys(connection: Connection) -> list[SigningKey]:
    """All keys that are published, oldest generation first."""
    table = models.signing_key
    rows = connection.execute(sa.select(table).order_by(table.c.generation)).mappings()
    return [SigningKey(**row) for row in rows]


def add_signing_key(connection: Connection, key: SigningKey) -> bool:
    """Adds a key; False where its generation exists, made by a replica at the same time."""
    return _insert(connection, models.signing_key, asdict(key))


def delete_signing_keys(connection: Connection, generations: Iterable[int]) -> None:
    """Removes keys for good."""
    table = models.signing_key
    connection.execute(sa.delete(table).where(table.c.generation.in_(list(generations))))


def _insert(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    columns: Sequence[str] = [column.name for column in table.columns]
    names, parameters = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({parameters}) ON CONFLICT DO NOTHING"  # noqa: S608
    return connection.execute(text(statement), dict(values)).rowcount == 1


def _event(kind: str, tenant_id: str, now_us: int, data: Mapping[str, Any]) -> outbox.OutboxEvent:
    # An operator's change is committed once or not at all, so any unique id tells it once.
    return outbox.OutboxEvent(
        event_id=str(uuid.uuid4()), tenant_id=tenant_id, type=kind, station_id="", event_time_us=now_us, data=data
    )
