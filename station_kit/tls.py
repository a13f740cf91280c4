"""TLS of a station: the roots that it trusts, and the certificate by which it proves itself.

OCPP security profiles 2 and 3 (2.0.1 part 2, A00; 1.6 security whitepaper, section 3).
"""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ShownCertificate:
    """The certificate that a station shows: a file with its chain (PEM, its own first), and one with its key."""

    chain: Path
    key: Path


def station_context(
    roots: str, *, certificate: ShownCertificate | None = None, suites: str | None = None, max_version: str = "TLSv1.3"
) -> ssl.SSLContext:
    """The context of a station's handshakes. `roots` are those that it trusts, PEM.

    `suites` are those of TLS 1.2 that it has, as OpenSSL names them; `max_version` is "TLSv1.2" or "TLSv1.3". Raises
    OSError or ssl.SSLError where a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[max_version]
    if suites is not None:
        context.set_ciphers(suites)
    context.load_verify_locations(cadata=roots)
    if certificate is not None:
        context.load_cert_chain(certificate.chain, certificate.key)
    return context
