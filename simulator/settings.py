"""Settings of the simulator's operator service. docs/CONFIGURATION.md lists every setting."""

from dataclasses import dataclass, field
from typing import Self

from mesh.identity.front_door import read_front_door_secrets
from mesh.runtime.call_rules import CallRules
from mesh.runtime.settings import Environment, MeshSettings, read_call_rules

PART = "simulator"


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """The settings of the operator port. Addresses are host:port."""

    address: str
    auth_address: str
    mesh: MeshSettings
    call_rules: CallRules
    front_door_secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, env: Environment) -> Self | None:
        """Reads them; None where CSMS_SIMULATOR_OPERATOR_ADDRESS is not set. Raises SettingError."""
        address = env.optional("CSMS_SIMULATOR_OPERATOR_ADDRESS")
        if address is None:
            return None
        return cls(
            address=address,
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            mesh=MeshSettings.read(env, PART),
            call_rules=read_call_rules(env),
            front_door_secrets=read_front_door_secrets(env),
        )
