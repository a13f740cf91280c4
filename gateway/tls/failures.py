"""TLS handshakes that fail. The event loop ends such a connection without a word, before it has a protocol."""

import ssl
from collections.abc import Callable

from mesh.runtime.logs import get_logger

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
_UNFINISHED = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def noting_failures(count: Callable[[str, str], None]) -> type[ssl.SSLObject]:
    """A class for `sslobject_class` of a context. `count("tls_failure", reason)` is called for each failed one."""

    class NotingObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except _UNFINISHED:
                raise
            except ssl.SSLError as error:
                reason = error.reason or ""
                count("tls_failure", reason.lower() if reason in _COUNTED else "other")
                detail = getattr(error, "verify_message", None) or ""
                log.info("TLS handshake failed", reason=reason, detail=detail)
                raise

    return NotingObject
