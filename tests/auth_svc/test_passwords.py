"""Passwords and attempts, without a database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

import pytest
from argon2 import PasswordHasher

from auth_svc.login_throttle import MOST_OVERALL, MOST_PER_USER, WINDOW_S, LoginThrottle
from auth_svc.passwords import Passwords
from mesh.runtime.errors import MeshError
from tests.auth_svc.conftest import FAST_HASHER
from tests.conftest import FakeClock


class CountingHasher(PasswordHasher):
    """argon2id that counts what it verifies, and can be made to wait."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0
        self.before: Callable[[], object] = lambda: None

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - as the class above has it
        """Counts."""
        self.before()
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> CountingHasher:
    """A hasher that counts."""
    return CountingHasher()


@pytest.fixture
async def passwords(hasher: CountingHasher) -> AsyncIterator[Passwords]:
    """Passwords on that hasher."""
    passwords = Passwords(hasher=hasher)
    yield passwords
    await passwords.close()


async def test_hash_is_argon2id_and_matches_only_its_password(passwords: Passwords) -> None:
    """Each with its own salt."""
    first, second = await passwords.hash("secret"), await passwords.hash("secret")
    assert first != second
    assert first.startswith("$argon2id$")
    assert await passwords.matches("secret", first)
    assert not await passwords.matches("Secret", first)
    assert not await passwords.matches("secret", "not a hash")


async def test_default_parameters_are_no_weaker_than_rfc_9106s() -> None:
    """Second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes."""
    hasher = PasswordHasher()
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) >= (65536, 3, 4)


async def test_unknown_user_costs_as_much_as_a_known_one(passwords: Passwords, hasher: CountingHasher) -> None:
    """One verification either way, so that the time does not show who exists."""
    known = await passwords.hash("secret")
    assert not await passwords.matches("wrong", known)
    assert hasher.verified == 1
    assert not await passwords.matches("wrong", None)
    assert hasher.verified == 2


async def test_hashing_leaves_the_event_loop_free(passwords: Passwords, hasher: CountingHasher) -> None:
    """Other calls are served while a password is verified: the verification waits for one here."""
    loop = asyncio.get_running_loop()
    served = asyncio.Event()

    def wait_for_the_loop() -> None:
        async def serve() -> None:
            served.set()

        asyncio.run_coroutine_threadsafe(serve(), loop).result(timeout=60)

    hasher.before = wait_for_the_loop
    await passwords.matches("wrong", None)
    assert served.is_set()


async def test_queue_is_bounded(passwords: Passwords) -> None:
    """A flood of logins is refused rather than queued for minutes."""
    results = await asyncio.gather(*(passwords.matches("x", None) for _ in range(300)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, MeshError)]
    assert {error.reason for error in refused} == {"TOO_MANY_ATTEMPTS"}
    assert len(refused) == 100
    assert not await passwords.matches("x", None)


def _allowed(attempts: LoginThrottle, key: str) -> bool:
    try:
        attempts.begin(key)
    except MeshError:
        return False
    return True


def test_attempts_on_many_users_are_bounded_together(clock: FakeClock) -> None:
    """One password tried on everybody; memory is bounded by the same number."""
    attempts = LoginThrottle(clock=clock)
    allowed = sum(_allowed(attempts, f"user-{number}") for number in range(MOST_OVERALL + 50))
    assert allowed == MOST_OVERALL
    clock.advance(WINDOW_S)
    assert _allowed(attempts, "someone")


def test_refusal_says_how_long_to_wait(clock: FakeClock) -> None:
    """For programs in the metadata, for people in the message."""
    attempts = LoginThrottle(clock=clock)
    for _ in range(MOST_PER_USER):
        attempts.begin("vera")
    clock.advance(10)
    with pytest.raises(MeshError, match="in 290 seconds") as caught:
        attempts.begin("vera")
    assert (caught.value.reason, caught.value.metadata) == ("TOO_MANY_ATTEMPTS", {"retry_after_s": "290"})


def test_attempts_are_forgotten_one_by_one(clock: FakeClock) -> None:
    """The window slides: each failure counts for five minutes."""
    attempts = LoginThrottle(clock=clock)
    for _ in range(MOST_PER_USER):
        assert _allowed(attempts, "vera")
        clock.advance(1)
    assert not _allowed(attempts, "vera")
    clock.advance(WINDOW_S - MOST_PER_USER)
    assert _allowed(attempts, "vera")
    assert not _allowed(attempts, "vera")


def test_success_forgets_the_failures_of_that_user_only(clock: FakeClock) -> None:
    """Somebody else's guesses stay counted."""
    attempts = LoginThrottle(clock=clock)
    for _ in range(MOST_PER_USER):
        attempts.begin("vera")
        attempts.begin("otto")
    attempts.succeeded("vera")
    assert _allowed(attempts, "vera")
    assert not _allowed(attempts, "otto")


def test_fast_hasher_of_the_tests_is_argon2id() -> None:
    """The hasher of other tests differs in cost only."""
    assert FAST_HASHER.type is PasswordHasher().type
