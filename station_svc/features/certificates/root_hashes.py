"""The names by which stations know a root certificate: its hashes (2.0.1 part 2, CertificateHashDataType). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from csms.station.v1 import certificate_pb2 as pb

from mesh.runtime.errors import invalid_field
from station_svc.features.certificates.checks import check_root

_ALGORITHMS: Mapping[int, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    pb.HASH_ALGORITHM_SHA256: hashes.SHA256(),
    pb.HASH_ALGORITHM_SHA384: hashes.SHA384(),
    pb.HASH_ALGORITHM_SHA512: hashes.SHA512(),
}


@dataclass(frozen=True, kw_only=True)
class RootHashes:
    """A root by one hash algorithm; texts are hexadecimal in lower case, the serial number without leading zeros."""

    hash_algorithm: int
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


@dataclass(frozen=True, kw_only=True)
class Root:
    """A root certificate: its fingerprint (SHA-256 of the DER, hexadecimal), subject, and name by each algorithm."""

    fingerprint: str
    subject: str
    hashes: Sequence[RootHashes]


def read_root(text: str, field: str, now_us: int) -> Root:
    """The root of a certificate in PEM. Raises MeshError INVALID_FIELD, also for one that another authority signed."""
    check_root(text, field, now_us)
    certificate = x509.load_pem_x509_certificate(text.encode())
    if certificate.issuer != certificate.subject:
        raise invalid_field(field, "another authority signed this certificate, so that it is no root")
    try:
        named = [_hashes(certificate, algorithm, digest) for algorithm, digest in _ALGORITHMS.items()]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise invalid_field(field, "its key is of a kind that is not known here") from error
    return Root(
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string(),
        hashes=named,
    )


def _hashes(
    certificate: x509.Certificate, algorithm: int, digest: hashes.SHA256 | hashes.SHA384 | hashes.SHA512
) -> RootHashes:
    """The hashes that a request by OCSP has for a certificate: OCPP took them over (RFC 6960, 4.1.1)."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, digest).build()
    return RootHashes(
        hash_algorithm=algorithm,
        issuer_name_hash=asked.issuer_name_hash.hex(),
        issuer_key_hash=asked.issuer_key_hash.hex(),
        serial_number=f"{asked.serial_number:x}",
    )
