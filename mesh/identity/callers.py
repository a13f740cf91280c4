"""The operator behind a call, the permissions that it was granted, and the part of its tenant that each one covers."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum

import grpc
from csms.options.v1.options_pb2 import Permission

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError


class Role(IntEnum):
    """A built-in role; a higher one includes the lower ones. Numbered as in csms.auth.v1.Role."""

    VIEWER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3
    PLATFORM_ADMINISTRATOR = 4  # apart from the others: of the tenant `platform`, and without any tenant's data


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Permissions in the whole tenant, or in the subtree of one of its sites."""

    permissions: frozenset[Permission.ValueType]
    site_id: str = ""  # empty: the whole tenant


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The part of a tenant that one permission of a caller covers: all of it, or the subtrees of some sites."""

    is_whole: bool
    site_ids: frozenset[str] = frozenset()


WHOLE_TENANT = Scope(is_whole=True)


NEVER_S = 2**40
"""Stands for the end of a caller that has none, in seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The operator behind a call: a user with a sign-in, or a program with an API key."""

    username: str  # of an API key `key:<prefix>`, which is the name of no user: those have no colon
    tenant_id: str
    role: Role | None = None  # the built-in role in the whole tenant
    session_id: str = ""  # the sign-in; empty for an API key
    api_key_prefix: str = ""  # empty for a user
    expires_s: int  # end of the access token or the API key, in seconds since 1970
    grants: tuple[Grant, ...] = ()

    @property
    def subject(self) -> str:
        """The caller in records of what was done: `user:<name>` or `key:<prefix>`."""
        return self.username if self.api_key_prefix else f"user:{self.username}"

    def scope(self, permission: Permission.ValueType) -> Scope | None:
        """The part of the tenant that a permission covers; None where the caller does not have the permission."""
        return _union(grant.site_id for grant in self.grants if permission in grant.permissions)


def covers(grants: Iterable[Grant], wanted: Iterable[Grant]) -> bool:
    """Whether each permission of `wanted` is among `grants`, for the whole tenant or for the same site."""
    held = {(permission, grant.site_id) for grant in grants for permission in grant.permissions}
    return all(
        (permission, "") in held or (permission, grant.site_id) in held
        for grant in wanted
        for permission in grant.permissions
    )


def _union(site_ids: Iterable[str]) -> Scope | None:
    """The scope of several grants; None where there are none."""
    found = frozenset(site_ids)
    if "" in found:
        return WHOLE_TENANT
    return Scope(is_whole=False, site_ids=found) if found else None


CREDENTIAL_NEEDED = (
    "this call needs an access token: log in, and send it as `authorization: Bearer …`; programs send an API key as "
    "`x-api-key`"
)

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
_scope: ContextVar[Scope] = ContextVar("scope", default=WHOLE_TENANT)


def current_caller() -> Caller:
    """The operator behind the call being served. Raises MeshError UNAUTHENTICATED where there is none."""
    caller = _caller.get()
    if caller is None:
        raise unauthenticated(CREDENTIAL_NEEDED)
    return caller


def optional_caller() -> Caller | None:
    """The operator behind the call being served, or None in a public method called without a credential."""
    return _caller.get()


def current_scope() -> Scope:
    """The part of the caller's tenant that the permission of the present method covers."""
    return _scope.get()


def set_caller(caller: Caller | None, scope: Scope = WHOLE_TENANT) -> None:
    """Sets the operator of the present call and the scope: for the interceptor, and for tests of a lone servicer."""
    _caller.set(caller)
    _scope.set(scope)


def unauthenticated(message: str) -> MeshError:
    """UNAUTHENTICATED, reason INVALID_TOKEN."""
    return MeshError(grpc.StatusCode.UNAUTHENTICATED, Reason.INVALID_TOKEN, message)
