"""The upkeep of a station: firmware, logs, certificates, and the security events that they bring about."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from simulator import certificates
from simulator.certificates import CertificateUse, InstallResult, OwnCertificate, TrustStore
from simulator.configuration import Configuration
from simulator.firmware import Failure, Firmware, Order
from simulator.journal import Journal
from simulator.notices import (
    CertificateRequest,
    FirmwareReport,
    FirmwareStatus,
    Notice,
    SecurityEvent,
    SecurityEventType,
    Transfer,
)
from simulator.uploads import UploadOrder, Uploads


class UpdateResult(StrEnum):
    """Outcome of an order (UpdateFirmwareStatusEnumType; the first three are LogStatusEnumType too)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"
    INVALID_CERTIFICATE = "InvalidCertificate"


@dataclass(frozen=True, kw_only=True)
class LogWanted:
    """A log that was asked for, with the times that it is to be of."""

    location: str
    oldest: datetime | None = None
    latest: datetime | None = None
    security_only: bool = False
    request_id: int | None = None
    retries: int = 0
    retry_interval_s: int | None = None


class Maintenance:
    """The upkeep of a station. Time only moves by `advance`; notices and files to move are in `drain`."""

    def __init__(
        self,
        *,
        station_id: str,
        firmware_version: str,
        configuration: Configuration,
        busy: Callable[[], bool],
        to_real: Callable[[int], datetime],
        fails: frozenset[Failure],
    ) -> None:
        self.firmware = Firmware(version=firmware_version, busy=busy, fails=fails)
        self.uploads = Uploads()
        self.journal = Journal()
        self.trust = TrustStore()
        self.own_certificate = OwnCertificate()
        self._station_id = station_id
        self._configuration = configuration
        self._to_real = to_real
        self._now_ms = 0
        self._logs = 0
        self._events: list[Notice | Transfer] = []

    def advance(self, now_ms: int) -> None:
        """Lets time go by."""
        self._now_ms = now_ms
        self.firmware.advance(now_ms, self._to_real(now_ms))
        self.uploads.advance(now_ms)

    def drain(self) -> list[Notice | Transfer]:
        """The notices since the last call."""
        events = [*self._events, *self.firmware.events, *self.uploads.events]
        events += [
            self._security_event(SecurityEventType.INVALID_FIRMWARE_SIGNATURE, None)
            for event in self.firmware.events
            if isinstance(event, FirmwareReport) and event.status is FirmwareStatus.INVALID_SIGNATURE
        ]
        for queue in (self._events, self.firmware.events, self.uploads.events):
            queue.clear()
        return events

    def note(self, text: str) -> None:
        """Writes a line into the station's log."""
        self.journal.note(self._to_real(self._now_ms), text)

    def security(self, kind: SecurityEventType, info: str | None = None) -> None:
        """A security event: logged, and reported to the central system."""
        self._events.append(self._security_event(kind, info))

    def update(self, order: Order) -> UpdateResult:
        """Orders a firmware that need not be signed."""
        replaces = self.firmware.is_under_way
        if not self.firmware.order(order, self._now_ms, self._to_real(self._now_ms)):
            return UpdateResult.REJECTED
        return UpdateResult.ACCEPTED_CANCELED if replaces else UpdateResult.ACCEPTED

    def update_signed(self, order: Order, *, certificate: str, signature: str) -> UpdateResult:
        """Orders a firmware that must have been signed with a certificate (PEM); the signature is base64."""
        signer = certificates.read(certificate)
        now = self._to_real(self._now_ms)
        if (
            signer is None
            or not certificates.is_in_date(signer, now)
            or not self.trust.vouches(CertificateUse.MANUFACTURER, signer)
        ):
            self.security(SecurityEventType.INVALID_FIRMWARE_CERTIFICATE)
            return UpdateResult.INVALID_CERTIFICATE
        return self.update(replace(order, verify=_verifier(signer, signature)))

    def send_log(self, wanted: LogWanted) -> tuple[UpdateResult, str]:
        """Orders an upload. Returns the outcome and the name of the file."""
        replaces = self.uploads.is_under_way
        self._logs += 1
        kind = "security" if wanted.security_only else "diagnostics"
        stamp = self._to_real(self._now_ms).strftime("%Y%m%dT%H%M%S%f")
        file_name = f"{self._station_id}-{kind}-{stamp}-{self._logs}.log"
        text = self.journal.text(oldest=wanted.oldest, latest=wanted.latest, security_only=wanted.security_only)
        order = UploadOrder(
            location=wanted.location,
            file_name=file_name,
            text=text,
            request_id=wanted.request_id,
            retries=wanted.retries,
            retry_interval_s=wanted.retry_interval_s,
        )
        self.uploads.order(order, self._now_ms)
        return UpdateResult.ACCEPTED_CANCELED if replaces else UpdateResult.ACCEPTED, file_name

    def request_certificate(self, serial_number: str) -> None:
        """Makes a key and asks for a certificate for it."""
        csr = self.own_certificate.request(
            serial_number=serial_number, organisation=self._configuration.text("CpoName")
        )
        self._events.append(CertificateRequest(csr=csr, at_ms=self._now_ms))

    def take_certificate(self, chain: str) -> bool:
        """Takes a signed certificate. Returns whether it was accepted."""

        def trusts(certificate: x509.Certificate) -> bool:
            return certificate in self.trust.of(CertificateUse.CENTRAL_SYSTEM) or self.trust.vouches(
                CertificateUse.CENTRAL_SYSTEM, certificate
            )

        accepted = self.own_certificate.take(chain, now=self._to_real(self._now_ms), trusts=trusts)
        if not accepted:
            self.security(SecurityEventType.INVALID_OWN_CERTIFICATE)
        return accepted

    def install_root(self, use: CertificateUse, pem: str) -> InstallResult:
        """Adds a root to those that are trusted."""
        most = self._configuration.number("CertificateStoreMaxLength")
        return self.trust.install(use, pem, now=self._to_real(self._now_ms), most=most)

    def restarted(self) -> None:
        """The station is up again."""
        if self.firmware.restarted():
            self.security(SecurityEventType.FIRMWARE_UPDATED, self.firmware.version)
        else:
            self.security(SecurityEventType.RESET)

    def _security_event(self, kind: SecurityEventType, info: str | None) -> SecurityEvent:
        self.journal.note(
            self._to_real(self._now_ms), kind.value if info is None else f"{kind.value}: {info}", security=True
        )
        return SecurityEvent(kind=kind, info=info, at_ms=self._now_ms)


def _verifier(signer: x509.Certificate, signature: str) -> Callable[[bytes], bool]:
    try:
        raw = base64.b64decode(signature, validate=True)
    except binascii.Error:
        return lambda _: False
    return lambda content: certificates.verifies(signer, raw, content)
