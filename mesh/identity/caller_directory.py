"""The directory of callers, which auth_svc keeps: what each one may do now, and what has changed since."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import grpc
from csms.auth.v1 import caller_service_pb2, caller_service_pb2_grpc

from mesh.identity.callers import NEVER_S, Caller, Grant, Role
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import from_rpc_error, unavailable
from mesh.runtime.times import SECOND_US, to_timestamp

RESOLVE_TIMEOUT_S = 3.0
# Beyond the time that auth_svc waits for a change.
CHANGES_TIMEOUT_S = 1.25
SIGNING_KEYS = "signing-keys"
"""The subject of a change of the keys that access tokens are signed with."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A sign-in, as a verified access token names it."""

    tenant_id: str
    username: str = field(compare=False)
    sign_in_id: str
    expires_s: int  # end of the access token, in seconds since 1970


@dataclass(frozen=True, kw_only=True)
class PresentedKey:
    """An API key as a call presents it: its prefix, and the SHA-256 of all of it in hexadecimal."""

    prefix: str
    sha256: str = field(repr=False)


Credential = SignIn | PresentedKey

_credential: ContextVar[Credential | None] = ContextVar("credential", default=None)


def current_credential() -> Credential | None:
    """The credential of the call being served; None where it has none."""
    return _credential.get()


def set_credential(credential: Credential | None) -> None:
    """Sets the credential of the present call: for the interceptor, and for tests of a lone servicer."""
    _credential.set(credential)


@dataclass(frozen=True, kw_only=True)
class ResolvedCaller:
    """A caller, with the subjects whose change makes this knowledge void, and the version that it has at least seen."""

    caller: Caller
    subjects: frozenset[str]
    version: int


@dataclass(frozen=True, kw_only=True)
class KeyUse:
    """The latest use of an API key, in microseconds since 1970."""

    tenant_id: str
    prefix: str
    last_us: int


@dataclass(frozen=True, kw_only=True)
class CallerChange:
    """A change of what callers may do. An empty tenant: of each tenant; an empty subject: of all its callers."""

    tenant_id: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class CallerChanges:
    """Changes up to a version. Where they are incomplete, all that was remembered is void.

    Nothing was missed up to `checked_after_s` seconds after the question.
    """

    changes: Sequence[CallerChange]
    version: int
    incomplete: bool = False
    checked_after_s: float = 0.0


class CallerDirectory(Protocol):
    """Knows each caller."""

    async def resolve(self, credential: Credential) -> ResolvedCaller:
        """A caller as of now. Raises MeshError UNAUTHENTICATED, or UNAVAILABLE where that cannot be known."""

    async def changes(self, after_version: int, *, wait_s: float, uses: Sequence[KeyUse]) -> CallerChanges:
        """Changes after a version, waiting for some. Raises MeshError UNAVAILABLE."""


class RemoteDirectory:
    """The directory of auth_svc, over the mesh."""

    def __init__(self, *, channel: grpc.aio.Channel) -> None:
        self._stub = caller_service_pb2_grpc.CallerServiceStub(channel)

    async def resolve(self, credential: Credential) -> ResolvedCaller:
        """See CallerDirectory."""
        try:
            found = await self._stub.ResolveCaller(_to_request(credential), timeout=RESOLVE_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        return _to_resolved(found, credential)

    async def changes(self, after_version: int, *, wait_s: float, uses: Sequence[KeyUse]) -> CallerChanges:
        """See CallerDirectory."""
        request = caller_service_pb2.ListCallerChangesRequest(after_version=after_version)
        request.wait.FromMicroseconds(round(wait_s * SECOND_US))
        for use in uses:
            request.uses.add(tenant_id=use.tenant_id, prefix=use.prefix, last_use_time=to_timestamp(use.last_us))
        try:
            found = await self._stub.ListCallerChanges(request, timeout=wait_s + CHANGES_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        return CallerChanges(
            changes=[CallerChange(tenant_id=each.tenant_id, subject=each.subject) for each in found.changes],
            version=found.version,
            incomplete=found.incomplete,
            checked_after_s=found.checked_after.ToMicroseconds() / SECOND_US,
        )


def _to_request(credential: Credential) -> caller_service_pb2.ResolveCallerRequest:
    if isinstance(credential, PresentedKey):
        key = caller_service_pb2.ApiKeyCredential(prefix=credential.prefix, sha256=credential.sha256)
        return caller_service_pb2.ResolveCallerRequest(api_key=key)
    sign_in = caller_service_pb2.SignInCredential(tenant_id=credential.tenant_id, sign_in_id=credential.sign_in_id)
    return caller_service_pb2.ResolveCallerRequest(sign_in=sign_in)


def _to_resolved(found: caller_service_pb2.ResolveCallerResponse, credential: Credential) -> ResolvedCaller:
    expires_s = found.expire_time.seconds if found.HasField("expire_time") else NEVER_S
    session_id, ends_s = "", NEVER_S
    if isinstance(credential, SignIn):
        session_id, ends_s = credential.sign_in_id, credential.expires_s
    caller = Caller(
        username=found.username or f"key:{found.api_key_prefix}",
        tenant_id=found.tenant_id,
        role=Role(found.role) if found.role else None,
        session_id=session_id,
        api_key_prefix=found.api_key_prefix,
        expires_s=min(ends_s, expires_s),
        grants=tuple(Grant(permissions=frozenset(each.permissions), site_id=each.site_id) for each in found.grants),
    )
    return ResolvedCaller(caller=caller, subjects=frozenset(found.subjects), version=found.version)


def _failure(error: grpc.aio.AioRpcError) -> Exception:
    """UNAVAILABLE for all that is not an answer about the caller: a client must not throw its token away for it."""
    failure = from_rpc_error(error)
    if failure.code is grpc.StatusCode.UNAUTHENTICATED and failure.reason is not Reason.UNKNOWN:
        return failure
    return unavailable(Reason.CALLER_UNKNOWN, "who may call cannot be looked up at this moment: try again")
