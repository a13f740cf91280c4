"""Limits of operators' calls: by caller and by tenant, and by source where a call needs no access token.

Rates are token buckets, calls and streams under way are counted. Each process counts for itself: `n` replicas of a
service serve up to `n` times as much.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mesh.identity.callers import Caller, optional_caller
from mesh.identity.sources import current_source
from mesh.runtime.call_rules import CallRules
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.rate_limits import Rate, RateLimit, exhausted

# A bucket holds so many seconds' worth of its rate.
BURST_S = 5
# Calls of one public method from one source. Envoy fetches the key set four times a second until it has it.
PUBLIC = Rate(burst=200, per_s=50)
# A caller that has as many calls or streams under way as it may does not know when the first one ends.
_RETRY_S = 5.0


class Concurrency:
    """Counts the holders of each key; only keys with a holder take memory. `most` 0: no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[object] = Counter()

    def is_full(self, key: object) -> bool:
        """Whether one more would be too many."""
        return 0 < self._most <= self._held[key]

    def take(self, key: object) -> None:
        """Adds a holder."""
        self._held[key] += 1

    def release(self, key: object) -> None:
        """Removes a holder."""
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]

    def total(self) -> int:
        """The number of holders."""
        return self._held.total()


class CallLimits:
    """Refuses the calls that are too many: MeshError RESOURCE_EXHAUSTED with `retry_after_s`."""

    def __init__(self, rules: CallRules, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._callers = RateLimit(_rate(rules.calls_per_caller_s), clock_s=clock_s)
        self._tenants = RateLimit(_rate(rules.calls_per_tenant_s), clock_s=clock_s)
        self._public = RateLimit(PUBLIC, clock_s=clock_s)
        self._calls = Concurrency(rules.concurrent_calls_per_caller)
        self._streams = StreamLimit(
            per_caller=rules.streams_per_caller, per_tenant=rules.streams_per_tenant, overall=rules.streams
        )

    @contextmanager
    def call(self, method: str) -> Iterator[None]:
        """Counts a call of the present caller while it is served. Raises TOO_MANY_REQUESTS, TOO_MANY_CALLS."""
        caller = optional_caller()
        self._admit(method, caller)
        if caller is None:
            yield
            return
        key = _key(caller)
        if self._calls.is_full(key):
            raise exhausted(
                Reason.TOO_MANY_CALLS, f"{caller.username} has too many calls under way at this service", 1.0
            )
        self._calls.take(key)
        try:
            yield
        finally:
            self._calls.release(key)

    @contextmanager
    def stream(self, method: str) -> Iterator[None]:
        """Counts a stream of the present caller while it is open. Raises TOO_MANY_REQUESTS, TOO_MANY_STREAMS."""
        caller = optional_caller()
        self._admit(method, caller)
        with self._streams.hold(caller):
            yield

    @property
    def open_streams(self) -> int:
        """The number of streams that are open."""
        return self._streams.total()

    def _admit(self, method: str, caller: Caller | None) -> None:
        if caller is None:
            network = current_source().network
            if wait_s := self._public.take((method, network)):
                raise exhausted(Reason.TOO_MANY_REQUESTS, "too many calls of this method from your address", wait_s)
            return
        if wait_s := self._callers.take(_key(caller)):
            raise exhausted(Reason.TOO_MANY_REQUESTS, f"{caller.username} makes too many calls", wait_s)
        if wait_s := self._tenants.take(caller.tenant_id):
            self._callers.give_back(_key(caller))
            raise exhausted(Reason.TOO_MANY_REQUESTS, "the callers of your tenant make too many calls", wait_s)


class StreamLimit:
    """The open streams of each caller, of each tenant, and of all; for streams of any kind. 0: no limit."""

    def __init__(self, *, per_caller: int, per_tenant: int, overall: int) -> None:
        self._callers = Concurrency(per_caller)
        self._tenants = Concurrency(per_tenant)
        self._all = Concurrency(overall)

    def total(self) -> int:
        """The number of streams that are open."""
        return self._all.total()

    @contextmanager
    def hold(self, caller: Caller | None) -> Iterator[None]:
        """Counts a stream while it is open; callers without a token by source. Raises MeshError TOO_MANY_STREAMS."""
        held = self._keys(caller)
        for limit, key, whose in held:
            if limit.is_full(key):
                raise _too_many_streams(whose)
        for limit, key, _whose in held:
            limit.take(key)
        try:
            yield
        finally:
            for limit, key, _whose in held:
                limit.release(key)

    def _keys(self, caller: Caller | None) -> Sequence[tuple[Concurrency, object, str]]:
        if caller is None:
            network = current_source().network
            return ((self._callers, network, "your address has"), (self._all, "", "this service has"))
        return (
            (self._callers, _key(caller), f"{caller.username} has"),
            (self._tenants, caller.tenant_id, "your tenant has"),
            (self._all, "", "this service has"),
        )


def _too_many_streams(whose: str) -> MeshError:
    return exhausted(Reason.TOO_MANY_STREAMS, f"{whose} as many streams open as may be, end one", _RETRY_S)


def _key(caller: Caller) -> tuple[str, str]:
    return caller.tenant_id, caller.username


def _rate(per_s: int) -> Rate:
    return Rate(burst=per_s * BURST_S, per_s=per_s)
