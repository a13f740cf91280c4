"""Where a call comes from, and changes that leave no entry."""

from typing import Any

from csms.options.v1 import options_pb2

from mesh.grpc.call_watch import UNAUDITED, note_success, read_acting
from mesh.identity.acting import Acting
from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of

PROOF = proof_of("a-secret")


class Call:
    """A call with these headers, from this peer."""

    def __init__(self, peer: str, **headers: str) -> None:
        self._peer = peer
        self._headers = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def peer(self) -> str:
        """The other end of the connection."""
        return self._peer

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """The headers."""
        return self._headers


def _read(peer: str, **headers: str) -> Acting:
    call: Any = Call(peer, **headers)
    return read_acting("/csms.auth.v1.UserService/Login", call, proof=PROOF)


def test_the_front_door_s_word_counts_with_its_proof() -> None:
    headers = {ADDRESS_HEADER.lower(): "192.0.2.7", PROOF_HEADER.lower(): PROOF}
    assert _read("ipv4:127.0.0.1:4711", **headers).address == "192.0.2.7"
    assert _read("ipv4:127.0.0.1:4711", **(headers | {PROOF_HEADER.lower(): "x"})).address == "127.0.0.1"
    assert read_acting("/m", Call("ipv4:127.0.0.1:1", **headers)).address == "127.0.0.1"  # type: ignore[arg-type]


def test_the_peer_s_address_is_without_its_port() -> None:
    assert _read("ipv4:127.0.0.1:4711").address == "127.0.0.1"
    assert _read("ipv6:%5B::1%5D:4711").address == "::1"
    assert _read("unix:").address == "unix"


def test_the_request_and_the_program_are_noted_within_bounds() -> None:
    acting = _read("unix:", x_request_id="r1", user_agent="x" * 1000)
    assert (acting.action, acting.request_id, len(acting.user_agent)) == ("csms.auth.v1.UserService/Login", "r1", 200)


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
