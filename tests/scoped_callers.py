"""Callers whose permissions cover parts of a tenant, for tests of servicers."""

from collections.abc import Sequence
from typing import Any

import pytest

from mesh.identity.caller_directory import Credential, SignIn
from mesh.identity.callers import NEVER_S, Caller, Grant, Role
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.operators import KeySource, TokenVerifier, bearer_token
from mesh.identity.permissions import permissions_of
from tests.role_callers import RoleCallers

_WORD = "sites"


def limited_to(*site_ids: str) -> Sequence[tuple[str, str]]:
    """The metadata of a call by an administrator of these subtrees; of the whole tenant without any."""
    return (("authorization", f"Bearer {_WORD}:{','.join(site_ids)}"),)


WHOLE = limited_to()
"""The metadata of a call by an administrator of the whole tenant."""


_CREDENTIAL, _CALLER = OperatorAccess.credential, OperatorAccess.caller


class ScopedAccess(OperatorAccess):
    """Access that also takes the words of `limited_to` for tokens."""

    async def credential(self, metadata: Any) -> Credential | None:
        """The credential of a call."""
        word, _colon, site_ids = (bearer_token(metadata) or "").partition(":")
        if word != _WORD:
            return await _CREDENTIAL(self, metadata)
        return SignIn(tenant_id="default", username="sue", sign_in_id=f"{_WORD}:{site_ids}", expires_s=NEVER_S)

    async def caller(self, credential: Credential) -> Caller:
        """The caller of a credential."""
        if not isinstance(credential, SignIn) or not credential.sign_in_id.startswith(f"{_WORD}:"):
            return await _CALLER(self, credential)
        permissions = permissions_of(Role.ADMINISTRATOR)
        return Caller(
            username=credential.username,
            tenant_id=credential.tenant_id,
            role=Role.ADMINISTRATOR,
            session_id="2",
            expires_s=NEVER_S,
            grants=tuple(
                Grant(permissions=permissions, site_id=one)
                for one in credential.sign_in_id.removeprefix(f"{_WORD}:").split(",")
            ),
        )


def scoped_access(keys: KeySource) -> OperatorAccess:
    """Access by tokens whose sign-in is the name of a role, and by the words of `limited_to`."""
    return ScopedAccess(verifier=TokenVerifier(keys=keys), callers=RoleCallers())


def take_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every service take the words of `limited_to` for tokens, beside real ones."""
    monkeypatch.setattr(OperatorAccess, "credential", ScopedAccess.credential)
    monkeypatch.setattr(OperatorAccess, "caller", ScopedAccess.caller)
