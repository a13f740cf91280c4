"""Authentication of operators: services verify access tokens again, after the front door.

The front door refuses callers without a valid token; services do not rely on that, since their operator ports can be
reached without it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import grpc
from csms.auth.v1 import authorization_service_pb2, authorization_service_pb2_grpc
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from mesh.identity.callers import Caller, Grant, Role, unauthenticated
from mesh.identity.permissions import permissions_of
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
        """The key set, fetched again where it lacks `key_id`. Raises MeshError UNAVAILABLE."""


class RemoteKeys:
    """The key set of auth_svc, fetched when first needed and when a token names an unknown key."""

    def __init__(self, *, channel: grpc.aio.Channel, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stub = authorization_service_pb2_grpc.AuthorizationServiceStub(channel)
        self._clock_s = clock_s
        self._keys: KeySet | None = None
        self._tried_s = float("-inf")
        self._fetching = asyncio.Lock()

    async def keys(self, key_id: str) -> KeySet:
        """See KeySource."""
        # Tokens with a known key never wait for a fetch that one with an unknown key has set off.
        if self._keys is not None and not self._is_stale(self._keys, key_id):
            return self._keys
        async with self._fetching:
            if self._keys is None or self._is_stale(self._keys, key_id):
                self._keys = await self._fetch()
            return self._keys

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
    """Turns an access token into its Caller. Remembers them, since a client sends the same one each time."""

    def __init__(self, *, keys: KeySource, clock_s: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock_s = clock_s
        self._verified: dict[str, Caller] = {}

    async def verify(self, token: str) -> Caller:
        """The caller that a token belongs to. Raises MeshError UNAUTHENTICATED, reason INVALID_TOKEN."""
        caller = self._verified.get(token)
        if caller is None:
            caller = await self._decode(token)
            if len(self._verified) >= _CACHED_TOKENS:
                self._verified.clear()
            self._verified[token] = caller
        if caller.expires_s <= self._clock_s():
            self._verified.pop(token, None)
            raise unauthenticated("the access token has expired: refresh it, or log in again")
        return caller

    async def _decode(self, token: str) -> Caller:
        try:
            key_id = str(extract_compact(token.encode()).headers().get("kid", ""))
            decoded = jwt.decode(token, await self._keys.keys(key_id), algorithms=[ALGORITHM])
        except (JoseError, ValueError, KeyError) as error:
            raise unauthenticated("the access token is not one of ours: log in again") from error
        return _to_caller(decoded.claims)


def _to_caller(claims: Mapping[str, Any]) -> Caller:
    try:
        if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE:
            raise unauthenticated("the access token was made for something else")
        role = Role[claims["role"]]
        return Caller(
            username=claims["sub"],
            tenant_id=claims["tenant"],
            role=role,
            grants=(Grant(permissions=permissions_of(role)),),
            session_id=claims["sid"],
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
