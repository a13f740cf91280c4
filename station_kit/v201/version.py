"""OCPP 2.0.1 behind the interface of `station_kit.versions`."""

from collections.abc import Mapping
from typing import Any

from station_kit.messages import EventType, Message, Payload, StartAnswer, TransactionEvent
from station_kit.times import format_time_us
from station_kit.v201 import messages


class V201:
    """See station_kit.versions.OcppVersion."""

    subprotocol = "ocpp2.0.1"
    register_step_mwh = 1

    def boot(self, *, vendor: str, model: str) -> Message:
        """BootNotification."""
        return messages.boot_notification(vendor=vendor, model=model)

    def available(self, time_us: int) -> Message:
        """StatusNotification of EVSE 1, connector 1."""
        return messages.status_notification(status="Available", timestamp=format_time_us(time_us))

    def authorize(self, id_token: str) -> Message:
        """Authorize."""
        return messages.authorize(id_token)

    def sign_certificate(self, csr: str) -> Message:
        """SignCertificate."""
        return messages.sign_certificate(csr)

    def own_transaction_id(self, proposed: str) -> str | None:
        """The proposed one: stations name their transactions."""
        return proposed

    def transaction_event(self, event: TransactionEvent, transaction_id: str | None) -> Message:
        """TransactionEvent; the first one names EVSE and id token. Raises ValueError without a transaction id."""
        if transaction_id is None:
            raise ValueError("a transaction of OCPP 2.0.1 has its name from the station")
        first: Payload = {"evse": {"id": 1, "connectorId": 1}, "idToken": messages.id_token_of(event.id_token)}
        return messages.transaction_event(
            event.event_type,
            messages.sampled_value(event.register_mwh / 1000, event.event_type),
            transaction_id=transaction_id,
            timestamp=format_time_us(event.time_us),
            seq_no=event.seq_no,
            trigger_reason="MeterValuePeriodic" if event.event_type is EventType.UPDATED else "Authorized",
            **(first if event.event_type is EventType.STARTED else {}),
        )

    def read_start(self, answer: Mapping[str, Any]) -> StartAnswer:
        """The id token's status; the transaction has its name already."""
        return StartAnswer(transaction_id=None, status=answer.get("idTokenInfo", {}).get("status"))
