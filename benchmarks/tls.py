"""TLS of the load: the contexts of stations, and the sessions that they resume when they come back.

The event loop makes the TLS object of a connection from a context, and has no argument for a session to resume. A class
of our own for these objects (`sslobject_class`) gives each the session of an earlier connection just before its
handshake. Any session will do for any station, since stations of the load show no certificate.
"""

import ssl
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from station_kit.tls import station_context

# The name that stations ask for; the certificate of the measured gateway has it.
HOST_NAME = "localhost"
# Suites of TLS 1.2 with forward secrecy and an ECDSA certificate; without others the gateway can choose no RSA one.
ECDHE_SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
VERSIONS = ("TLSv1.3", "TLSv1.2")


@dataclass(frozen=True, kw_only=True)
class TlsTarget:
    """How stations encrypt: the root that they trust (a file, PEM), the highest version, and whether they resume."""

    root: str
    version: str = VERSIONS[0]
    resume: bool = False


class ClientTls:
    """The TLS of the stations of one process. `keep` takes the session of a connection that is about to be closed."""

    def __init__(self, target: TlsTarget) -> None:
        """Raises OSError or ssl.SSLError where the root cannot be read."""
        self.context = station_context(
            Path(target.root).read_text(),
            suites=ECDHE_SUITES if target.version == "TLSv1.2" else None,
            max_version=target.version,
        )
        self.target = target
        self._sessions: deque[ssl.SSLSession] = deque()
        if target.resume:
            self.context.sslobject_class = _resuming(self._sessions)

    def keep(self, connection: ssl.SSLObject) -> None:
        """Keeps the session for a later connection. In TLS 1.3 there is one once the first answer was read."""
        session = connection.session
        if self.target.resume and session is not None and session.has_ticket:
            self._sessions.append(session)


def _resuming(sessions: deque[ssl.SSLSession]) -> type[ssl.SSLObject]:
    """A class whose objects resume the oldest session that is kept, each session once."""

    class ResumingObject(ssl.SSLObject):
        _begun = False

        def do_handshake(self) -> None:
            if not self._begun:
                self._begun = True
                if sessions:
                    self.session = sessions.popleft()
            super().do_handshake()

    return ResumingObject


def ssl_options(tls: ClientTls | None) -> dict[str, Any]:
    """Options of the event loop's `create_connection` for it; none without TLS."""
    return {} if tls is None else {"ssl": tls.context, "server_hostname": HOST_NAME, "ssl_handshake_timeout": 60.0}
