"""The contexts of TLS handshakes: one for each set of certificates, chosen by the host name that a station asks for."""

import ssl
from collections.abc import Iterable, Sequence

from mesh.identity.certificate_files import ServerCertificate
from mesh.identity.cipher_suites import STATION_SUITES
from mesh.runtime.startup_errors import SettingError

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python does not name: auth_svc checks the dates and says which one is
# wrong, where a failed handshake would say nothing to the station.
_NO_CHECK_TIME = 0x200000


def base_context() -> ssl.SSLContext:
    """A context without certificates: TLS 1.2 and 1.3 with the suites of the standard, and sessions that resume."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(STATION_SUITES))
    # A renegotiation costs the server more than the station. The end of a connection without a word is an end like
    # others: WebSocket has its own (RFC 6455, 7.1).
    context.options |= ssl.OP_NO_RENEGOTIATION | getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    # An intermediate authority that is trusted as such needs no root above it.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    return context


class ContextChoice:
    """The contexts of some certificates. Another one is made once a certificate changes.

    Raises SettingError for a certificate that OpenSSL cannot use. `authorities` are certificates in PEM, one each.
    """

    def __init__(self, certificates: Sequence[ServerCertificate], authorities: Iterable[str]) -> None:
        self.certificates = certificates
        self._authorities = dict.fromkeys(authorities)
        self._made: dict[tuple[ServerCertificate, ...], ssl.SSLContext] = {}
        self._by_name: dict[str, ssl.SSLContext] = {}
        for name in dict.fromkeys(name for one in certificates for name in one.host_names):
            self._by_name[name] = self._context(
                _one_of_each_type(one for one in certificates if name in one.host_names)
            )
        first = certificates[0]
        alike = (one for one in certificates if one is first or set(one.host_names) & set(first.host_names))
        self._first = self._context(_one_of_each_type(alike))

    def choose(self, host_name: str | None) -> ssl.SSLContext:
        """The context for a host name; that of the first certificate for one that no certificate has, and for none."""
        if not host_name:
            return self._first
        name = host_name.lower()
        found = self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2])
        return found or self._first

    def trust(self, authorities: Iterable[str]) -> None:
        """Accepts chains to these authorities, too.

        Those that are no authorities any more are accepted until the next certificate: auth_svc, which checks each
        certificate after its handshake, refuses theirs.
        """
        for authority in authorities:
            if authority not in self._authorities:
                self._authorities[authority] = None
                for context in self._made.values():
                    context.load_verify_locations(cadata=authority)

    def _context(self, certificates: tuple[ServerCertificate, ...]) -> ssl.SSLContext:
        if certificates not in self._made:
            self._made[certificates] = _make(certificates, self._authorities)
        return self._made[certificates]


def _one_of_each_type(certificates: Iterable[ServerCertificate]) -> tuple[ServerCertificate, ...]:
    """OpenSSL keeps one certificate for each type of key: the first that is named."""
    found: dict[str, ServerCertificate] = {}
    for one in certificates:
        found.setdefault(one.key_type, one)
    return tuple(found.values())


def _make(certificates: Iterable[ServerCertificate], authorities: Iterable[str]) -> ssl.SSLContext:
    context = base_context()
    for one in certificates:
        try:
            context.load_cert_chain(one.files.certificate, one.files.key)
        except (OSError, ssl.SSLError) as error:
            raise SettingError(f"{one.files.certificate} cannot be served: {error}") from error
    for authority in authorities:
        context.load_verify_locations(cadata=authority)
    return context
