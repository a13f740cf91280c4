"""The callers that a service knows: each looked up once, and forgotten when the directory says that it has changed.

A service has a question for changes open at the directory, which is answered every few seconds; each answer says up to
which moment nothing was missed: that of the question, or later where the directory looked again while the question
waited. What is remembered is used only as long as that moment is younger than STALE_S. Beyond that each call asks the
directory itself, and fails with UNAVAILABLE while it does not answer: old knowledge is never served.

A service that has had no call for UNUSED_S and has no open stream forgets all it knows, the signing keys too, and asks
no more until the next call. After its start it asks until it has its first answer: before, its operator port is not
ready.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from mesh.identity.caller_directory import (
    SIGNING_KEYS,
    CallerChange,
    CallerChanges,
    CallerDirectory,
    Credential,
    KeyUse,
    PresentedKey,
    ResolvedCaller,
)
from mesh.identity.callers import Caller, unauthenticated
from mesh.runtime.beats import BEAT_S
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US

log = get_logger(__name__)

# Revoked callers are served for less than 5 s, whatever fails: this, and the time for ending a stream.
STALE_S = 4.5
# The directory answers at the next beat, or at once where something has changed: this is for one that is busy.
WAIT_S = BEAT_S + 0.25
# A question that is answered at once, and without news, is followed by the next one after this time.
PAUSE_S = 1.0
# A change that its writer did not announce (a release before this one, SQL by hand) takes effect after this time.
LOOKED_UP_AGAIN_S = 60.0
# Beyond some 10 s between calls it is cheaper to look the caller up again than to ask for changes meanwhile.
UNUSED_S = 15.0
RETRY_S = 0.2
MOST_KNOWN = 4096
MOST_LOOK_UPS = 256
MOST_USES = 1000
REPORTED_EVERY_S = 30.0

Listener = Callable[[], None]


class Callers(Protocol):
    """Knows what a credential may do."""

    async def caller(self, credential: Credential) -> Caller:
        """The caller as of at most 5 s ago. Raises MeshError UNAUTHENTICATED, or UNAVAILABLE."""

    async def until_reachable(self) -> None:
        """Waits until callers could be looked up for the first time since the start."""

    def is_current(self) -> bool:
        """Whether changes are known as far as they have to be."""

    def on_change(self, listener: Listener) -> None:
        """Has a listener called after each change, and when changes cannot be known any more."""


class KeyUses:
    """The latest use of each API key, reported once in REPORTED_EVERY_S at most."""

    def __init__(self) -> None:
        self._latest_us: dict[tuple[str, str], int] = {}
        self._reported_us: dict[tuple[str, str], int] = {}

    def note(self, caller: Caller, now_s: float) -> None:
        """A key was used."""
        key = (caller.tenant_id, caller.api_key_prefix)
        if key in self._latest_us or len(self._latest_us) < MOST_USES:
            self._latest_us[key] = round(now_s * SECOND_US)

    def due(self, now_s: float) -> list[KeyUse]:
        """The uses that are to be reported now."""
        if not self._latest_us:
            return []
        before_us = round((now_s - REPORTED_EVERY_S) * SECOND_US)
        return [
            KeyUse(tenant_id=key[0], prefix=key[1], last_us=latest_us)
            for key, latest_us in self._latest_us.items()
            if self._reported_us.get(key, 0) <= before_us
        ]

    def reported(self, uses: Iterable[KeyUse]) -> None:
        """These have been reported."""
        for use in uses:
            key = (use.tenant_id, use.prefix)
            if len(self._reported_us) >= MOST_USES:
                self._reported_us.clear()
            self._reported_us[key] = use.last_us
            if self._latest_us.get(key) == use.last_us:
                del self._latest_us[key]


class KnownCallers:
    """Callers of a directory, remembered. Run `run` beside the servers."""

    def __init__(
        self,
        *,
        directory: CallerDirectory,
        forget_keys: Callable[[], None] = lambda: None,
        monotonic_s: Callable[[], float] = time.monotonic,
        clock_s: Callable[[], float] = time.time,
        stale_s: float = STALE_S,
        wait_s: float = WAIT_S,
    ) -> None:
        self._directory = directory
        self._forget_keys = forget_keys
        self._monotonic_s = monotonic_s
        self._clock_s = clock_s
        self._stale_s = stale_s
        self._wait_s = wait_s
        self._known: dict[Credential, tuple[ResolvedCaller, float]] = {}
        self._look_ups: dict[Credential, asyncio.Task[ResolvedCaller]] = {}
        self._uses = KeyUses()
        self._version = 0
        self._current_s = float("-inf")
        self._alarm: asyncio.TimerHandle | None = None
        self._listeners: list[Listener] = []
        self._used_s = monotonic_s()
        self._used = asyncio.Event()
        self._used.set()
        self._reached = asyncio.Event()  # the directory has answered

    async def caller(self, credential: Credential) -> Caller:
        """See Callers."""
        self.note_use()
        known = self._known.get(credential)
        now_s = self._monotonic_s()
        if known is None or now_s - self._current_s > self._stale_s or now_s - known[1] > LOOKED_UP_AGAIN_S:
            caller = (await self._look_up(credential)).caller
        else:
            caller = known[0].caller
        if caller.expires_s <= self._clock_s():
            raise unauthenticated("the sign-in has ended, or the API key has expired")
        if isinstance(credential, PresentedKey):
            self._uses.note(caller, self._clock_s())
        return caller

    async def until_reachable(self) -> None:
        """See Callers. `run` has to run."""
        await self._reached.wait()

    def is_current(self) -> bool:
        """See Callers."""
        self.note_use()
        return self._monotonic_s() - self._current_s <= self._stale_s

    def on_change(self, listener: Listener) -> None:
        """See Callers."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Follows the changes until it is cancelled."""
        failing = False
        try:
            while True:
                rested = await self._rest_while_unused()
                # The first answer after a failure or a rest comes at once: until then each call is looked up.
                wait_s = 0.0 if failing or rested or not self._version else self._wait_s
                try:
                    await self._follow(wait_s)
                    failing = False
                except MeshError as error:
                    if not failing:
                        log.warning("changes of callers cannot be followed", reason=error.reason)
                    failing = True
                    await asyncio.sleep(RETRY_S * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    def note_use(self) -> None:
        """Something is used that the changes may make void: they have to be followed from now on."""
        self._used_s = self._monotonic_s()
        self._used.set()

    async def _rest_while_unused(self) -> bool:
        """Waits for the next use, where there was none for a while; whether it did.

        Listeners are notified before: open streams look at their callers then, which is a use.
        """
        if self._monotonic_s() - self._used_s < UNUSED_S or not self._reached.is_set():
            return False
        if self._used.is_set():
            self._used.clear()
            self._notify()
            return False
        self._known.clear()
        self._forget_keys()
        self._current_s = float("-inf")
        if self._alarm is not None:
            self._alarm.cancel()
        await self._used.wait()
        return True

    async def _follow(self, wait_s: float) -> None:
        asked_s = self._monotonic_s()
        uses = self._uses.due(self._clock_s())
        known_version = self._version
        found = await self._directory.changes(known_version, wait_s=wait_s, uses=uses)
        self._reached.set()
        self._uses.reported(uses)
        self._apply(found)
        now_s = self._monotonic_s()
        self._current_s = min(asked_s + found.checked_after_s, now_s)
        if self._alarm is not None:
            self._alarm.cancel()
        left_s = self._current_s + self._stale_s - now_s
        self._alarm = asyncio.get_running_loop().call_later(max(0.0, left_s) + 0.01, self._notify)
        if found.version == known_version and now_s - asked_s < min(PAUSE_S, wait_s / 2):
            await asyncio.sleep(PAUSE_S)

    def _apply(self, found: CallerChanges) -> None:
        self._version = found.version
        if found.incomplete:
            self._known.clear()
            self._forget_keys()
        for change in found.changes:
            self._forget(change)
        if found.incomplete or found.changes:
            self._notify()

    def _forget(self, change: CallerChange) -> None:
        if change.subject == SIGNING_KEYS:
            self._forget_keys()
            return
        void = [credential for credential, (known, _) in self._known.items() if _is_concerned(known, change)]
        for credential in void:
            del self._known[credential]

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    async def _look_up(self, credential: Credential) -> ResolvedCaller:
        """Asks the directory; calls with the same credential at the same time ask once."""
        task = self._look_ups.get(credential)
        if task is None:
            if len(self._look_ups) >= MOST_LOOK_UPS:
                raise unavailable(Reason.CALLER_UNKNOWN, "too many callers are being looked up: try again")
            task = asyncio.create_task(self._resolve(credential))
            self._look_ups[credential] = task
            task.add_done_callback(lambda _: self._look_ups.pop(credential, None))
        return await asyncio.shield(task)

    async def _resolve(self, credential: Credential) -> ResolvedCaller:
        asked_s = self._monotonic_s()
        try:
            resolved = await self._directory.resolve(credential)
        except MeshError:
            self._known.pop(credential, None)
            raise
        # An answer from before a change that is known by now is right for this call, which began before it too.
        if resolved.version >= self._version:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[credential] = (resolved, asked_s)
        return resolved


def _is_concerned(known: ResolvedCaller, change: CallerChange) -> bool:
    if change.tenant_id not in ("", known.caller.tenant_id):
        return False
    return not change.subject or change.subject in known.subjects
