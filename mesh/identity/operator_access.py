"""The caller behind a call of an operator port, by an access token or an API key in its metadata."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from joserfc.jwk import KeySet

from mesh.identity.caller_directory import Credential, PresentedKey, RemoteDirectory
from mesh.identity.callers import Caller, unauthenticated
from mesh.identity.known_callers import Callers, KnownCallers, Listener
from mesh.identity.operators import KeySource, RemoteKeys, TokenVerifier, bearer_token
from mesh.identity.sources import current_source
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.background import Background
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.rate_limits import Rate, RateLimit, exhausted

API_KEY_HEADER = "x-api-key"
API_KEY_START = "csms_"
# `csms_<prefix>_<32 random bytes in base64url>`
_API_KEY = re.compile(f"{API_KEY_START}[0-9a-z]{{8}}_[A-Za-z0-9_-]{{43}}")


# API keys from one source that are none: each costs a look-up in auth_svc.
WRONG_KEYS = Rate(burst=50, per_s=1.0)
_MOST_PROVEN = 4096


class OperatorAccess:
    """Finds the caller of a call. `background` is what has to run beside the servers for it.

    A caller whose tenant is not active in `tenants` is refused; without them each tenant is taken as active.
    """

    def __init__(
        self,
        *,
        verifier: TokenVerifier,
        callers: Callers,
        background: Sequence[Background] = (),
        tenants: TenantDirectory | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verifier = verifier
        self._callers = callers
        self._wrong_keys = RateLimit(WRONG_KEYS, clock_s=monotonic_s)
        self._proven: OrderedDict[PresentedKey, None] = OrderedDict()  # keys that were right the last time
        self.background = background if tenants is None else (*background, tenants.run)
        self.tenants = tenants

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
        """The caller of a credential.

        Raises MeshError UNAUTHENTICATED, UNAVAILABLE, RESOURCE_EXHAUSTED, or PERMISSION_DENIED, reason
        TENANT_SUSPENDED.
        """
        caller = await self._find(credential)
        if self.tenants is not None:
            await self.tenants.check_caller(caller.tenant_id)
        return caller

    async def until_ready(self) -> None:
        """Waits until callers can be looked up and tenants are known, for the first time since the start."""
        await self._callers.until_reachable()
        if self.tenants is not None:
            await self.tenants.until_loaded()

    def is_current(self) -> bool:
        """Whether changes of callers are known as far as they have to be."""
        return self._callers.is_current()

    def on_change(self, listener: Listener) -> None:
        """Has a listener called after each change of callers, and of tenants."""
        self._callers.on_change(listener)
        if self.tenants is not None:
            self.tenants.on_change(listener)

    async def _find(self, credential: Credential) -> Caller:
        if not isinstance(credential, PresentedKey):
            return await self._callers.caller(credential)
        if credential not in self._proven:
            return await self._prove(credential)
        try:
            return await self._callers.caller(credential)
        except MeshError as error:
            if error.code is grpc.StatusCode.UNAUTHENTICATED:
                self._proven.pop(credential, None)
            raise

    async def _prove(self, key: PresentedKey) -> Caller:
        """The caller of a key that is new here. It counts as wrong until it is found: many at once do not slip through.

        Keys that were right before are not held up by wrong ones from the same source.
        """
        network = current_source().network
        if wait_s := self._wrong_keys.take(network):
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "too many wrong API keys from your address", wait_s)
        try:
            caller = await self._callers.caller(key)
        except MeshError as error:
            if error.code is not grpc.StatusCode.UNAUTHENTICATED:
                self._wrong_keys.give_back(network)
            raise
        self._wrong_keys.give_back(network)
        self._proven[key] = None
        if len(self._proven) > _MOST_PROVEN:
            self._proven.popitem(last=False)
        return caller


def remote_access(channel: grpc.aio.Channel, tenants: TenantDirectory) -> OperatorAccess:
    """The access of a service that asks auth_svc, over a channel to its mesh port."""
    keys = RemoteKeys(channel=channel)
    callers = KnownCallers(directory=RemoteDirectory(channel=channel), forget_keys=keys.forget)
    verifier = TokenVerifier(keys=FollowedKeys(keys=keys, callers=callers))
    return OperatorAccess(verifier=verifier, callers=callers, background=[callers.run], tenants=tenants)


class FollowedKeys:
    """Signing keys whose use has changes followed: no key is remembered while nothing would make it void."""

    def __init__(self, *, keys: KeySource, callers: KnownCallers) -> None:
        self._keys = keys
        self._callers = callers

    async def keys(self, key_id: str) -> KeySet:
        """See KeySource."""
        self._callers.note_use()
        return await self._keys.keys(key_id)


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
