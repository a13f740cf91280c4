"""The configuration keys of a 1.6 station (OCPP 1.6, section 9), with what may be changed and what a change needs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ChangeResult(StrEnum):
    """Outcome of a change (1.6 ConfigurationStatus)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    NOT_SUPPORTED = "NotSupported"


Check = Callable[[str], bool]


def whole_number(least: int, most: int) -> Check:
    """Accepts whole numbers within bounds."""
    return lambda text: text.isascii() and text.isdigit() and least <= int(text) <= most


def truth(text: str) -> bool:
    """Accepts true and false."""
    return text.lower() in ("true", "false")


def list_of(words: Iterable[str]) -> Check:
    """Accepts comma-separated lists of one or more of some words."""
    allowed = frozenset(words)
    return lambda text: all(word.strip() in allowed for word in text.split(","))


def of_length(most: int) -> Check:
    """Accepts any text up to a length."""
    return lambda text: len(text) <= most


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: its first value, whether it may be changed (`check`), read (`hidden`), and when a change shows."""

    value: str
    check: Check | None = None  # None: read only
    needs_reboot: bool = False
    hidden: bool = False  # write only, as AuthorizationKey is (security whitepaper, 5.1)


MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Voltage",
    "Current.Import",
    "SoC",
)
_OTHER_MEASURANDS = ("Power.Offered", "Current.Offered")
PROFILES = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
)
_INTERVAL = whole_number(0, 86_400)


# The clock-aligned keys are read only: a simulated station has no such samples.
_DEFAULTS: Mapping[str, Key] = {
    "AdditionalRootCertificateCheck": Key(value="false"),
    "AllowOfflineTxForUnknownId": Key(value="false", check=truth),
    "AuthorizationCacheEnabled": Key(value="true", check=truth),
    "AuthorizationKey": Key(value="", check=of_length(40), hidden=True),
    "AuthorizeRemoteTxRequests": Key(value="false", check=truth),
    "CertificateSignedMaxChainSize": Key(value="10000"),
    "CertificateStoreMaxLength": Key(value="20"),
    "ChargeProfileMaxStackLevel": Key(value="10"),
    "ChargingScheduleAllowedChargingRateUnit": Key(value="Current,Power"),
    "ChargingScheduleMaxPeriods": Key(value="24"),
    "ClockAlignedDataInterval": Key(value="0"),
    "ConnectionTimeOut": Key(value="120", check=_INTERVAL),
    "ConnectorPhaseRotation": Key(value="0.RST"),
    "ConnectorSwitch3to1PhaseSupported": Key(value="true"),
    "CpoName": Key(value="", check=of_length(50)),
    "GetConfigurationMaxKeys": Key(value="50"),
    "HeartbeatInterval": Key(value="300", check=_INTERVAL),
    "LocalAuthListEnabled": Key(value="true", check=truth),
    "LocalAuthListMaxLength": Key(value="1000"),
    "LocalAuthorizeOffline": Key(value="true", check=truth),
    "LocalPreAuthorize": Key(value="false", check=truth),
    "MaxChargingProfilesInstalled": Key(value="20"),
    "MeterValueSampleInterval": Key(value="60", check=_INTERVAL),
    "MeterValuesAlignedData": Key(value=""),
    "MeterValuesSampledData": Key(value=",".join(MEASURANDS), check=list_of(MEASURANDS + _OTHER_MEASURANDS)),
    "ReserveConnectorZeroSupported": Key(value="true"),
    "ResetRetries": Key(value="1", check=whole_number(0, 10)),
    "SecurityProfile": Key(value="0"),
    "SendLocalListMaxLength": Key(value="100"),
    "StopTransactionOnEVSideDisconnect": Key(value="true", check=truth),
    "StopTransactionOnInvalidId": Key(value="true", check=truth),
    "StopTxnAlignedData": Key(value=""),
    "StopTxnSampledData": Key(value=""),
    "SupportedFeatureProfiles": Key(value=",".join(PROFILES)),
    "TransactionMessageAttempts": Key(value="5", check=whole_number(1, 100)),
    "TransactionMessageRetryInterval": Key(value="10", check=_INTERVAL),
    "UnlockConnectorOnEVSideDisconnect": Key(value="true"),
    "WebSocketPingInterval": Key(value="30", check=_INTERVAL, needs_reboot=True),
}


def default_keys(*, connectors: int) -> dict[str, Key]:
    """The table of a station with so many connectors, in the order of their names."""
    keys = {**_DEFAULTS, "NumberOfConnectors": Key(value=str(connectors))}
    return {name: keys[name] for name in sorted(keys)}


class Configuration:
    """The values of a station's keys. Names are compared without regard to case, as 1.6's CiString says."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = dict(keys)
        self._names = {name.lower(): name for name in keys}
        self._values = {name: key.value for name, key in keys.items()}
        self._pending: dict[str, str] = {}

    def change(self, name: str, value: str) -> ChangeResult:
        """Changes a key as an operator asked."""
        known = self._names.get(name.lower())
        if known is None:
            return ChangeResult.NOT_SUPPORTED
        key = self._keys[known]
        if key.check is None or not key.check(value):
            return ChangeResult.REJECTED
        if key.needs_reboot:
            self._pending[known] = value
            return ChangeResult.REBOOT_REQUIRED
        self._values[known] = value
        return ChangeResult.ACCEPTED

    def apply_pending(self) -> None:
        """Puts changes in force that waited for a restart."""
        self._values.update(self._pending)
        self._pending.clear()

    def set(self, name: str, value: str) -> None:
        """Sets a key as the station itself decides, for example the heartbeat interval of a boot's answer."""
        self._values[name] = value

    def lookup(self, name: str) -> tuple[str, str | None, bool] | None:
        """A key's own spelling, its value (None: may not be read), whether it is read only; or None if unknown."""
        known = self._names.get(name.lower())
        if known is None:
            return None
        key = self._keys[known]
        return known, None if key.hidden else self._values[known], key.check is None

    def has(self, name: str, value: str) -> bool:
        """Whether a key has a value, now or as soon as the station has restarted."""
        known = self._names.get(name.lower())
        return known is not None and self._pending.get(known, self._values[known]) == value

    def names(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self._keys)

    def number(self, name: str) -> int:
        """The value of a key that holds a number."""
        return int(self._values[name])

    def switch(self, name: str) -> bool:
        """The value of a key that holds true or false."""
        return self._values[name].lower() == "true"

    def words(self, name: str) -> list[str]:
        """The value of a key that holds a list."""
        return [word.strip() for word in self._values[name].split(",") if word.strip()]

    def text(self, name: str) -> str:
        """The value of a key, as text."""
        return self._values[name]
