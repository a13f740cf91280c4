"""A certificate authority: its certificate and key, and what it signs. No database here.

Operators configure one, an intermediate as a rule; else auth_svc makes a root of its own.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import DAY_US, SECOND_US, from_datetime, to_datetime

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# A root lives as long as the stations that trust it.
ROOT_LIFE_US = 20 * 365 * DAY_US
# Stations' clocks go wrong by some minutes.
_BACKDATED_US = 3600 * SECOND_US


# The reason codes of RFC 5280, 5.3.1. Of 0, "unspecified", a list says nothing.
_REASONS = {
    1: x509.ReasonFlags.key_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    9: x509.ReasonFlags.privilege_withdrawn,
}


@dataclass(frozen=True, kw_only=True)
class Revoked:
    """A revoked certificate by its serial number; `reason` is a code of RFC 5280, 5.3.1."""

    serial_number: int
    revoke_us: int
    reason: int


@dataclass(frozen=True, kw_only=True)
class Authority:
    """The certificate authority as a signer: its key and its certificates.

    `chain` begins with its own certificate, and goes up to the root where that is known.
    """

    chain: Sequence[x509.Certificate]
    key: PrivateKey = field(repr=False)
    configured: bool

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate."""
        return self.chain[0]

    @property
    def expire_us(self) -> int:
        """End of its certificate's validity."""
        return from_datetime(self.certificate.not_valid_after_utc)

    def sign(
        self, request: x509.CertificateSigningRequest, subject: x509.Name, *, now_us: int, life_us: int
    ) -> x509.Certificate:
        """A certificate for a TLS client with the request's key, for at most `life_us` microseconds from now.

        The subject is ours, and nothing else that the request asks for is granted. The request must have been checked.
        """
        public_key = request.public_key()
        usage = _usage(digital_signature=True, key_encipherment=isinstance(public_key, rsa.RSAPublicKey))
        key_id = x509.SubjectKeyIdentifier.from_public_key(self.certificate.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(_serial_number())
            .not_valid_before(to_datetime(now_us - _BACKDATED_US))
            .not_valid_after(to_datetime(min(now_us + life_us, self.expire_us)))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def sign_revocation_list(
        self, revoked: Iterable[Revoked], *, number: int, now_us: int, life_us: int
    ) -> x509.CertificateRevocationList:
        """The list of revoked certificates that holds for `life_us` microseconds from now (RFC 5280, 5).

        `number` has to be higher than that of each list before.
        """
        key_id = x509.SubjectKeyIdentifier.from_public_key(self.certificate.public_key())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(to_datetime(now_us))
            .next_update(to_datetime(now_us + life_us))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(_to_entry(one))
        return builder.sign(self.key, hashes.SHA256())

    def between(self) -> Sequence[x509.Certificate]:
        """The certificates that a station has to show beside its own: all of the chain but a root."""
        return [certificate for certificate in self.chain if certificate.subject != certificate.issuer]


def subject_of(common_name: str, organization: str | None) -> x509.Name:
    """The subject of a station's certificate (OCPP 2.0.1 part 2, A00.FR.404 and .405)."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def make_root(*, now_us: int) -> Authority:
    """A new root authority of auth_svc's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Charging station root {secrets.token_hex(4)}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_serial_number())
        .not_valid_before(to_datetime(now_us - _BACKDATED_US))
        .not_valid_after(to_datetime(now_us + ROOT_LIFE_US))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(chain=[certificate], key=key, configured=False)


def read_files(certificate_file: str, key_file: str, *, now_us: int) -> Authority:
    """The authority of an operator: a file of PEM certificates, the authority's own first, and one with its key.

    Raises SettingError where it cannot sign.
    """
    certificate_text = _read("CSMS_CA_CERTIFICATE_FILE", certificate_file)
    key_text = _read("CSMS_CA_KEY_FILE", key_file)
    try:
        chain = x509.load_pem_x509_certificates(certificate_text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingError(f"CSMS_CA_CERTIFICATE_FILE: {certificate_file} holds no certificate in PEM") from error
    authority = Authority(chain=chain, key=read_key(key_text), configured=True)
    _check_authority(authority, now_us)
    return authority


def read_bundle(name: str, path: str) -> Sequence[x509.Certificate]:
    """The certificates in a file that a setting names, PEM. Raises SettingError."""
    try:
        return x509.load_pem_x509_certificates(_read(name, path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingError(f"{name}: {path} holds no certificate in PEM") from error


def read_key(text: bytes) -> PrivateKey:
    """A private key in PEM, RSA or EC, not encrypted. Raises SettingError."""
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingError(
            "CSMS_CA_KEY_FILE holds no private key in PEM that can be read without a password"
        ) from error
    if not isinstance(key, PrivateKey):
        raise SettingError("CSMS_CA_KEY_FILE: an RSA or EC key is needed")
    return key


def to_pem(certificates: Sequence[x509.Certificate]) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def key_to_pem(key: PrivateKey) -> str:
    """A private key in PEM (PKCS#8), not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate (DER), hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number as OCPP writes it: hexadecimal in capitals without leading zeros."""
    return f"{certificate.serial_number:X}"


def _to_entry(revoked: Revoked) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revoked.serial_number)
        .revocation_date(to_datetime(revoked.revoke_us))
    )
    reason = _REASONS.get(revoked.reason)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()


def _check_authority(authority: Authority, now_us: int) -> None:
    certificate = authority.certificate
    if certificate.public_key() != authority.key.public_key():
        raise SettingError("CSMS_CA_KEY_FILE is not the key of the first certificate in CSMS_CA_CERTIFICATE_FILE")
    if not _may_sign(certificate):
        raise SettingError("CSMS_CA_CERTIFICATE_FILE: the first certificate may not sign others (CA, keyCertSign)")
    if not from_datetime(certificate.not_valid_before_utc) <= now_us < authority.expire_us:
        raise SettingError("CSMS_CA_CERTIFICATE_FILE: the first certificate is not valid now")
    for lower, upper in zip(authority.chain, authority.chain[1:], strict=False):
        try:
            lower.verify_directly_issued_by(upper)
        except Exception as error:
            raise SettingError("CSMS_CA_CERTIFICATE_FILE: each certificate must be signed by the next") from error


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        return bool(missing.oid == x509.KeyUsage.oid)


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingError(f"{name}: cannot read {path}: {error.strerror}") from error


def _serial_number() -> int:
    """Random, of 128 bits; never 0, which RFC 5280 forbids."""
    return 1 + secrets.randbelow(2**128 - 1)


def _usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
