"""Access tokens: services verify them again, after the front door.

The front door refuses callers without a valid token; services do not rely on that, since their operator ports can be
reached without it. A token proves which sign-in a call belongs to, and nothing else: what the caller may do is looked
up (known_callers.py).
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from csms.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from mesh.identity.caller_directory import SignIn
from mesh.identity.callers import unauthenticated
from mesh.runtime.errors import from_rpc_error

ISSUER = "csms"
AUDIENCE = "csms-operators"
ALGORITHM = "ES256"
KEYS_TIMEOUT_S = 3.0
# Least time between two fetches of the key set because of an unknown key.
KEYS_REFRESH_S = 5.0
_CACHED_TOKENS = 1024


class KeySource(Protocol):
    """Source of the public keys of access tokens."""

    async def keys(self, key_id: str) -> KeySet:
        """The key set, fetched again where it lacks `key_id`. The same object as long as the keys are the same.

        Raises MeshError UNAVAILABLE.
        """


class RemoteKeys:
    """The key set of auth_svc, fetched when first needed and when a token names an unknown key."""

    def __init__(self, *, channel: grpc.aio.Channel, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stub = authorization_service_pb2_grpc.AuthorizationServiceStub(channel)
        self._clock_s = clock_s
        self._keys: KeySet | None = None
        self._tried_s = float("-inf")
        self._forgotten = 0
        self._fetching = asyncio.Lock()

    async def keys(self, key_id: str) -> KeySet:
        """See KeySource."""
        # Tokens with a known key never wait for a fetch that one with an unknown key has set off.
        if self._keys is not None and not self._is_stale(self._keys, key_id):
            return self._keys
        async with self._fetching:
            while self._keys is None or self._is_stale(self._keys, key_id):
                forgotten = self._forgotten
                keys = await self._fetch()
                if forgotten == self._forgotten:  # else they may be from before the change
                    self._keys = keys
            return self._keys

    def forget(self) -> None:
        """Has the keys fetched anew when they are needed next: one of them was made void."""
        self._keys, self._tried_s = None, float("-inf")
        self._forgotten += 1

    async def _fetch(self) -> KeySet:
        self._tried_s = self._clock_s()
        request = authorization_service_pb2.GetSigningKeysRequest()
        try:
            response = await self._stub.GetSigningKeys(request, timeout=KEYS_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return KeySet.import_key_set(json.loads(response.jwks_json))

    def _is_stale(self, keys: KeySet, key_id: str) -> bool:
        known = any(key.kid == key_id for key in keys.keys)
        return not known and self._clock_s() - self._tried_s > KEYS_REFRESH_S


class TokenVerifier:
    """Finds the sign-in that an access token proves. Remembers it, since a client sends the same token each time."""

    def __init__(self, *, keys: KeySource, clock_s: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock_s = clock_s
        self._verified: dict[str, _Verified] = {}

    async def verify(self, token: str) -> SignIn:
        """The sign-in that a token belongs to. Raises MeshError UNAUTHENTICATED, reason INVALID_TOKEN."""
        verified = self._verified.get(token)
        # Another set of keys may lack the one that signed this token.
        if verified is None or verified.keys is not await self._keys.keys(verified.key_id):
            verified = await self._decode(token)
            if len(self._verified) >= _CACHED_TOKENS:
                self._verified.clear()
            self._verified[token] = verified
        if verified.sign_in.expires_s <= self._clock_s():
            self._verified.pop(token, None)
            raise unauthenticated("the access token has expired: refresh it, or log in again")
        return verified.sign_in

    async def _decode(self, token: str) -> "_Verified":
        try:
            key_id = str(extract_compact(token.encode()).headers().get("kid", ""))
            keys = await self._keys.keys(key_id)
            decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
        except (JoseError, ValueError, KeyError) as error:
            raise unauthenticated("the access token is not one of ours: log in again") from error
        return _Verified(sign_in=_to_sign_in(decoded.claims), key_id=key_id, keys=keys)


@dataclass(frozen=True, kw_only=True)
class _Verified:
    """The sign-in of a token, and the keys with which it was verified."""

    sign_in: SignIn
    key_id: str
    keys: KeySet


def _to_sign_in(claims: Mapping[str, Any]) -> SignIn:
    try:
        if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE:
            raise unauthenticated("the access token was made for something else")
        return SignIn(
            tenant_id=str(claims["tenant"]),
            username=str(claims["sub"]),
            sign_in_id=str(claims["sid"]),
            expires_s=int(claims["exp"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise unauthenticated("the access token lacks what it needs: log in again") from error


def bearer_token(metadata: Any) -> str | None:
    """The token of an `authorization: Bearer …` header in a call's metadata, or None."""
    for key, value in metadata or ():
        if key == "authorization":
            scheme, _, token = str(value).partition(" ")
            if scheme.lower() == "bearer" and token:
                return token.strip()
    return None
