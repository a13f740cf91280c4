"""TLS handshakes that fail. The event loop ends such a connection without a word, before it has a protocol.

Here the address of the station is not known: the object of a handshake has the bytes alone.
"""

import ssl
import time
from collections import Counter
from collections.abc import Callable

from mesh.runtime.logs import get_logger
from mesh.runtime.rate_limits import Rate, RateLimit

log = get_logger(__name__)

# Reasons of OpenSSL that are counted by name; a metric must have few labels.
_COUNTED = frozenset(
    {
        *("UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM"),
        *("CERTIFICATE_VERIFY_FAILED", "HTTP_REQUEST", "WRONG_VERSION_NUMBER", "NO_SHARED_GROUP"),
        *("TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        *("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE"),
    }
)
UNVERIFIED = "certificate_verify_failed"
"""The label of a certificate that leads to no known authority, among others."""

_UNFINISHED = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
# Lines of the log by reason: a fleet that lacks a root comes again and again, and others must be found beside it.
LOG_RATE = Rate(burst=20, per_s=0.2)


class FailureLog:
    """Logs failed handshakes with the reasons that OpenSSL gives, as often as LOG_RATE allows for each reason.

    A line has the number of those before it, of the same reason, that were not logged.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._limit = RateLimit(LOG_RATE, clock_s=clock_s)
        self._unlogged: Counter[str] = Counter()

    def note(self, error: ssl.SSLError) -> None:
        """Logs one failure, or counts it."""
        reason = error.reason or ""
        known = reason if reason in _COUNTED else "other"
        if self._limit.take(known):
            self._unlogged[known] += 1
            return
        detail = getattr(error, "verify_message", None) or ""
        log.info("TLS handshake failed", reason=reason, detail=detail, unlogged=self._unlogged.pop(known, 0))


def noting_failures(count: Callable[[str, str], None]) -> type[ssl.SSLObject]:
    """A class for `sslobject_class` of a context. `count("tls_failure", reason)` is called for each failed one."""
    failures = FailureLog()

    class NotingObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except _UNFINISHED:
                raise
            except ssl.SSLError as error:
                reason = error.reason or ""
                count("tls_failure", reason.lower() if reason in _COUNTED else "other")
                failures.note(error)
                raise

    return NotingObject
