"""The SQL of sessions. Functions run inside a transaction that Database opens around them."""

from dataclasses import asdict, dataclass, field, fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, user_store
from auth_svc.caller_change_store import record_change
from auth_svc.user_store import User
from mesh.audit import entries as audit
from mesh.identity.acting import Actor, ActorKind
from mesh.identity.callers import optional_caller


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session. The hashes are SHA-256, in hexadecimal, of the two halves of its refresh token."""

    tenant_id: str
    session_id: str
    username_key: str
    family_hash: str = field(repr=False)
    secret_hash: str = field(repr=False)
    create_us: int
    refresh_us: int
    expire_us: int
    user_agent: str = ""
    address: str = ""


_NAMES = tuple(each.name for each in fields(Session))


def open_session(connection: Connection, session: Session, password_hash: str, *, username: str = "") -> bool:
    """Adds a session, unless the user was removed or has another password by now than the one that was verified."""
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
    if connection.execute(statement).rowcount != 1:
        return False
    _audit(
        connection,
        session.tenant_id,
        username or session.username_key,
        session.session_id,
        did="opened",
        now_us=session.create_us,
    )
    return True


def refresh_session(
    connection: Connection, *, family_hash: str, secret_hash: str, next_hash: str, now_us: int
) -> tuple[str, User] | None:
    """Replaces the secret of a session and returns the session's id and user; None where the secret is not its own."""
    table = models.session.c
    statement = (
        sa.update(models.session)
        .where(table.family_hash == family_hash, table.secret_hash == secret_hash, table.expire_us > now_us)
        .values(secret_hash=next_hash, previous_hash=secret_hash, refresh_us=now_us)
        .returning(table.session_id, table.tenant_id, table.username_key)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    user = user_store.get_user(connection, row.tenant_id, row.username_key)
    return None if user is None else (row.session_id, user)


def was_just_replaced(connection: Connection, family_hash: str, secret_hash: str, *, since_us: int) -> bool:
    """Whether this secret is the one that a session's present one replaced, at `since_us` or later."""
    table = models.session.c
    query = sa.select(table.session_id).where(
        table.family_hash == family_hash,
        table.previous_hash == secret_hash,
        table.refresh_us >= since_us,
    )
    return connection.execute(query).first() is not None


def end_family(connection: Connection, family_hash: str, *, now_us: int) -> bool:
    """Ends the session that a spent refresh token belongs to; False where it has ended."""
    of_family = models.session.c.family_hash == family_hash
    return _end(connection, of_family, now_us, did="ended for a spent refresh token")


def end_session(
    connection: Connection, tenant_id: str, session_id: str, *, now_us: int, username_key: str | None = None
) -> bool:
    """Ends a session, with `username_key` only one of that user; False where it has ended."""
    condition = _is_session(tenant_id, session_id)
    if username_key is not None:
        condition = sa.and_(condition, models.session.c.username_key == username_key)
    return _end(connection, condition, now_us)


def end_sessions(
    connection: Connection, tenant_id: str, username_key: str, *, now_us: int, kept_session_id: str = ""
) -> int:
    """Ends the sessions of a user but the one that is kept; returns how many."""
    table = models.session.c
    of_user = sa.and_(table.tenant_id == tenant_id, table.username_key == username_key)
    statement = sa.delete(models.session).where(of_user, table.session_id != kept_session_id)
    ended = connection.execute(statement).rowcount
    if ended:
        record_change(connection, tenant_id, f"user:{username_key}", now_us)
        audit.acted(
            connection,
            tenant_id=tenant_id,
            resource_type="user",
            resource=username_key,
            details={"endedSignIns": ended},
            time_us=now_us,
        )
    else:
        audit.unchanged()
    return ended


def list_sessions(
    connection: Connection,
    tenant_id: str,
    *,
    username_key: str | None,
    now_us: int,
    before: tuple[int, str] | None,
    limit: int,
) -> list[tuple[Session, str]]:
    """Up to `limit` sessions that have not ended, each with its username, newest first, older than `before`."""
    table, account = models.session.c, models.user_account.c
    query = (
        sa.select(*(table[name] for name in _NAMES), account.username)
        .where(table.tenant_id == tenant_id, table.expire_us > now_us)
        .where(account.tenant_id == table.tenant_id, account.username_key == table.username_key)
    )
    if username_key is not None:
        query = query.where(table.username_key == username_key)
    if before is not None:
        query = query.where(sa.tuple_(table.create_us, table.session_id) < sa.tuple_(*map(sa.literal, before)))
    rows = connection.execute(query.order_by(table.create_us.desc(), table.session_id.desc()).limit(limit))
    return [(Session(**{name: getattr(row, name) for name in _NAMES}), row.username) for row in rows]


def _end(connection: Connection, condition: ColumnElement[bool], now_us: int, *, did: str = "ended") -> bool:
    """Ends the one session of a condition; False where there is none."""
    table = models.session
    statement = sa.delete(table).where(condition).returning(table.c.tenant_id, table.c.username_key, table.c.session_id)
    row = connection.execute(statement).first()
    if row is None:
        return False
    record_change(connection, row.tenant_id, f"sign-in:{row.session_id}", now_us)
    _audit(connection, row.tenant_id, row.username_key, row.session_id, did=did, now_us=now_us)
    return True


def session_user(connection: Connection, tenant_id: str, session_id: str, *, now_us: int) -> User | None:
    """The user of a session, or None where it has ended."""
    session, account = models.session.c, models.user_account.c
    query = sa.select(*user_store.COLUMNS).where(
        _is_session(tenant_id, session_id),
        session.expire_us > now_us,
        account.tenant_id == session.tenant_id,
        account.username_key == session.username_key,
    )
    return user_store.to_user(connection.execute(query).mappings().first())


def remove_expired(connection: Connection, *, now_us: int, limit: int) -> int:
    """Removes up to `limit` sessions that have expired; returns how many."""
    table = models.session.c
    expired = sa.select(table.tenant_id, table.session_id).where(table.expire_us <= now_us).limit(limit)
    key = sa.tuple_(table.tenant_id, table.session_id)
    return connection.execute(sa.delete(models.session).where(key.in_(expired))).rowcount


def _audit(
    connection: Connection, tenant_id: str, username: str, session_id: str, *, did: str, now_us: int | None = None
) -> None:
    """Records what was done to a session: by the caller, or by its own user where the call has no token.

    The id of a session opens nothing; its tokens are not recorded.
    """
    own = Actor(kind=ActorKind.USER, name=username, credential_id=session_id)
    audit.acted(
        connection,
        tenant_id=tenant_id,
        resource_type="session",
        resource=session_id,
        actor=own if optional_caller() is None else None,
        details={"did": did},
        time_us=now_us,
    )


def _is_session(tenant_id: str, session_id: str) -> ColumnElement[bool]:
    table = models.session.c
    return sa.and_(table.tenant_id == tenant_id, table.session_id == session_id)
