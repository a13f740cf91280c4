"""Passwords and attempts, without a database."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Literal

import pytest
from argon2 import PasswordHasher

from auth_svc.passwords import Passwords
from mesh.runtime.errors import MeshError
from tests.auth_svc.conftest import FAST_HASHER


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


@pytest.mark.parametrize(("stranger", "most"), [(False, 100), (True, 25)])
async def test_queue_is_bounded(passwords: Passwords, stranger: bool, most: int) -> None:
    """A flood of logins is refused rather than queued for minutes."""
    attempts = (passwords.matches("x", None, stranger=stranger) for _ in range(300))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, MeshError)]
    assert {error.reason for error in refused} == {"TOO_MANY_ATTEMPTS"}
    assert len(refused) == 300 - most
    assert not await passwords.matches("x", None, stranger=stranger)


async def test_strangers_delay_nobody_else(passwords: Passwords, hasher: CountingHasher) -> None:
    """Their thread is busy and their queue full; a password from a known source is verified meanwhile."""
    known, running = await passwords.hash("secret"), threading.Event()
    hasher.before = lambda: running.wait(60) if threading.current_thread().name.startswith("argon2-strangers") else None
    flood = [asyncio.create_task(passwords.matches("x", None, stranger=True)) for _ in range(30)]
    assert await asyncio.wait_for(passwords.matches("secret", known), 60)
    assert hasher.verified == 1
    running.set()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_password_whose_caller_is_gone_is_not_verified(passwords: Passwords, hasher: CountingHasher) -> None:
    """One that waits in the queue costs nothing then, and its place is free."""
    running = threading.Event()
    hasher.before = lambda: running.wait(60)
    waiting = [asyncio.create_task(passwords.matches("x", None, stranger=True)) for _ in range(25)]
    await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting[1:], return_exceptions=True)
    running.set()
    assert not await waiting[0]
    assert not await passwords.matches("x", None, stranger=True)
    assert hasher.verified == 2


def test_fast_hasher_of_the_tests_is_argon2id() -> None:
    """The hasher of other tests differs in cost only."""
    assert FAST_HASHER.type is PasswordHasher().type
