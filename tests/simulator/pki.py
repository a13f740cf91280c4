"""Certificates for tests: an authority, and what it signs."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)


def pem(certificate: x509.Certificate) -> str:
    """A certificate as it is sent."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """A root with its key."""

    def __init__(self, name: str = "Root") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.root = self.issue(self._name, self.key.public_key(), authority=True)

    def issue(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool = False, days: int = 30
    ) -> x509.Certificate:
        """A certificate, valid for so many days around now (past ones where negative)."""
        first, last = sorted((NOW - timedelta(days=1), NOW + timedelta(days=days)))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def answer(self, csr: str, *, days: int = 30) -> str:
        """A certificate (PEM) for a signing request."""
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return pem(self.issue(request.subject, key, days=days))


def named(name: str) -> x509.Name:
    """A subject."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
