"""Messages of a loaded station, as generators: each yields the rest of a CALL and is sent the answer's payload.

A CALL is `[2,"<id>",<rest>]`; the client adds the id. Messages are templates (`benchmarks.templates`).
"""

import json
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from benchmarks.templates import NUMBER, NUMBER_AS_BYTES, TEXT, template
from station_kit import messages
from station_kit.v16 import messages as v16

Script = Generator[bytes, bytes, None]
"""Yields the rest of a CALL (`"Action",{payload}`), is sent the payload of its CALLRESULT."""

VENDOR, MODEL = "Bench", "Raw"
HEARTBEAT = template(messages.HEARTBEAT)
_START = template(v16.start_transaction(id_tag=TEXT, meter_start=NUMBER, timestamp=TEXT))
_METER_VALUES = template(
    v16.meter_values(
        v16.sampled_value("%d"),
        v16.sampled_value("%d", measurand="Power.Active.Import", unit="W"),
        timestamp=TEXT,
        transaction_id=NUMBER_AS_BYTES,
    )
)
_STOP = template(
    v16.stop_transaction(transaction_id=NUMBER_AS_BYTES, meter_stop=NUMBER, timestamp=TEXT, reason="Local")
)


@dataclass(kw_only=True)
class Ledger:
    """Acknowledged messages: those about transactions by kind, and the energy that acknowledged stops add up to."""

    starts: int = 0
    meter_values: int = 0
    stops: int = 0
    energy_wh: int = 0
    names: set[str] = field(default_factory=set)  # of the transactions

    def to_json(self) -> dict[str, Any]:
        """All of it, for the benchmark (measuring.add_up)."""
        return {
            "starts": self.starts,
            "meter_values": self.meter_values,
            "stops": self.stops,
            "energy_wh": self.energy_wh,
            "names": sorted(self.names),
        }

    def add(self, other: "Ledger") -> None:
        """Adds the acknowledgements of another process."""
        self.starts += other.starts
        self.meter_values += other.meter_values
        self.stops += other.stops
        self.energy_wh += other.energy_wh


class LoadedStation:
    """One station's scripts. Every message differs by its time or its values, as real ones do."""

    subprotocol = "ocpp1.6"
    BOOT: ClassVar = template(v16.boot_notification(vendor=VENDOR, model=MODEL))
    AVAILABLE: ClassVar = template(v16.status_notification(status="Available", timestamp=TEXT))
    AUTHORIZE: ClassVar = template(v16.authorize(TEXT))

    def __init__(self, *, station_id: str, id_tag: str, ledger: Ledger) -> None:
        self.station_id = station_id
        self._id_tag = id_tag.encode()
        self._ledger = ledger
        self._meter_wh = 1_000
        self._time_ms = int(time.time() * 1000)
        self._transaction_id = b""
        self._started_wh = 0

    def boot(self) -> Script:
        """BootNotification and the status of one connector. Raises RuntimeError unless it is accepted."""
        answer = yield self.BOOT
        if json.loads(answer)["status"] != "Accepted":
            raise RuntimeError(f"{self.station_id}: the boot was answered {answer.decode()}")
        yield self.AVAILABLE % self._now()

    def start(self) -> Script:
        """StartTransaction."""
        answer = yield self._start_message()
        self._take_start(answer)

    def stop(self) -> Script:
        """StopTransaction, where one is under way."""
        if self._transaction_id:
            yield self._stop_message()
            self._take_stop()

    def heartbeats(self) -> Script:
        """Heartbeats for ever."""
        while True:
            yield HEARTBEAT

    def meter_values(self) -> Script:
        """MeterValues with two sampled values, within a transaction, for ever."""
        while True:
            yield self._meter_message()
            self._ledger.meter_values += 1

    def authorizations(self) -> Script:
        """Authorize for ever."""
        while True:
            yield self.AUTHORIZE % self._id_tag

    def mixed(self) -> Script:
        """Heartbeats and MeterValues in turns, for ever; every other station begins with the other one."""
        if self.station_id[-1] in "13579":
            yield HEARTBEAT
        while True:
            yield self._meter_message()
            self._ledger.meter_values += 1
            yield HEARTBEAT

    def lone_starts(self) -> Script:
        """StartTransaction and StopTransaction in turns, for ever."""
        while True:
            yield from self.start()
            yield from self.stop()

    def sessions(self) -> Script:
        """Whole sessions for ever: Authorize, StartTransaction, three MeterValues, StopTransaction."""
        while True:
            yield self.AUTHORIZE % self._id_tag
            yield from self.start()
            for _ in range(3):
                yield self._meter_message()
                self._ledger.meter_values += 1
            yield from self.stop()

    def _start_message(self) -> bytes:
        self._started_wh = self._meter_wh
        return _START % (self._id_tag, self._meter_wh, self._now())

    def _take_start(self, answer: bytes) -> None:
        name = str(json.loads(answer)["transactionId"])
        self._ledger.starts += 1
        self._ledger.names.add(f"{self.station_id}/{name}")
        self._transaction_id = name.encode()

    def _meter_message(self) -> bytes:
        self._meter_wh += 7
        return _METER_VALUES % (self._transaction_id, self._now(), self._meter_wh, 10_000 + self._meter_wh % 1_000)

    def _stop_message(self) -> bytes:
        self._meter_wh += 7
        return _STOP % (self._transaction_id, self._meter_wh, self._now())

    def _take_stop(self) -> None:
        self._ledger.stops += 1
        self._ledger.energy_wh += self._meter_wh - self._started_wh
        self._transaction_id = b""

    def _now(self) -> bytes:
        """The station's time, which is never the same twice: the present, or a millisecond more than before."""
        self._time_ms = max(self._time_ms + 1, int(time.time() * 1000))
        return rfc3339(self._time_ms)


def rfc3339(time_ms: int) -> bytes:
    """A time as messages have it; `time_ms` is since 1970."""
    seconds, rest = divmod(time_ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode() + b".%03dZ" % rest
