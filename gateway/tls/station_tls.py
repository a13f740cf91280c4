"""TLS of the stations' port: certificates and authorities that change while it serves.

A server has one context from its start on. For each handshake that hands over to the context of the host name, from the
newest files: sockets that are open keep theirs, and tickets of sessions, which belong to the first, stay good.
"""

import ssl
from collections.abc import Callable, Sequence

from gateway.tls.contexts import ContextChoice, base_context
from gateway.tls.failures import noting_failures
from gateway.tls.pem import certificates_of
from mesh.identity.certificate_files import CertificateFiles, ServerCertificate, load_certificates
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import DAY_US, SECOND_US, Clock, to_datetime

log = get_logger(__name__)

LOOK_EVERY_S = 2.0
# A certificate that has less left should have been renewed.
NEAR_END_US = 21 * DAY_US
WITHOUT_AUTHORITIES_US = 60 * SECOND_US


class StationTls:
    """The TLS of one port. Run `run` beside the server, which is started with `context`.

    Certificates of stations are requested once there is an authority for them. Raises SettingError where the files
    cannot be served; a later change that cannot be is logged, and the former certificates stay.
    """

    def __init__(
        self,
        files: Sequence[CertificateFiles],
        *,
        client_authorities: str,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> None:
        """`client_authorities` are those of the settings, PEM; `count` gets failed handshakes."""
        self._files = files
        self._clock = clock
        self._of_settings = certificates_of(client_authorities)
        self._of_tenants: tuple[str, ...] = ()
        self._is_known = False  # whether the authorities of the tenants are
        self._begin_us = clock()
        self._stamps = self._look()
        self._choice = ContextChoice(load_certificates(files), self._of_settings)
        self.context = base_context()
        self.context.sslobject_class = noting_failures(count)
        self.context.sni_callback = self._choose
        self._apply()

    @property
    def certificates(self) -> Sequence[ServerCertificate]:
        """The certificates that are served."""
        return self._choice.certificates

    @property
    def is_ready(self) -> bool:
        """Whether stations were requested a certificate where one could be good.

        After WITHOUT_AUTHORITIES_US without any answer of auth_svc those that need none are served all the same.
        """
        return self._is_known or self._clock() - self._begin_us > WITHOUT_AUTHORITIES_US

    async def run(self) -> None:
        """Looks at the files until it is cancelled."""
        await PeriodicTask("certificate files", self.look, every_s=LOOK_EVERY_S).run()

    async def look(self) -> None:
        """Serves the certificates of the files where those have changed."""
        stamps = self._look()
        if stamps != self._stamps:
            self._stamps = stamps
            self.read_again()

    def read_again(self) -> None:
        """Serves the certificates of the files now; the former ones stay where these cannot be served."""
        try:
            self._choice = ContextChoice(load_certificates(self._files), self._authorities())
        except SettingError as error:
            log.warning("certificates not replaced: the former ones stay", reason=str(error))
        else:
            self._apply()

    def trust(self, authorities: str) -> None:
        """Takes over the authorities of the tenants (PEM) in place of those before."""
        self._is_known = True
        found = certificates_of(authorities)
        if found == self._of_tenants:
            return
        self._of_tenants = found
        self._choice.trust(found)
        self.context.verify_mode = self._verify_mode()
        log.info("authorities of stations' certificates", count=len(self._authorities()))

    def _apply(self) -> None:
        self.context.verify_mode = self._verify_mode()
        now_us = self._clock()
        for one in self.certificates:
            log.info(
                "certificate of this server",
                file=str(one.files.certificate),
                host_names=",".join(one.host_names),
                key=one.key_type,
                expires=to_datetime(one.expire_us).isoformat(),
            )
            if not one.host_names:
                log.warning(
                    "certificate of this server names no host: stations that check the host name refuse it",
                    file=str(one.files.certificate),
                )
            if not one.begin_us <= now_us < one.expire_us:
                log.error("certificate of this server is not valid now", file=str(one.files.certificate))
            elif one.expire_us - now_us < NEAR_END_US:
                days = (one.expire_us - now_us) // DAY_US
                log.warning("certificate of this server ends soon", file=str(one.files.certificate), days=days)

    def _verify_mode(self) -> ssl.VerifyMode:
        """Without an authority no certificate could be good: none is requested."""
        return ssl.CERT_OPTIONAL if self._authorities() else ssl.CERT_NONE

    def _authorities(self) -> tuple[str, ...]:
        return (*self._of_settings, *self._of_tenants)

    def _look(self) -> tuple[tuple[int, ...], ...]:
        return tuple(one.stamp() for one in self._files)

    def _choose(self, connection: ssl.SSLObject, host_name: str | None, _context: ssl.SSLContext) -> None:
        """See `sni_callback` of ssl. It is called for each handshake, with None where the station names no host."""
        connection.context = self._choice.choose(host_name)
