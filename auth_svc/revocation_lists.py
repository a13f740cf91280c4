"""The revocation lists of our own authorities: made when they are asked for, and kept until something changes."""

import asyncio
from dataclasses import dataclass
from functools import partial

import grpc
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection

from auth_svc import revocation_store as store
from auth_svc.authority import Authority, Revoked, fingerprint
from auth_svc.own_authorities import OwnAuthorities
from auth_svc.revocation_store import ListState
from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, Clock

# A list holds for so long; a new one is made after a day, so that one that was fetched holds for days still.
LIFE_US = 7 * DAY_US
_REMADE_AFTER_US = DAY_US


@dataclass(frozen=True, kw_only=True)
class SignedList:
    """A list as it was made."""

    pem: str
    issuer: str
    authority_fingerprint: str
    size: int
    state: ListState
    update_us: int
    next_update_us: int


class RevocationLists:
    """The lists, one for each authority. A certificate stays in its list for a list's life after its end."""

    def __init__(self, *, database: Database, clock: Clock, authorities: OwnAuthorities) -> None:
        self._database = database
        self._clock = clock
        self._authorities = authorities
        self._made: dict[str, SignedList] = {}
        self._making = asyncio.Lock()

    async def get(self, authority_fingerprint: str) -> SignedList:
        """The list of an authority; empty: of the one that signs now.

        Raises MeshError CERTIFICATE_AUTHORITY_UNKNOWN.
        """
        wanted = authority_fingerprint or fingerprint((await self._authorities.signing()).certificate)
        async with self._making:
            now_us = self._clock()
            made = self._made.get(wanted)
            if made is not None and 0 <= now_us - made.update_us < _REMADE_AFTER_US:
                query = partial(store.list_state, authority_fingerprint=wanted, after_us=made.update_us - LIFE_US)
                if await self._database.read(query) == made.state:
                    return made
            authority = await self._authorities.by_fingerprint(wanted)
            if authority is None:
                raise MeshError(
                    grpc.StatusCode.NOT_FOUND,
                    Reason.CERTIFICATE_AUTHORITY_UNKNOWN,
                    f"no authority with the fingerprint {wanted!r} signs here, or has signed here",
                )
            self._made[wanted] = await self._make(authority, wanted, now_us)
            return self._made[wanted]

    async def _make(self, authority: Authority, authority_fingerprint: str, now_us: int) -> SignedList:
        def read(connection: Connection) -> tuple[ListState, list[store.ListedRevocation]]:
            after_us = now_us - LIFE_US
            state = store.list_state(connection, authority_fingerprint, after_us=after_us)
            return state, store.list_entries(connection, authority_fingerprint, after_us=after_us)

        state, entries = await self._database.read(read)
        revoked = [
            Revoked(serial_number=int(one.serial_number, 16), revoke_us=one.revoke_us, reason=one.revoke_reason)
            for one in entries
        ]
        sign = partial(authority.sign_revocation_list, revoked, number=now_us, now_us=now_us, life_us=LIFE_US)
        crl = await asyncio.to_thread(sign)
        return SignedList(
            pem=crl.public_bytes(serialization.Encoding.PEM).decode(),
            issuer=authority.certificate.subject.rfc4514_string(),
            authority_fingerprint=authority_fingerprint,
            size=len(revoked),
            state=state,
            update_us=now_us,
            next_update_us=now_us + LIFE_US,
        )
