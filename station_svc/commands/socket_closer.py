"""Has sockets closed, in the background, that were replaced, or whose station was removed or is accepted no more."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from station_svc.commands.gateways import Gateways
from station_svc.core.station_rows import Socket

log = get_logger(__name__)

MOST_WAITING = 20_000
MOST_PER_CALL = 256
ATTEMPTS = 3
RETRY_S = 0.5

_Group = tuple[str, int, str, str]
"""The values that the sockets of one call have in common: address, close code, reason, quirk."""


@dataclass(frozen=True, kw_only=True)
class _Closing:
    socket: Socket
    close_code: int
    reason: str
    quirk: str
    attempts: int = 0

    @property
    def group(self) -> _Group:
        return self.socket.address, self.close_code, self.reason, self.quirk


class SocketCloser:
    """Calls gateways to close sockets, many in one call. Bounded: beyond `most` waiting, further ones are left open.

    A socket that stays open does no further harm: its epoch shows that it is not the latest.
    """

    def __init__(self, *, gateways: Gateways, most: int = MOST_WAITING, retry_s: float = RETRY_S) -> None:
        self._gateways = gateways
        self._queue: asyncio.Queue[_Closing] = asyncio.Queue(most)
        self._retry_s = retry_s

    def close_soon(self, socket: Socket, close_code: int, reason: str, *, quirk: str = "") -> None:
        """Asks for one socket to be closed; `reason` has at most 123 bytes. `quirk` counts where it is open."""
        self._put(_Closing(socket=socket, close_code=close_code, reason=reason, quirk=quirk))

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            groups: dict[_Group, list[_Closing]] = {}
            for one in waiting:
                groups.setdefault(one.group, []).append(one)
            failed = await asyncio.gather(*(self._close(group) for group in groups.values()))
            if any(failed):
                await asyncio.sleep(self._retry_s)

    async def _close(self, group: Sequence[_Closing]) -> bool:
        """Closes sockets of one gateway. What failed is queued again, and True returned."""
        address, close_code, reason, quirk = group[0].group
        for start in range(0, len(group), MOST_PER_CALL):
            sockets = [one.socket for one in group[start : start + MOST_PER_CALL]]
            try:
                await self._gateways.close_sockets(address, sockets, close_code=close_code, reason=reason, quirk=quirk)
            except MeshError as error:
                log.warning("gateway did not close sockets", address=address, sockets=len(sockets), error=error.reason)
                for one in group[start:]:
                    if one.attempts + 1 < ATTEMPTS:
                        self._put(replace(one, attempts=one.attempts + 1))
                return True
        return False

    def _put(self, closing: _Closing) -> None:
        try:
            self._queue.put_nowait(closing)
        except asyncio.QueueFull:
            log.warning("too many sockets to close: one is left open", station_id=closing.socket.station_id)
