"""The caller behind a call of an operator port, by an access token or an API key in its metadata."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import grpc

from mesh.identity.caller_directory import Credential, PresentedKey, RemoteDirectory
from mesh.identity.callers import Caller, unauthenticated
from mesh.identity.known_callers import Callers, KnownCallers, Listener
from mesh.identity.operators import RemoteKeys, TokenVerifier, bearer_token
from mesh.runtime.background import Background
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

API_KEY_HEADER = "x-api-key"
API_KEY_START = "csms_"
# `csms_<prefix>_<32 random bytes in base64url>`
_API_KEY = re.compile(f"{API_KEY_START}[0-9a-z]{{8}}_[A-Za-z0-9_-]{{43}}")


class OperatorAccess:
    """Finds the caller of a call. `background` is what has to run beside the servers for it."""

    def __init__(self, *, verifier: TokenVerifier, callers: Callers, background: Sequence[Background] = ()) -> None:
        self._verifier = verifier
        self._callers = callers
        self.background = background

    async def credential(self, metadata: Any) -> Credential | None:
        """The credential in a call's metadata, verified as far as this process can; None where there is none.

        Raises MeshError UNAUTHENTICATED, reasons INVALID_TOKEN and INVALID_API_KEY.
        """
        token, key = bearer_token(metadata), _api_key(metadata)
        if key is None:
            return None if token is None else await self._verifier.verify(token)
        if token is not None:
            raise unauthenticated("send an access token or an API key, not both")
        return presented_key(key)

    async def caller(self, credential: Credential) -> Caller:
        """The caller of a credential. Raises MeshError UNAUTHENTICATED, or UNAVAILABLE."""
        return await self._callers.caller(credential)

    def is_current(self) -> bool:
        """Whether changes of callers are known as far as they have to be."""
        return self._callers.is_current()

    def on_change(self, listener: Listener) -> None:
        """Has a listener called after each change of callers."""
        self._callers.on_change(listener)


def remote_access(channel: grpc.aio.Channel) -> OperatorAccess:
    """The access of a service that asks auth_svc, over a channel to its mesh port."""
    keys = RemoteKeys(channel=channel)
    callers = KnownCallers(directory=RemoteDirectory(channel=channel), forget_keys=keys.forget)
    return OperatorAccess(verifier=TokenVerifier(keys=keys), callers=callers, background=[callers.run])


def presented_key(key: str) -> PresentedKey:
    """An API key as the directory is asked for it. Raises MeshError INVALID_API_KEY where the text is none."""
    if not _API_KEY.fullmatch(key):
        raise invalid_api_key()
    return PresentedKey(prefix=key.split("_")[1], sha256=hashlib.sha256(key.encode()).hexdigest())


def invalid_api_key() -> MeshError:
    """UNAUTHENTICATED, reason INVALID_API_KEY."""
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED, Reason.INVALID_API_KEY, "the API key is wrong, revoked or expired"
    )


def _api_key(metadata: Any) -> str | None:
    for name, value in metadata or ():
        if name == API_KEY_HEADER:
            return str(value)
    return None
