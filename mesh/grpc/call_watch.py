"""Calls of operators as the audit sees them: what one is, how it ended, and a change without an entry."""

from typing import Protocol

from csms.options.v1 import options_pb2
from prometheus_client import Counter

from mesh.grpc.types import Context
from mesh.identity.acting import Acting
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

UNAUDITED = Counter(
    "csms_unaudited_changes_total",
    "Changes of operators that left no audit entry: faults of the program",
    ["method"],
    registry=None,
)
_MOST_CHARACTERS = 200
_REQUEST_ID, _USER_AGENT = "x-request-id", "user-agent"


class CallWatch(Protocol):
    """Records how calls ended that leave no entry of their own."""

    def ended(self, acting: Acting, audit: options_pb2.Audit.ValueType, error: Exception | None) -> None:
        """A call has ended, in the context of its caller. Does not wait, and raises nothing."""


def read_acting(method: str, context: Context, *, address: str) -> Acting:
    """The call that is served, from `address` (mesh/identity/sources.py)."""
    found = {_REQUEST_ID: "", _USER_AGENT: ""}
    for key, value in context.invocation_metadata() or ():
        if key in found:
            found[key] = str(value)[:_MOST_CHARACTERS]
    return Acting(
        action=method.removeprefix("/"),
        address=address,
        request_id=found[_REQUEST_ID],
        user_agent=found[_USER_AGENT],
    )


def note_success(acting: Acting, audit: options_pb2.Audit.ValueType) -> None:
    """Counts a call that had to leave an audit entry and left none."""
    if audit == options_pb2.AUDIT_CHANGE and not acting.entries and not acting.is_unchanged:
        UNAUDITED.labels(method=acting.action).inc()
        log.error("a change left no audit entry", method=acting.action)
