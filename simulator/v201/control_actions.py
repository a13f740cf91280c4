"""Resets, availability, triggers and data transfers (OCPP 2.0.1, B11, B12, F06, G03, G04, P)."""

from typing import Any

from ocpp.v201 import call_result
from ocpp.v201.enums import Action

from simulator.events import StopReason
from simulator.station import Restart
from simulator.v201.actions import Actions, Trigger, after, on
from simulator.v201.holdings import Words

# A vendor whose data transfers these stations understand: they send the data back.
ECHO_VENDOR = "org.ocpp-mesh.simulator"
_TRIGGERS = frozenset(
    {
        "BootNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SignChargingStationCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
)
_OF_AN_EVSE = frozenset({"MeterValues", "StatusNotification", "TransactionEvent"})


class ControlActions(Actions):
    """Answers commands about a station as a whole."""

    @on(Action.reset)
    def on_reset(self, type: str, evse_id: int | None = None, **_: Any) -> Any:  # noqa: A002 - the library names it
        """Reset: answered first, then done; OnIdle waits for transactions (B12.FR.01)."""
        if not self._knows_evse(evse_id):
            return call_result.Reset(status="Rejected")
        busy = self._station.is_charging
        if evse_id is not None:
            busy = self._station.connectors[evse_id].transaction is not None
            if busy and type == "OnIdle":
                return call_result.Reset(status="Rejected")
        return call_result.Reset(status="Scheduled" if busy and type == "OnIdle" else "Accepted")

    @after(Action.reset)
    def after_reset(self, type: str, evse_id: int | None = None, **_: Any) -> None:  # noqa: A002
        """Reset: now done, or as soon as nobody charges."""
        if evse_id is not None:
            if type == "Immediate" and self._knows_evse(evse_id):
                self._station.connectors[evse_id].stop(StopReason.HARD_RESET)
        elif type == "Immediate":
            self._station.begin_restart(Restart.HARD)
        else:
            self._station.restarts_when_idle = True
        self._memory.changed.set()

    @on(Action.change_availability)
    def on_change_availability(self, operational_status: str, evse: Words | None = None, **_: Any) -> Any:
        """ChangeAvailability: of the station, or of an EVSE with its only connector."""
        evse_id = 0 if evse is None else evse["id"]
        result = self._station.change_availability(evse_id, operative=operational_status == "Operative")
        return call_result.ChangeAvailability(status=result.value)

    @on(Action.trigger_message)
    def on_trigger(self, requested_message: str, evse: Words | None = None, **_: Any) -> Any:
        """TriggerMessage."""
        if requested_message not in _TRIGGERS:
            return call_result.TriggerMessage(status="NotImplemented")
        fits = evse is None or requested_message not in _OF_AN_EVSE or self._knows_evse(evse["id"])
        return call_result.TriggerMessage(status="Accepted" if fits else "Rejected")

    @after(Action.trigger_message)
    def after_trigger(self, requested_message: str, evse: Words | None = None, **_: Any) -> None:
        """TriggerMessage: what was asked for follows the answer."""
        evse_id = None if evse is None or requested_message not in _OF_AN_EVSE else evse["id"]
        if requested_message in _TRIGGERS and self._knows_evse(evse_id):
            self.triggered.append(Trigger(wanted=requested_message, evse_id=evse_id))
            self._memory.changed.set()

    @on(Action.data_transfer)
    def on_data_transfer(self, vendor_id: str, data: Any = None, **_: Any) -> Any:
        """DataTransfer: one vendor is known, and gets its data back."""
        if vendor_id != ECHO_VENDOR:
            return call_result.DataTransfer(status="UnknownVendorId")
        return call_result.DataTransfer(status="Accepted", data=data)
