"""The lease of a node (design 4.3): while it holds, the stations whose sockets we have are ours."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from gateway.mesh_client import MeshClient
from mesh.errors import MeshError
from mesh.logs import get_logger

log = get_logger(__name__)

# Attempts within the time of one lease.
_ATTEMPTS_PER_LEASE = 4
_FIRST_TIMEOUT_S = 2.0


class NodeLease:
    """Renews the lease. `run` it as a task; the lease is not held before it has run.

    `on_taken` is awaited when the lease is taken, `on_lost` when it was lost: it closes every socket.
    """

    def __init__(
        self,
        *,
        mesh: MeshClient,
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
        self._duration_s = _FIRST_TIMEOUT_S * _ATTEMPTS_PER_LEASE
        self.acquired = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the lease holds at this moment."""
        return self._loop.time() < self._held_until_s

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            held_before = self.acquired.is_set()
            await self._renew()
            if held_before and not self.held:
                self.acquired.clear()
                log.error("node lease lost: closing every socket", node_id=self.node_id)
                await self._on_lost()
            await asyncio.sleep(self._duration_s / _ATTEMPTS_PER_LEASE)

    async def _renew(self) -> None:
        sent_s = self._loop.time()
        timeout_s = self._duration_s / _ATTEMPTS_PER_LEASE
        try:
            duration_ms = await self._mesh.renew_lease(self.node_id, self._address, timeout_s=timeout_s)
        except MeshError as error:
            log.warning("node lease not renewed", error=str(error))
            return
        # Counted from before the request, so that ours ends no later than station_svc's.
        self._duration_s = duration_ms / 1000
        self._held_until_s = sent_s + self._duration_s
        if not self.acquired.is_set():
            log.info("node lease taken", node_id=self.node_id, duration_s=self._duration_s)
            self.acquired.set()
            await self._on_taken()
