"""Reads settings from the environment. Only `__main__` modules call this; all other code gets values as arguments.

docs/CONFIGURATION.md lists every setting.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, cast, get_args

from mesh.runtime.call_rules import CallRules
from mesh.runtime.startup_errors import SettingError

# Least characters of a secret that processes share.
LEAST_SECRET = 32
_DATABASES = ("postgresql+psycopg2://", "sqlite:///")

AUDIT_DAYS = 3650
"""How long audit entries are kept by default: as long as tax law has records kept in most countries."""

Onboarding = Literal["accept", "pending", "reject"]


class Environment:
    """A view of the environment that converts text to values and explains invalid ones."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str:
        """The setting, or its default; a setting without either is an error. Empty counts as not set."""
        value = self._values.get(name) or default
        if value is None:
            raise SettingError(f"{name} is not set; docs/CONFIGURATION.md says what it is for")
        return value

    def optional(self, name: str) -> str | None:
        """The setting, or None."""
        return self._values.get(name) or None

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number within bounds."""
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise SettingError(f"{name}={value!r}: a whole number from {least} to {most} is needed")
        return int(value)

    def port(self, name: str, default: int) -> int:
        """A TCP port; 0 means any free one."""
        return self.number(name, default, most=65535)

    def switch(self, name: str, *, default: bool) -> bool:
        """On or off: 1 or 0."""
        return self.number(name, int(default), most=1) == 1

    def onboarding(self, *, host: str) -> Onboarding:
        """CSMS_ONBOARDING, for stations that are not registered. `accept` is refused if other machines can connect."""
        value = self.text("CSMS_ONBOARDING", "reject")
        if value not in get_args(Onboarding):
            raise SettingError(f"CSMS_ONBOARDING={value!r}: one of accept, pending, reject is needed")
        if value == "accept" and not is_loopback(host):
            raise SettingError(
                f"CSMS_ONBOARDING=accept lets anyone in, and CSMS_HOST={host!r} is not a loopback address: "
                "use pending or reject, or bind to 127.0.0.1"
            )
        return cast("Onboarding", value)

    def ocpp_host(self, *, host: str, default: str) -> str:
        """The address of the stations' port without TLS: that of CSMS_HOST, or a loopback one. Raises SettingError."""
        value = self.text("CSMS_OCPP_HOST", default)
        if value != host and not is_loopback(value):
            raise SettingError(
                f"CSMS_OCPP_HOST={value!r} is neither a loopback address nor that of CSMS_HOST, which is {host!r}"
            )
        return value

    def unknown_tokens_accepted(self, *, host: str) -> bool:
        """Whether unknown id tokens may charge. Refused where stations on other machines can connect."""
        value = self.text("CSMS_UNKNOWN_TOKENS", "reject")
        if value not in {"reject", "accept"}:
            raise SettingError(f"CSMS_UNKNOWN_TOKENS={value!r}: one of reject, accept is needed")
        if value == "accept" and not is_loopback(host):
            raise SettingError(
                f"CSMS_UNKNOWN_TOKENS=accept lets anyone charge, and CSMS_HOST={host!r} is not a loopback address: "
                "use reject and add the id tokens, or bind to 127.0.0.1"
            )
        return value == "accept"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class MeshSettings:
    """The settings by which a process proves its part to others, and checks theirs (mesh/identity/mesh_identity.py)."""

    part: str  # "gateway", or the name of a service
    key_file: Path | None = None  # the private key, in a file that only processes of this part can read
    public_keys: Path | None = None  # the folder with the public keys of all parts
    secret: str | None = field(default=None, repr=False)  # of the releases before, for the time of an upgrade

    @classmethod
    def read(cls, env: Environment, part: str) -> Self:
        """Reads them. Raises SettingError where there are no keys, and for a secret that could be guessed."""
        key_file, public_keys = env.optional("CSMS_MESH_KEY_FILE"), env.optional("CSMS_MESH_PUBLIC_KEYS")
        if (key_file is None) != (public_keys is None):
            raise SettingError("CSMS_MESH_KEY_FILE and CSMS_MESH_PUBLIC_KEYS: both are needed")
        secret = env.optional("CSMS_MESH_SECRET")
        if secret is not None and len(secret) < LEAST_SECRET:
            raise SettingError(
                f"CSMS_MESH_SECRET has fewer than {LEAST_SECRET} characters: leave it out, and give each process a key "
                "with CSMS_MESH_KEY_FILE (docs/CONFIGURATION.md)"
            )
        if key_file is None and secret is None:
            raise SettingError(
                "CSMS_MESH_KEY_FILE is not set: `python -m deploy.mesh_keys FOLDER` makes the keys of a mesh "
                "(docs/CONFIGURATION.md)"
            )
        return cls(
            part=part,
            key_file=Path(key_file) if key_file else None,
            public_keys=Path(public_keys) if public_keys else None,
            secret=secret,
        )


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Settings of each gRPC service. Addresses are host:port; port 0 means a free one."""

    name: str  # "station", "transaction", "auth", "notification": also the database schema's
    mesh_address: str
    operator_address: str
    metrics_address: str
    database_url: str = field(repr=False)  # it may have a password
    mesh: MeshSettings
    auto_migrate: bool
    reflection: bool
    reflection_open: bool = False  # to callers without a token, too
    audit_days: int = AUDIT_DAYS  # how long audit entries are kept
    call_rules: CallRules = field(default_factory=CallRules)
    front_door_secrets: tuple[str, ...] = field(default=(), repr=False)  # by which Envoy proves itself
    optional_parts: tuple[str, ...] = ()  # the parts with operator services that run here, though not in every mesh

    @classmethod
    def read(cls, env: Environment, name: str) -> Self:
        """Reads the settings of the service `name`."""
        prefix = f"CSMS_{name.upper()}"
        return cls(
            name=name,
            mesh_address=env.text(f"{prefix}_ADDRESS"),
            operator_address=env.text(f"{prefix}_OPERATOR_ADDRESS"),
            metrics_address=env.text(f"{prefix}_METRICS_ADDRESS", "127.0.0.1:0"),
            database_url=database_url(env, name),
            mesh=MeshSettings.read(env, name),
            auto_migrate=env.switch("CSMS_AUTO_MIGRATE", default=False),
            reflection=env.switch("CSMS_REFLECTION", default=True),
            reflection_open=env.switch("CSMS_REFLECTION_OPEN", default=False),
            audit_days=env.number("CSMS_AUDIT_RETENTION_DAYS", AUDIT_DAYS, least=1, most=36_500),
            call_rules=read_call_rules(env),
            optional_parts=("simulator",) if env.optional("CSMS_SIMULATOR_OPERATOR_ADDRESS") else (),
        )


def read_call_rules(env: Environment) -> CallRules:
    """The limits of operators' calls. Raises SettingError."""
    default = CallRules()
    return CallRules(
        calls_per_caller_s=env.number("CSMS_CALLS_PER_CALLER_S", default.calls_per_caller_s),
        calls_per_tenant_s=env.number("CSMS_CALLS_PER_TENANT_S", default.calls_per_tenant_s),
        concurrent_calls_per_caller=env.number("CSMS_CONCURRENT_CALLS_PER_CALLER", default.concurrent_calls_per_caller),
        streams_per_caller=env.number("CSMS_STREAMS_PER_CALLER", default.streams_per_caller),
        streams_per_tenant=env.number("CSMS_STREAMS_PER_TENANT", default.streams_per_tenant),
        streams=env.number("CSMS_STREAMS", default.streams),
    )


def database_url(env: Environment, name: str) -> str:
    """The service's own URL, that of all services, or an SQLite file in the data directory. Raises SettingError."""
    own = f"CSMS_{name.upper()}_DATABASE_URL"
    setting = own if env.optional(own) is not None else "CSMS_DATABASE_URL"
    url = env.optional(setting)
    if url is not None:
        if not url.startswith(_DATABASES):  # not shown: there may be a password in it
            raise SettingError(
                f"{setting}: postgresql+psycopg2://user:password@host/database is needed, or sqlite:///file"
            )
        return url
    directory = Path(env.text("CSMS_DATA_DIR", "data")).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"CSMS_DATA_DIR: cannot use {directory}: {error.strerror}") from error
    return f"sqlite:///{directory / name}.db"
