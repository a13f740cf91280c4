"""Sessions: opened by a login, continued by a refresh token, ended by a logout or by time.

An access token is valid for 15 minutes, and every service verifies it by itself and knows within 5 s when its session
has ended; a refresh token is looked up here each time. A session ends 30 days after its login at the latest.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

import grpc
from sqlalchemy import Connection

from auth_svc import session_store
from auth_svc.keys import Signer
from auth_svc.normalization import fold
from auth_svc.session_store import Session
from auth_svc.user_store import User
from mesh.database.engine import Database
from mesh.identity.callers import Caller
from mesh.identity.operators import AUDIENCE, ISSUER
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

# The longest that an access token is good for; signing keys are published for as long as one may be in use.
ACCESS_TOKEN_S = 15 * 60
SESSION_S = 30 * 24 * 3600
# Windows of one browser refresh at the same time, with the same token: one of them gets the next token. The others are
# refused, but do not count as theft.
TOGETHER_S = 10


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a login came from, for the list of sign-ins; nothing depends on it."""

    user_agent: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokens of a caller: a short-lived access token, and the refresh token for the next."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Sessions:
    """Opens, continues and ends sessions."""

    def __init__(
        self, *, database: Database, signer: Signer, clock: Clock, access_token_s: int = ACCESS_TOKEN_S
    ) -> None:
        self.access_token_s = access_token_s
        self._database = database
        self._signer = signer
        self._clock = clock

    async def open(self, user: User, source: Source) -> Tokens | None:
        """Tokens of a new session; None where the user was removed or got another password a moment ago."""
        session_id, family, secret, now_us = _random(16), _random(16), _random(32), self._clock()
        session = Session(
            tenant_id=user.tenant_id,
            session_id=session_id,
            username_key=fold(user.username),
            family_hash=_digest(family),
            secret_hash=_digest(secret),
            create_us=now_us,
            refresh_us=now_us,
            expire_us=now_us + SESSION_S * SECOND_US,
            user_agent=source.user_agent,
            address=source.address,
        )
        access_token = await self._access_token(user, session_id)
        opened = await self._database.write(
            lambda connection: session_store.open_session(
                connection, session, user.password_hash, username=user.username
            )
        )
        return Tokens(access_token=access_token, refresh_token=f"{family}.{secret}") if opened else None

    async def refresh(self, refresh_token: str) -> Tokens:
        """The next tokens of a session. Raises MeshError INVALID_TOKEN.

        A spent refresh token ends the session, unless it was replaced within the last TOGETHER_S seconds.
        """
        family, _, secret = refresh_token.partition(".")
        next_secret, now_us = _random(32), self._clock()
        refreshed = await self._database.write(
            lambda connection: session_store.refresh_session(
                connection,
                family_hash=_digest(family),
                secret_hash=_digest(secret),
                next_hash=_digest(next_secret),
                now_us=now_us,
            )
        )
        if refreshed is None:
            await self._refuse(_digest(family), _digest(secret), now_us)
            raise invalid_token("the refresh token is spent, void or expired: log in again")
        session_id, user = refreshed
        access_token = await self._access_token(user, session_id)
        return Tokens(access_token=access_token, refresh_token=f"{family}.{next_secret}")

    async def end(self, caller: Caller) -> None:
        """Ends the caller's session. Raises MeshError INVALID_TOKEN where it has ended."""
        now_us = self._clock()
        ended = await self._database.write(
            lambda connection: session_store.end_session(connection, caller.tenant_id, caller.session_id, now_us=now_us)
        )
        if not ended:
            raise _session_ended()

    async def user(self, caller: Caller) -> User:
        """The caller as of now; the access token may be older. Raises MeshError INVALID_TOKEN."""
        now_us = self._clock()
        user = await self._database.read(
            lambda connection: session_store.session_user(
                connection, caller.tenant_id, caller.session_id, now_us=now_us
            )
        )
        if user is None:
            raise _session_ended()
        return user

    async def _refuse(self, family_hash: str, secret_hash: str, now_us: int) -> None:
        """Ends the session of a spent token. Raises MeshError instead where another call replaced it a moment ago."""
        since_us = now_us - TOGETHER_S * SECOND_US

        def end(connection: Connection) -> bool | None:
            if session_store.was_just_replaced(connection, family_hash, secret_hash, since_us=since_us):
                return None
            return session_store.end_family(connection, family_hash, now_us=now_us)

        ended = await self._database.write(end)
        if ended is None:
            raise invalid_token(
                "another call refreshed with this token a moment ago: the session goes on with the tokens that it got"
            )
        if ended:
            log.warning("a spent or expired refresh token was used: its session is ended")

    async def _access_token(self, user: User, session_id: str) -> str:
        now_s = self._clock() // SECOND_US
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.username,
            "tenant": user.tenant_id,
            "role": user.role.name if user.role else "",  # for services of the release before this one
            "sid": session_id,
            "iat": now_s,
            "exp": now_s + self.access_token_s,
        }
        return await self._signer.sign(claims)


def invalid_token(message: str) -> MeshError:
    """UNAUTHENTICATED, reason INVALID_TOKEN."""
    return MeshError(grpc.StatusCode.UNAUTHENTICATED, Reason.INVALID_TOKEN, message)


def _session_ended() -> MeshError:
    return invalid_token("the session has ended: log in again")


def _random(count: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(count)).decode().rstrip("=")


def _digest(secret: str) -> str:
    # Random and long, so a fast hash does.
    return hashlib.sha256(secret.encode()).hexdigest()
