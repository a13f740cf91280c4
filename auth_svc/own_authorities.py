"""The authorities that sign stations' certificates: the configured one, or roots of auth_svc's own, made at first need.

The private keys of its own ones are in the database, encrypted where there is a key for it (key_encryption.py).
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from cryptography import x509

from auth_svc import certificate_store as store
from auth_svc.authority import ROOT_LIFE_US, Authority, fingerprint, key_to_pem, make_root, read_key, to_pem
from auth_svc.certificate_store import StoredAuthority
from auth_svc.key_encryption import KeyRing
from mesh.database.engine import Database
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

# A root of the service's own with less validity than this left is followed by the next one.
_ROOT_REPLACED_US = ROOT_LIFE_US // 5


class OwnAuthorities:
    """The authorities as they work. Replicas may make one at the same time."""

    def __init__(self, *, database: Database, clock: Clock, configured: Authority | None, ring: KeyRing) -> None:
        self._database = database
        self._clock = clock
        self._configured = configured
        self._ring = ring
        self._own: Authority | None = None
        self._making = asyncio.Lock()

    async def signing(self) -> Authority:
        """The authority that signs: the configured one, or the service's own, which is made now if there is none."""
        if self._configured is not None:
            return self._configured
        async with self._making:
            if self._own is None or self._own.expire_us - self._clock() < _ROOT_REPLACED_US:
                self._own = await self._newest()
            return self._own

    async def by_fingerprint(self, wanted: str) -> Authority | None:
        """An authority with its key: the configured one, or any that was made here; None where there is none such."""
        if self._configured is not None and fingerprint(self._configured.certificate) == wanted:
            return self._configured
        for stored in await self._database.read(store.list_authorities):
            authority = self._read(stored)
            if fingerprint(authority.certificate) == wanted:
                return authority
        return None

    async def certificates(self) -> Sequence[x509.Certificate]:
        """The certificates of all that sign or have signed here, expired ones too."""
        stored = await self._database.read(store.list_authority_certificates)
        made = [x509.load_pem_x509_certificate(pem.encode()) for pem in stored]
        return made if self._configured is None else [self._configured.certificate, *made]

    async def _newest(self) -> Authority:
        now_us = self._clock()
        stored = await self._database.read(store.newest_authority)
        if stored is None or stored.expire_us - now_us < _ROOT_REPLACED_US:
            made = await asyncio.to_thread(make_root, now_us=now_us)
            generation = stored.generation + 1 if stored else 1
            new = StoredAuthority(
                generation=generation,
                certificate=to_pem(made.chain),
                private_key=self._ring.seal(key_to_pem(made.key), store.place_of(generation)),
                create_us=now_us,
                expire_us=made.expire_us,
            )
            stored = await self._database.write(partial(store.add_authority, made=new))
            log.info("certificate authority made", generation=stored.generation)
        return self._read(stored)

    def _read(self, stored: StoredAuthority) -> Authority:
        chain = x509.load_pem_x509_certificates(stored.certificate.encode())
        key = read_key(self._ring.open(stored.private_key, store.place_of(stored.generation)).encode())
        return Authority(chain=chain, key=key, configured=False)
