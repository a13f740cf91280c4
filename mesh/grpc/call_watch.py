"""Calls of operators as the audit sees them: where one comes from, how it ended, and a change without an entry."""

from typing import Protocol

from csms.options.v1 import options_pb2
from prometheus_client import Counter

from mesh.grpc.types import Context
from mesh.identity.acting import Acting
from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

UNAUDITED = Counter(
    "csms_unaudited_changes_total",
    "Changes of operators that left no audit entry: faults of the program",
    ["method"],
    registry=None,
)
_MOST_CHARACTERS = 200
_ADDRESS, _PROOF, _REQUEST_ID, _USER_AGENT = (
    ADDRESS_HEADER.lower(),
    PROOF_HEADER.lower(),
    "x-request-id",
    "user-agent",
)


class CallWatch(Protocol):
    """Is told how calls ended that leave no entry of their own."""

    def ended(self, acting: Acting, audit: options_pb2.Audit.ValueType, error: Exception | None) -> None:
        """A call has ended, in the context of its caller. Does not wait, and raises nothing."""


def read_acting(method: str, context: Context, *, proof: str = "") -> Acting:
    """The call that is served. The address in a header counts where the front door's proof is beside it."""
    found = {_PROOF: "", _ADDRESS: "", _REQUEST_ID: "", _USER_AGENT: ""}
    for key, value in context.invocation_metadata() or ():
        if key in found:
            found[key] = str(value)[:_MOST_CHARACTERS]
    is_proven = bool(proof) and found[_PROOF] == proof
    return Acting(
        action=method.removeprefix("/"),
        address=found[_ADDRESS] if is_proven else _peer_address(context),
        request_id=found[_REQUEST_ID],
        user_agent=found[_USER_AGENT],
    )


def _peer_address(context: Context) -> str:
    """The address of the other end, `ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711`, without the port."""
    peer = str(context.peer())  # type: ignore[no-untyped-call,unused-ignore]
    family, _, rest = peer.partition(":")
    if family not in {"ipv4", "ipv6"}:
        return family
    return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "")


def note_success(acting: Acting, audit: options_pb2.Audit.ValueType) -> None:
    """Counts a call that had to leave an audit entry and left none."""
    if audit == options_pb2.AUDIT_CHANGE and not acting.entries and not acting.is_unchanged:
        UNAUDITED.labels(method=acting.action).inc()
        log.error("a change left no audit entry", method=acting.action)
