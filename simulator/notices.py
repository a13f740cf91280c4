"""Reports of a station beside transactions and statuses, and the files it wants to have moved. Pure data."""

from dataclasses import dataclass
from enum import StrEnum


class FirmwareStatus(StrEnum):
    """Of an update (security whitepaper, FirmwareStatusEnumType; 1.6's FirmwareStatus is a part of it)."""

    IDLE = "Idle"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOADING = "Downloading"
    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    SIGNATURE_VERIFIED = "SignatureVerified"
    INVALID_SIGNATURE = "InvalidSignature"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALLING = "Installing"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALLED = "Installed"
    INSTALLATION_FAILED = "InstallationFailed"


class UploadStatus(StrEnum):
    """Of a log (security whitepaper, UploadLogStatusEnumType)."""

    IDLE = "Idle"
    UPLOADING = "Uploading"
    UPLOADED = "Uploaded"
    FAILED = "UploadFailure"
    BAD_MESSAGE = "BadMessage"
    DENIED = "PermissionDenied"
    NOT_SUPPORTED = "NotSupportedOperation"


class SecurityEventType(StrEnum):
    """The events of the security whitepaper's list that these stations have."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    RESET = "ResetOrReboot"
    STARTUP = "StartupOfTheDevice"
    RECONFIGURED = "ReconfigurationOfSecurityParameters"
    INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    INVALID_FIRMWARE_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    INVALID_OWN_CERTIFICATE = "InvalidChargePointCertificate"


@dataclass(frozen=True, kw_only=True)
class FirmwareReport:
    """The status of an update. `request_id` is given where it is a signed one."""

    status: FirmwareStatus
    request_id: int | None
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class UploadReport:
    """The status of a log's upload. `request_id` is None where it was asked for as diagnostics."""

    status: UploadStatus
    request_id: int | None
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class SecurityEvent:
    """Something that the central system's security log is to have."""

    kind: SecurityEventType
    info: str | None
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """A certificate signing request (PEM) for the station's own certificate."""

    csr: str
    at_ms: int


Notice = FirmwareReport | UploadReport | SecurityEvent | CertificateRequest


@dataclass(frozen=True, kw_only=True)
class DownloadWanted:
    """A firmware is to be fetched; `job` goes with the outcome."""

    job: int
    location: str
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class UploadWanted:
    """A log is to be brought somewhere; `job` goes with the outcome."""

    job: int
    location: str
    file_name: str
    text: str
    at_ms: int


Transfer = DownloadWanted | UploadWanted
