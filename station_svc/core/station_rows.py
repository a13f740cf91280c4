"""Stations as rows. Enums hold the contract's numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


class TlsEnd(IntEnum):
    """Where the TLS of a connection ends. Numbers are stored: they never change."""

    NONE = 0
    OURS = 1  # at a gateway, or at Envoy
    IN_FRONT = 2  # at a terminator in front, which is not of this system


@dataclass(frozen=True, kw_only=True)
class ConnectionRow:
    """A connection. The certificate is the one that the station showed; its fields are empty without one."""

    epoch: int
    ocpp_version: str
    node_id: str
    remote_address: str
    connect_us: int
    disconnect_us: int | None
    tls: int = TlsEnd.NONE
    tls_version: str = ""
    cipher_suite: str = ""
    certificate_common_name: str = ""
    certificate_serial_number: str = ""
    certificate_fingerprint: str = ""
    certificate_issuer: str = ""
    certificate_expire_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectorRow:
    """The present status of a connector."""

    evse_id: int
    connector_id: int
    status: int
    reported_status: str
    error_code: str
    status_us: int
    receive_us: int


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """Something that is wrong with a station, since `begin_us`."""

    kind: int
    size: int
    begin_us: int
    update_us: int
    reason: str = ""


class HandOver(IntEnum):
    """State of the delivery of a credential to a station that was accepted. Numbers are stored: they never change."""

    NONE = 0
    UNDER_WAY = 1
    NOT_TAKEN = 2


@dataclass(frozen=True, kw_only=True)
class FailureRow:
    """Handshakes in a station's name that did not prove who it is, or had less than its security profile."""

    count: int
    last_us: int
    last_address: str
    last_reason: str


@dataclass(frozen=True, kw_only=True)
class StationRow:
    """A station with all that is known of it."""

    station_id: str
    registration_status: int
    display_name: str
    security_profile: int
    next_security_profile: int
    pinned_ocpp_version: str
    expected_serial_number: str
    confirmed_serial_number: str
    credential_state: int
    credential_reason: str
    failures: FailureRow | None
    credential_salt: str
    has_credential: bool
    identity: Mapping[str, str]
    boot_reason: int
    boot_us: int | None
    create_us: int
    update_us: int
    connected: bool
    connection: ConnectionRow | None
    seen_us: int | None
    connectors: Sequence[ConnectorRow]
    quirks: Mapping[str, int]
    conditions: Sequence[ConditionRow]
    site_id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class VariableRow:
    """A variable as last read, reported or set. EVSE 0: of the station as a whole.

    To be stored: a value of None leaves the one that is known, and so does all else that is not stated. To be read:
    `reboot_required` says whether a value that was set waits for a restart, and `drifted` whether it has
    another one than it was set to.
    """

    component: str
    variable: str
    component_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0
    variable_instance: str = ""
    attribute_type: str = "Actual"
    value: str | None = ""
    readonly: bool | None = None
    update_us: int = 0
    mutability: int = 0
    persistent: bool | None = None
    constant: bool | None = None
    unit: str = ""
    data_type: int = 0
    min_limit: float | None = None
    max_limit: float | None = None
    values_list: str = ""
    supports_monitoring: bool | None = None
    reboot_us: int | None = None
    wished_value: str | None = None
    reboot_required: bool = False
    drifted: bool = False

    @property
    def key(self) -> tuple[str, str, str, int, int, str, str]:
        """Its key within the station, in the order of lists."""
        return (
            self.component,
            self.variable,
            self.component_instance,
            self.evse_id,
            self.connector_id,
            self.variable_instance,
            self.attribute_type,
        )


@dataclass(frozen=True, kw_only=True)
class Socket:
    """A socket that a gateway holds, and where that gateway listens."""

    tenant_id: str
    station_id: str
    epoch: int
    address: str
