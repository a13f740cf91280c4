"""CertificateAuthorityService for the mesh, CertificateService for operators."""

import asyncio
from collections.abc import Sequence
from functools import partial

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as signing
from csms.auth.v1 import certificate_service_pb2 as listing
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceServicer
from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceServicer
from csms.common.v1 import certificate_pb2

from auth_svc import certificate_store as store
from auth_svc import revocation_store
from auth_svc.authority import fingerprint, serial_text, to_pem
from auth_svc.certificate_office import CertificateOffice, CertificateRequest, IssuedCertificate
from auth_svc.certificate_store import Issued
from auth_svc.client_certificates import common_name, issuer_of
from auth_svc.client_checks import CheckedCertificate, ClientChecks, ShownCertificate
from auth_svc.own_authorities import OwnAuthorities
from auth_svc.revocation_lists import RevocationLists
from auth_svc.signing_requests import refusal
from auth_svc.v2g_office import V2gOffice
from mesh.contract.tenants import tenant_or_default
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock, from_datetime, from_timestamp, to_timestamp

MOST_ITEMS = 64
MOST_REVOKED = 1000
_CHARGING_STATION = certificate_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
_V2G = certificate_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE
_SIGNED = frozenset({certificate_pb2.CERTIFICATE_SIGNING_USE_UNSPECIFIED, _CHARGING_STATION, _V2G})


class CertificateAuthorityServicer(CertificateAuthorityServiceServicer):
    """Serves the mesh only."""

    def __init__(self, *, database: Database, office: CertificateOffice, v2g: V2gOffice, clients: ClientChecks) -> None:
        self._database = database
        self._office = office
        self._v2g = v2g
        self._clients = clients

    async def SignCertificates(
        self, request: signing.SignCertificatesRequest, context: Context
    ) -> signing.SignCertificatesResponse:
        """Signs what is right."""
        del context
        if len(request.items) > MOST_ITEMS:
            raise invalid_field("items", f"at most {MOST_ITEMS} are taken")
        faults = [_fault(item) for item in request.items]
        requests = [_to_request(item) for item, fault in zip(request.items, faults, strict=True) if fault is None]
        outcomes = iter(await self._sign(requests))
        results = [fault or next(outcomes) for fault in faults]
        return signing.SignCertificatesResponse(results=map(_to_result, results))

    async def CheckClientCertificates(
        self, request: signing.CheckClientCertificatesRequest, context: Context
    ) -> signing.CheckClientCertificatesResponse:
        """Checks certificates of stations."""
        del context
        if len(request.items) > MOST_ITEMS:
            raise invalid_field("items", f"at most {MOST_ITEMS} are taken")
        results = await self._clients.check([_to_shown(item) for item in request.items])
        return signing.CheckClientCertificatesResponse(results=map(_to_check_result, results))

    async def ListClientAuthorities(
        self, request: signing.ListClientAuthoritiesRequest, context: Context
    ) -> signing.ListClientAuthoritiesResponse:
        """The authorities that certificates of stations may come from."""
        del request, context
        return signing.ListClientAuthoritiesResponse(certificates=to_pem(await self._clients.trusted()))

    async def ListRevokedCertificates(
        self, request: signing.ListRevokedCertificatesRequest, context: Context
    ) -> signing.ListRevokedCertificatesResponse:
        """Lists certificates that were revoked lately."""
        del context
        after_us = from_timestamp(request.after_time)
        rows = await self._database.read(partial(revocation_store.list_revoked, after_us=after_us, limit=MOST_REVOKED))
        return signing.ListRevokedCertificatesResponse(revoked_certificates=map(_to_revoked, rows))

    async def _sign(self, requests: Sequence[CertificateRequest]) -> list[IssuedCertificate | MeshError]:
        """Of each request, by who signs certificates of its use; both at once."""
        towards_vehicles = [request.certificate_type == _V2G for request in requests]
        own, v2g = await asyncio.gather(
            self._office.sign([one for one, is_v2g in zip(requests, towards_vehicles, strict=True) if not is_v2g]),
            self._v2g.sign([one for one, is_v2g in zip(requests, towards_vehicles, strict=True) if is_v2g]),
        )
        of_own, of_v2g = iter(own), iter(v2g)
        return [next(of_v2g if is_v2g else of_own) for is_v2g in towards_vehicles]


class CertificateServicer(CertificateServiceServicer):
    """Serves operators."""

    def __init__(
        self, *, database: Database, authorities: OwnAuthorities, lists: RevocationLists, clock: Clock
    ) -> None:
        self._database = database
        self._authorities = authorities
        self._lists = lists
        self._clock = clock

    async def ListIssuedCertificates(
        self, request: listing.ListIssuedCertificatesRequest, context: Context
    ) -> listing.ListIssuedCertificatesResponse:
        """Lists certificates, newest first."""
        del context
        tenant_id = current_caller().tenant_id
        condition = to_condition(request.filter, store.issued_filters())
        page = page_of(request, (int, str), binding=request.filter, condition=condition)
        rows = await self._database.read(
            lambda connection: store.list_issued(
                connection, tenant_id, after=page.after, condition=condition, limit=page.limit
            )
        )
        rows, token = page.cut(rows, lambda row: (row.create_us, row.serial_number))
        return listing.ListIssuedCertificatesResponse(issued_certificates=map(_to_issued, rows), next_page_token=token)

    async def GetCertificateAuthority(
        self, request: listing.GetCertificateAuthorityRequest, context: Context
    ) -> listing.GetCertificateAuthorityResponse:
        """Reads the authority."""
        del request, context
        authority = await self._authorities.signing()
        return listing.GetCertificateAuthorityResponse(
            certificate_authority=listing.CertificateAuthority(
                certificate_chain=to_pem(authority.chain),
                root_certificate=to_pem(authority.chain[-1:]),
                subject=authority.certificate.subject.rfc4514_string(),
                sha256_fingerprint=fingerprint(authority.certificate),
                expire_time=to_timestamp(authority.expire_us),
                configured=authority.configured,
            )
        )

    async def RevokeCertificate(
        self, request: listing.RevokeCertificateRequest, context: Context
    ) -> listing.RevokeCertificateResponse:
        """Revokes a certificate."""
        del context
        if request.reason not in listing.RevocationReason.values():
            raise invalid_field("reason", "is none that is known here")
        revoke = partial(
            revocation_store.revoke,
            tenant_id=current_caller().tenant_id,
            serial_number=request.serial_number.strip().upper().lstrip("0"),
            reason=request.reason,
            now_us=self._clock(),
        )
        revoked = await self._database.write(revoke)
        if revoked is None:
            message = f"no certificate with the serial number {request.serial_number!r} was issued"
            raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.CERTIFICATE_NOT_FOUND, message)
        return listing.RevokeCertificateResponse(issued_certificate=_to_issued(revoked))

    async def GetCertificateRevocationList(
        self, request: listing.GetCertificateRevocationListRequest, context: Context
    ) -> listing.GetCertificateRevocationListResponse:
        """Reads a revocation list."""
        del context
        signed = await self._lists.get(request.authority_fingerprint.lower())
        return listing.GetCertificateRevocationListResponse(
            certificate_revocation_list=listing.CertificateRevocationList(
                revocation_list=signed.pem,
                issuer=signed.issuer,
                authority_fingerprint=signed.authority_fingerprint,
                size=signed.size,
                update_time=to_timestamp(signed.update_us),
                next_update_time=to_timestamp(signed.next_update_us),
            )
        )


def _fault(item: signing.SignCertificateItem) -> MeshError | None:
    """The error of an item that can be seen before its signing request is read; None if there is none."""
    for field in ("tenant_id", "station_id"):
        if not getattr(item, field):
            return invalid_field(field, "is required")
    if item.certificate_type not in _SIGNED:
        return refusal(Reason.CERTIFICATE_TYPE_NOT_SIGNED, "certificates of this use are not signed here")
    return None


def _to_request(item: signing.SignCertificateItem) -> CertificateRequest:
    return CertificateRequest(
        tenant_id=item.tenant_id,
        station_id=item.station_id,
        common_names=frozenset(name for name in item.common_names if name),
        csr=item.csr,
        certificate_type=item.certificate_type or _CHARGING_STATION,
        issue_from_us=from_timestamp(item.issue_from_time) if item.HasField("issue_from_time") else 0,
    )


def _to_result(outcome: IssuedCertificate | MeshError) -> signing.SignCertificateResult:
    if isinstance(outcome, MeshError):
        return signing.SignCertificateResult(error=outcome.to_status())
    return signing.SignCertificateResult(
        certificate_chain=outcome.chain,
        serial_number=outcome.issued.serial_number,
        expire_time=to_timestamp(outcome.issued.expire_us),
    )


def _to_issued(row: Issued) -> listing.IssuedCertificate:
    return listing.IssuedCertificate(
        station_id=row.station_id,
        serial_number=row.serial_number,
        certificate_type=certificate_pb2.CertificateSigningUse.ValueType(row.certificate_type),
        common_name=row.common_name,
        subject=row.subject,
        issuer=row.issuer,
        sha256_fingerprint=row.sha256_fingerprint,
        certificate=row.certificate,
        start_time=to_timestamp(row.start_us),
        expire_time=to_timestamp(row.expire_us),
        create_time=to_timestamp(row.create_us),
        revoke_time=None if row.revoke_us is None else to_timestamp(row.revoke_us),
        revocation_reason=listing.RevocationReason.ValueType(row.revoke_reason),
    )


def _to_shown(item: signing.CheckClientCertificatesItem) -> ShownCertificate:
    return ShownCertificate(
        tenant_id=tenant_or_default(item.tenant_id),
        station_id=item.station_id,
        certificate=item.certificate,
        intermediates=item.intermediates,
    )


def _to_check_result(checked: CheckedCertificate) -> signing.CheckClientCertificatesResult:
    error = None if checked.error is None else checked.error.to_status()
    certificate = checked.certificate
    if certificate is None:
        return signing.CheckClientCertificatesResult(error=error)
    return signing.CheckClientCertificatesResult(
        error=error,
        common_name=common_name(certificate),
        serial_number=serial_text(certificate),
        fingerprint=fingerprint(certificate),
        issuer=issuer_of(certificate),
        expire_time=to_timestamp(from_datetime(certificate.not_valid_after_utc)),
        issue_time=None if checked.issue_us is None else to_timestamp(checked.issue_us),
    )


def _to_revoked(row: Issued) -> signing.RevokedCertificate:
    return signing.RevokedCertificate(
        tenant_id=row.tenant_id,
        station_id=row.station_id,
        fingerprint=row.sha256_fingerprint,
        revoke_time=to_timestamp(row.revoke_us or 0),
    )
