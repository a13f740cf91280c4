"""Commands as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass

from station_svc.core.station_rows import Socket


@dataclass(frozen=True, kw_only=True)
class NewCommand:
    """A command that is about to be sent."""

    tenant_id: str
    command_id: str
    request_id: str | None
    station_id: str
    name: str
    username: str
    content: bytes
    deadline_us: int


@dataclass(frozen=True, kw_only=True)
class CommandRow:
    """A command as recorded. Neither answer nor error: under way, or its outcome was lost."""

    command_id: str
    station_id: str
    name: str
    salt: str
    digest: str
    deadline_us: int
    answer: bytes | None
    error: bytes | None


@dataclass(frozen=True, kw_only=True)
class FinishedCommand:
    """The outcome of a command: the station's answer, or the google.rpc.Status of the error, serialized."""

    tenant_id: str
    command_id: str
    finish_us: int
    answer: bytes | None
    error: bytes | None


@dataclass(frozen=True, kw_only=True)
class BegunCommand:
    """A command that was just recorded, and the socket of its station: None where no living gateway holds it.

    Without `is_new`, an earlier attempt has recorded it, together with the other rows of that transaction.
    `ocpp_version` is the version of the connection, `boot_status` the station's status in the answer to its last boot;
    0 before the first.
    """

    socket: Socket | None
    is_new: bool
    ocpp_version: str = ""
    boot_status: int = 0
