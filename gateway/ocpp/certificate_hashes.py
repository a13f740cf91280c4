"""Hashes that name a certificate (CertificateHashDataType), the same in every OCPP version."""

from csms.station.v1.certificate_pb2 import CertificateHashData

from gateway.ocpp.certificate_enums import HASH_ALGORITHMS
from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Payload, UnacceptableError

_MAX_HASH = 128
_MAX_SERIAL_NUMBER = 40
_WORDS = words(HASH_ALGORITHMS)


def to_payload(data: CertificateHashData, field: str) -> Payload:
    """A CertificateHashDataType. UnacceptableError where something is missing or too long."""
    algorithm = _WORDS.get(data.hash_algorithm)
    if algorithm is None:
        raise UnacceptableError(
            "PropertyConstraintViolation", f"{field}.hash_algorithm", f"one of {', '.join(HASH_ALGORITHMS)} is needed"
        )
    payload: Payload = {"hashAlgorithm": algorithm}
    for name, text, most in (
        ("issuer_name_hash", data.issuer_name_hash, _MAX_HASH),
        ("issuer_key_hash", data.issuer_key_hash, _MAX_HASH),
        ("serial_number", data.serial_number, _MAX_SERIAL_NUMBER),
    ):
        head, *rest = name.split("_")
        key = head + "".join(word.capitalize() for word in rest)
        payload[key] = check_length(check_given(text, f"{field}.{name}"), most, f"{field}.{name}")
    return payload


def from_payload(payload: Payload) -> CertificateHashData:
    """The contract's form of a CertificateHashDataType."""
    return CertificateHashData(
        hash_algorithm=HASH_ALGORITHMS[payload["hashAlgorithm"]],
        issuer_name_hash=payload["issuerNameHash"],
        issuer_key_hash=payload["issuerKeyHash"],
        serial_number=payload["serialNumber"],
    )
