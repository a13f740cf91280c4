"""What the gateway's lanes have delivered, as its `/metrics` tell it: how well messages share their way."""

import asyncio
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.errors import BenchmarkError

TIMEOUT_S = 5.0
_ITEMS, _BATCHES = "csms_gateway_lane_items_total", "csms_gateway_lane_batches_total"


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """Items, and the batches that they went in: one batch is one RPC and one transaction."""

    items: int
    batches: int

    def __sub__(self, other: "Delivered") -> "Delivered":
        return Delivered(items=self.items - other.items, batches=self.batches - other.batches)


Lanes = Mapping[str, Delivered]


async def read_lanes(url: str | None) -> Lanes:
    """The counters of each lane; none where there is no gateway. Raises BenchmarkError where it does not answer."""
    if url is None:
        return {}
    try:
        return parse_lanes(await asyncio.to_thread(_get, url))
    except OSError as error:
        raise BenchmarkError(f"the gateway does not tell its metrics: {error}") from error


def parse_lanes(text: str) -> Lanes:
    """Reads Prometheus's text format."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in (_ITEMS, _BATCHES):
                counts[sample.labels["lane"]][sample.name] = int(sample.value)
    return {lane: Delivered(items=found[_ITEMS], batches=found[_BATCHES]) for lane, found in counts.items()}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own, on loopback
        text: str = answer.read().decode()
    return text
