"""Messages of a loaded station of OCPP 2.0.1: the same sessions, as TransactionEvents."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from benchmarks.templates import NUMBER, TEXT, template
from benchmarks.workloads import MODEL, VENDOR, Ledger, LoadedStation, Script
from station_kit.messages import EventType
from station_kit.v201 import messages as v201


def _event(event_type: EventType, trigger_reason: str, **fields: Any) -> bytes:
    """A TransactionEvent with two sampled values; its slots are filled in by `LoadedStation201._slots`."""
    power = v201.sampled_value(NUMBER, event_type, measurand="Power.Active.Import", unit="W")
    return template(
        v201.transaction_event(
            event_type,
            v201.sampled_value(NUMBER, event_type),
            power,
            transaction_id=TEXT,
            timestamp=TEXT,
            seq_no=NUMBER,
            trigger_reason=trigger_reason,
            info={"chargingState": "Charging"},
            evse={"id": 1, "connectorId": 1},
            **fields,
        )
    )


@dataclass(frozen=True, kw_only=True)
class Events:
    """The events of a session; `fields` are further ones of each."""

    started: bytes
    updated: bytes
    ended: bytes

    @classmethod
    def make(cls, **fields: Any) -> Self:
        """Makes the three."""
        return cls(
            started=_event(EventType.STARTED, "Authorized", idToken=v201.id_token_of(TEXT), **fields),
            updated=_event(EventType.UPDATED, "MeterValuePeriodic", **fields),
            ended=_event(EventType.ENDED, "StopAuthorized", idToken=v201.id_token_of(TEXT), **fields),
        )


class LoadedStation201(LoadedStation):
    """One station's scripts in OCPP 2.0.1. Of `LoadedStation` it has the boot, and what sessions are made of."""

    BOOT: ClassVar = template(v201.boot_notification(vendor=VENDOR, model=MODEL))
    AVAILABLE: ClassVar = template(v201.status_notification(status="Available", timestamp=TEXT))
    AUTHORIZE: ClassVar = template(v201.authorize(TEXT))
    EVENTS: ClassVar = Events.make()

    subprotocol = "ocpp2.0.1"
    _sessions = 0
    _seq_no = 0  # of the next event; what was never answered has not used it up

    def start(self) -> Script:
        """TransactionEvent Started, with the id token and the register's first value."""
        self._sessions += 1
        self._seq_no = 0
        self._started_wh = self._meter_wh
        name = f"{self.station_id}-{self._sessions}"
        yield self.EVENTS.started % (*self._slots(name.encode()), self._id_tag)
        self._seq_no += 1
        self._ledger.starts += 1
        self._ledger.names.add(f"{self.station_id}/{name}")
        self._transaction_id = name.encode()

    def stop(self) -> Script:
        """TransactionEvent Ended, where a transaction is under way."""
        if self._transaction_id:
            self._meter_wh += 7
            yield self.EVENTS.ended % (*self._slots(self._transaction_id), self._id_tag)
            self._take_stop()

    def sessions(self) -> Script:
        """Whole sessions for ever: Authorize, and TransactionEvents: Started, three Updated, Ended."""
        while True:
            yield self.AUTHORIZE % self._id_tag
            yield from self.start()
            for _ in range(3):
                yield from self._update()
            yield from self.stop()

    def _update(self) -> Script:
        self._meter_wh += 7
        yield self.EVENTS.updated % self._slots(self._transaction_id)
        self._seq_no += 1
        self._ledger.meter_values += 1

    def _slots(self, name: bytes) -> tuple[bytes, int, bytes, bytes, int, int]:
        now = self._now()
        return now, self._seq_no, name, now, self._meter_wh, 10_000 + self._meter_wh % 1_000


def live_station(*, station_id: str, id_tag: str, ledger: Ledger) -> LoadedStation:
    """A station of a group of which every other one speaks 2.0.1."""
    kind = LoadedStation201 if station_id[-1] in "13579" else LoadedStation
    return kind(station_id=station_id, id_tag=id_tag, ledger=ledger)
