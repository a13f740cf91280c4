"""What auth_svc is told beside what every service is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from auth_svc.texts import MAX_PASSWORD
from mesh import outbox
from mesh.errors import SettingError
from mesh.settings import Environment, is_loopback


@dataclass(frozen=True, kw_only=True)
class AuthSettings:
    """The settings of auth_svc's own."""

    accept_unknown_tokens: bool
    open_registration: bool
    admin_password: str | None = field(repr=False)
    notification_address: str | None = None  # notification_svc's mesh port, host:port
    mesh_secret: str = field(default="", repr=False)
    outbox_days: int

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        open_registration = _one_of(env, "CSMS_REGISTRATION", ("closed", "open")) == "open"
        host = env.text("CSMS_HOST", "127.0.0.1")
        if open_registration and not is_loopback(host):
            raise SettingError(
                f"CSMS_REGISTRATION=open lets anyone add users, and CSMS_HOST={host!r} is not a loopback address: "
                "close registration, or bind to 127.0.0.1"
            )
        admin_password = env.optional("CSMS_ADMIN_PASSWORD")
        if admin_password is not None and len(admin_password) > MAX_PASSWORD:
            raise SettingError(f"CSMS_ADMIN_PASSWORD is longer than {MAX_PASSWORD} characters")
        return cls(
            accept_unknown_tokens=_one_of(env, "CSMS_UNKNOWN_TOKENS", ("reject", "accept")) == "accept",
            open_registration=open_registration,
            admin_password=admin_password,
            notification_address=env.optional("CSMS_NOTIFICATION_ADDRESS"),
            mesh_secret=env.text("CSMS_MESH_SECRET", ""),
            outbox_days=outbox.retention_days(env),
        )


def _one_of(env: Environment, name: str, words: Sequence[str]) -> str:
    """One of the words, of which the first is the default."""
    value = env.text(name, words[0])
    if value not in words:
        raise SettingError(f"{name}={value!r}: one of {', '.join(words)} is needed")
    return value
