"""The processes of load, as the benchmark orders them about."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any, Self

from benchmarks.errors import BenchmarkError

ORDER_TIMEOUT_S = 240.0  # 10,000 stations take a minute to connect on a busy machine


class Loaders:
    """One or more processes that share the stations of a workload. Use as an async context manager."""

    def __init__(self, *, processes: int) -> None:
        self.count = processes
        self._processes: list[Process] = []

    async def __aenter__(self) -> Self:
        for _ in range(self.count):
            self._processes.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "benchmarks.load", stdin=PIPE, stdout=PIPE, limit=2**28
                )
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 - it was made with one
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def share(self, do: str, *, stations: Sequence[str], **order: Any) -> list[dict[str, Any]]:
        """Gives every process an order for its share of the stations, and returns their answers."""
        shares = [list(stations[index :: self.count]) for index in range(self.count)]
        orders = [{"do": do, "stations": share, **order} for share in shares]
        return list(await asyncio.gather(*map(self._order, self._processes, orders)))

    async def all(self, do: str, **order: Any) -> list[dict[str, Any]]:
        """Gives every process the same order, and returns their answers."""
        orders = [{"do": do, **order}] * self.count
        return list(await asyncio.gather(*map(self._order, self._processes, orders)))

    async def _order(self, process: Process, order: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None  # noqa: S101 - it was made with both
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
        timeout_s = ORDER_TIMEOUT_S + order.get("within_s", 0.0)  # the load's own limit comes first
        try:
            line = await asyncio.wait_for(process.stdout.readline(), timeout_s)
        except TimeoutError:
            raise BenchmarkError(f"the load did not {order['do']} within {timeout_s:.0f} s") from None
        if not line:
            raise BenchmarkError("a process of load has died; its error is above")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BenchmarkError(f"the load could not {order['do']}: {answer['error']}")
        return answer
