"""The keys that access tokens are signed with: made, published ahead, used, replaced, retired.

A key signs from `active_us` on until a newer one is active. The next one is published an hour before it signs, so that
others that cache the key set (Envoy, services) have it by then; the one it replaces stays published for an
hour after, so that every access token lives out its time. After a leak `rotate` replaces all of them at once.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import Connection

from auth_svc import key_store
from auth_svc.caller_change_store import record_change
from auth_svc.key_encryption import KeyRing
from auth_svc.key_store import SigningKey
from mesh.audit import entries as audit
from mesh.database.engine import Database
from mesh.identity.caller_directory import SIGNING_KEYS
from mesh.identity.operators import ALGORITHM
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

_HOUR_US = 3600 * SECOND_US
PUBLISHED_AHEAD_US = _HOUR_US
PUBLISHED_AFTER_US = _HOUR_US
REPLACED_AFTER_US = 90 * 24 * _HOUR_US
# How soon a replica knows that another has made a key void.
_RELOADED_AFTER_US = 2 * SECOND_US
# Anyone may request the key set: no caller makes the database read it more often.
_PUBLISHED_SET_US = SECOND_US
# Least time between two reads of the keys because of a token with an unknown key.
_LOOKED_AGAIN_AFTER_US = SECOND_US // 5


class Signer(Protocol):
    """A key that signs access tokens."""

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as a signed JWT."""


class SigningKeys:
    """The service's signing keys: a KeySource for its own verifier, a Signer, and the key set for everybody else."""

    def __init__(self, *, database: Database, clock: Clock, ring: KeyRing | None = None) -> None:
        self._database = database
        self._clock = clock
        self._ring = ring or KeyRing()
        self._loading = asyncio.Lock()
        self._loaded: Sequence[SigningKey] = ()
        self._loaded_us = 0
        self._public = KeySet([])

    async def keys(self, key_id: str) -> KeySet:
        """See mesh.identity.operators.KeySource."""
        await self._reload(_RELOADED_AFTER_US)
        if not any(key.key_id == key_id for key in self._loaded):
            await self._reload(_LOOKED_AGAIN_AFTER_US)
        return self._public

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """See Signer. Never with a key that another replica has made void."""
        await self._reload(0)
        key = _active(self._loaded, self._clock())
        private = ECKey.import_key(json.loads(key.private_jwk))
        return jwt.encode({"alg": ALGORITHM, "kid": key.key_id}, dict(claims), private, algorithms=[ALGORITHM])

    async def jwks_json(self) -> str:
        """The public keys as a JSON Web Key Set (RFC 7517), as the database had them a second ago at the most."""
        await self._reload(_PUBLISHED_SET_US)
        return json.dumps(self._public.as_dict(private=False), separators=(",", ":"))

    async def maintain(self) -> None:
        """Makes the first key, or the next one when it is due, and retires unused ones. Safe with replicas."""
        now_us = self._clock()
        await self._database.write(lambda connection: _maintain(connection, self._ring, now_us))
        await self._reload(0)

    async def rotate(self, tenant_id: str) -> str:
        """Replaces all keys by a new one at once, and returns its id: tokens of the others are void.

        `tenant_id` is the caller's, whose audit records it.
        """
        now_us = self._clock()
        key_id = await self._database.write(lambda connection: _rotate(connection, self._ring, tenant_id, now_us))
        await self._reload(0)
        return key_id

    async def _reload(self, after_us: int) -> None:
        async with self._loading:
            now_us = self._clock()
            if self._loaded and now_us - self._loaded_us < after_us:
                return
            stored = await self._database.read(key_store.list_signing_keys)
            loaded = [_opened(key, self._ring) for key in stored]
            if loaded != self._loaded:
                self._public = KeySet([_public(key) for key in loaded])
            self._loaded, self._loaded_us = loaded, now_us


def _maintain(connection: Connection, ring: KeyRing, now_us: int) -> None:
    keys = key_store.list_signing_keys(connection)
    if not keys:
        _add(connection, ring, generation=1, now_us=now_us, active_us=now_us)
    elif keys[-1].active_us + REPLACED_AFTER_US <= now_us:
        following = keys[-1].generation + 1
        _add(connection, ring, generation=following, now_us=now_us, active_us=now_us + PUBLISHED_AHEAD_US)
    spent = [key.generation for key, successor in pairwise(keys) if successor.active_us + PUBLISHED_AFTER_US <= now_us]
    if spent:
        key_store.delete_signing_keys(connection, spent)
        log.info("signing keys retired", generations=spent)


def _rotate(connection: Connection, ring: KeyRing, tenant_id: str, now_us: int) -> str:
    record_change(connection, "", SIGNING_KEYS, now_us)  # first, for its lock: one rotation after the other
    keys = key_store.list_signing_keys(connection)
    generation = max((key.generation for key in keys), default=0) + 1
    _add(connection, ring, generation=generation, now_us=now_us, active_us=now_us)
    key_store.delete_signing_keys(connection, [key.generation for key in keys])
    log.warning("signing keys replaced at once", void=[key.key_id for key in keys])
    key_id = key_store.list_signing_keys(connection)[-1].key_id
    audit.acted(connection, tenant_id=tenant_id, resource_type="signing_key", resource=key_id, time_us=now_us)
    return key_id


def _add(connection: Connection, ring: KeyRing, *, generation: int, now_us: int, active_us: int) -> None:
    made = ECKey.generate_key("P-256", auto_kid=True)
    key = SigningKey(
        generation=generation,
        key_id=str(made.kid),
        private_jwk=ring.seal(json.dumps(made.as_dict(private=True)), key_store.place_of(generation)),
        create_us=now_us,
        active_us=active_us,
    )
    if key_store.add_signing_key(connection, key):
        log.info("signing key made", key_id=key.key_id, generation=generation)


def _opened(key: SigningKey, ring: KeyRing) -> SigningKey:
    return replace(key, private_jwk=ring.open(key.private_jwk, key_store.place_of(key.generation)))


def _active(keys: Sequence[SigningKey], now_us: int) -> SigningKey:
    """The newest key that may sign already; the oldest where a clock went back and none may."""
    return next((key for key in reversed(keys) if key.active_us <= now_us), keys[0])


def _public(key: SigningKey) -> ECKey:
    whole = ECKey.import_key(json.loads(key.private_jwk))
    return ECKey.import_key({**whole.as_dict(private=False), "use": "sig", "alg": ALGORITHM})
