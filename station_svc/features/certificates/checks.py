"""Checks of certificates that operators send to stations, before they are sent: the errors name the fault."""

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from mesh.runtime.errors import invalid_field
from mesh.runtime.times import to_datetime


def check_root(text: str, field: str, now_us: int) -> None:
    """A root certificate in PEM, alone, that may sign others. Raises MeshError INVALID_FIELD."""
    certificates = _read(text, field, now_us)
    if len(certificates) != 1:
        raise invalid_field(field, f"one certificate is needed, and these are {len(certificates)}")
    try:
        constraints = certificates[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return  # older roots have none, and it is the station that has to trust it
    if not constraints.ca:
        raise invalid_field(field, "this certificate may not sign others, so that it is no root")


def check_chain(text: str, field: str, now_us: int) -> None:
    """A certificate in PEM and those above it, each signed by the next. Raises MeshError INVALID_FIELD."""
    for number, (lower, upper) in enumerate(pairwise(_read(text, field, now_us)), 1):
        try:
            lower.verify_directly_issued_by(upper)
        except Exception as error:  # of many kinds: wrong names, wrong signature, unknown algorithms
            raise invalid_field(field, f"certificate {number} is not signed by the one after it") from error


def _read(text: str, field: str, now_us: int) -> Sequence[x509.Certificate]:
    if "PRIVATE KEY" in text:
        raise invalid_field(field, "there is a private key in it, which must not leave here")
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise invalid_field(field, "it is no certificate in PEM") from error
    now = to_datetime(now_us)
    if any(one.not_valid_after_utc < now for one in certificates):
        raise invalid_field(field, "it has ended already, or one of those above it")
    return certificates
