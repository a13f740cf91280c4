"""Messages that the central system asks for (OCPP 1.6, 5.17; security whitepaper, 4.3)."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, MessageTrigger, TriggerMessageStatus

from simulator.v16.actions import Actions, Trigger, after, on

_OF_A_CONNECTOR = (MessageTrigger.meter_values, MessageTrigger.status_notification)


class TriggerActions(Actions):
    """Answers, and notes what is to follow the answer."""

    @on(Action.trigger_message)
    def on_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> Any:
        """TriggerMessage."""
        return call_result.TriggerMessage(status=self._trigger_status(requested_message, connector_id))

    @after(Action.trigger_message)
    def after_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> None:
        """TriggerMessage: what was asked for follows the answer."""
        self._note_trigger(requested_message, connector_id, signed=False)

    @on(Action.extended_trigger_message)
    def on_extended_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> Any:
        """ExtendedTriggerMessage."""
        return call_result.ExtendedTriggerMessage(status=self._trigger_status(requested_message, connector_id))

    @after(Action.extended_trigger_message)
    def after_extended_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> None:
        """ExtendedTriggerMessage: what was asked for follows the answer."""
        self._note_trigger(requested_message, connector_id, signed=True)

    def _trigger_status(self, requested_message: str, connector_id: int | None) -> TriggerMessageStatus:
        fits = self._fits(MessageTrigger(requested_message), connector_id)
        return TriggerMessageStatus.accepted if fits else TriggerMessageStatus.rejected

    def _note_trigger(self, requested_message: str, connector_id: int | None, *, signed: bool) -> None:
        wanted = MessageTrigger(requested_message)
        if self._fits(wanted, connector_id):
            self.triggered.append(Trigger(wanted=wanted, connector_id=connector_id, signed=signed))
            self._memory.changed.set()

    def _fits(self, wanted: MessageTrigger, connector_id: int | None) -> bool:
        """Where a message is not of a connector, the number is to be ignored; 0 is the station as a whole."""
        if connector_id is None or wanted not in _OF_A_CONNECTOR or connector_id in self._station.connectors:
            return True
        return connector_id == 0 and wanted is MessageTrigger.status_notification
