"""Certificate signing requests of stations: read, and checked before anything is signed.

OCPP 1.6 security whitepaper, 4.2.4 and 4.3; OCPP 2.0.1 part 2, A00 and A02.
"""

import base64
import binascii
import re
from collections.abc import Collection

import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

LEAST_RSA_BITS = 2048
LEAST_EC_BITS = 256
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_ARMOUR = re.compile(r"-----(?:BEGIN|END) (?:NEW )?CERTIFICATE REQUEST-----")
# In any OCPP version: a longer one is no signing request.
_MOST_CHARACTERS = 16_000
_MOST_NAME = 64
# Common names of a request that a refusal repeats.
_MOST_NAMED = 3


def read_request(text: str) -> x509.CertificateSigningRequest:
    """A signing request: PEM, also with escaped line ends, or its base64 alone, as some stations send it.

    Raises MeshError CSR_UNREADABLE.
    """
    body = _ARMOUR.sub("", text.replace("\\r", "").replace("\\n", "\n"))
    unreadable = refusal(Reason.CSR_UNREADABLE, "this is no PKCS#10 certificate signing request in PEM")
    if len(text) > _MOST_CHARACTERS:
        raise unreadable
    try:
        return x509.load_der_x509_csr(base64.b64decode("".join(body.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise unreadable from error


def digest_of(request: x509.CertificateSigningRequest) -> str:
    """SHA-256 of the request (DER), hexadecimal: however its text is wrapped, the same request has the same."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(request.public_bytes(serialization.Encoding.DER))
    return digest.finalize().hex()


def check_request(
    request: x509.CertificateSigningRequest,
    *,
    common_names: Collection[str],
    organization: str | None,
    host_names: Collection[str] = (),
) -> str:
    """Checks a signing request, and returns its common name. `organization` is what its O must be, None: anything.

    `host_names` are those of the system, which no station is called. Raises MeshError CSR_SIGNATURE_WRONG,
    CSR_KEY_WEAK or CSR_SUBJECT_WRONG.
    """
    check_key_and_signature(request)
    common_name = _check_subject(request.subject, common_names, organization)
    if not is_station_name(common_name) or common_name.lower() in host_names:
        raise refusal(Reason.CSR_SUBJECT_WRONG, "no station may have its common name")
    return common_name


def is_station_name(text: str) -> bool:
    """Whether a certificate may name a station so: printable ASCII without a wildcard, at most 64 (RFC 5280, A.1)."""
    return 0 < len(text) <= _MOST_NAME and text.isascii() and text.isprintable() and "*" not in text


def check_key_and_signature(request: x509.CertificateSigningRequest) -> None:
    """Raises MeshError CSR_KEY_WEAK or CSR_SIGNATURE_WRONG."""
    _check_key(request)
    _check_signature(request)


def common_name_of(subject: x509.Name) -> str:
    """The first common name of a subject; empty where it has none."""
    return next((str(part.value) for part in subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def refusal(reason: Reason, message: str) -> MeshError:
    """INVALID_ARGUMENT: the request will not be signed, however often it is sent."""
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, reason, message)


def has_strong_key(holder: x509.Certificate | x509.CertificateSigningRequest) -> bool:
    """Whether its key is of a kind that is known here, and long enough (A00.FR.506: 112 bits of security)."""
    try:
        key = holder.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= LEAST_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= LEAST_EC_BITS


def _check_key(request: x509.CertificateSigningRequest) -> None:
    if not has_strong_key(request):
        raise refusal(
            Reason.CSR_KEY_WEAK, f"RSA of {LEAST_RSA_BITS} bits or EC of {LEAST_EC_BITS} bits at the least is needed"
        )


def _check_signature(request: x509.CertificateSigningRequest) -> None:
    try:
        signed = isinstance(request.signature_hash_algorithm, _HASHES) and request.is_signature_valid
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        signed = False
    if not signed:
        raise refusal(Reason.CSR_SIGNATURE_WRONG, "it is not signed with its own key by SHA-256 or better")


def _check_subject(subject: x509.Name, common_names: Collection[str], organization: str | None) -> str:
    names = [str(part.value) for part in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or names[0] not in common_names:
        known = " or ".join(repr(name) for name in sorted(common_names))
        asked = " and ".join(repr(name[:_MOST_NAME]) for name in names[:_MOST_NAMED]) or "missing"
        raise refusal(
            Reason.CSR_SUBJECT_WRONG,
            f"its common name is {asked}, and has to be this station's serial number or identity: {known}",
        )
    organizations = [str(part.value) for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if organization is not None and organizations != [organization]:
        raise refusal(Reason.CSR_SUBJECT_WRONG, f"its organization is not {organization!r}")
    return names[0]
