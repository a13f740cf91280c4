"""API keys that are none: a source that tries many is refused before anyone is asked, and holds up no right key."""

import hashlib

import grpc
import pytest

from mesh.identity.caller_directory import Credential, PresentedKey
from mesh.identity.callers import NEVER_S, Caller
from mesh.identity.known_callers import Listener
from mesh.identity.operator_access import WRONG_KEYS, OperatorAccess, invalid_api_key
from mesh.identity.operators import TokenVerifier
from mesh.identity.sources import Source, set_source
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from tests.mesh.grpc.test_call_limits import Keys


def _key(text: str) -> PresentedKey:
    return PresentedKey(prefix=text[:8], sha256=hashlib.sha256(text.encode()).hexdigest())


RIGHT, OTHER = _key("a right key"), _key("another right key")


class Directory:
    """Knows two keys, and counts the questions; or it does not answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.right = {RIGHT, OTHER}

    async def caller(self, credential: Credential) -> Caller:
        """The caller of a key."""
        self.asked += 1
        if self.is_away:
            raise unavailable(Reason.CALLER_UNKNOWN, "away")
        if credential not in self.right:
            raise invalid_api_key()
        return Caller(username="key:x", tenant_id="t", expires_s=NEVER_S)

    async def until_reachable(self) -> None:
        """Always."""

    def is_current(self) -> bool:
        """Always."""
        return True

    def on_change(self, listener: Listener) -> None:
        """Nothing changes."""


def _from(address: str) -> None:
    set_source(Source(address=address, network=address))


async def _refusal(access: OperatorAccess, key: PresentedKey) -> grpc.StatusCode:
    with pytest.raises(MeshError) as caught:
        await access.caller(key)
    return caught.value.code


async def test_wrong_keys_are_bounded_by_source_before_anyone_is_asked() -> None:
    now_s, directory = [100.0], Directory()
    access = OperatorAccess(verifier=TokenVerifier(keys=Keys()), callers=directory, monotonic_s=lambda: now_s[0])
    _from("192.0.2.1")
    await access.caller(RIGHT)
    codes = [await _refusal(access, _key(f"{number} is none")) for number in range(1_000)]
    assert codes.count(grpc.StatusCode.UNAUTHENTICATED) == WRONG_KEYS.burst == directory.asked - 1
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 1_000 - WRONG_KEYS.burst
    await access.caller(RIGHT)
    assert await _refusal(access, OTHER) is grpc.StatusCode.RESOURCE_EXHAUSTED
    _from("198.51.100.7")
    await access.caller(OTHER)
    _from("192.0.2.1")
    await access.caller(OTHER)  # it was right elsewhere
    now_s[0] += 1
    assert await _refusal(access, _key("one more")) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_key_counts_as_wrong_from_its_first_refusal_on() -> None:
    directory = Directory()
    access = OperatorAccess(verifier=TokenVerifier(keys=Keys()), callers=directory, monotonic_s=lambda: 100.0)
    _from("192.0.2.1")
    await access.caller(RIGHT)
    directory.right.clear()
    codes = [await _refusal(access, RIGHT) for _ in range(1_000)]
    assert codes.count(grpc.StatusCode.UNAUTHENTICATED) == WRONG_KEYS.burst + 1 == directory.asked - 1


async def test_a_directory_that_does_not_answer_makes_no_key_wrong() -> None:
    directory = Directory()
    access = OperatorAccess(verifier=TokenVerifier(keys=Keys()), callers=directory, monotonic_s=lambda: 100.0)
    _from("192.0.2.1")
    directory.is_away = True
    for _ in range(3 * WRONG_KEYS.burst):
        assert await _refusal(access, RIGHT) is grpc.StatusCode.UNAVAILABLE
    directory.is_away = False
    await access.caller(RIGHT)
