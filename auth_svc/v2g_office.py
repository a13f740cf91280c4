"""Has certificates of stations towards vehicles signed, once per request, and lists them with the others."""

import asyncio
from collections.abc import Sequence
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding

from auth_svc import certificate_store as store
from auth_svc.authority import fingerprint, serial_text, to_pem
from auth_svc.certificate_office import CertificateRequest, IssuedCertificate
from auth_svc.certificate_store import Issued
from auth_svc.signing_requests import check_key_and_signature, common_name_of, digest_of, read_request
from auth_svc.v2g_signing import V2gRequest, V2gSigner
from mesh.database.engine import Database
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, from_datetime


class V2gOffice:
    """The signer as it works. The provider checks the subject: it knows which names its stations have."""

    def __init__(self, *, database: Database, clock: Clock, signer: V2gSigner) -> None:
        self._database = database
        self._clock = clock
        self._signer = signer

    async def sign(self, requests: Sequence[CertificateRequest]) -> list[IssuedCertificate | MeshError]:
        """For each request the certificate, or why there is none."""
        return list(await asyncio.gather(*(self._sign(request) for request in requests)))

    async def _sign(self, request: CertificateRequest) -> IssuedCertificate | MeshError:
        try:
            return await self._signed(request)
        except MeshError as error:
            return error

    async def _signed(self, request: CertificateRequest) -> IssuedCertificate:
        csr = read_request(request.csr)
        check_key_and_signature(csr)
        key = (request.tenant_id, request.station_id, digest_of(csr))
        found = (await self._database.read(partial(store.find_issued, keys=[key]))).get(key)
        if found is None or not self._is_good(found, request.certificate_type):
            pem = csr.public_bytes(Encoding.PEM).decode()
            chain = await self._signer.sign(
                V2gRequest(tenant_id=request.tenant_id, station_id=request.station_id, csr=csr, pem=pem)
            )
            leaf = chain[0]
            made = Issued(
                tenant_id=request.tenant_id,
                station_id=request.station_id,
                csr_digest=key[2],
                issue=found.issue + 1 if found else 1,
                serial_number=serial_text(leaf),
                certificate_type=request.certificate_type,
                common_name=common_name_of(leaf.subject),
                subject=leaf.subject.rfc4514_string(),
                issuer=leaf.issuer.rfc4514_string(),
                sha256_fingerprint=fingerprint(leaf),
                authority_fingerprint=fingerprint(chain[-1]),
                certificate=to_pem(chain),
                start_us=from_datetime(leaf.not_valid_before_utc),
                expire_us=from_datetime(leaf.not_valid_after_utc),
                create_us=self._clock(),
            )
            found = (await self._database.write(partial(store.add_issued, made=[made])))[key]
        return IssuedCertificate(issued=found, chain=found.certificate)

    def _is_good(self, issued: Issued, certificate_type: int) -> bool:
        """Whether a certificate answers its request still: of the same use, and not to be renewed yet."""
        renewed_us = issued.expire_us - (issued.expire_us - issued.start_us) // 3
        return issued.certificate_type == certificate_type and self._clock() < renewed_us
