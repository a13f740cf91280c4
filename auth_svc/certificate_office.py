"""Signs certificates for stations, once per request, with the configured authority or one made at first need."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection

from auth_svc import certificate_store as store
from auth_svc import revocation_store, tenant_store
from auth_svc.authority import Authority, fingerprint, serial_text, subject_of, to_pem
from auth_svc.certificate_store import Issued, RequestKey
from auth_svc.own_authorities import OwnAuthorities
from auth_svc.signing_requests import check_request, digest_of, read_request, refusal
from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, Clock, from_datetime

MOST_PER_DAY = 10


@dataclass(frozen=True, kw_only=True)
class CertificateRules:
    """The form of stations' certificates. `organization` is what their O must be and is; None: they have none.

    `most_per_day`: certificates that one station gets in 24 hours.
    """

    authority: Authority | None = None
    organization: str | None = None
    validity_days: int = 365
    most_per_day: int = MOST_PER_DAY


@dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """A certificate that a station requests; one that was issued before `issue_from_us` does not answer it."""

    tenant_id: str
    station_id: str
    common_names: Collection[str]
    csr: str
    certificate_type: int
    issue_from_us: int = 0


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

    @property
    def station(self) -> tuple[str, str]:
        """Tenant and station."""
        return self.key[:2]

    @property
    def public_key(self) -> bytes:
        """The key of the request (DER)."""
        return _key_bytes(self.csr)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Earlier certificates of the stations of a batch: the latest for each request, revoked keys, numbers of a day."""

    found: Mapping[RequestKey, Issued]
    revoked_keys: Collection[tuple[tuple[str, str], bytes]]
    counts: Mapping[tuple[str, str], int]


class CertificateOffice:
    """The certificate authority as it works. Replicas may sign at the same time."""

    def __init__(
        self, *, database: Database, clock: Clock, rules: CertificateRules, authorities: OwnAuthorities
    ) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._authorities = authorities

    async def sign(self, requests: Sequence[CertificateRequest]) -> list[IssuedCertificate | MeshError]:
        """Signs what is right; for each request the certificate, or why there is none."""
        hosts = await self._database.read(tenant_store.list_host_names)
        checked = await asyncio.to_thread(lambda: [self._check(request, hosts) for request in requests])
        right = {one.key: one for one in checked if isinstance(one, _Checked)}
        if not right:
            return [one for one in checked if isinstance(one, MeshError)]
        authority = await self._authorities.signing()
        now_us = self._clock()
        known = await self._database.read(partial(_read_known, keys=right.keys(), since_us=now_us - DAY_US))
        wanted = [one for key, one in right.items() if not self._is_good(known.found.get(key), one, authority, now_us)]
        refused = self._refusals(wanted, known)
        found = known.found
        if granted := [one for one in wanted if one.key not in refused]:
            issue = partial(self._issue, authority=authority, found=found, now_us=now_us)
            made = await asyncio.to_thread(lambda: [issue(one) for one in granted])
            found = {**found, **await self._database.write(partial(store.add_issued, made=made))}
        between = to_pem(authority.between())

        def outcome(one: _Checked) -> IssuedCertificate | MeshError:
            if one.key in refused:
                return refused[one.key]
            return IssuedCertificate(issued=found[one.key], chain=found[one.key].certificate + between)

        return [one if isinstance(one, MeshError) else outcome(one) for one in checked]

    def _refusals(self, wanted: Sequence[_Checked], known: _Known) -> Mapping[RequestKey, MeshError]:
        """The requests that get no new certificate although they are right in themselves."""
        refused: dict[RequestKey, MeshError] = {}
        counts = dict(known.counts)
        for one in wanted:
            if (one.station, one.public_key) in known.revoked_keys:
                message = "a certificate of its key was revoked: a new key is needed"
                refused[one.key] = refusal(Reason.CSR_KEY_REVOKED, message)
            elif counts.get(one.station, 0) >= self._rules.most_per_day:
                refused[one.key] = MeshError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    Reason.CERTIFICATE_LIMIT_REACHED,
                    f"the station got {self._rules.most_per_day} certificates within a day, which are the most",
                )
            else:
                counts[one.station] = counts.get(one.station, 0) + 1
        return refused

    def _check(self, request: CertificateRequest, host_names: Collection[str]) -> _Checked | MeshError:
        try:
            csr = read_request(request.csr)
            common_name = check_request(
                csr,
                common_names=request.common_names,
                organization=self._rules.organization,
                host_names=host_names,
            )
        except MeshError as error:
            return error
        key = (request.tenant_id, request.station_id, digest_of(csr))
        return _Checked(request=request, key=key, csr=csr, common_name=common_name)

    def _is_good(self, issued: Issued | None, one: _Checked, authority: Authority, now_us: int) -> bool:
        """Whether a certificate answers its request still: signed by who signs now, and not to be renewed yet."""
        if issued is None or issued.revoke_us is not None or issued.create_us < one.request.issue_from_us:
            return False
        if issued.authority_fingerprint != fingerprint(authority.certificate):
            return False
        return now_us < issued.expire_us - (issued.expire_us - issued.start_us) // 3

    def _issue(self, one: _Checked, *, authority: Authority, found: Mapping[RequestKey, Issued], now_us: int) -> Issued:
        earlier = found.get(one.key)
        subject = subject_of(one.common_name, self._rules.organization)
        signed = authority.sign(one.csr, subject, now_us=now_us, life_us=self._rules.validity_days * DAY_US)
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
            create_us=max(now_us, one.request.issue_from_us),
        )


def _read_known(connection: Connection, keys: Collection[RequestKey], since_us: int) -> _Known:
    stations = {key[:2] for key in keys}
    revoked = revocation_store.revoked_of(connection, stations)
    return _Known(
        found=store.find_issued(connection, keys),
        revoked_keys={
            ((one.tenant_id, one.station_id), _key_bytes(x509.load_pem_x509_certificate(one.certificate.encode())))
            for one in revoked
        },
        counts=store.count_issued(connection, stations, since_us),
    )


def _key_bytes(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return holder.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
