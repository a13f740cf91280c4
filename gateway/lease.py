"""The lease of a node: while it holds, the node owns the stations whose sockets it has.

See docs/DESIGN.md, "Fenced ownership".

It is renewed in a thread of its own, over a channel of its own: frames that keep the event loop busy for long cannot
delay a renewal. `held` and `holds` read the clock itself and not the loop's, which stands still while the loop is busy.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import grpc
from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub

from mesh.grpc.channels import open_blocking_channel
from mesh.identity.mesh_identity import Proofs
from mesh.runtime.beats import until_beat
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# Renewals within the time of one lease, and attempts once one has failed: with 12 s, station_svc may be unavailable for
# 9 s and no lease is lost.
RENEWALS_PER_LEASE = 4
ATTEMPTS_PER_LEASE = 8
_LEAST_PAUSE_S = 0.05
_FIRST_TIMEOUT_S = 1.5
# Longer than any attempt may take.
_JOIN_S = 10.0


class Stations(Protocol):
    """Source of the lease. Called in the thread of the lease."""

    def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """Takes or renews the lease; returns for how many milliseconds it holds. Raises MeshError."""

    def close(self) -> None:
        """Ends a call that is under way, and accepts no other."""


class LeaseClient:
    """StationIngestService.RenewNodeLease, for a thread without an event loop. See Stations."""

    def __init__(self, address: str, *, proofs: Proofs) -> None:
        self._channel = open_blocking_channel(address)
        self._proofs = proofs
        self._stub = StationIngestServiceStub(self._channel)

    def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """See Stations."""
        request = ingest.RenewNodeLeaseRequest(node_id=node_id, address=address)
        try:
            response = self._stub.RenewNodeLease(request, timeout=timeout_s, metadata=self._proofs())
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error
        except ValueError as error:  # the channel is closed: this gateway stops
            raise MeshError(grpc.StatusCode.CANCELLED, Reason.CHANNEL_CLOSED, str(error)) from error
        duration_ms: int = response.lease_duration_ms
        return duration_ms

    def close(self) -> None:
        """See Stations."""
        self._channel.close()


class NodeLease:
    """Renews the lease. `run` it as a task; the lease is not held before it has run.

    `on_taken` is awaited when the lease was acquired, `on_lost` when it was lost: it closes every socket. A new `term`
    begins each time that the lease is acquired; connections that were admitted under an earlier one no longer belong to
    this node, even where the lease was acquired again since.
    """

    def __init__(
        self,
        *,
        stations: Stations,
        address: str,
        on_taken: Callable[[], Awaitable[None]],
        on_lost: Callable[[], Awaitable[None]],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node_id = f"gateway-{secrets.token_hex(8)}"
        self._stations = stations
        self._address = address
        self._on_taken = on_taken
        self._on_lost = on_lost
        self._clock_s = clock_s
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[bool] = asyncio.Queue()  # True: acquired, False: lost
        self._stopping = threading.Event()
        # Written by the thread alone.
        self._held_until_s = 0.0
        self._duration_s = _FIRST_TIMEOUT_S * ATTEMPTS_PER_LEASE
        self._is_taken = False
        self.term = 0
        self.acquired = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the lease holds at this moment."""
        return self._clock_s() < self._held_until_s

    def holds(self, term: int) -> bool:
        """Whether the lease has held without a gap since `term` began."""
        return (
            self.term == term and self._clock_s() < self._held_until_s
        )  # the same rule as in `held`, for every frame that is sent

    async def run(self) -> None:
        """Renews until cancelled."""
        thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        thread.start()
        try:
            while True:
                await self._take_news(await self._news.get())
        finally:
            self._stopping.set()
            self._stations.close()
            await self._loop.run_in_executor(None, thread.join, _JOIN_S)

    def renew(self) -> bool:
        """Renews once; whether that succeeded. A lease that ran out before the renewal came is lost all the same."""
        sent_s = self._clock_s()
        duration_s = self._ask()
        if self._is_taken and not self.held:
            self._is_taken = False
            self._held_until_s = 0.0
            log.error("node lease lost: closing every socket", node_id=self.node_id)
            self._tell(taken=False)
        if duration_s is None:
            return False
        self._duration_s = duration_s
        if not self._is_taken:
            self.term += 1  # before it is held: nothing of an earlier term comes to life again
        # Counted from before the request, so that it ends here no later than at station_svc.
        self._held_until_s = sent_s + duration_s
        if not self._is_taken:
            self._is_taken = True
            log.info("node lease taken", node_id=self.node_id, duration_s=duration_s)
            self._tell(taken=True)
        return True

    def until_next_s(self, *, renewed: bool, took_s: float, now_s: float) -> float:
        """Seconds until the next attempt, after one that took `took_s`. `now_s` is of the monotonic clock."""
        if renewed:
            return until_beat(self._duration_s / RENEWALS_PER_LEASE, now_s)
        return max(self._duration_s / ATTEMPTS_PER_LEASE - took_s, _LEAST_PAUSE_S)

    def _keep(self) -> None:
        """The thread."""
        while not self._stopping.is_set():
            began_s, renewed = time.monotonic(), False
            try:
                renewed = self.renew()
            except Exception:  # without this thread the lease would run out for good
                log.exception("node lease not renewed")
            now_s = time.monotonic()
            self._stopping.wait(self.until_next_s(renewed=renewed, took_s=now_s - began_s, now_s=now_s))

    def _tell(self, *, taken: bool) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._news.put_nowait, taken)

    async def _take_news(self, taken: bool) -> None:
        if taken:
            self.acquired.set()
            await self._on_taken()
        else:
            self.acquired.clear()
            await self._on_lost()

    def _ask(self) -> float | None:
        timeout_s = self._duration_s / ATTEMPTS_PER_LEASE
        try:
            return self._stations.renew_lease(self.node_id, self._address, timeout_s=timeout_s) / 1000
        except MeshError as error:
            log.warning("node lease not renewed", error=str(error))
            return None
