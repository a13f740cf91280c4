"""Signs certificates for stations, once per request, with the configured authority or one made at first need."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from auth_svc import certificate_store as store
from auth_svc.authority import (
    ROOT_LIFE_US,
    Authority,
    fingerprint,
    key_to_pem,
    make_root,
    read_key,
    serial_text,
    to_pem,
)
from auth_svc.certificate_store import Issued, RequestKey, StoredAuthority
from auth_svc.signing_requests import check_request, digest_of, read_request
from mesh.database.engine import Database
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, Clock, from_datetime

log = get_logger(__name__)

# A root of the service's own with less validity than this left is followed by the next one.
_ROOT_REPLACED_US = ROOT_LIFE_US // 5


@dataclass(frozen=True, kw_only=True)
class CertificateRules:
    """The form of stations' certificates. `organization` is what their O must be; None: anything."""

    authority: Authority | None = None
    organization: str | None = None
    validity_days: int = 365


@dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """A certificate that a station requests."""

    tenant_id: str
    station_id: str
    common_names: Collection[str]
    csr: str
    certificate_type: int


@dataclass(frozen=True, kw_only=True)
class IssuedCertificate:
    """A certificate, and the chain to send: PEM, the station's own first, no root."""

    issued: Issued
    chain: str


@dataclass(frozen=True, kw_only=True)
class _Checked:
    request: CertificateRequest
    key: RequestKey
    csr: x509.CertificateSigningRequest
    common_name: str


class CertificateOffice:
    """The certificate authority as it works. Replicas may sign at the same time."""

    def __init__(self, *, database: Database, clock: Clock, rules: CertificateRules) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._own: Authority | None = None
        self._making = asyncio.Lock()

    async def authority(self) -> Authority:
        """The authority that signs: the configured one, or the service's own, which is made now if there is none."""
        if self._rules.authority is not None:
            return self._rules.authority
        async with self._making:
            if self._own is None or self._own.expire_us - self._clock() < _ROOT_REPLACED_US:
                self._own = await self._own_authority()
            return self._own

    async def sign(self, requests: Sequence[CertificateRequest]) -> list[IssuedCertificate | MeshError]:
        """Signs what is right; for each request the certificate, or why there is none."""
        checked = await asyncio.to_thread(lambda: [self._check(request) for request in requests])
        right = {one.key: one for one in checked if isinstance(one, _Checked)}
        if not right:
            return [one for one in checked if isinstance(one, MeshError)]
        authority = await self.authority()
        found = await self._database.read(partial(store.find_issued, keys=right.keys()))
        now_us = self._clock()
        wanted = [one for key, one in right.items() if not self._is_good(found.get(key), authority, now_us)]
        if wanted:
            issue = partial(self._issue, authority=authority, found=found, now_us=now_us)
            made = await asyncio.to_thread(lambda: [issue(one) for one in wanted])
            found = {**found, **await self._database.write(partial(store.add_issued, made=made))}
        between = to_pem(authority.between())
        return [
            one
            if isinstance(one, MeshError)
            else IssuedCertificate(issued=found[one.key], chain=found[one.key].certificate + between)
            for one in checked
        ]

    async def _own_authority(self) -> Authority:
        now_us = self._clock()
        stored = await self._database.read(store.newest_authority)
        if stored is None or stored.expire_us - now_us < _ROOT_REPLACED_US:
            made = await asyncio.to_thread(make_root, now_us=now_us)
            new = StoredAuthority(
                generation=stored.generation + 1 if stored else 1,
                certificate=to_pem(made.chain),
                private_key=key_to_pem(made.key),
                create_us=now_us,
                expire_us=made.expire_us,
            )
            stored = await self._database.write(partial(store.add_authority, made=new))
            log.info("certificate authority made", generation=stored.generation)
        chain = x509.load_pem_x509_certificates(stored.certificate.encode())
        return Authority(chain=chain, key=read_key(stored.private_key.encode()), configured=False)

    def _check(self, request: CertificateRequest) -> _Checked | MeshError:
        try:
            csr = read_request(request.csr)
            common_name = check_request(csr, common_names=request.common_names, organization=self._rules.organization)
        except MeshError as error:
            return error
        key = (request.tenant_id, request.station_id, digest_of(csr))
        return _Checked(request=request, key=key, csr=csr, common_name=common_name)

    def _is_good(self, issued: Issued | None, authority: Authority, now_us: int) -> bool:
        """Whether a certificate answers its request still: signed by who signs now, and not to be renewed yet."""
        if issued is None or issued.authority_fingerprint != fingerprint(authority.certificate):
            return False
        return now_us < issued.expire_us - (issued.expire_us - issued.start_us) // 3

    def _issue(self, one: _Checked, *, authority: Authority, found: Mapping[RequestKey, Issued], now_us: int) -> Issued:
        earlier = found.get(one.key)
        signed = authority.sign(one.csr, now_us=now_us, life_us=self._rules.validity_days * DAY_US)
        return Issued(
            tenant_id=one.request.tenant_id,
            station_id=one.request.station_id,
            csr_digest=one.key[2],
            issue=earlier.issue + 1 if earlier else 1,
            serial_number=serial_text(signed),
            certificate_type=one.request.certificate_type,
            common_name=one.common_name,
            subject=signed.subject.rfc4514_string(),
            issuer=signed.issuer.rfc4514_string(),
            sha256_fingerprint=fingerprint(signed),
            authority_fingerprint=fingerprint(authority.certificate),
            certificate=to_pem([signed]),
            start_us=from_datetime(signed.not_valid_before_utc),
            expire_us=from_datetime(signed.not_valid_after_utc),
            create_us=now_us,
        )
