"""The certificates of a station: its own, the roots that it trusts, those that sign firmware (whitepaper, 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID


class CertificateUse(StrEnum):
    """The purposes that a root is trusted for (CertificateUseEnumType)."""

    CENTRAL_SYSTEM = "CentralSystemRootCertificate"
    MANUFACTURER = "ManufacturerRootCertificate"


class InstallResult(StrEnum):
    """Outcome of an installation (InstallCertificateStatusEnumType)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    REJECTED = "Rejected"


@dataclass(frozen=True, kw_only=True)
class CertificateId:
    """How a certificate is named: hashes in hexadecimal, as in OCSP (RFC 6960, 4.1.1)."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


_ALGORITHMS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def certificate_id(root: x509.Certificate, algorithm: str = "SHA256") -> CertificateId:
    """The name of a root certificate, which is its own issuer."""
    key = root.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return CertificateId(
        algorithm=algorithm,
        issuer_name_hash=_digest(algorithm, root.issuer.public_bytes()),
        issuer_key_hash=_digest(algorithm, _bit_string(key)),
        serial_number=f"{root.serial_number:x}",
    )


class TrustStore:
    """The roots that a station trusts."""

    def __init__(self) -> None:
        self._roots: list[tuple[CertificateUse, x509.Certificate]] = []

    def install(self, use: CertificateUse, pem: str, *, now: datetime, most: int) -> InstallResult:
        """Adds a root; one is never there twice. Rejected where it is no root, Failed where there is no room."""
        root = read(pem)
        if root is None or not is_in_date(root, now) or not is_authority(root):
            return InstallResult.REJECTED
        if (use, root) in self._roots:
            return InstallResult.ACCEPTED
        if len(self._roots) >= most:
            return InstallResult.FAILED
        self._roots.append((use, root))
        return InstallResult.ACCEPTED

    def of(self, use: CertificateUse) -> list[x509.Certificate]:
        """The roots trusted for something."""
        return [root for purpose, root in self._roots if purpose is use]

    def pems(self, use: CertificateUse) -> list[str]:
        """The same as PEM."""
        return [root.public_bytes(serialization.Encoding.PEM).decode() for root in self.of(use)]

    def delete(self, named: CertificateId) -> bool:
        """Removes a root. Returns whether it was there."""
        kept = [(use, root) for use, root in self._roots if not _is_named(root, named)]
        found = len(kept) < len(self._roots)
        self._roots = kept
        return found

    def vouches(self, use: CertificateUse, certificate: x509.Certificate) -> bool:
        """Whether a root for that use has issued a certificate; anything goes where there is none."""
        roots = self.of(use)
        return not roots or any(_issued(root, certificate) for root in roots)


class OwnCertificate:
    """The station's own certificate: the key is made with the request, and never leaves."""

    def __init__(self) -> None:
        self.certificate: x509.Certificate | None = None
        self._key: ec.EllipticCurvePrivateKey | None = None

    def request(self, *, serial_number: str, organisation: str) -> str:
        """A new key, and a certificate signing request (PEM) for it."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, serial_number)]
        if organisation:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def take(self, chain: str, *, now: datetime, trusts: Callable[[x509.Certificate], bool]) -> bool:
        """Takes a certificate, the first of a chain. Returns whether it is for the latest request, and trusted."""
        try:
            certificates = x509.load_pem_x509_certificates(chain.encode())
        except ValueError:
            return False
        leaf = certificates[0]
        if self._key is None or leaf.public_key() != self._key.public_key() or not is_in_date(leaf, now):
            return False
        if not _is_chain(certificates) or not trusts(certificates[-1]):
            return False
        self.certificate = leaf
        return True


def read(pem: str) -> x509.Certificate | None:
    """A certificate, or None where it is not one."""
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def is_in_date(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether a certificate is valid at a moment."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def verifies(certificate: x509.Certificate, signature: bytes, content: bytes) -> bool:
    """Whether `signature` is that of `content`: ECDSA, RSA-PSS or RSA with PKCS#1 v1.5, over SHA-256."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _holds(lambda: key.verify(signature, content, ec.ECDSA(hashes.SHA256())))
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
        return any(
            _holds(lambda scheme=scheme: key.verify(signature, content, scheme, hashes.SHA256()))  # type: ignore[misc]
            for scheme in (pss, padding.PKCS1v15())
        )
    return False


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_chain(certificates: list[x509.Certificate]) -> bool:
    return all(_issued(above, below) for below, above in pairwise(certificates))


def _is_named(root: x509.Certificate, named: CertificateId) -> bool:
    found = certificate_id(root, named.algorithm)
    return (
        found.issuer_name_hash == named.issuer_name_hash.lower()
        and found.issuer_key_hash == named.issuer_key_hash.lower()
        and found.serial_number == named.serial_number.lower().lstrip("0")
    )


def _digest(algorithm: str, data: bytes) -> str:
    digest = hashes.Hash(_ALGORITHMS[algorithm]())
    digest.update(data)
    return digest.finalize().hex()


def _bit_string(key_info: bytes) -> bytes:
    """The key itself out of its SubjectPublicKeyInfo (DER), which OCSP hashes without tag, length and unused bits."""
    _, start, _ = _element(key_info, 0)
    _, _, after_algorithm = _element(key_info, start)
    _, start, end = _element(key_info, after_algorithm)
    return key_info[start + 1 : end]


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """The tag of a DER element, and where its content starts and ends."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    return data[at], start, start + length
