"""Limits of operators' calls: by caller and by tenant, and by source where a call needs no access token.

Rates are token buckets, calls and streams under way are counted. Each process counts for itself: `n` replicas of a
service serve up to `n` times as much.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import grpc
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
        self._held: dict[object, int] = {}

    def take(self, key: object) -> bool:
        """Adds a holder; false, with nothing changed, where that would be too many."""
        held = self._held.get(key, 0)
        if 0 < self._most <= held:
            return False
        self._held[key] = held + 1
        return True

    def release(self, key: object) -> None:
        """Removes a holder."""
        held = self._held[key] - 1
        if held:
            self._held[key] = held
        else:
            del self._held[key]

    def total(self) -> int:
        """The number of holders."""
        return sum(self._held.values())


class _Held:
    """A holder's place, until the end of a `with`: a class, since it is made for each call."""

    __slots__ = ("_key", "_limit")

    def __init__(self, limit: Concurrency | None, key: object = None) -> None:
        self._limit = limit
        self._key = key

    def __enter__(self) -> None:
        """Nothing: the place is taken already."""

    def __exit__(self, *_error: object) -> None:
        """Gives the place back."""
        if self._limit is not None:
            self._limit.release(self._key)


_NO_PLACE = _Held(None)


class CallLimits(Collector):
    """Refuses the calls that are too many: MeshError RESOURCE_EXHAUSTED with `retry_after_s`. It has their metrics."""

    def __init__(self, rules: CallRules, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._callers = RateLimit(_rate(rules.calls_per_caller_s), clock_s=clock_s)
        self._tenants = RateLimit(_rate(rules.calls_per_tenant_s), clock_s=clock_s)
        self._public = RateLimit(PUBLIC, clock_s=clock_s)
        self._refused: Counter[str] = Counter()
        self._calls = Concurrency(rules.concurrent_calls_per_caller)
        self._streams = StreamLimit(
            per_caller=rules.streams_per_caller, per_tenant=rules.streams_per_tenant, overall=rules.streams
        )

    def call(self, method: str) -> AbstractContextManager[None]:
        """Counts a call of the present caller until the end of a `with`. Raises TOO_MANY_REQUESTS, TOO_MANY_CALLS."""
        caller = optional_caller()
        self._admit(method, caller)
        if caller is None:
            return _NO_PLACE
        key = _key(caller)
        if not self._calls.take(key):
            raise exhausted(
                Reason.TOO_MANY_CALLS, f"{caller.username} has too many calls under way at this service", 1.0
            )
        return _Held(self._calls, key)

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

    def note(self, error: Exception) -> None:
        """Counts the failure of a call where that is a refusal: by these limits, or by the servicer's own."""
        if isinstance(error, MeshError) and error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            self._refused[str(error.reason)] += 1

    def collect(self) -> Iterator[Metric]:
        """The samples, for Prometheus."""
        refused = CounterMetricFamily(
            "csms_calls_refused", "Calls of operators that were refused as too many, by reason", labels=["reason"]
        )
        for reason, count in self._refused.items():
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily("csms_streams_open", "Streams of operators that are open", self.open_streams)

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
        with ExitStack() as stack:
            for limit, key, whose in self._keys(caller):
                if not limit.take(key):
                    raise _too_many_streams(whose)
                stack.callback(limit.release, key)
            yield

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
