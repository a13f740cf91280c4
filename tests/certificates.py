"""Keys, signing requests and authorities of the tests' own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class TestAuthority:
    """An authority and its key."""

    __test__ = False  # not a test itself

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A key on P-256, or on another curve."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def key_pem(key: Key) -> str:
    """A private key in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def name(*common_names: str, organization: str | None = None) -> x509.Name:
    """A subject."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, one) for one in common_names]
    if organization is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def csr(
    *common_names: str,
    key: Key | None = None,
    organization: str | None = None,
    algorithm: hashes.SHA224 | hashes.SHA256 | None = None,
) -> str:
    """A signing request in PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(*common_names, organization=organization))
    # Properties that a station's certificate must not have, whatever its request says.
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key or ec_key(), algorithm or hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True, kw_only=True)
class Basics:
    """The part that every certificate has: times, and whether it is an authority's."""

    begin: datetime
    end: datetime
    ca: bool = False
    path_length: int | None = None


def begun(subject: x509.Name, issuer: TestAuthority | None, key: Key, basics: Basics) -> x509.CertificateBuilder:
    """A certificate to be signed by `issuer`, by its own key where there is none."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(basics.begin)
        .not_valid_after(basics.end)
        .add_extension(x509.BasicConstraints(ca=basics.ca, path_length=basics.path_length), critical=True)
    )


def authority(
    common_name: str, *, issuer: TestAuthority | None = None, ca: bool = True, now: datetime | None = None
) -> TestAuthority:
    """A root, or what `issuer` signed; good for ten days around `now`."""
    key, now = ec_key(), now or datetime.now(UTC)
    basics = Basics(begin=now - timedelta(days=5), end=now + timedelta(days=5), ca=ca)
    builder = begun(name(common_name), issuer, key, basics)
    return TestAuthority(certificate=builder.sign(issuer.key if issuer else key, hashes.SHA256()), key=key)
