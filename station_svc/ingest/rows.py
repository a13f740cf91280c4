"""Reports of gateways as rows, and their results. Enums hold the contract's numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mesh.runtime.errors import MeshError
from station_svc.core.digests import StoredCredential
from station_svc.core.rows import Frame
from station_svc.core.station_rows import Socket, TlsEnd


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """A certificate that a station showed, which auth_svc has checked.

    `issue_us`: when auth_svc signed it for the station; None where another party's authority did.
    """

    common_name: str
    serial_number: str
    fingerprint: str
    issuer: str
    expire_us: int | None
    issue_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS of a socket. `certificate_error` is the fault of a certificate that was shown and proves nothing."""

    end: TlsEnd
    version: str = ""
    cipher_suite: str = ""
    certificate: ClientCertificate | None = None
    certificate_error: MeshError | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectionAttempt:
    """A connection attempt of a station. `tls` is None where its socket is not encrypted."""

    tenant_id: str
    station_id: str
    node_id: str
    ocpp_version: str
    remote_address: str
    credential: bytes = field(repr=False)
    username: str
    offered_ocpp_versions: Sequence[str] = ()
    opening_id: str = ""
    tls: Tls | None = None

    @property
    def certificate(self) -> ClientCertificate | None:
        """The certificate that the station showed."""
        return None if self.tls is None else self.tls.certificate

    @property
    def certificate_error(self) -> MeshError | None:
        """The fault of the certificate that the station showed, which auth_svc found."""
        return None if self.tls is None else self.tls.certificate_error

    @property
    def station(self) -> tuple[str, str]:
        """The key of the station that the attempt names."""
        return self.tenant_id, self.station_id


@dataclass(frozen=True, kw_only=True)
class Superseded:
    """A connection that a newer one superseded, and the gateway to close it; no address where its node is lost."""

    epoch: int
    node_address: str | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A station that is in."""

    tenant_id: str
    epoch: int
    booted: bool
    registration_status: int
    superseded: Superseded | None
    quirks: Sequence[str] = ()
    ocpp_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Unproven:
    """A station whose credential has a slow hash, of which is not known yet whether it fits what the station offers."""

    credential: StoredCredential


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A socket that closed; `opening_id` names it in place of the epoch where that is not known."""

    tenant_id: str
    station_id: str
    epoch: int
    disconnect_us: int
    close_code: int
    opening_id: str = ""


@dataclass(frozen=True, kw_only=True)
class MessageAttempts:
    """Attempts of a station to send a message about a transaction that fails, and its first waiting time."""

    count: int
    interval_s: int


@dataclass(frozen=True, kw_only=True)
class Booted:
    """A boot that was recorded: the answer to the station, and the quirks of the boot."""

    registration_status: int
    quirks: Sequence[str] = ()
    message_attempts: MessageAttempts | None = None  # None where its variables are not known


@dataclass(frozen=True, kw_only=True)
class WrongSerialNumber:
    """A boot that was not recorded: its serial number is not that of the certificate of its connection."""

    frame: Frame
    common_name: str
    serial_number: str
    error: MeshError
    sockets: Sequence[Socket]  # to be closed: one, or none where it is closed already


@dataclass(frozen=True, kw_only=True)
class ConditionReport:
    """A change of one condition of a station; size 0: it has ended."""

    kind: int
    size: int
    report_us: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A sign of life, how often each fault was mended since the last, and what has become of what may be wrong."""

    tenant_id: str
    station_id: str
    seen_us: int
    quirks: Mapping[str, int]
    conditions: Sequence[ConditionReport] = ()
