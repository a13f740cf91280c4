"""The lease of a node (design 4.3): while it holds, the stations whose sockets we have are ours."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from mesh.errors import MeshError
from mesh.logs import get_logger

log = get_logger(__name__)

# Attempts within the time of one lease: with 12 s, station_svc may be away for 10 s and no lease is lost.
ATTEMPTS_PER_LEASE = 8
_FIRST_TIMEOUT_S = 1.5


class Stations(Protocol):
    """Where the lease comes from: gateway.mesh_client.MeshClient."""

    async def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """Takes or renews the lease; returns for how many milliseconds it holds. Raises MeshError."""


class NodeLease:
    """Renews the lease. `run` it as a task; the lease is not held before it has run.

    `on_taken` is awaited when the lease is taken, `on_lost` when it was lost: it closes every socket.
    """

    def __init__(
        self,
        *,
        mesh: Stations,
        address: str,
        on_taken: Callable[[], Awaitable[None]],
        on_lost: Callable[[], Awaitable[None]],
    ) -> None:
        self.node_id = f"gateway-{secrets.token_hex(8)}"
        self._mesh = mesh
        self._address = address
        self._on_taken = on_taken
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._held_until_s = 0.0
        self._duration_s = _FIRST_TIMEOUT_S * ATTEMPTS_PER_LEASE
        self.acquired = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the lease holds at this moment."""
        return self._loop.time() < self._held_until_s

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            await self.renew()
            await asyncio.sleep(self._duration_s / ATTEMPTS_PER_LEASE)

    async def renew(self) -> None:
        """Renews once. A lease that ran out before the renewal came is lost, even if the renewal succeeded."""
        sent_s = self._loop.time()
        duration_s = await self._ask()
        if self.acquired.is_set() and not self.held:
            self.acquired.clear()
            log.error("node lease lost: closing every socket", node_id=self.node_id)
            await self._on_lost()
        if duration_s is None:
            return
        # Counted from before the request, so that ours ends no later than station_svc's.
        self._duration_s = duration_s
        self._held_until_s = sent_s + duration_s
        if not self.acquired.is_set():
            log.info("node lease taken", node_id=self.node_id, duration_s=duration_s)
            self.acquired.set()
            await self._on_taken()

    async def _ask(self) -> float | None:
        timeout_s = self._duration_s / ATTEMPTS_PER_LEASE
        try:
            return await self._mesh.renew_lease(self.node_id, self._address, timeout_s=timeout_s) / 1000
        except MeshError as error:
            log.warning("node lease not renewed", error=str(error))
            return None
