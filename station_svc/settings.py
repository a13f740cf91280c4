"""The settings of station_svc beside those of every service. docs/CONFIGURATION.md lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mesh.events import outbox
from mesh.runtime.settings import Environment, MeshSettings, Onboarding, is_loopback
from mesh.runtime.startup_errors import SettingError
from station_svc.api.condition_store import OFFLINE_S
from station_svc.catalogue import RETENTION
from station_svc.features.data_transfer.transfer_limits import TransferLimits
from station_svc.features.data_transfer.vendors import Vendors
from station_svc.housekeeping import OUTBOX
from station_svc.ingest.version_changes import DELAY_S

# A retention beyond this is as good as for ever.
_MOST_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class StationSettings:
    """The settings of station_svc."""

    auth_address: str
    transaction_address: str | None  # transaction_svc's mesh port; without it, it is not called
    notification_address: str | None
    mesh: MeshSettings
    onboarding: Onboarding
    admits_anyone: bool = True  # whether onboarding may be `accept`: no other machine can connect
    lease_duration_s: int
    offline_after_s: int = OFFLINE_S
    heartbeat_interval_s: int
    boot_retry_interval_s: int
    command_timeout_s: int
    version_change_delay_s: int = DELAY_S
    vendors: Vendors
    transfer_limits: TransferLimits
    retention: Mapping[str, int]  # in days, by the name of each Retention

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        host = env.text("CSMS_HOST", "127.0.0.1")
        return cls(
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            transaction_address=env.optional("CSMS_TRANSACTION_ADDRESS"),
            notification_address=env.optional("CSMS_NOTIFICATION_ADDRESS"),
            mesh=MeshSettings.read(env, "station"),
            onboarding=env.onboarding(host=host),
            admits_anyone=is_loopback(host),
            lease_duration_s=env.number("CSMS_NODE_LEASE_S", 12, least=2, most=3600),
            offline_after_s=env.number("CSMS_OFFLINE_AFTER_S", OFFLINE_S, least=30, most=7 * 86_400),
            heartbeat_interval_s=env.number("CSMS_HEARTBEAT_INTERVAL_S", 300, least=1, most=86_400),
            boot_retry_interval_s=env.number("CSMS_BOOT_RETRY_INTERVAL_S", 60, least=1, most=86_400),
            version_change_delay_s=env.number("CSMS_VERSION_CHANGE_DELAY_S", DELAY_S, least=0, most=3600),
            command_timeout_s=env.number("CSMS_COMMAND_TIMEOUT_S", 30, least=1, most=300),
            vendors=_vendors(env),
            transfer_limits=TransferLimits(
                rows=env.number("CSMS_DATA_TRANSFERS_PER_STATION", 10_000, least=10, most=10_000_000),
                size=env.number("CSMS_DATA_TRANSFER_MIB_PER_STATION", 16, least=2, most=10_000) * 1024 * 1024,
            ),
            retention=_retention(env),
        )


def _vendors(env: Environment) -> Vendors:
    try:
        return Vendors.parse(env.optional("CSMS_DATA_TRANSFER_VENDORS") or "")
    except SettingError as error:
        raise SettingError(f"CSMS_DATA_TRANSFER_VENDORS: {error}") from error


def _retention(env: Environment) -> Mapping[str, int]:
    days = {
        one.name: env.number(f"CSMS_{one.name}_RETENTION_DAYS", one.days, least=1, most=_MOST_DAYS) for one in RETENTION
    }
    return {**days, OUTBOX: outbox.retention_days(env)}
