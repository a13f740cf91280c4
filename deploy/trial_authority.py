"""An authority for trials, whose key is in this process alone: it signs certificates of servers and of stations.

Whoever trusts its root trusts what this process signed, and nothing else: its key is never written.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 397
"""The validity of its certificates."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class SignedCertificate:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate, PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, PEM, without a password."""
        return private_pem(self.key)


class TrialAuthority:
    """A root with a key of its own."""

    def __init__(self, common_name: str, *, now: datetime) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _subject(common_name)
        self._root = (
            _begun(self._subject, self._key.public_key(), now)
            .issuer_name(self._subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its certificate, PEM."""
        return self._root.public_bytes(Encoding.PEM)

    def sign_server(self, key: PrivateKey, host_names: Sequence[str], *, now: datetime) -> SignedCertificate:
        """The certificate of a server; `host_names` are DNS names and IP addresses."""
        names = x509.SubjectAlternativeName([_name(name) for name in host_names])
        builder = _begun(_subject("localhost"), key.public_key(), now).add_extension(names, critical=False)
        return self._sign(builder, key, ExtendedKeyUsageOID.SERVER_AUTH)

    def sign_station(self, key: PrivateKey, common_name: str, *, now: datetime) -> SignedCertificate:
        """The certificate of a station (OCPP 2.0.1 part 2, A00.FR.404 and .405)."""
        return self._sign(_begun(_subject(common_name), key.public_key(), now), key, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _sign(
        self, builder: x509.CertificateBuilder, key: PrivateKey, purpose: x509.ObjectIdentifier
    ) -> SignedCertificate:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_encipherment=isinstance(key, rsa.RSAPrivateKey),  # for suites without forward secrecy
            content_commitment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            builder.issuer_name(self._subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return SignedCertificate(certificate=certificate, key=key)


def private_pem(key: PrivateKey) -> bytes:
    """A private key, PEM, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _begun(
    subject: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
    )


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
