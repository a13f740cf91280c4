"""Settings of transaction_svc beside those that all services have."""

from dataclasses import dataclass
from typing import Self

from mesh.events import outbox
from mesh.runtime.settings import Environment, MeshSettings
from mesh.runtime.times import SECOND_US
from transaction_svc.grace import MOST_GRACE_US, Grace
from transaction_svc.meter_profiles import LEAST_POWER_W, MOST_POWER_W, PowerLimits
from transaction_svc.pricing import FlatTariff, Pricing

# Half a day: longer than stations repeat a message without an answer, by any settings that are in use.
HANGING_GRACE_US = 12 * 3600 * SECOND_US
# Twice the longest usual time between two meter values, so that one comes before it if the session is ongoing.
LEAST_HANGING_GRACE_US = 1800 * SECOND_US
OPEN_S = 3600
GRACE = Grace(default_us=HANGING_GRACE_US, least_us=LEAST_HANGING_GRACE_US)


@dataclass(frozen=True, kw_only=True)
class TransactionSettings:
    """Settings that only transaction_svc has."""

    auth_address: str  # auth_svc's mesh port, host:port
    mesh: MeshSettings
    outbox_days: int
    quarantine_days: int
    sample_days: int  # 0: samples are kept for good
    meter_values_days: int  # the same for meter values outside of transactions
    rollup_days: int  # the same for rollups
    rollup_open_s: int  # after which an open transaction is counted in rollups again
    power_limits: PowerLimits
    grace: Grace  # time after which a hanging transaction is ended
    pricing: Pricing | None = None
    first_transaction_id: int = 1  # 1.6: the lowest number that is given
    notification_address: str | None = None  # notification_svc's mesh port, host:port
    gateway_address: str | None = None  # the mesh port of any gateway, host:port

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        return cls(
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            mesh=MeshSettings.read(env, "transaction"),
            outbox_days=outbox.retention_days(env),
            quarantine_days=env.number("CSMS_QUARANTINE_RETENTION_DAYS", 365, least=1, most=36_500),
            meter_values_days=env.number("CSMS_METER_VALUES_RETENTION_DAYS", 0, least=0, most=36_500),
            sample_days=env.number("CSMS_SAMPLE_RETENTION_DAYS", 0, least=0, most=36_500),
            rollup_days=env.number("CSMS_ROLLUP_RETENTION_DAYS", 0, least=0, most=36_500),
            rollup_open_s=env.number("CSMS_ROLLUP_OPEN_S", OPEN_S, least=60, most=86_400),
            first_transaction_id=env.number("CSMS_FIRST_TRANSACTION_ID", 1, least=1, most=2_000_000_000),
            power_limits=PowerLimits(
                ac_w=env.number("CSMS_AC_MAX_POWER_W", 43_000, least=LEAST_POWER_W, most=MOST_POWER_W),
                dc_w=env.number("CSMS_DC_MAX_POWER_W", 400_000, least=LEAST_POWER_W, most=MOST_POWER_W),
            ),
            grace=Grace(
                default_us=_grace_us(env, "CSMS_HANGING_GRACE_S", HANGING_GRACE_US),
                least_us=_grace_us(env, "CSMS_HANGING_GRACE_LEAST_S", LEAST_HANGING_GRACE_US),
            ),
            pricing=FlatTariff.read(env),
            notification_address=env.optional("CSMS_NOTIFICATION_ADDRESS"),
            gateway_address=env.optional("CSMS_GATEWAY_ADDRESS"),
        )


def _grace_us(env: Environment, name: str, default_us: int) -> int:
    """A grace period, set in seconds."""
    return env.number(name, default_us // SECOND_US, least=60, most=MOST_GRACE_US // SECOND_US) * SECOND_US
