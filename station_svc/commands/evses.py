"""The EVSE of a request: all requests name it by `evse`; some by `evse_id` too, which is older and means the same."""

from typing import Any, Protocol

from csms.common.v1 import evse_pb2

from mesh.runtime.errors import invalid_field


class NamesEvse(Protocol):
    """A message with `evse`, and `evse_id` beside it."""

    evse_id: int

    @property
    def evse(self) -> evse_pb2.EvseRef:
        """The EVSE."""

    def HasField(self, field_name: Any, /) -> bool:
        """Whether a field is set."""

    def ClearField(self, field_name: Any, /) -> None:
        """Clears a field."""


def resolve_evse(message: NamesEvse, path: str = "") -> None:
    """Moves an EVSE that `evse` names to `evse_id`, which gateways read. `path` is a prefix of the fields' names.

    Raises MeshError INVALID_FIELD where both are given, or a connector.
    """
    if not message.HasField("evse"):
        return
    if message.evse_id or _is_set(message):
        raise invalid_field(f"{path}evse_id", "is the older form of evse, which is given too: give one of them")
    if message.evse.connector_id:
        raise invalid_field(f"{path}evse.connector_id", "is not taken: this is about an EVSE as a whole")
    message.evse_id = message.evse.evse_id
    message.ClearField("evse")


def _is_set(message: NamesEvse) -> bool:
    """Whether evse_id is given as 0, where the contract distinguishes that from its absence."""
    try:
        return message.HasField("evse_id")
    except ValueError:
        return False
