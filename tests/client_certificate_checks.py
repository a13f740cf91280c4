"""The checks of stations' certificates for tests: signature of an authority, dates, key usage and revocation.

The authorities are the tests' own, so that a test decides which there are.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from csms.auth.v1 import certificate_authority_service_pb2 as pb

from auth_svc.certificate_servicer import CertificateAuthorityServicer
from mesh.runtime.error_reasons import reason_of
from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_datetime, to_timestamp
from station_kit.tls import ShownCertificate
from tests.certificates import TestAuthority

LEAST_RSA_BITS = 2048


class ClientChecks:
    """Serves CheckClientCertificates and ListClientAuthorities in place of auth_svc's own."""

    def __init__(self) -> None:
        self.authorities: list[TestAuthority] = []
        self.revoked: set[int] = set()
        self.asked: list[pb.CheckClientCertificatesItem] = []
        self.batches: list[int] = []
        self.is_available = True
        self.released = asyncio.Event()
        self.released.set()

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Has every auth_svc of this process serve these."""

        async def check(_self: Any, request: Any, context: Any) -> pb.CheckClientCertificatesResponse:
            return await self._check(request, context)

        async def list_all(_self: Any, _request: Any, context: Any) -> pb.ListClientAuthoritiesResponse:
            await self._abort_or_not(context)
            return pb.ListClientAuthoritiesResponse(certificates="".join(one.pem for one in self.authorities))

        monkeypatch.setattr(CertificateAuthorityServicer, "CheckClientCertificates", check)
        monkeypatch.setattr(CertificateAuthorityServicer, "ListClientAuthorities", list_all)
        for wait in ("POLL_S", "RETRY_S"):
            monkeypatch.setattr(f"gateway.tls.authorities.{wait}", 0.05)

    def revoke(self, certificate: ShownCertificate) -> None:
        """Revokes a certificate of a station."""
        self.revoked.add(x509.load_pem_x509_certificates(certificate.chain.read_bytes())[0].serial_number)

    async def _check(
        self, request: pb.CheckClientCertificatesRequest, context: Any
    ) -> pb.CheckClientCertificatesResponse:
        await self._abort_or_not(context)
        await self.released.wait()
        self.asked.extend(request.items)
        self.batches.append(len(request.items))
        return pb.CheckClientCertificatesResponse(results=map(self._result, request.items))

    async def _abort_or_not(self, context: Any) -> None:
        if not self.is_available:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the test has it unavailable")

    def _result(self, item: pb.CheckClientCertificatesItem) -> pb.CheckClientCertificatesResult:
        leaf = x509.load_der_x509_certificate(item.certificate)
        [common_name] = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        result = pb.CheckClientCertificatesResult(
            common_name=str(common_name.value),
            serial_number=f"{leaf.serial_number:X}",
            fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
            issuer=leaf.issuer.rfc4514_string(),
            expire_time=to_timestamp(from_datetime(leaf.not_valid_after_utc)),
        )
        if fault := self._fault(leaf, [x509.load_der_x509_certificate(one) for one in item.intermediates]):
            reason, message = fault
            error = MeshError(grpc.StatusCode.UNAUTHENTICATED, reason_of(reason), message)
            result.error.CopyFrom(error.to_status())
        return result

    def _fault(self, leaf: x509.Certificate, shown: list[x509.Certificate]) -> tuple[str, str] | None:
        now, key = datetime.now(UTC), leaf.public_key()
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        faults = [
            ("UNTRUSTED", "it was not signed by an authority of the tenant", not self._is_trusted(leaf, shown)),
            ("EXPIRED", f"it ended at {leaf.not_valid_after_utc.isoformat()}", leaf.not_valid_after_utc < now),
            ("NOT_YET_VALID", f"it begins at {leaf.not_valid_before_utc.isoformat()}", leaf.not_valid_before_utc > now),
            ("KEY_WEAK", "its key is too short", isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS),
            ("NOT_FOR_CLIENTS", "it is not for clients of TLS", ExtendedKeyUsageOID.CLIENT_AUTH not in usage),
            ("REVOKED", "it is revoked", leaf.serial_number in self.revoked),
        ]
        return next(
            (
                (f"CLIENT_CERTIFICATE_{name}", f"the station's certificate: {text}")
                for name, text, applies in faults
                if applies
            ),
            None,
        )

    def _is_trusted(self, leaf: x509.Certificate, shown: list[x509.Certificate]) -> bool:
        roots = {one.certificate.public_bytes(Encoding.DER) for one in self.authorities}
        issuers = [*shown, *(one.certificate for one in self.authorities)]
        current = leaf
        for _ in range(8):
            issuer = next((one for one in issuers if _signed(current, one)), None)
            if issuer is None:
                return False
            if issuer.public_bytes(Encoding.DER) in roots:
                return True
            current = issuer
        return False


def _signed(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
