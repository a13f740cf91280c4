"""Stations that come back together after an outage: the part of a process of load.

A station that is refused, cut off or not answered connects again after a pause, and sends again the message that was
not answered, as stations do.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from benchmarks.arrivals import PATIENCE_S, Encryption, cancel, pause_s
from benchmarks.client import Connection, Tally, open_station
from benchmarks.tls import ClientTls
from benchmarks.workloads import Ledger, Script
from benchmarks.workloads_offline import OfflineStation, offline_station

ID_TAGS = 100  # shared by the stations
_LEAVE_S = 60.0


def id_tag(number: int) -> str:
    """The id tag of a station, by its place in the list."""
    return f"TAG-RETURN-{number % ID_TAGS}"


class Returns:
    """The stations of one process that come back."""

    def __init__(self, encryption: Encryption) -> None:
        self._encryption = encryption
        self._ledger = Ledger()
        self._connections: dict[str, Connection] = {}
        self._reasons: Counter[str] = Counter()
        self._admitted_s: dict[str, float] = {}
        self._done_s: dict[str, float] = {}
        self._began_s = 0.0

    async def come_back(
        self,
        *,
        host: str,
        port: int,
        path: str,
        stations: list[str],
        transactions: int,
        within_s: float,
        tls: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """All stations come back at once, with so many transactions each; they stay connected."""
        encryption = self._encryption.of(tls)
        self._reasons.clear()
        self._admitted_s, self._done_s = {}, {}
        self._began_s = time.perf_counter()

        coming: list[OfflineStation] = []

        async def live(number: int, station_id: str) -> None:
            station = offline_station(station_id=station_id, id_tag=id_tag(number), ledger=self._ledger)
            coming.append(station)
            address = {"host": host, "port": port, "path": path + station_id}
            await self._come_back(station, station.come_back(transactions), address, encryption)

        living = [asyncio.create_task(live(number, one)) for number, one in enumerate(stations)]
        done, late = await asyncio.wait(living, timeout=within_s)
        await cancel(late)
        for task in done:
            task.result()
        return {
            "late": len(late),
            "admitted_s": list(self._admitted_s.values()),
            "accepted_s": [one.accepted_at_s - self._began_s for one in coming if one.is_accepted],
            "done_s": list(self._done_s.values()),
            "failed_attempts": self._reasons.total(),
            "reasons": dict(self._reasons.most_common(5)),
        }

    async def _come_back(
        self, station: OfflineStation, script: Script, address: dict[str, Any], tls: ClientTls | None
    ) -> None:
        held: bytes | None = None
        failures = 0
        while not station.has_sent_all():
            connection = None
            try:
                async with asyncio.timeout(PATIENCE_S):
                    connection = await open_station(**address, tally=Tally(), subprotocol=station.subprotocol, tls=tls)
                self._admitted_s.setdefault(station.station_id, self._passed_s())
                self._connections[station.station_id] = connection
                playing = connection.run(script) if held is None else connection.take_over(script, held)
                await playing
                if not station.has_sent_all():
                    raise ConnectionError(f"the script of {station.station_id} ended early")
                self._done_s[station.station_id] = self._passed_s()
            except OSError as error:  # of the socket, of TLS, or out of patience
                self._reasons[f"{type(error).__name__}: {error}"[:120]] += 1
                failures += 1
                if connection is not None:
                    held = connection.held
                await asyncio.sleep(pause_s(failures))

    def _passed_s(self) -> float:
        return time.perf_counter() - self._began_s

    async def still_connected(self) -> dict[str, Any]:
        """How many of the stations have their socket."""
        return {"connected": sum(not one.closed.done() for one in self._connections.values())}

    async def leave(self) -> dict[str, Any]:
        """Closes the sockets, and reports the acknowledgements of all times."""
        leaving, self._connections = self._connections, {}
        for connection in leaving.values():
            connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await asyncio.gather(*(connection.closed for connection in leaving.values()))
        return self._ledger.to_json()
