"""Stations that arrive at once and do nothing but connect: the part of a process of load.

As real ones do, a station that is not admitted tries again after a while.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.client import Connection, Tally, open_station
from benchmarks.tls import ClientTls, TlsTarget

# For so long a station waits for its admission before it tries again; then it pauses for a time from here to there,
# which doubles with each failure.
PATIENCE_S = 60.0
PAUSE_S = (1.0, 3.0)
_MOST_DOUBLINGS = 4
_LEAVE_S = 60.0


def pause_s(failures: int) -> float:
    """The pause after so many failures in a row, at random (OCPP 2.0.1 part 4, 5.3)."""
    return random.uniform(*PAUSE_S) * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)  # noqa: S311 - no secret


class Encryption:
    """The TLS of a process's stations, by target: sessions outlast the connections."""

    def __init__(self) -> None:
        self._made: dict[TlsTarget, ClientTls] = {}

    def of(self, tls: dict[str, Any] | None) -> ClientTls | None:
        """The TLS of an order; None where it has none."""
        if tls is None:
            return None
        target = TlsTarget(**tls)
        if target not in self._made:
            self._made[target] = ClientTls(target)
        return self._made[target]


class Arrivals:
    """The stations of one process that arrive, stay and leave."""

    def __init__(self, encryption: Encryption) -> None:
        self._encryption = encryption
        self._tls: ClientTls | None = None
        self._connections: list[Connection] = []
        self._took_s: list[float] = []
        self._failures: list[str] = []

    async def arrive(
        self,
        *,
        host: str,
        port: int,
        path: str,
        stations: list[str],
        within_s: float,
        tls: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Opens all sockets at once and keeps them. Each station's seconds are from its first attempt on."""
        self._tls = self._encryption.of(tls)
        self._took_s, self._failures = [], []
        began_s = time.perf_counter()
        admitting = [
            asyncio.create_task(self._admit(began_s, host=host, port=port, path=path + station_id))
            for station_id in stations
        ]
        _, late = await asyncio.wait(admitting, timeout=within_s)
        await cancel(late)
        return {
            "took_s": self._took_s,
            "late": len(late),
            "resumed": sum(bool(one.tls and one.tls.session_reused) for one in self._connections),
            "failed_attempts": len(self._failures),
            "failures": self._failures[-3:],
        }

    async def _admit(self, began_s: float, *, host: str, port: int, path: str) -> None:
        """One station, which tries until it is admitted."""
        for attempt in itertools.count(1):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    connection = await open_station(host=host, port=port, path=path, tally=Tally(), tls=self._tls)
            except OSError as error:  # of the socket, of TLS, or out of patience
                self._failures.append(f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause_s(attempt))
            else:
                self._took_s.append(time.perf_counter() - began_s)
                self._connections.append(connection)
                return

    async def leave(self) -> dict[str, Any]:
        """Closes the sockets, and keeps the sessions of those with TLS where they are to be resumed."""
        leaving, self._connections = self._connections, []
        for connection in leaving:
            if self._tls is not None and connection.tls is not None:
                self._tls.keep(connection.tls)
            connection.close()
        async with asyncio.timeout(_LEAVE_S):
            await asyncio.gather(*(connection.closed for connection in leaving))
        return {"left": len(leaving)}


async def cancel(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancels tasks and waits for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
