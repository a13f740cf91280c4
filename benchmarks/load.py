"""One process of load: `python -m benchmarks.load`. It reads commands as lines of JSON, and answers in such lines.

An order is {"do": …} with a key of `Load._orders`, and the arguments of its method. Every order gets one answer; an
answer with "error" means that the benchmark has failed.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from array import array
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import uvloop

from benchmarks.arrivals import Arrivals, Encryption
from benchmarks.catalogue import WORKLOADS, Workload
from benchmarks.client import Connection, Tally, open_station
from benchmarks.returns import Returns
from benchmarks.workloads import Ledger, LoadedStation, Script

CONNECT_AT_ONCE = 50
SETTLE_S = 30.0
STORM_S = 100.0

Order = Callable[..., Awaitable[dict[str, Any]]]
"""Follows one order, and returns the answer."""


class Load:
    """The stations of this process."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._ledger = Ledger()
        self._links: list[tuple[LoadedStation, Connection]] = []
        self._workload: Workload | None = None
        self._began = False
        self._turns: Iterator[Connection] = iter(())
        self._encryption = Encryption()
        self._arrivals = Arrivals(self._encryption)
        self._returns = Returns(self._encryption)
        self._pacing: asyncio.Task[dict[str, Any]] | None = None
        self._may_pace = False
        self._orders: Mapping[str, Order] = {
            "connect": self.connect,
            "run": self.run,
            "pace": self.pace,
            "begin_pace": self.begin_pace,
            "end_pace": self.end_pace,
            "storm": self.storm,
            "arrive": self._arrivals.arrive,
            "leave": self._arrivals.leave,
            "come_back": self._returns.come_back,
            "still_connected": self._returns.still_connected,
            "go": self._returns.leave,
            "finish": self.finish,
        }

    async def follow(self, do: str, order: dict[str, Any]) -> dict[str, Any]:
        """Follows one order."""
        return await self._orders[do](**order)

    async def connect(
        self,
        *,
        host: str,
        port: int,
        path: str,
        stations: list[str],
        workload: str,
        boot: bool,
        tls: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Opens the sockets and does what comes before the loop. `path` ends where a station's id begins."""
        self._workload = chosen = WORKLOADS[workload]
        only = chosen.only
        self._tally.only = None if only is None else f'"{only}"'.encode()
        self._tally.apart = None if chosen.apart is None else f'"{chosen.apart}"'.encode()
        gate = asyncio.Semaphore(CONNECT_AT_ONCE)
        encryption = self._encryption.of(tls)

        async def open_one(station_id: str) -> None:
            async with gate:
                station = chosen.station(station_id=station_id, id_tag=f"TAG-{station_id}", ledger=self._ledger)
                connection = await open_station(
                    host=host,
                    port=port,
                    path=path + station_id,
                    tally=self._tally,
                    subprotocol=station.subprotocol,
                    tls=encryption,
                )
                self._links.append((station, connection))

        await asyncio.gather(*(open_one(station_id) for station_id in stations))
        if boot:
            await self._play(lambda station: station.boot())
        if chosen.before is not None and boot:
            await self._play(chosen.before)
        return {"connected": len(self._links)}

    async def storm(
        self, *, host: str, port: int, path: str, stations: list[str], tls: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Connects and boots all stations at once, and keeps them connected."""
        encryption = self._encryption.of(tls)
        began_s = time.perf_counter()

        async def arrive(station_id: str) -> None:
            connection = await open_station(
                host=host, port=port, path=path + station_id, tally=self._tally, tls=encryption
            )
            station = LoadedStation(station_id=station_id, id_tag="", ledger=self._ledger)
            await connection.run(station.boot())
            self._links.append((station, connection))

        arriving = [asyncio.create_task(arrive(station_id)) for station_id in stations]
        done, late = await asyncio.wait(arriving, timeout=STORM_S)
        failures = [repr(task.exception()) for task in done if task.exception() is not None]
        if late:
            failures.append(f"{len(late)} were not done within {STORM_S:.0f} s")
        for task in late:
            task.cancel()
        return {"seconds": time.perf_counter() - began_s, "accepted": len(self._links), "failures": failures[-3:]}

    async def run(self, *, seconds: float, record: bool) -> dict[str, Any]:
        """Runs the closed loop for some seconds; all CALLs are answered when it returns."""
        assert self._workload is not None  # noqa: S101 - connect comes first
        answered, began_s = self._begin(record=record)
        loop = self._workload.loop
        if self._began:
            playing = [connection.resume() for _, connection in self._links]
        else:
            playing = [connection.run(loop(station)) for station, connection in self._links]
        self._began = True
        await asyncio.wait(playing, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for _, connection in self._links:
            connection.halt()
        await asyncio.wait_for(asyncio.gather(*playing), SETTLE_S)
        return self._end(answered, began_s)

    async def pace(self, *, seconds: float, record: bool, rate: float) -> dict[str, Any]:
        """Runs an open loop: `rate` CALLs a second in all, at times fixed beforehand, the stations taking turns.

        A CALL that is late because the system is slow counts from when it was due, so that no wait goes unseen.
        """
        return await self._pace(int(seconds * rate), record=record, rate=rate)

    async def begin_pace(self, *, rate: float) -> dict[str, Any]:
        """Begins an open loop that goes on until `end_pace`, which has its figures."""
        self._may_pace = True
        self._pacing = asyncio.create_task(self._pace(sys.maxsize, record=True, rate=rate))
        return {}

    async def end_pace(self) -> dict[str, Any]:
        """Ends it, once all CALLs are answered."""
        assert self._pacing is not None  # noqa: S101 - begin_pace comes first
        self._may_pace = False
        return await self._pacing

    async def _pace(self, calls: int, *, record: bool, rate: float) -> dict[str, Any]:
        assert self._workload is not None  # noqa: S101 - connect comes first
        is_endless = self._may_pace
        if not self._began:
            random.Random(1).shuffle(self._links)  # noqa: S311 - so that neighbours are not served together
            for station, connection in self._links:
                connection.pace(self._workload.loop(station))
            self._turns = itertools.cycle([connection for _, connection in self._links])
        self._began = True
        answered, began_s = self._begin(record=record)
        for number in range(calls):
            if is_endless and not self._may_pace:
                break
            due_s = began_s + number / rate
            if (early_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            next(self._turns).send_due(due_s)
        await asyncio.wait_for(asyncio.gather(*(connection.quiet() for _, connection in self._links)), SETTLE_S)
        return self._end(answered, began_s)

    def _begin(self, *, record: bool) -> tuple[int, float]:
        self._tally.recording = record
        self._tally.latencies_s, self._tally.apart_s = array("d"), array("d")
        return self._tally.answered, time.perf_counter()

    def _end(self, answered: int, began_s: float) -> dict[str, Any]:
        return {
            "messages": self._tally.answered - answered,
            "seconds": time.perf_counter() - began_s,
            "latencies_s": list(self._tally.latencies_s),
            "apart_s": list(self._tally.apart_s),
        }

    async def finish(self) -> dict[str, Any]:
        """Ends the sessions after the loop, closes the sockets, and reports the acknowledgements."""
        self._tally.recording = False
        if self._workload is not None and self._workload.after is not None:
            await self._play(self._workload.after)
        for _, connection in self._links:
            connection.close()
        return self._ledger.to_json()

    async def _play(self, script: Callable[[LoadedStation], Script]) -> None:
        """Plays a script that ends, on all stations, some at a time."""
        for some in _chunks(self._links, CONNECT_AT_ONCE):
            playing = [connection.run(script(station)) for station, connection in some]
            await asyncio.wait_for(asyncio.gather(*playing), SETTLE_S)


def _chunks(
    links: list[tuple[LoadedStation, Connection]], size: int
) -> Iterable[list[tuple[LoadedStation, Connection]]]:
    return (links[start : start + size] for start in range(0, len(links), size))


async def main() -> None:
    """Follows orders until standard input ends."""
    reader = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    load = Load()
    while line := await reader.readline():
        order = json.loads(line)
        try:
            answer = await load.follow(order.pop("do"), order)
        except (OSError, TimeoutError, RuntimeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
