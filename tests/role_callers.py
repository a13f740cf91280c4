"""Callers for tests of a service without auth_svc: the id of a sign-in is the name of a built-in role."""

from collections.abc import Callable

from mesh.identity.caller_directory import Credential, SignIn
from mesh.identity.callers import Caller, Grant, Role
from mesh.identity.known_callers import Listener
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.operators import KeySource, TokenVerifier
from mesh.identity.permissions import permissions_of
from mesh.runtime.errors import MeshError


class RoleCallers:
    """See mesh.identity.known_callers.Callers. `refusals` has the sign-ins that have ended, by username."""

    def __init__(self) -> None:
        self.refusals: dict[str, MeshError] = {}
        self.grants: dict[str, tuple[Grant, ...]] = {}
        self.current = True
        self._listeners: list[Listener] = []

    async def caller(self, credential: Credential) -> Caller:
        """The caller with the permissions of the role, or with others that a test has given."""
        assert isinstance(credential, SignIn)
        if credential.username in self.refusals:
            raise self.refusals[credential.username]
        role = Role[credential.sign_in_id]
        return Caller(
            username=credential.username,
            tenant_id=credential.tenant_id,
            role=role,
            session_id=credential.sign_in_id,
            expires_s=credential.expires_s,
            grants=self.grants.get(credential.username, (Grant(permissions=permissions_of(role)),)),
        )

    async def until_reachable(self) -> None:
        """Always."""

    def is_current(self) -> bool:
        """Whether a test says so."""
        return self.current

    def on_change(self, listener: Listener) -> None:
        """Has a listener called by `changed`."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Says that something has changed."""
        for listener in self._listeners:
            listener()


def role_access(
    keys: KeySource, *, clock_s: Callable[[], float] | None = None, callers: RoleCallers | None = None
) -> OperatorAccess:
    """Access by tokens whose sign-in is the name of a role."""
    verifier = TokenVerifier(keys=keys) if clock_s is None else TokenVerifier(keys=keys, clock_s=clock_s)
    return OperatorAccess(verifier=verifier, callers=callers or RoleCallers())
