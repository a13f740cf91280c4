"""Messages of a loaded station of OCPP 2.0.1: the same sessions, as TransactionEvents."""

import json

from benchmarks.workloads import LoadedStation, Script


class LoadedStation201(LoadedStation):
    """One station's scripts in OCPP 2.0.1. Of `LoadedStation` it has the sessions, and what these are made of."""

    _sessions = 0
    _seq_no = 0  # of the next event; what was never answered has not used it up

    def boot(self) -> Script:
        """BootNotification and the status of one connector. Raises RuntimeError unless it is accepted."""
        answer = yield (
            b'"BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"Bench","model":"Raw"}}'
        )
        if json.loads(answer)["status"] != "Accepted":
            raise RuntimeError(f"{self.station_id}: the boot was answered {answer.decode()}")
        yield (
            b'"StatusNotification",{"evseId":1,"connectorId":1,"connectorStatus":"Available","timestamp":"%s"}'
            % self._now()
        )

    def start(self) -> Script:
        """TransactionEvent Started, with the id token and the register's first value."""
        self._sessions += 1
        self._seq_no = 0
        self._started_wh = self._meter_wh
        name = f"{self.station_id}-{self._sessions}"
        yield self._event(b"Started", b"Authorized", name.encode(), b"Transaction.Begin", self._token())
        self._seq_no += 1
        self._ledger.starts += 1
        self._ledger.names.add(f"{self.station_id}/{name}")
        self._transaction_id = name.encode()

    def stop(self) -> Script:
        """TransactionEvent Ended, where a transaction is under way."""
        if self._transaction_id:
            self._meter_wh += 7
            yield self._event(b"Ended", b"StopAuthorized", self._transaction_id, b"Transaction.End", self._token())
            self._take_stop()

    def sessions(self) -> Script:
        """Whole sessions for ever: Authorize, and TransactionEvents: Started, three Updated, Ended."""
        while True:
            yield b'"Authorize",{%s}' % self._token()
            yield from self.start()
            for _ in range(3):
                yield from self._update()
            yield from self.stop()

    def _update(self) -> Script:
        self._meter_wh += 7
        yield self._event(b"Updated", b"MeterValuePeriodic", self._transaction_id, b"Sample.Periodic")
        self._seq_no += 1
        self._ledger.meter_values += 1

    def _token(self) -> bytes:
        return b'"idToken":{"idToken":"%s","type":"ISO14443"}' % self._id_tag

    def _event(self, kind: bytes, trigger: bytes, name: bytes, context: bytes, more: bytes = b"") -> bytes:
        """One TransactionEvent with two sampled values, and `more` fields."""
        now = self._now()
        return (
            b'"TransactionEvent",{"eventType":"%s","timestamp":"%s","triggerReason":"%s","seqNo":%d,'
            b'"transactionInfo":{"transactionId":"%s","chargingState":"Charging"},"evse":{"id":1,"connectorId":1},%s'
            b'"meterValue":[{"timestamp":"%s","sampledValue":['
            b'{"value":%d,"context":"%s","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},'
            b'{"value":%d,"context":"%s","measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}}]}]}'
        ) % (
            kind,
            now,
            trigger,
            self._seq_no,
            name,
            more + b"," if more else b"",
            now,
            self._meter_wh,
            context,
            10_000 + self._meter_wh % 1_000,
            context,
        )
