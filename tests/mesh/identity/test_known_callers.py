"""The callers that a service remembers: looked up once, void with their change, never served on old knowledge."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from joserfc.jwk import KeySet

from mesh.identity.caller_directory import (
    SIGNING_KEYS,
    CallerChange,
    CallerChanges,
    Credential,
    KeyUse,
    PresentedKey,
    ResolvedCaller,
    SignIn,
)
from mesh.identity.callers import NEVER_S, Caller
from mesh.identity.known_callers import LOOKED_UP_AGAIN_S, MOST_LOOK_UPS, UNUSED_S, KnownCallers
from mesh.identity.operator_access import FollowedKeys
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from tests.waiting import until

VERA = SignIn(tenant_id="t", username="vera", sign_in_id="1", expires_s=NEVER_S)
KEY = PresentedKey(prefix="p", sha256="h")


class Directory:
    """A directory in this process: it answers when a test lets it."""

    def __init__(self) -> None:
        self.version = 1
        self.resolved = 0
        self.uses: list[KeyUse] = []
        self.asked = 0
        self.is_away = False
        self.refused = 0
        self.held = asyncio.Event()
        self.held.set()
        self.expires_s = NEVER_S
        self._changes: list[CallerChange] = []
        self._changed = asyncio.Event()

    async def resolve(self, credential: Credential) -> ResolvedCaller:
        """The caller as of the question, though it is answered later."""
        self._raise_if_away()
        self.resolved += 1
        version, number = self.version, self.resolved
        await self.held.wait()
        name = credential.username if isinstance(credential, SignIn) else f"key:{credential.prefix}"
        prefix = credential.prefix if isinstance(credential, PresentedKey) else ""
        caller = Caller(
            username=name, tenant_id="t", session_id=str(number), api_key_prefix=prefix, expires_s=self.expires_s
        )
        return ResolvedCaller(caller=caller, subjects=frozenset({f"user:{name}", "role:night"}), version=version)

    async def changes(self, after_version: int, *, wait_s: float, uses: Sequence[KeyUse]) -> CallerChanges:
        """The changes; waits for as long as there are none."""
        self._raise_if_away()
        self.asked += 1
        self.uses += uses
        if after_version == self.version and wait_s:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
        self._raise_if_away()
        if after_version == 0:
            return CallerChanges(changes=(), version=self.version, incomplete=True)
        return CallerChanges(changes=self._changes[after_version - 1 :], version=self.version)

    def change(self, subject: str, tenant_id: str = "t") -> None:
        """Something has changed."""
        self._changes.append(CallerChange(tenant_id=tenant_id, subject=subject))
        self.version += 1
        self._changed.set()

    def leave(self) -> None:
        """It does not answer any more."""
        self.is_away = True
        self._changed.set()

    def _raise_if_away(self) -> None:
        if self.is_away:
            self.refused += 1
            raise unavailable(Reason.CALLER_UNKNOWN, "away")


class Running:
    """Remembered callers, with the number of changes that listeners were notified of."""

    def __init__(self, directory: Directory, *, stale_s: float = 60.0, monotonic_s: Callable[[], float]) -> None:
        self.notified = 0
        self.forgotten_keys = 0
        self.known = KnownCallers(
            directory=directory,
            forget_keys=self._forget,
            monotonic_s=monotonic_s,
            clock_s=lambda: 100,
            stale_s=stale_s,
            wait_s=0.05,
        )
        self.known.on_change(self._notify)

    def _forget(self) -> None:
        self.forgotten_keys += 1

    def _notify(self) -> None:
        self.notified += 1

    async def session(self, credential: Credential = VERA) -> str:
        """The number of the look-up that the caller is from."""
        return (await self.known.caller(credential)).session_id


@asynccontextmanager
async def _started(
    directory: Directory, *, stale_s: float = 60.0, monotonic_s: Callable[[], float] | None = None
) -> AsyncIterator[Running]:
    running = Running(directory, stale_s=stale_s, monotonic_s=monotonic_s or asyncio.get_running_loop().time)
    task = asyncio.create_task(running.known.run())
    await until(running.known.is_current)
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("subject", ["user:vera", "role:night", ""])
async def test_a_change_of_its_subject_makes_a_caller_void(subject: str) -> None:
    """The user, a role, or all of the tenant; callers of other subjects and tenants stay."""
    directory = Directory()
    async with _started(directory) as running:
        assert await running.session() == await running.session() == "1"
        before = running.notified
        directory.change("user:otto")
        directory.change(subject, tenant_id="other")
        await until(lambda: running.notified > before)
        assert await running.session() == "1"
        before = running.notified
        directory.change(subject)
        await until(lambda: running.notified > before)
        assert await running.session() == "2"


async def test_a_change_of_the_signing_keys_makes_keys_void_and_no_caller() -> None:
    directory = Directory()
    async with _started(directory) as running:
        await running.session()
        before = running.forgotten_keys
        directory.change(SIGNING_KEYS, tenant_id="")
        await until(lambda: running.forgotten_keys > before)
        assert await running.session() == "1"


async def test_an_answer_from_before_a_known_change_is_not_remembered() -> None:
    """It was asked before, and comes after: a revoked caller must not come back by it."""
    directory = Directory()
    async with _started(directory) as running:
        directory.held.clear()
        asking = asyncio.create_task(running.session())
        await until(lambda: directory.resolved == 1)
        before = running.notified
        directory.change("user:vera")
        await until(lambda: running.notified > before)
        directory.held.set()
        assert await asking == "1"
        assert await running.session() == "2"
        assert await running.session() == "2"


async def test_calls_at_the_same_time_look_a_caller_up_once() -> None:
    directory = Directory()
    async with _started(directory) as running:
        assert await asyncio.gather(*(running.session() for _ in range(50))) == ["1"] * 50


async def test_look_ups_under_way_are_bounded() -> None:
    directory = Directory()
    async with _started(directory) as running:
        directory.held.clear()
        keys = [PresentedKey(prefix=str(number), sha256="h") for number in range(MOST_LOOK_UPS + 1)]
        asking = [asyncio.create_task(running.session(key)) for key in keys]
        with pytest.raises(MeshError) as caught:
            await asking[-1]
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "CALLER_UNKNOWN")
        directory.held.set()
        await asyncio.gather(*asking[:-1])


async def test_what_is_remembered_is_looked_up_again_after_a_while() -> None:
    """A change that nobody announced counts then."""
    directory, now_s = Directory(), 0.0
    async with _started(directory, monotonic_s=lambda: now_s, stale_s=10 * LOOKED_UP_AGAIN_S) as running:
        await running.session()
        now_s = LOOKED_UP_AGAIN_S
        assert await running.session() == "1"
        now_s += 1
        assert await running.session() == "2"


async def test_where_nothing_is_heard_callers_are_looked_up_for_each_call_and_listeners_notified() -> None:
    """And known again once there is an answer."""
    directory = Directory()
    async with _started(directory, stale_s=0.3) as running:
        await running.session()
        before = running.notified
        directory.leave()
        await until(lambda: not running.known.is_current() and running.notified > before)
        with pytest.raises(MeshError, match="CALLER_UNKNOWN"):
            await running.session()
        directory.is_away = False
        await until(running.known.is_current)
        assert await running.session() == await running.session()


async def test_a_caller_whose_time_is_over_is_refused_though_it_is_remembered() -> None:
    directory = Directory()
    directory.expires_s = 100
    async with _started(directory) as running:
        with pytest.raises(MeshError, match="INVALID_TOKEN"):
            await running.session()


async def test_uses_of_keys_are_reported_once_in_a_while() -> None:
    """With the next question, and not with each call."""
    directory = Directory()
    async with _started(directory) as running:
        for _ in range(5):
            await running.session(KEY)
        await until(lambda: bool(directory.uses))
        await running.session(KEY)
        before = running.notified
        directory.change("user:otto")
        await until(lambda: running.notified > before)
        assert [(use.tenant_id, use.prefix) for use in directory.uses] == [("t", "p")]


class HastyDirectory(Directory):
    """One that answers each question at once, as a service does that stops."""

    async def changes(self, after_version: int, *, wait_s: float, uses: Sequence[KeyUse]) -> CallerChanges:
        """The changes."""
        return await super().changes(after_version, wait_s=0, uses=uses)


async def test_questions_that_are_answered_at_once_without_news_do_not_follow_each_other_at_once() -> None:
    directory = HastyDirectory()
    async with _started(directory):
        await until(lambda: directory.asked == 2)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert directory.asked == 2


async def test_a_service_that_nobody_calls_forgets_and_asks_no_more_until_the_next_call() -> None:
    directory, now_s = Directory(), 0.0
    async with _started(directory, monotonic_s=lambda: now_s, stale_s=100 * UNUSED_S) as running:
        assert await running.session() == "1"
        directory.change("user:otto")
        forgotten = running.forgotten_keys
        now_s = UNUSED_S
        await until(lambda: running.forgotten_keys > forgotten)
        asked = directory.asked
        for _ in range(1000):
            await asyncio.sleep(0)
        assert directory.asked == asked
        directory.change("user:vera")
        assert await running.session() == "2"
        await until(lambda: directory.asked > asked)
        await until(running.known.is_current)
        assert await running.session() == await running.session()


async def test_after_its_start_a_service_asks_until_the_directory_answers_called_or_not() -> None:
    """Beyond the time after which it would ask no more: its operator port is ready only then."""
    directory, now_s = Directory(), 0.0
    directory.is_away = True
    running = Running(directory, monotonic_s=lambda: now_s)
    following = asyncio.create_task(running.known.run())
    reachable = asyncio.create_task(running.known.until_reachable())
    now_s = 2 * UNUSED_S
    await until(lambda: directory.refused >= 3)
    assert not reachable.done()
    directory.is_away = False
    async with asyncio.timeout(60):
        await reachable
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_listener_that_asks_for_callers_keeps_the_service_from_forgetting() -> None:
    """As open streams do."""
    directory, now_s = Directory(), 0.0
    async with _started(directory, monotonic_s=lambda: now_s, stale_s=100 * UNUSED_S) as running:

        def listener() -> None:
            running.known.is_current()

        running.known.on_change(listener)
        assert await running.session() == "1"
        for rest in range(1, 4):
            now_s = rest * UNUSED_S
            asked = directory.asked
            await until(lambda asked=asked: directory.asked > asked + 2)  # type: ignore[misc]
        assert await running.session() == "1"


async def test_keys_that_are_used_have_changes_followed() -> None:
    """A token that is none has keys fetched, and no caller looked up: they must not outlive their change either."""
    directory, now_s = Directory(), 0.0
    async with _started(directory, monotonic_s=lambda: now_s, stale_s=100 * UNUSED_S) as running:
        now_s, forgotten = UNUSED_S, running.forgotten_keys
        await until(lambda: running.forgotten_keys > forgotten)
        asked = directory.asked
        keys = FollowedKeys(keys=NoKeys(), callers=running.known)
        assert not (await keys.keys("any")).keys
        await until(lambda: directory.asked > asked)
        forgotten = running.forgotten_keys
        directory.change(SIGNING_KEYS, tenant_id="")
        await until(lambda: running.forgotten_keys > forgotten)


class NoKeys:
    """An empty key set."""

    async def keys(self, _key_id: str) -> KeySet:
        """See KeySource."""
        return KeySet([])
