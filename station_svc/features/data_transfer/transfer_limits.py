"""Limits of stored vendor-specific messages per station: beyond them the oldest are removed.

No message costs a statement for it. Stored messages are counted in memory, and a station is checked in the background:
with its first message to this process, and each time that a part of a limit has been stored since.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from mesh.database.engine import Database
from mesh.database.retention import CHUNK, in_chunks
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from station_svc.features.data_transfer import transfer_store
from station_svc.features.data_transfer.rows import Transfer

log = get_logger(__name__)

# A station is looked at after as much as this of a limit: so much more than the limit is kept for a moment.
SHARE = 10
# Stations that are counted; one that is left out is looked at with its next message again.
MOST_COUNTED = 50_000
RETRY_S = 5.0

_Station = tuple[str, str]
"""Tenant and station."""


@dataclass(frozen=True, kw_only=True)
class TransferLimits:
    """Most messages of one station that are kept, and most bytes of them."""

    rows: int = 10_000
    size: int = 16 * 1024 * 1024


class TransferTrimmer:
    """Keeps what is stored of each station within the limits. `note` what was stored; `run` until cancelled."""

    def __init__(self, *, database: Database, limits: TransferLimits, chunk: int = CHUNK) -> None:
        self._database = database
        self._limits = limits
        self._chunk = chunk
        self._counted: OrderedDict[_Station, tuple[int, int]] = OrderedDict()  # rows and bytes since the last look
        self._due: OrderedDict[_Station, None] = OrderedDict()
        self._noted = asyncio.Event()

    def note(self, transfers: Iterable[Transfer]) -> None:
        """These were stored."""
        for transfer in transfers:
            station = transfer.frame.station
            known = self._counted.pop(station, None)
            rows, size = (0, 0) if known is None else (known[0] + 1, known[1] + _size(transfer))
            if known is None or rows * SHARE >= self._limits.rows or size * SHARE >= self._limits.size:
                rows = size = 0
                self._due[station] = None
                self._noted.set()
            self._counted[station] = rows, size
        while len(self._counted) > MOST_COUNTED:
            self._counted.popitem(last=False)

    async def run(self) -> None:
        """Looks at the stations that are due."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            while self._due:
                station, _ = self._due.popitem(last=False)
                try:
                    await self.trim(station)
                except MeshError as error:
                    log.warning("data transfers not trimmed yet", station_id=station[1], error=error.reason)
                    self._due[station] = None
                    await asyncio.sleep(RETRY_S)

    async def trim(self, station: _Station) -> int:
        """Removes what is too much of a station, oldest first; returns how many rows."""
        tenant_id, station_id = station
        limits = self._limits
        through = await self._database.read(
            partial(
                transfer_store.find_excess,
                tenant_id=tenant_id,
                station_id=station_id,
                rows=limits.rows,
                size=limits.size,
            )
        )
        if through is None:
            return 0
        remove = partial(transfer_store.remove_through, tenant_id=tenant_id, station_id=station_id, through=through)
        count = await in_chunks(self._database, remove, chunk=self._chunk)
        if count:
            log.info("data transfers of a station removed: there were too many", station_id=station_id, rows=count)
        return count


def _size(transfer: Transfer) -> int:
    return sum(len(text.encode()) for text in (transfer.vendor_id, transfer.message_id, transfer.data))
