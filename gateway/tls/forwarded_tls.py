"""The encryption of a connection that ends at Envoy, as its headers state it.

They are believed only beside the proof of the front door (websocket/client_address.py). Pure.
"""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.tls.connection_tls import ConnectionTls
from mesh.identity.cipher_suites import iana_name
from mesh.identity.front_door import CERTIFICATE_HEADER, NO_TLS, TLS_HEADER, TLS_IN_FRONT

# Intermediate certificates that are passed on.
_MOST_INTERMEDIATES = 8
# The element of the header that has the station's certificates: the whole chain, its own first.
_CHAIN = "chain"


class Headers(Protocol):
    """The headers of a request."""

    def get_all(self, key: str, /) -> Sequence[str]:
        """The values of a header, one for each time it is there."""


class ForwardedTlsError(Exception):
    """Envoy's headers cannot be read. The text is for the station's engineer."""


def forwarded_tls(headers: Headers) -> ConnectionTls | None:
    """The TLS of a station's connection to Envoy; None where it has none. Raises ForwardedTlsError."""
    stated = headers.get_all(TLS_HEADER)
    if len(stated) != 1 or stated[0] == NO_TLS:
        return None
    if stated[0] == TLS_IN_FRONT:
        return ConnectionTls()
    version, _, cipher = stated[0].partition(" ")
    certificates = _certificates(headers.get_all(CERTIFICATE_HEADER))
    return ConnectionTls(
        version=version,
        cipher_suite=iana_name(cipher),
        certificate=certificates[0] if certificates else b"",
        intermediates=tuple(certificates[1 : _MOST_INTERMEDIATES + 1]),
    )


def _certificates(values: Sequence[str]) -> list[bytes]:
    """The certificates (DER) of X-Forwarded-Client-Cert: `Chain="..."`, PEM that is percent-encoded."""
    if not values:
        return []
    for element in values[0].split(";") if len(values) == 1 else ():
        name, _, value = element.partition("=")
        if name.strip().lower() == _CHAIN:
            try:
                found = x509.load_pem_x509_certificates(unquote(value.strip('"')).encode())
            except ValueError as error:
                raise ForwardedTlsError("the certificate of the station cannot be read") from error
            return [one.public_bytes(Encoding.DER) for one in found]
    raise ForwardedTlsError("the front door forwarded no certificate of the station")
