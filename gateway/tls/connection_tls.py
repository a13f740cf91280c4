"""The encryption of one station's connection, as the gateway or Envoy saw it."""

import hashlib
import ssl
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from mesh.identity.cipher_suites import iana_name

# Certificates whose chains are remembered, the most recently shown ones: more than one gateway has stations.
MOST_REMEMBERED = 50_000


@dataclass(frozen=True, kw_only=True)
class ConnectionTls:
    """TLS of a connection, and the certificate that the station showed.

    Both texts are empty where TLS ends at a proxy that is not ours, of which nothing more is known.
    """

    version: str = ""  # "TLSv1.2" or "TLSv1.3"
    cipher_suite: str = ""  # by its IANA name
    certificate: bytes = b""  # DER; empty: none
    intermediates: tuple[bytes, ...] = ()  # DER, from the certificate upwards


class SocketTls:
    """Reads the TLS of sockets that this process serves.

    A session that resumes has the station's certificate and not those above it (RFC 8446, 2.2): they are remembered
    from the full handshake.
    """

    def __init__(self) -> None:
        self._chains: OrderedDict[bytes, tuple[bytes, ...]] = OrderedDict()
        self._known: dict[tuple[bytes, ...], tuple[bytes, ...]] = {}  # each chain once: stations share them

    def read(self, connection: ssl.SSLObject) -> ConnectionTls:
        """The TLS of a socket after its handshake."""
        cipher = connection.cipher()
        leaf = connection.getpeercert(binary_form=True) or b""
        return ConnectionTls(
            version=connection.version() or "",
            cipher_suite=iana_name(cipher[0]) if cipher else "",
            certificate=leaf,
            intermediates=self._intermediates(connection, leaf) if leaf else (),
        )

    def _intermediates(self, connection: ssl.SSLObject, leaf: bytes) -> tuple[bytes, ...]:
        fingerprint = hashlib.sha256(leaf).digest()
        if connection.session_reused:
            return self._chains.get(fingerprint, ())
        shown = tuple(one for one in _shown(connection) if one != leaf)
        shown = self._known.setdefault(shown, shown)
        self._chains.pop(fingerprint, None)
        self._chains[fingerprint] = shown
        if len(self._chains) > MOST_REMEMBERED:
            self._chains.popitem(last=False)
            self._known = {chain: chain for chain in self._chains.values()}
        return shown


def _shown(connection: ssl.SSLObject) -> list[bytes]:
    """The certificates that a station sent, its own first (DER)."""
    public = getattr(connection, "get_unverified_chain", None)  # from Python 3.13 on
    if public is not None:
        return list(public())
    inner: Any = getattr(connection, "_sslobj")  # noqa: B009 - no public name before 3.13
    return [bytes(one.public_bytes(_DER)) for one in inner.get_unverified_chain() or ()]


_DER = 2  # _ssl.ENCODING_DER
