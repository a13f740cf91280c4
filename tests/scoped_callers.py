"""Callers whose permissions cover parts of a tenant, for tests of servicers."""

from collections.abc import Sequence

from mesh.identity.callers import Caller, Grant, Role
from mesh.identity.operators import TokenVerifier
from mesh.identity.permissions import permissions_of

_WORD = "sites"
_NEVER_S = 2**40


def limited_to(*site_ids: str) -> Sequence[tuple[str, str]]:
    """The metadata of a call by an administrator of these subtrees; of the whole tenant without any."""
    return (("authorization", f"Bearer {_WORD}:{','.join(site_ids)}"),)


WHOLE = limited_to()
"""The metadata of a call by an administrator of the whole tenant."""


class ScopedVerifier(TokenVerifier):
    """A verifier that also takes the words of `limited_to` for tokens."""

    async def verify(self, token: str) -> Caller:
        """The caller that a token belongs to."""
        word, _colon, site_ids = token.partition(":")
        if word != _WORD:
            return await super().verify(token)
        permissions = permissions_of(Role.ADMINISTRATOR)
        return Caller(
            username="sue",
            tenant_id="default",
            role=Role.ADMINISTRATOR,
            session_id="2",
            expires_s=_NEVER_S,
            grants=tuple(Grant(permissions=permissions, site_id=one) for one in site_ids.split(",")),
        )
