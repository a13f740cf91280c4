"""Certificates in PEM, one by one."""

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mesh.runtime.logs import get_logger

log = get_logger(__name__)

_ONE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", flags=re.DOTALL)


def certificates_of(text: str) -> tuple[str, ...]:
    """The certificates of a text, each once; one that cannot be read is logged and left out."""
    found: dict[str, None] = {}
    for part in _ONE.findall(text):
        try:
            found[x509.load_pem_x509_certificate(part.encode()).public_bytes(Encoding.PEM).decode()] = None
        except ValueError:
            log.warning("certificate of an authority cannot be read", beginning=part[27:60].strip())
    return tuple(found)
