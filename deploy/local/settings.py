"""Settings of the local run. docs/CONFIGURATION.md lists every setting."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.envoy_config import read_access_log, read_origins
from deploy.envoy_limits import EnvoyLimits
from deploy.envoy_tls import EnvoyTls
from mesh.identity.certificate_files import CERTIFICATES_SETTING, KEYS_SETTING
from mesh.runtime.settings import Environment, Onboarding, is_loopback
from mesh.runtime.startup_errors import SettingError

_OCPP_TLS_PORT = "CSMS_OCPP_TLS_PORT"


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of one run."""

    host: str  # an IP address
    ocpp_host: str  # of the gateway's port without TLS, an IP address
    http_port: int  # 0: any free one
    ocpp_port: int  # 0: any free one
    data_dir: Path
    onboarding: Onboarding
    cors_origins: tuple[str, ...]
    reflection: bool
    reflection_open: bool
    access_log: str  # as deploy.envoy_config.FrontDoor has it
    demo: bool
    all_in_one: bool  # whether gateway and services share a process
    admin_password_given: bool
    lifeline: bool  # whether the run ends with its standard input
    envoy_limits: EnvoyLimits  # port 0 for stations: any free one
    tls: EnvoyTls  # port 0 for stations: any free one
    ocpp_tls_port: int | None  # of the gateway; 0: any free one
    tls_is_self_made: bool  # the certificates are made by the run
    environment: Mapping[str, str] = field(repr=False)  # of this process; what the parts are started with

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """Reads them from the environment. Raises SettingError."""
        data_dir = Path(os.path.abspath(values.get("CSMS_DATA_DIR") or "data"))  # noqa: PTH100 - no symlink is followed
        own = _tls_defaults(values, data_dir / "tls")
        values = {**values, **own}
        env = Environment(values)
        host = _address(env.text("CSMS_HOST", "127.0.0.1"))
        if env.text("CSMS_DATABASE_URL", "").startswith("sqlite"):
            raise SettingError(
                "CSMS_DATABASE_URL would be one SQLite file for all services: leave it out, and each has its own in "
                "CSMS_DATA_DIR"
            )
        if env.optional("CSMS_UNKNOWN_TOKENS") == "accept":
            env.unknown_tokens_accepted(host=host)  # reported before anything is started
        # A trial has stations that are not registered; a mesh that others can reach refuses them.
        default = {"CSMS_ONBOARDING": "accept" if is_loopback(host) else "reject"}
        tls = EnvoyTls.read(env, host=host)
        plain = _address(env.ocpp_host(host=host, default=_plain_host(host, is_served=_is_served(env, tls))))
        given = {name: value for name, value in values.items() if value}
        return cls(
            host=host,
            ocpp_host=plain,
            http_port=env.port("CSMS_HTTP_PORT", 8080),
            ocpp_port=env.port("CSMS_OCPP_PORT", 9000),
            data_dir=data_dir,
            onboarding=Environment({**default, **given}).onboarding(host=host),
            cors_origins=read_origins(env),
            reflection=env.switch("CSMS_REFLECTION", default=True),
            reflection_open=env.switch("CSMS_REFLECTION_OPEN", default=False),
            access_log=read_access_log(env),
            demo=env.switch("CSMS_DEMO", default=True),
            all_in_one=env.switch("CSMS_ALL_IN_ONE", default=False),
            admin_password_given=env.optional("CSMS_ADMIN_PASSWORD") is not None,
            lifeline=env.switch("CSMS_LIFELINE", default=False),
            envoy_limits=EnvoyLimits.read(env),
            tls=tls,
            ocpp_tls_port=env.port(_OCPP_TLS_PORT, 0) if env.optional(_OCPP_TLS_PORT) else None,
            tls_is_self_made=CERTIFICATES_SETTING in own,
            environment=dict(values),
        )

    @property
    def is_plain_open(self) -> bool:
        """Whether others reach the gateway's port without TLS, and nothing in front encrypts what they send."""
        return not (is_loopback(self.ocpp_host) or self.tls.ends_in_front)


def _is_served(env: Environment, tls: EnvoyTls) -> bool:
    return env.optional(_OCPP_TLS_PORT) is not None and not tls.ends_in_front


def _plain_host(host: str, *, is_served: bool) -> str:
    """Stations of other machines have a port with TLS: that without it is theirs only where CSMS_OCPP_HOST says so."""
    if is_loopback(host) or not is_served:
        return host
    return "::1" if ":" in host else "127.0.0.1"


def _address(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise SettingError(f"CSMS_HOST={host!r}: an IP address is needed, such as 127.0.0.1 or 0.0.0.0") from error


def _tls_defaults(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The settings that a run with CSMS_HTTP_TLS=1 has where they are not given: the gateway's port, certificates."""
    if values.get("CSMS_HTTP_TLS") != "1":
        return {}
    found = {} if values.get(_OCPP_TLS_PORT) else {_OCPP_TLS_PORT: "9443"}
    if not values.get(CERTIFICATES_SETTING):
        found[CERTIFICATES_SETTING] = f"{folder / 'ecdsa.pem'},{folder / 'rsa.pem'}"
        found[KEYS_SETTING] = f"{folder / 'ecdsa.key'},{folder / 'rsa.key'}"
        found.setdefault("CSMS_HSTS_S", values.get("CSMS_HSTS_S") or "0")  # no browser would come back from it
    return found
