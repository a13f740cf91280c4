"""Messages of stations in OCPP 1.6 and 2.0.1. Pure: the same message has the same bytes whenever it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from chaos.ledger import Entry, Kind

Payload = dict[str, Any]


@dataclass(kw_only=True)
class Session:
    """One use of the connector. A 2.0.1 station names it itself; in 1.6 its name comes with the start's answer."""

    id_tag: str
    transaction_id: str | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One transaction message, kept until it is acknowledged."""

    session: Session
    kind: Kind
    seq_no: int
    time_us: int
    register_mwh: int

    def entry(self, station_id: str) -> Entry:
        """The meaning of its acknowledgement."""
        assert self.session.transaction_id is not None  # noqa: S101 - the start is acknowledged first
        return Entry(
            station_id=station_id,
            transaction_id=self.session.transaction_id,
            kind=self.kind,
            time_us=self.time_us,
            register_mwh=self.register_mwh,
        )


class Dialect(Protocol):
    """A version of OCPP."""

    subprotocol: str
    step_mwh: int  # what the registers of this version's messages count in

    def boot(self) -> tuple[str, Payload]:
        """BootNotification."""

    def status(self, time_us: int) -> tuple[str, Payload]:
        """StatusNotification."""

    def authorize(self, id_tag: str) -> tuple[str, Payload]:
        """Authorize."""

    def begin(self, *, id_tag: str, number: int) -> Session:
        """A session that has not been sent yet; `number` is unlike that of any other of the station."""

    def say(self, message: Message) -> tuple[str, Payload]:
        """A transaction message as action and payload."""

    def take(self, message: Message, answer: Mapping[str, Any]) -> str | None:
        """Takes the CALLRESULT of a transaction message. Returns what is wrong with it, None where nothing is."""


class V16:
    """OCPP 1.6."""

    subprotocol = "ocpp1.6"
    step_mwh = 1000

    def boot(self) -> tuple[str, Payload]:
        """BootNotification."""
        return "BootNotification", {"chargePointVendor": "Chaos", "chargePointModel": "Raw"}

    def status(self, time_us: int) -> tuple[str, Payload]:
        """StatusNotification of connector 1."""
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": text(time_us)}
        return "StatusNotification", status

    def authorize(self, id_tag: str) -> tuple[str, Payload]:
        """Authorize."""
        return "Authorize", {"idTag": id_tag}

    def begin(self, *, id_tag: str, number: int) -> Session:
        """A session that has no name yet."""
        return Session(id_tag=id_tag, transaction_id=None)

    def say(self, message: Message) -> tuple[str, Payload]:
        """StartTransaction, MeterValues or StopTransaction."""
        at, session, register = text(message.time_us), message.session, message.register_mwh
        if message.kind is Kind.START:
            start = {"connectorId": 1, "idTag": session.id_tag, "meterStart": register // 1000, "timestamp": at}
            return "StartTransaction", start
        number = int(session.transaction_id or 0)
        if message.kind is Kind.STOP:
            return "StopTransaction", {"transactionId": number, "meterStop": register // 1000, "timestamp": at}
        sample = {"value": wh(register), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [{"timestamp": at, "sampledValue": [sample]}]
        return "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values}

    def take(self, message: Message, answer: Mapping[str, Any]) -> str | None:
        """A start's answer brings the transaction's number."""
        if message.kind is not Kind.START:
            return None
        number, status = answer["transactionId"], answer["idTagInfo"]["status"]
        message.session.transaction_id = str(number)
        if number <= 0:
            return f"a start was given the number {number}"
        return None if status == "Accepted" else f"the tag of a start was answered with {status}"


class V201:
    """OCPP 2.0.1."""

    subprotocol = "ocpp2.0.1"
    step_mwh = 1

    def boot(self) -> tuple[str, Payload]:
        """BootNotification."""
        return "BootNotification", {
            "reason": "PowerUp",
            "chargingStation": {"model": "Raw", "vendorName": "Chaos"},
        }

    def status(self, time_us: int) -> tuple[str, Payload]:
        """StatusNotification of EVSE 1, connector 1."""
        status = {"timestamp": text(time_us), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        return "StatusNotification", status

    def authorize(self, id_tag: str) -> tuple[str, Payload]:
        """Authorize."""
        return "Authorize", {"idToken": {"idToken": id_tag, "type": "ISO14443"}}

    def begin(self, *, id_tag: str, number: int) -> Session:
        """A session with a name of the station's own."""
        return Session(id_tag=id_tag, transaction_id=f"{id_tag}-{number}")

    def say(self, message: Message) -> tuple[str, Payload]:
        """TransactionEvent."""
        contexts = {Kind.START: "Transaction.Begin", Kind.METER: "Sample.Periodic", Kind.STOP: "Transaction.End"}
        sample = {
            "value": message.register_mwh / 1000,
            "context": contexts[message.kind],
            "measurand": "Energy.Active.Import.Register",
            "unitOfMeasure": {"unit": "Wh"},
        }
        event: Payload = {
            "eventType": {Kind.START: "Started", Kind.METER: "Updated", Kind.STOP: "Ended"}[message.kind],
            "timestamp": text(message.time_us),
            "triggerReason": "MeterValuePeriodic" if message.kind is Kind.METER else "Authorized",
            "seqNo": message.seq_no,
            "transactionInfo": {"transactionId": message.session.transaction_id},
            "meterValue": [{"timestamp": text(message.time_us), "sampledValue": [sample]}],
        }
        if message.kind is Kind.START:
            event["evse"] = {"id": 1, "connectorId": 1}
            event["idToken"] = {"idToken": message.session.id_tag, "type": "ISO14443"}
        return "TransactionEvent", event

    def take(self, message: Message, answer: Mapping[str, Any]) -> str | None:
        """Nothing but that it is kept, and for a start what the token may do."""
        status = answer.get("idTokenInfo", {}).get("status", "missing")
        if message.kind is not Kind.START or status == "Accepted":
            return None
        return f"the token of a start was answered with {status}"


def text(time_us: int) -> str:
    """A time as stations write it, with milliseconds."""
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wh(mwh: int) -> str:
    """Milliwatt-hours as watt-hours, in full."""
    return f"{mwh // 1000}.{mwh % 1000:03d}"
