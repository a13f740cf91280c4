"""Settings of notification_svc beside those of every service."""

from dataclasses import dataclass, field
from typing import Self

from mesh.runtime.settings import AUDIT_DAYS, Environment, MeshSettings
from mesh.runtime.startup_errors import SettingError


@dataclass(frozen=True, kw_only=True)
class NotificationSettings:
    """The settings of notification_svc's own. The address is host:port."""

    auth_address: str
    station_address: str | None = None  # None: conditions of that service are not known
    transaction_address: str | None = None
    mesh: MeshSettings
    retention_days: int
    audit_days: int = AUDIT_DAYS
    amqp_url: str | None = field(default=None, repr=False)  # None: no fan-out

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        amqp_url = env.optional("CSMS_AMQP_URL")
        if amqp_url is not None and not amqp_url.startswith(("amqp://", "amqps://")):
            raise SettingError("CSMS_AMQP_URL: a URL that begins with amqp:// or amqps:// is needed")
        return cls(
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            station_address=env.optional("CSMS_STATION_ADDRESS"),
            transaction_address=env.optional("CSMS_TRANSACTION_ADDRESS"),
            mesh=MeshSettings.read(env, "notification"),
            retention_days=env.number("CSMS_EVENT_RETENTION_DAYS", 30, least=1, most=3650),
            audit_days=env.number("CSMS_AUDIT_RETENTION_DAYS", AUDIT_DAYS, least=1, most=36_500),
            amqp_url=amqp_url,
        )
