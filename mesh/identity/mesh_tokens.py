"""Mesh tokens: by which a process proves to another one which part of the mesh it is.

A mesh token is a JWT that the part signs with its own key: issuer, audience (the part that is called), a few minutes of
validity. It is made once for many calls, and verified once: a further call with it costs a look-up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from mesh.identity.key_files import ALGORITHM, ClockS, PartKey, PrivateKeyFile, PublicKeyFolder
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

LIFETIME_S = 300
# A token is replaced this long before its end: longer than the clocks of two machines differ, and than a stream of
# batches is kept (gateway/batching/batch_stream.py).
RENEWED_BEFORE_S = 120
# How far the clock of the signing process may be ahead.
LEEWAY_S = 30
_MOST_VERIFIED = 1024
_WARN_EVERY_S = 10.0


@dataclass(frozen=True, kw_only=True)
class _MadeToken:
    token: str = field(repr=False)
    made_s: float


class MeshTokenMaker:
    """Makes the tokens of this process."""

    def __init__(self, *, part: str, key_file: PrivateKeyFile, clock_s: ClockS) -> None:
        self._part = part
        self._key_file = key_file
        self._clock_s = clock_s
        self._made: dict[str, _MadeToken] = {}

    def token(self, audience: str) -> str:
        """A token for calls of the part `audience`, valid for RENEWED_BEFORE_S seconds at least."""
        if self._key_file.refresh():
            self._made.clear()
        made, now_s = self._made.get(audience), self._clock_s()
        if made is None or not 0 <= now_s - made.made_s < LIFETIME_S - RENEWED_BEFORE_S:
            made = self._made[audience] = _MadeToken(token=self._sign(audience, int(now_s)), made_s=now_s)
        return made.token

    def _sign(self, audience: str, now_s: int) -> str:
        private = self._key_file.current
        claims = {"iss": self._part, "aud": audience, "iat": now_s, "exp": now_s + LIFETIME_S}
        return jwt.encode({"alg": ALGORITHM, "kid": private.key_id}, claims, private.key, algorithms=[ALGORITHM])


@dataclass(frozen=True, kw_only=True)
class _VerifiedToken:
    part: str
    expires_s: float


class _RefusedError(Exception):
    """A token that proves nothing here; the text says why, for the log."""


class MeshTokenVerifier:
    """Finds the part that a token proves. Remembers verified tokens until they expire or a key is taken away."""

    def __init__(self, *, part: str, public_keys: PublicKeyFolder, clock_s: ClockS) -> None:
        self._part = part
        self._public_keys = public_keys
        self._clock_s = clock_s
        self._verified: dict[str, _VerifiedToken] = {}
        self._warned_s = float("-inf")

    def part_of(self, token: str) -> str | None:
        """The part whose token this is; None where it is not valid here and now."""
        if self._public_keys.refresh():
            self._verified.clear()
        found, now_s = self._verified.get(token), self._clock_s()
        if found is None:
            try:
                found = self._verify(token, now_s)
            except _RefusedError as error:
                self._warn(str(error), now_s)
                return None
            self._remember(token, found)
        if found.expires_s <= now_s:
            self._verified.pop(token, None)
            self._warn("it has expired", now_s)
            return None
        return found.part

    def _remember(self, token: str, found: _VerifiedToken) -> None:
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[token] = found

    def _verify(self, token: str, now_s: float) -> _VerifiedToken:
        try:
            signer = self._signer(str(extract_compact(token.encode()).headers().get("kid", "")))
            claims = jwt.decode(token, signer.key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _RefusedError("it is no signed token") from error
        expires_s = _expiry(claims, now_s)
        if claims.get("iss") != signer.part:
            raise _RefusedError(f"it is signed by {signer.part} in the name of another part")
        if claims.get("aud") != self._part:
            raise _RefusedError(f"{signer.part} made it for another part")
        return _VerifiedToken(part=signer.part, expires_s=expires_s)

    def _signer(self, key_id: str) -> PartKey:
        if key_id not in self._public_keys.keys and self._public_keys.refresh(at_once=True):
            self._verified.clear()
        signer = self._public_keys.keys.get(key_id)
        if signer is None:
            raise _RefusedError("its key is unknown")
        return signer

    def _warn(self, why: str, now_s: float) -> None:
        """Once in a while: the call of a stranger must not fill the log."""
        if not 0 <= now_s - self._warned_s < _WARN_EVERY_S:
            self._warned_s = now_s
            log.warning("a mesh token is refused", reason=why)


def _expiry(claims: Mapping[str, Any], now_s: float) -> float:
    """The end of a token that is valid at this time. Raises _RefusedError."""
    issued_s, expires_s = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_s, int) or not isinstance(expires_s, int):
        raise _RefusedError("it does not state its time")
    if expires_s - issued_s > LIFETIME_S:
        raise _RefusedError("it is valid for too long")
    if issued_s > now_s + LEEWAY_S:
        raise _RefusedError("it is of the future: do the clocks differ?")
    if expires_s <= now_s:
        raise _RefusedError("it has expired")
    return expires_s
