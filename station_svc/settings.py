"""The settings of station_svc beside those of every service. docs/CONFIGURATION.md lists them."""

from dataclasses import dataclass
from typing import Self

from mesh import outbox
from mesh.errors import SettingError
from mesh.settings import Environment, Onboarding
from station_svc.housekeeping import Retention
from station_svc.ingest.transfer_limits import TransferLimits
from station_svc.ingest.vendors import Vendors

# A retention beyond this is as good as for ever.
_MOST_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class StationSettings:
    """What station_svc is told."""

    auth_address: str
    transaction_address: str | None  # transaction_svc's mesh port; without it, it is asked and notified of nothing
    notification_address: str | None
    mesh_secret: str
    onboarding: Onboarding
    lease_duration_s: int
    heartbeat_interval_s: int
    boot_retry_interval_s: int
    command_timeout_s: int
    vendors: Vendors
    transfer_limits: TransferLimits
    retention: Retention

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        return cls(
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            transaction_address=env.optional("CSMS_TRANSACTION_ADDRESS"),
            notification_address=env.optional("CSMS_NOTIFICATION_ADDRESS"),
            mesh_secret=env.text("CSMS_MESH_SECRET"),
            onboarding=env.onboarding(host=env.text("CSMS_HOST", "127.0.0.1")),
            lease_duration_s=env.number("CSMS_NODE_LEASE_S", 12, least=2, most=3600),
            heartbeat_interval_s=env.number("CSMS_HEARTBEAT_INTERVAL_S", 300, least=1, most=86_400),
            boot_retry_interval_s=env.number("CSMS_BOOT_RETRY_INTERVAL_S", 60, least=1, most=86_400),
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


def _retention(env: Environment) -> Retention:
    def days(name: str, default: int) -> int:
        return env.number(f"CSMS_{name}_RETENTION_DAYS", default, least=1, most=_MOST_DAYS)

    usual = Retention()
    return Retention(
        messages=days("MESSAGE", usual.messages),
        status_reports=days("STATUS_REPORT", usual.status_reports),
        data_transfers=days("DATA_TRANSFER", usual.data_transfers),
        security_events=days("SECURITY_EVENT", usual.security_events),
        tasks=days("TASK", usual.tasks),
        certificate_requests=days("CERTIFICATE_REQUEST", usual.certificate_requests),
        commands=days("COMMAND", usual.commands),
        connections=days("CONNECTION", usual.connections),
        jobs=days("JOB", usual.jobs),
        charging_profiles=days("CHARGING_PROFILE", usual.charging_profiles),
        reservations=days("RESERVATION", usual.reservations),
        rollouts=days("ROLLOUT", usual.rollouts),
        events=outbox.retention_days(env),
    )
