"""Tickets for streams of events: each opens one stream of the caller who had it made, within a minute.

They are kept in the database, where each replica finds them: as a hash, beside the caller's credential. The credential
is looked up again when the stream begins, so that a sign-in that has ended since opens none.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from functools import partial

import msgspec

from mesh.database.engine import Database
from mesh.identity.caller_directory import Credential, PresentedKey, SignIn
from mesh.identity.operator_access import WRONG_KEYS
from mesh.identity.sources import current_source
from mesh.identity.tickets import invalid_ticket
from mesh.runtime.error_reasons import Reason
from mesh.runtime.rate_limits import RateLimit, exhausted
from mesh.runtime.times import SECOND_US, Clock
from notification_svc import ticket_store

VALID_S = 60
_BYTES = 32
_KINDS: dict[str, type[SignIn] | type[PresentedKey]] = {"sign_in": SignIn, "api_key": PresentedKey}


class WatchTickets:
    """See mesh/identity/tickets.py."""

    def __init__(self, *, database: Database, clock: Clock, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._wrong = RateLimit(WRONG_KEYS, clock_s=monotonic_s)

    async def make(self, credential: Credential, *, tenant_id: str) -> tuple[str, int]:
        """A new ticket for the caller of a credential, and the end of its time in microseconds since 1970."""
        ticket, now_us = secrets.token_urlsafe(_BYTES), self._clock()
        expire_us = now_us + VALID_S * SECOND_US
        add = partial(
            ticket_store.add,
            ticket_sha256=_hash(ticket),
            tenant_id=tenant_id,
            credential=_encode(credential),
            expire_us=expire_us,
            now_us=now_us,
        )
        await self._database.write(add)
        return ticket, expire_us

    async def redeem(self, ticket: str) -> Credential:
        """See mesh/identity/tickets.py. A ticket counts as wrong until it is found, as an API key does."""
        network = current_source().network
        if wait_s := self._wrong.take(network):
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "too many wrong tickets from your address", wait_s)
        take = partial(ticket_store.take, ticket_sha256=_hash(ticket), now_us=self._clock())
        stored = await self._database.write(take)
        if stored is None:
            raise invalid_ticket()
        self._wrong.give_back(network)
        return _decode(stored)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _encode(credential: Credential) -> str:
    kind = next(name for name, each in _KINDS.items() if isinstance(credential, each))
    return msgspec.json.encode([kind, credential]).decode()


def _decode(stored: str) -> Credential:
    kind, fields = msgspec.json.decode(stored)
    return msgspec.convert(fields, _KINDS[kind])
