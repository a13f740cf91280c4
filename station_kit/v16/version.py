"""OCPP 1.6 behind the interface of `station_kit.versions`."""

from collections.abc import Mapping
from typing import Any

from station_kit.messages import EventType, Message, StartAnswer, TransactionEvent
from station_kit.times import format_time_us
from station_kit.v16 import messages


class V16:
    """See station_kit.versions.OcppVersion."""

    subprotocol = "ocpp1.6"
    register_step_mwh = 1000

    def boot(self, *, vendor: str, model: str) -> Message:
        """BootNotification."""
        return messages.boot_notification(vendor=vendor, model=model)

    def available(self, time_us: int) -> Message:
        """StatusNotification of connector 1."""
        return messages.status_notification(status="Available", timestamp=format_time_us(time_us))

    def authorize(self, id_token: str) -> Message:
        """Authorize."""
        return messages.authorize(id_token)

    def sign_certificate(self, csr: str) -> Message:
        """SignCertificate."""
        return messages.sign_certificate(csr)

    def own_transaction_id(self, proposed: str) -> str | None:
        """None: the number of a transaction comes with the start's answer."""
        del proposed
        return None

    def transaction_event(self, event: TransactionEvent, transaction_id: str | None) -> Message:
        """StartTransaction, MeterValues or StopTransaction; without a number it is of transaction 0."""
        timestamp, number = format_time_us(event.time_us), int(transaction_id or 0)
        match event.event_type:
            case EventType.STARTED:
                return messages.start_transaction(
                    id_tag=event.id_token, meter_start=event.register_mwh // 1000, timestamp=timestamp
                )
            case EventType.UPDATED:
                sample = messages.sampled_value(f"{event.register_mwh // 1000}.{event.register_mwh % 1000:03d}")
                return messages.meter_values(sample, timestamp=timestamp, transaction_id=number)
            case EventType.ENDED:
                return messages.stop_transaction(
                    transaction_id=number, meter_stop=event.register_mwh // 1000, timestamp=timestamp
                )

    def read_start(self, answer: Mapping[str, Any]) -> StartAnswer:
        """The number of the transaction, and the id tag's status."""
        return StartAnswer(transaction_id=str(answer["transactionId"]), status=answer["idTagInfo"]["status"])
