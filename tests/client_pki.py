"""Certificates of stations as authorities other than ours make them, good and bad."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ObjectIdentifier

from tests.certificates import Basics, Key, TestAuthority, begun, ec_key, name
from tests.http_server import HttpRequest, ok

Hash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384


@dataclass(frozen=True, kw_only=True)
class Form:
    """The properties of a certificate. Its validity begins `begin_days` from `now`, and lasts `days`."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    begin_days: float = -5
    days: float = 10
    key: Key = field(default_factory=ec_key)
    organization: str | None = None
    ca: bool = False
    path_length: int | None = None
    uses: tuple[ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    signs: bool = True  # key usage: digital signature; of an authority: certificates
    responder: str = ""
    list_url: str = ""
    algorithm: Hash = field(default_factory=hashes.SHA256)
    unknown_critical: bool = False


def certify(common_name: str, issuer: TestAuthority | None, form: Form) -> TestAuthority:
    """A certificate that the issuer signed; a root without one."""
    begin = form.now + timedelta(days=form.begin_days)
    subject = name(common_name, organization=form.organization)
    basics = Basics(begin=begin, end=begin + timedelta(days=form.days), ca=form.ca, path_length=form.path_length)
    builder = begun(subject, issuer, form.key, basics).add_extension(_usage(form), critical=True)
    if form.uses and not form.ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(form.uses), critical=False)
    if form.responder:
        location = x509.UniformResourceIdentifier(form.responder)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if form.list_url:
        location = x509.UniformResourceIdentifier(form.list_url)
        point = x509.DistributionPoint(full_name=[location], relative_name=None, reasons=None, crl_issuer=None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if form.unknown_critical:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    signed = builder.sign(issuer.key if issuer else form.key, form.algorithm)
    return TestAuthority(certificate=signed, key=form.key)


def der(one: TestAuthority) -> bytes:
    """A certificate in DER."""
    return one.certificate.public_bytes(serialization.Encoding.DER)


def _usage(form: Form) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=form.signs and not form.ca,
        content_commitment=False,
        key_encipherment=not form.ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=form.ca and form.signs,
        crl_sign=form.ca,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(kw_only=True)
class ListServer:
    """Serves the revocation list of an authority. `revoked` are serial numbers."""

    signer: TestAuthority
    now: datetime
    revoked: list[int] = field(default_factory=list)
    lasts: timedelta = timedelta(hours=1)
    asked: int = 0

    async def answer(self, request: HttpRequest) -> bytes:
        """See tests.http_server.Handler."""
        assert request.head.startswith("GET ")
        self.asked += 1
        return ok(self.make())

    def make(self) -> bytes:
        """The list, in DER."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.signer.certificate.subject)
            .last_update(self.now)
            .next_update(self.now + self.lasts)
        )
        for number in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(self.now).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
