"""Each process is given the settings that it reads, and no secret of another one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from auth_svc.settings import AuthSettings
from deploy.process_settings import environment_of, settings_of
from gateway.settings import GatewaySettings
from mesh.identity.front_door import read_front_door_secrets
from mesh.identity.key_files import PARTS
from mesh.runtime.process import log_level
from mesh.runtime.settings import Environment, ServiceSettings
from notification_svc.settings import NotificationSettings
from station_svc.settings import StationSettings
from tests.mesh_identities import mesh_environment
from transaction_svc.settings import TransactionSettings

OWN: Mapping[str, Callable[[Environment], Any]] = {
    "station": StationSettings.read,
    "transaction": TransactionSettings.read,
    "auth": AuthSettings.read,
    "notification": NotificationSettings.read,
    "gateway": GatewaySettings.read,
}
ADDRESSES = {
    f"CSMS_{part.upper()}_{kind}": "127.0.0.1:0"
    for part in PARTS
    for kind in ("ADDRESS", "OPERATOR_ADDRESS", "METRICS_ADDRESS")
}
# With the only processes that have any use for each.
SECRETS = {
    "CSMS_ADMIN_PASSWORD": {"auth"},
    "CSMS_PLATFORM_ADMIN_PASSWORD": {"auth"},
    "CSMS_CA_KEY_FILE": {"auth"},
    "CSMS_AMQP_URL": {"notification"},
    "CSMS_DATABASE_URL": {"station", "transaction", "auth", "notification"},
    **{f"CSMS_{part.upper()}_DATABASE_URL": {part} for part in PARTS if part != "gateway"},
    "PGPASSWORD": {"station", "transaction", "auth", "notification"},
}


class Recorded(Mapping[str, str]):
    """Settings that note which of them were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.mark.parametrize("part", PARTS)
def test_the_table_has_the_settings_that_a_process_reads(part: str, tmp_path: Any) -> None:
    """A new setting belongs into deploy/process_settings.py, or `make run` would not pass it on."""
    values = Recorded(ADDRESSES | mesh_environment(part) | {"CSMS_DATA_DIR": str(tmp_path)})
    env = Environment(values)
    OWN[part](env)
    if part != "gateway":
        ServiceSettings.read(env, part)
        read_front_door_secrets(env)  # by mesh/service.py
    log_level(values)
    assert settings_of(part) == values.names | {"CSMS_LIFELINE"}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_given_to_the_processes_that_need_it_alone(secret: str) -> None:
    values = dict.fromkeys(SECRETS, "s3cret") | {"PATH": "/bin"}
    environments = {part: environment_of(part, values) for part in PARTS}
    assert {part for part, environment in environments.items() if secret in environment} == SECRETS[secret]
    assert all(environment["PATH"] == "/bin" for environment in environments.values())
