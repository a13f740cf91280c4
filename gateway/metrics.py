"""Metrics of the gateway, for Prometheus. Plain integers on the hot path, turned into samples when scraped."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.batching.background_buffer import Buffer
from gateway.batching.ingest_batcher import IngestBatcher
from gateway.connection.registry import Registry
from mesh.identity.certificate_files import ServerCertificate
from mesh.runtime.times import SECOND_US

_HELP = {
    "handshake": "Handshakes by outcome: the HTTP status, subprotocol where none fitted, lost where the connection was",
    "credential_refusal": "Wrong credentials that were refused after those before them: delayed, or at once",
    "tls_failure": "TLS handshakes that failed, by reason",
    "quirk": "Known faults of stations' software that were met, by name",
    "refused": "Messages of stations answered with CALLERROR, by code",
    "answer": "Answers of stations that nobody waited for",
    "tenant_quota": "Messages after which a socket was not read for a moment, since its tenant exceeds its quota",
    "item_refused": "Items that a service refused for their own content, by lane",
}


class Metrics(Collector):
    """Counts events by kind and label; `watch` adds what is read when scraped."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._registry: Registry | None = None
        self._batchers: Sequence[IngestBatcher[Any, Any]] = ()
        self._buffers: Sequence[Buffer[Any]] = ()
        self._certificates: Callable[[], Sequence[ServerCertificate]] = lambda: ()

    def count(self, kind: str, label: str) -> None:
        """Counts one event. `kind` is a key of `_HELP`; labels must be few."""
        self._counts[kind, label] += 1

    def watch(
        self, *, registry: Registry, batchers: Sequence[IngestBatcher[Any, Any]], buffers: Sequence[Buffer[Any]]
    ) -> None:
        """Names what to read when scraped."""
        self._registry, self._batchers, self._buffers = registry, batchers, buffers

    def watch_certificates(self, served: Callable[[], Sequence[ServerCertificate]]) -> None:
        """Names the certificates of this server whose ends are read when scraped."""
        self._certificates = served

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's Collector. Runs in the thread of the scrape: reads only."""
        families = {
            kind: CounterMetricFamily(f"csms_gateway_{kind}", text, labels=["label"]) for kind, text in _HELP.items()
        }
        for (kind, label), value in list(self._counts.items()):
            families[kind].add_metric([label], value)
        yield from families.values()
        if self._registry is not None:
            yield GaugeMetricFamily("csms_gateway_stations", "Stations connected here", value=len(self._registry))
        yield from self._collect_batchers()
        yield from self._collect_buffers()
        yield from self._collect_certificates()

    def _collect_batchers(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("csms_gateway_lane_depth", "Items that wait in a lane", labels=["lane"])
        items = CounterMetricFamily("csms_gateway_lane_items", "Items delivered by a lane", labels=["lane"])
        batches = CounterMetricFamily("csms_gateway_lane_batches", "Batches delivered by a lane", labels=["lane"])
        for batcher in self._batchers:
            depth.add_metric([batcher.name], batcher.depth)
            items.add_metric([batcher.name], batcher.items)
            batches.add_metric([batcher.name], batcher.batches)
        yield from (depth, items, batches)

    def _collect_buffers(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("csms_gateway_buffer_depth", "Items that wait in a buffer", labels=["buffer"])
        dropped = CounterMetricFamily("csms_gateway_buffer_dropped", "Items a buffer had to drop", labels=["buffer"])
        for buffer in self._buffers:
            depth.add_metric([buffer.name], buffer.depth)
            dropped.add_metric([buffer.name], buffer.dropped)
        yield from (depth, dropped)

    def _collect_certificates(self) -> Iterator[Metric]:
        end = GaugeMetricFamily(
            "csms_gateway_certificate_expire_time_seconds",
            "End of a certificate of this server, in seconds since 1970",
            labels=["file", "key"],
        )
        for one in self._certificates():
            end.add_metric([one.files.certificate.name, one.key_type], one.expire_us / SECOND_US)
        yield end
