"""Events at a steady rate: connectors of the fleet that change, as the service of stations publishes them."""

import itertools
import json
import threading
import time
from types import TracebackType
from typing import Self

from tests.dashboard.soak.rows import FIRST_EPOCH, Row, is_connected, station_id
from tests.dashboard.soak.seed_store import SeedStore

_TURN_S = 0.5
_WORDS = (("AVAILABLE", "Available"), ("OCCUPIED", "Charging"), ("OCCUPIED", "Finishing"), ("FAULTED", "Faulted"))


class SteadyEvents:
    """Appends events in a thread of its own for as long as the `with` lasts."""

    def __init__(self, url: str, *, stations: int, rate: float, tenant_id: str = "default") -> None:
        self._store = SeedStore(url)
        self._numbers = itertools.cycle(number for number in range(stations) if is_connected(number))
        self._rate = rate
        self._tenant_id = tenant_id
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.appended = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        begin_s = time.monotonic()
        while not self._end.wait(_TURN_S):
            due = int((time.monotonic() - begin_s) * self._rate) - self.appended
            self._store.append_events([self._event(self.appended + index) for index in range(due)])
            self.appended += due

    def _event(self, number: int) -> Row:
        station = next(self._numbers)
        status, word = _WORDS[(station + number // 7) % len(_WORDS)]
        data = {
            "evseId": 1 + number % 2,
            "connectorId": 1,
            "status": f"CONNECTOR_STATUS_{status}",
            "reportedStatus": word,
            "errorCode": "",
        }
        return {
            "event_id": f"station.status_changed:{FIRST_EPOCH + station}:soak-{number}",
            "tenant_id": self._tenant_id,
            "type": "station.status_changed",
            "station_id": station_id(station),
            "event_time_us": time.time_ns() // 1000,
            "data": json.dumps(data, separators=(",", ":")),
        }
