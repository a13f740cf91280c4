"""Batches of the gateway, as its `/metrics` show them: how well messages share an RPC, and how many wait."""

import asyncio
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.errors import BenchmarkError

TIMEOUT_S = 30.0
_ITEMS, _BATCHES = "csms_gateway_lane_items_total", "csms_gateway_lane_batches_total"
_DEPTH, _DROPPED = "csms_gateway_buffer_depth", "csms_gateway_buffer_dropped_total"
_STATIONS = "csms_gateway_stations"
_POLL_S = 0.1
_DRAIN_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """Items, and the batches that they went in: one batch is one RPC and one transaction."""

    items: int
    batches: int

    def __sub__(self, other: "Delivered") -> "Delivered":
        return Delivered(items=self.items - other.items, batches=self.batches - other.batches)


Lanes = Mapping[str, Delivered]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Items that wait in the gateway's buffers (the message log, signs of life), and those dropped so far."""

    waiting: int
    dropped: int


async def drain(url: str | None) -> int:
    """Waits until the gateway has handed over all that its answers left to be done; returns what it has dropped so far.

    Raises BenchmarkError where that takes too long, or the gateway does not answer.
    """
    if url is None:
        return 0
    for _ in range(int(_DRAIN_S / _POLL_S)):
        backlog = parse_backlog(await _fetch(url))
        if not backlog.waiting:
            return backlog.dropped
        await asyncio.sleep(_POLL_S)
    raise BenchmarkError(f"the message log was not written {_DRAIN_S:.0f} s after the load")


async def read_stations(url: str) -> int:
    """The stations that are connected to the gateway. Raises BenchmarkError where it does not answer."""
    return parse_stations(await _fetch(url))


async def read_lanes(url: str | None) -> Lanes:
    """The counters of each lane; none where there is no gateway. Raises BenchmarkError where it does not answer."""
    return {} if url is None else parse_lanes(await _fetch(url))


async def _fetch(url: str) -> str:
    try:
        return await asyncio.to_thread(_get, url)
    except OSError as error:
        raise BenchmarkError(f"the gateway does not serve its metrics: {error}") from error


def parse_lanes(text: str) -> Lanes:
    """Reads Prometheus's text format."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in (_ITEMS, _BATCHES):
                counts[sample.labels["lane"]][sample.name] = int(sample.value)
    return {lane: Delivered(items=found[_ITEMS], batches=found[_BATCHES]) for lane, found in counts.items()}


def parse_stations(text: str) -> int:
    """Reads Prometheus's text format. Raises BenchmarkError where the number is not there."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _STATIONS:
                return int(sample.value)
    raise BenchmarkError("the gateway's metrics do not have the number of stations")


def parse_backlog(text: str) -> Backlog:
    """Reads Prometheus's text format."""
    totals: dict[str, int] = defaultdict(int)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in (_DEPTH, _DROPPED):
                totals[sample.name] += int(sample.value)
    return Backlog(waiting=totals[_DEPTH], dropped=totals[_DROPPED])


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own, on loopback  # nosec B310
        text: str = answer.read().decode()
    return text
