"""Stations that were offline for hours and kept the messages of their transactions, as they come back.

Their order is that of OCPP: boot, statuses, then what was kept, oldest first (1.6 section 3.5, 2.0.1 part 2, E04).
"""

import json
import time
from typing import ClassVar

from benchmarks.templates import TEXT, template
from benchmarks.workloads import HEARTBEAT, Ledger, LoadedStation, Script, rfc3339
from benchmarks.workloads_v201 import Events, LoadedStation201
from station_kit.v16 import messages as v16
from station_kit.v201 import messages as v201

OUTAGE_MS = 4 * 3600 * 1000
STEP_MS = 300_000  # between two messages of a transaction


class OfflineStation(LoadedStation):
    """A station of OCPP 1.6 with two connectors, and the messages that it kept."""

    SECOND_AVAILABLE: ClassVar = template(v16.status_notification(status="Available", timestamp=TEXT, connector_id=2))

    def __init__(self, *, station_id: str, id_tag: str, ledger: Ledger) -> None:
        super().__init__(station_id=station_id, id_tag=id_tag, ledger=ledger)
        self.is_accepted = self._has_sent_all = False
        self.accepted_at_s = 0.0  # by time.perf_counter()
        self._past_ms: int | None = None  # the time of the message that is made; None: the present

    def has_sent_all(self) -> bool:
        """Whether all of `come_back` is acknowledged."""
        return self._has_sent_all

    def come_back(self, transactions: int) -> Script:
        """Boot, its statuses, so many transactions of the outage, a heartbeat. Raises RuntimeError unless accepted."""
        answer = yield self.BOOT
        if json.loads(answer)["status"] != "Accepted":
            raise RuntimeError(f"{self.station_id}: the boot was answered {answer.decode()}")
        self.is_accepted, self.accepted_at_s = True, time.perf_counter()
        yield self.AVAILABLE % self._now()
        yield self.SECOND_AVAILABLE % self._now()
        self._past_ms = int(time.time() * 1000) - OUTAGE_MS
        for _ in range(transactions):
            yield from self.start()
            for _ in range(3):
                yield from self._values()
            yield from self.stop()
        self._past_ms = None
        yield HEARTBEAT
        self._has_sent_all = True

    def _values(self) -> Script:
        yield self._meter_message()
        self._ledger.meter_values += 1

    def _now(self) -> bytes:
        if self._past_ms is None:
            return super()._now()
        self._past_ms += STEP_MS
        return rfc3339(self._past_ms)


class OfflineStation201(LoadedStation201, OfflineStation):
    """A station of OCPP 2.0.1: what it kept says so."""

    SECOND_AVAILABLE: ClassVar = template(v201.status_notification(status="Available", timestamp=TEXT, evse_id=2))
    EVENTS: ClassVar = Events.make(offline=True)

    def _values(self) -> Script:
        yield from self._update()


def offline_station(*, station_id: str, id_tag: str, ledger: Ledger) -> OfflineStation:
    """A station of a fleet of which every other one speaks 2.0.1."""
    kind = OfflineStation201 if station_id[-1] in "13579" else OfflineStation
    return kind(station_id=station_id, id_tag=id_tag, ledger=ledger)
