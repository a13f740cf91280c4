"""OCSP requests and responses (RFC 6960): encoded from the hashes that stations send, and checked. Pure.

A certificate is known by hashes alone, so that its issuer is found by the hash of its key: among the certificates in
the response, and those that are trusted here. A response is signed by that issuer, or by a responder that the issuer
certified for it.
"""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from mesh.runtime.times import DAY_US, SECOND_US, from_datetime

Algorithm = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

# The clocks of responders may be ahead of ours by so much.
_SKEW_US = 300 * SECOND_US
# A response without nextUpdate says that newer ones are always there: it holds for so long at most.
_WITHOUT_END_US = DAY_US
_MOST_SERIAL_BYTES = 20  # RFC 5280, 4.1.2.2


class InvalidRequestError(Exception):
    """Hashes or serial number cannot be encoded."""


class InvalidResponseError(Exception):
    """The response cannot be used. `is_forged`: its signature is not the issuer's, nor made for it."""

    def __init__(self, message: str, *, is_forged: bool = False) -> None:
        super().__init__(message)
        self.is_forged = is_forged


@dataclass(frozen=True, kw_only=True)
class CertificateId:
    """A certificate by the hashes of its issuer, and its serial number."""

    algorithm_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the hashes."""
        return _ALGORITHMS[self.algorithm_name]


@dataclass(frozen=True, kw_only=True)
class OcspAnswer:
    """A checked response. It holds until `end_us`."""

    der: bytes
    status: ocsp.OCSPCertStatus
    end_us: int


_ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm for algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
}


def read_id(algorithm_name: str, issuer_name_hash: str, issuer_key_hash: str, serial_number: str) -> CertificateId:
    """The certificate that a station names: hexadecimal in either case, a number also with an odd count of digits.

    Raises InvalidRequestError.
    """
    algorithm = _ALGORITHMS.get(algorithm_name)
    if algorithm is None:
        raise InvalidRequestError(f"one of {', '.join(_ALGORITHMS)} is needed as the algorithm of the hashes")
    return CertificateId(
        algorithm_name=algorithm_name,
        issuer_name_hash=_read_hash(issuer_name_hash, algorithm, "issuerNameHash"),
        issuer_key_hash=_read_hash(issuer_key_hash, algorithm, "issuerKeyHash"),
        serial_number=_read_serial(serial_number),
    )


def id_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateId:
    """The certificate by hashes of SHA-256."""
    algorithm = hashes.SHA256()
    return CertificateId(
        algorithm_name=algorithm.name,
        issuer_name_hash=_hash(issuer.subject.public_bytes(), algorithm),
        issuer_key_hash=key_hash(issuer, algorithm),
        serial_number=certificate.serial_number,
    )


def encode(certificate_id: CertificateId) -> bytes:
    """The OCSPRequest (DER). Without a nonce: responders sign in advance, and a response is dated."""
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        certificate_id.issuer_name_hash,
        certificate_id.issuer_key_hash,
        certificate_id.serial_number,
        certificate_id.algorithm,
    )
    return builder.build().public_bytes(serialization.Encoding.DER)


def check(der: bytes, certificate_id: CertificateId, *, trusted: Sequence[x509.Certificate], now_us: int) -> OcspAnswer:
    """The response, if it is about this certificate, of now, and signed for its issuer. Raises InvalidResponseError."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise InvalidResponseError(f"the responder says {response.response_status.name}")
        single = next((one for one in response.responses if _is_about(one, certificate_id)), None)
        if single is None:
            raise InvalidResponseError("the response is about another certificate")
        end_us = _end_us(single, now_us)
        _check_signature(response, certificate_id, trusted, now_us)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidResponseError("the response cannot be read") from error
    return OcspAnswer(der=der, status=single.certificate_status, end_us=end_us)


def key_hash(certificate: x509.Certificate, algorithm: Algorithm) -> bytes:
    """The hash of a certificate's public key as OCSP has it: the BIT STRING, without tag, length and unused bits."""
    key = certificate.public_key()
    encoding, form = serialization.Encoding, serialization.PublicFormat
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _hash(key.public_bytes(encoding.X962, form.UncompressedPoint), algorithm)
    if isinstance(key, rsa.RSAPublicKey):
        return _hash(key.public_bytes(encoding.DER, form.PKCS1), algorithm)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return _hash(key.public_bytes(encoding.Raw, form.Raw), algorithm)
    raise UnsupportedAlgorithm("this kind of key is not known here")


def _read_hash(text: str, algorithm: Algorithm, field: str) -> bytes:
    try:
        found = binascii.unhexlify(text.strip())
    except ValueError as error:
        raise InvalidRequestError(f"{field} is not hexadecimal") from error
    if len(found) != algorithm.digest_size:
        raise InvalidRequestError(
            f"{field} has {len(found)} bytes, and a hash of {algorithm.name} {algorithm.digest_size}"
        )
    return found


def _read_serial(text: str) -> int:
    try:
        number = int("".join(text.split()).replace(":", "").removeprefix("0x"), 16) if "_" not in text else 0
    except ValueError as error:
        raise InvalidRequestError("serialNumber is not hexadecimal") from error
    if not 0 < number < 2 ** (8 * _MOST_SERIAL_BYTES):
        raise InvalidRequestError(f"serialNumber is no positive number of up to {_MOST_SERIAL_BYTES} bytes")
    return number


def _hash(data: bytes, algorithm: Algorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _is_about(single: ocsp.OCSPSingleResponse, certificate_id: CertificateId) -> bool:
    return (
        single.serial_number == certificate_id.serial_number
        and single.hash_algorithm.name == certificate_id.algorithm_name
        and single.issuer_key_hash == certificate_id.issuer_key_hash
        and single.issuer_name_hash == certificate_id.issuer_name_hash
    )


def _end_us(single: ocsp.OCSPSingleResponse, now_us: int) -> int:
    this_us = from_datetime(single.this_update_utc)
    if this_us > now_us + _SKEW_US:
        raise InvalidResponseError("the response is of a time that has not come")
    next_update = single.next_update_utc
    end_us = this_us + _WITHOUT_END_US if next_update is None else from_datetime(next_update)
    if end_us <= now_us:
        raise InvalidResponseError("the response is out of date")
    return end_us


def _check_signature(
    response: ocsp.OCSPResponse, certificate_id: CertificateId, trusted: Sequence[x509.Certificate], now_us: int
) -> None:
    known = [*response.certificates, *trusted]
    issuers = [one for one in known if _is_issuer(one, certificate_id)]
    signers = [*issuers, *(one for one in response.certificates if _may_sign(one, issuers, now_us))]
    if not any(_is_signed_by(response, signer) for signer in signers):
        raise InvalidResponseError(
            "the response is not signed by the issuer of the certificate, nor by a responder that it certified",
            is_forged=bool(signers),
        )


def _is_issuer(certificate: x509.Certificate, certificate_id: CertificateId) -> bool:
    try:
        return (
            key_hash(certificate, certificate_id.algorithm) == certificate_id.issuer_key_hash
            and _hash(certificate.subject.public_bytes(), certificate_id.algorithm) == certificate_id.issuer_name_hash
        )
    except (ValueError, UnsupportedAlgorithm):
        return False


def _may_sign(certificate: x509.Certificate, issuers: Sequence[x509.Certificate], now_us: int) -> bool:
    """Whether the issuer certified it to sign responses (RFC 6960, 4.2.2.2), and it is valid now."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    begin_us, end_us = from_datetime(certificate.not_valid_before_utc), from_datetime(certificate.not_valid_after_utc)
    if ExtendedKeyUsageOID.OCSP_SIGNING not in usages or not begin_us <= now_us + _SKEW_US or end_us <= now_us:
        return False
    return any(is_issued_by(certificate, issuer) for issuer in issuers)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer has the name that the certificate gives, and signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, signature, data = signer.public_key(), response.signature, response.tbs_response_bytes
    algorithm = response.signature_hash_algorithm
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, data, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
