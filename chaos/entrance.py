"""Where a station of the fleet connects, and how it proves itself there."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaos.own_certificate import OwnCertificate
from station_kit.tls import station_context

BASIC, BY_CERTIFICATE = 2, 3
"""Security profiles over TLS (OCPP 2.0.1 part 2, A00)."""

RSA_SUITES = "AES128-GCM-SHA256:AES256-GCM-SHA384"
"""The suites of a station that has TLS 1.2 with RSA alone (A00.FR.318)."""


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """The ways of one station into the mesh. Without `roots` it connects as it is, without a proof."""

    urls: Sequence[str]  # without the station's id
    headers: Mapping[str, str] = field(default_factory=dict)
    roots: str = ""  # PEM, of the server's certificates
    suites: str | None = None  # of TLS 1.2, where the station has nothing newer
    certificate: OwnCertificate | None = None

    def context(self) -> ssl.SSLContext | None:
        """The context of its next handshake, with the present certificate; None without TLS."""
        if not self.roots:
            return None
        return station_context(
            self.roots,
            certificate=self.certificate.shown if self.certificate else None,
            suites=self.suites,
            max_version="TLSv1.2" if self.suites else "TLSv1.3",
        )
