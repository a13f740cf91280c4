"""TLS handshakes that fail. The event loop ends such a connection without a word, before it has a protocol.

Here the address of the station is not known: the object of a handshake has the bytes alone. A station that does not
trust the server's certificate may close without an alert; the object then sees no error, and is dropped unfinished. It
is noted then: by uvloop at once, by the loop of asyncio when Python collects garbage.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

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

ENDED = "ended_without_alert"
"""The label of a handshake that ended, or took too long, before either side said that it failed."""

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
        self._note(error.reason or "", getattr(error, "verify_message", None) or "")

    def note_ended(self) -> None:
        """Logs one that ended without an alert, or counts it."""
        self._note(ENDED.upper(), "the connection ended during the handshake")

    def _note(self, reason: str, detail: str) -> None:
        known = reason if reason in _COUNTED or reason == ENDED.upper() else "other"
        if self._limit.take(known):
            self._unlogged[known] += 1
            return
        log.info("TLS handshake failed", reason=reason, detail=detail, unlogged=self._unlogged.pop(known, 0))


def noting_failures(count: Callable[[str, str], None]) -> type[ssl.SSLObject]:
    """A class for `sslobject_class` of a context. `count("tls_failure", reason)` is called for each failed one."""
    failures = FailureLog()

    def note_ended() -> None:
        count("tls_failure", ENDED)
        failures.note_ended()

    class NotingObject(ssl.SSLObject):
        _loop: asyncio.AbstractEventLoop | None = None
        _turns = 0  # of a handshake that is under way: the first is before any byte of the station

        def do_handshake(self) -> None:
            self._turns += 1
            if self._turns > 1:
                self._loop = asyncio.get_running_loop()
            try:
                super().do_handshake()
                self._turns = 0
            except _UNFINISHED:
                raise
            except ssl.SSLError as error:
                self._turns = 0
                reason = error.reason or ""
                count("tls_failure", reason.lower() if reason in _COUNTED else "other")
                failures.note(error)
                raise

        def __del__(self) -> None:
            # Only those that began: a probe of the port that sends nothing is no station. The loop notes it, since
            # an object may be dropped by any thread, in the middle of anything.
            if self._turns > 1 and self._loop is not None:
                with suppress(RuntimeError):  # the loop is closed: the gateway has stopped
                    self._loop.call_soon_threadsafe(note_ended)

    return NotingObject
