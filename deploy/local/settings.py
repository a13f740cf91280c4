"""Settings of the local run. docs/CONFIGURATION.md lists every setting."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.envoy_config import read_access_log, read_origins
from deploy.envoy_limits import EnvoyLimits
from mesh.runtime.settings import Environment, Onboarding, is_loopback
from mesh.runtime.startup_errors import SettingError


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of one run."""

    host: str  # an IP address
    http_port: int  # 0: any free one
    ocpp_port: int  # 0: any free one
    data_dir: Path
    onboarding: Onboarding
    cors_origins: tuple[str, ...]
    reflection: bool
    reflection_open: bool
    access_log: str  # as deploy.envoy_config.FrontDoor has it
    demo: bool
    admin_password_given: bool
    lifeline: bool  # whether the run ends with its standard input
    envoy_limits: EnvoyLimits  # port 0 for stations: any free one
    environment: Mapping[str, str] = field(repr=False)  # of this process; what the parts are started with

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """Reads them from the environment. Raises SettingError."""
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
        given = {name: value for name, value in values.items() if value}
        return cls(
            host=host,
            http_port=env.port("CSMS_HTTP_PORT", 8080),
            ocpp_port=env.port("CSMS_OCPP_PORT", 9000),
            data_dir=Path(os.path.abspath(env.text("CSMS_DATA_DIR", "data"))),  # noqa: PTH100 - no symlink is followed
            onboarding=Environment({**default, **given}).onboarding(host=host),
            cors_origins=read_origins(env),
            reflection=env.switch("CSMS_REFLECTION", default=True),
            reflection_open=env.switch("CSMS_REFLECTION_OPEN", default=False),
            access_log=read_access_log(env),
            demo=env.switch("CSMS_DEMO", default=True),
            admin_password_given=env.optional("CSMS_ADMIN_PASSWORD") is not None,
            lifeline=env.switch("CSMS_LIFELINE", default=False),
            envoy_limits=EnvoyLimits.read(env),
            environment=dict(values),
        )


def _address(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise SettingError(f"CSMS_HOST={host!r}: an IP address is needed, such as 127.0.0.1 or 0.0.0.0") from error
