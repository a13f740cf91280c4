"""The certificates of a mobility operator of the tests' own, and its OCSP responder."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from tests.certificates import Basics, TestAuthority, begun, ec_key, name
from tests.http_server import HttpRequest, ok


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The properties of a certificate; it is good for ten days, begun `age_days` ago."""

    ca: bool = False
    url: str = ""
    signs_ocsp: bool = False
    age_days: int = 5
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def certify(common_name: str, issuer: TestAuthority | None, shape: Shape) -> TestAuthority:
    """A certificate that the issuer signed, or a root."""
    key = ec_key()
    begin = shape.now - timedelta(days=shape.age_days)
    basics = Basics(begin=begin, end=begin + timedelta(days=10), ca=shape.ca)
    builder = begun(name(common_name), issuer, key, basics)
    if shape.url:
        location = x509.UniformResourceIdentifier(shape.url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if shape.signs_ocsp:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
    return TestAuthority(certificate=builder.sign(issuer.key if issuer else key, hashes.SHA256()), key=key)


def pem(*authorities: TestAuthority) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(one.pem for one in authorities)


@dataclass(kw_only=True)
class Responder:
    """An OCSP responder. `signer` signs what it says, its certificate and `extra` are in the response.

    A certificate has the status GOOD unless `statuses` has another, by serial number.
    """

    signer: TestAuthority
    now: datetime
    extra: tuple[x509.Certificate, ...] = ()
    statuses: dict[int, ocsp.OCSPCertStatus] = field(default_factory=dict)
    lasts: timedelta | None = field(default_factory=lambda: timedelta(hours=1))
    with_certificates: bool = True
    asked: list[ocsp.OCSPRequest] = field(default_factory=list)

    async def answer(self, request: HttpRequest) -> bytes:
        """See tests.http_server.Handler."""
        assert request.headers["content-type"] == "application/ocsp-request"
        asked = ocsp.load_der_ocsp_request(request.body)
        self.asked.append(asked)
        return ok(self.respond(asked))

    def respond(self, asked: ocsp.OCSPRequest) -> bytes:
        """The signed response (DER)."""
        status = self.statuses.get(asked.serial_number, ocsp.OCSPCertStatus.GOOD)
        is_revoked = status is ocsp.OCSPCertStatus.REVOKED
        algorithm = asked.hash_algorithm
        assert isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=algorithm,
            cert_status=status,
            this_update=self.now,
            next_update=None if self.lasts is None else self.now + self.lasts,
            revocation_time=self.now if is_revoked else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.signer.certificate)
        if self.with_certificates:
            builder = builder.certificates([self.signer.certificate, *self.extra])
        return builder.sign(self.signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
