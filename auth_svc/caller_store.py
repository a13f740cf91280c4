"""The SQL that finds what a caller may do. Functions run inside a transaction that Database opens around them."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models
from auth_svc.caller_change_store import version_query
from auth_svc.role_store import Assignment, Permissions, assignments_of, permissions_of_roles, to_permissions
from mesh.identity.caller_directory import KeyUse
from mesh.identity.callers import Role
from mesh.runtime.times import SECOND_US

USE_RECORDED_EVERY_US = 30 * SECOND_US


@dataclass(frozen=True, kw_only=True)
class HeldRoles:
    """The roles of a subject, and the permissions of those that the tenant has made: they make up its grants."""

    subject: str
    assignments: tuple[Assignment, ...]
    permissions: dict[str, Permissions]

    @property
    def subjects(self) -> frozenset[str]:
        """All subjects whose change is one of this one."""
        return frozenset({self.subject, *(f"role:{each.role_id}" for each in self.assignments)})


@dataclass(frozen=True, kw_only=True)
class SignedInUser:
    """The user of a sign-in that has not ended."""

    tenant_id: str
    username: str
    role: Role | None
    held_roles: HeldRoles
    expire_us: int
    version: int


@dataclass(frozen=True, kw_only=True)
class ValidKey:
    """An API key that was neither revoked nor has expired."""

    tenant_id: str
    prefix: str
    permissions: Permissions
    site_id: str
    held_roles: HeldRoles
    expire_us: int | None
    version: int


def held_roles_of(connection: Connection, tenant_id: str, subject: str) -> HeldRoles:
    """The roles of a subject, as of now."""
    assignments = assignments_of(connection, tenant_id, [subject]).get(subject, ())
    permissions = permissions_of_roles(connection, tenant_id, {each.role_id for each in assignments})
    return HeldRoles(subject=subject, assignments=assignments, permissions=dict(permissions))


def find_signed_in(connection: Connection, tenant_id: str, session_id: str, *, now_us: int) -> SignedInUser | None:
    """The user of a sign-in, or None where it has ended."""
    session, account = models.session.c, models.user_account.c
    # The version first: what is read after it may be newer, never older.
    query = sa.select(
        version_query().label("version"), account.username, account.username_key, account.role, session.expire_us
    ).where(
        session.tenant_id == tenant_id,
        session.session_id == session_id,
        session.expire_us > now_us,
        account.tenant_id == session.tenant_id,
        account.username_key == session.username_key,
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return SignedInUser(
        tenant_id=tenant_id,
        username=row.username,
        role=Role(row.role) if row.role else None,
        held_roles=held_roles_of(connection, tenant_id, f"user:{row.username_key}"),
        expire_us=row.expire_us,
        version=row.version,
    )


def find_key(connection: Connection, prefix: str, secret_hash: str, *, now_us: int) -> ValidKey | None:
    """An API key by its prefix and the hash of its secret; None where it is wrong, revoked or expired."""
    key = models.api_key.c
    query = sa.select(
        version_query().label("version"),
        *(key.tenant_id, key.secret_hash, key.permissions, key.site_id, key.expire_us),
    ).where(key.prefix == prefix)
    row = connection.execute(query).first()
    if row is None or not hmac.compare_digest(row.secret_hash.encode(), secret_hash.encode()):
        return None
    if row.expire_us is not None and row.expire_us <= now_us:
        return None
    return ValidKey(
        tenant_id=row.tenant_id,
        prefix=prefix,
        permissions=to_permissions(row.permissions),
        site_id=row.site_id,
        held_roles=held_roles_of(connection, row.tenant_id, f"key:{prefix}"),
        expire_us=row.expire_us,
        version=row.version,
    )


def record_uses(connection: Connection, uses: Iterable[KeyUse]) -> None:
    """Records the latest uses of API keys, each at most once in half a minute."""
    key = models.api_key.c
    for use in sorted(uses, key=lambda each: (each.tenant_id, each.prefix)):
        due = sa.or_(key.last_use_us.is_(None), key.last_use_us <= use.last_us - USE_RECORDED_EVERY_US)
        is_key = sa.and_(key.tenant_id == use.tenant_id, key.prefix == use.prefix)
        connection.execute(sa.update(models.api_key).where(is_key, due).values(last_use_us=use.last_us))
