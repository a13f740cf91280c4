"""Calls as the audit sees them, and changes that leave no entry."""

from typing import Any

from csms.options.v1 import options_pb2

from mesh.grpc.call_watch import UNAUDITED, note_success, read_acting
from mesh.identity.acting import Acting


class Call:
    """A call with these headers."""

    def __init__(self, **headers: str) -> None:
        self._headers = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """The headers."""
        return self._headers


def test_the_request_and_the_program_are_noted_within_bounds() -> None:
    call: Any = Call(x_request_id="r1", user_agent="x" * 1000)
    acting = read_acting("/csms.auth.v1.UserService/Login", call, address="192.0.2.1")
    assert (acting.action, acting.request_id, len(acting.user_agent)) == ("csms.auth.v1.UserService/Login", "r1", 200)
    assert acting.address == "192.0.2.1"


def test_a_change_without_an_entry_is_counted() -> None:
    def count() -> float:
        return float(UNAUDITED.labels(method="m")._value.get())

    before = count()
    note_success(Acting(action="m", entries=1), options_pb2.AUDIT_CHANGE)
    note_success(Acting(action="m", is_unchanged=True), options_pb2.AUDIT_CHANGE)
    note_success(Acting(action="m"), options_pb2.AUDIT_NONE)
    assert count() == before
    note_success(Acting(action="m"), options_pb2.AUDIT_CHANGE)
    assert count() == before + 1
