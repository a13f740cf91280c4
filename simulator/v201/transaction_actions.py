"""Starts and stops of transactions, their status and cost, the lock (OCPP 2.0.1, E14, F01 to F05, I02)."""

from dataclasses import replace
from typing import Any

from ocpp.v201 import call_result
from ocpp.v201.enums import Action

from simulator.events import StopReason
from simulator.station import UnlockResult
from simulator.v201.actions import Actions, on
from simulator.v201.holdings import Words
from simulator.v201.profiles import to_profile

_UNLOCKED = {UnlockResult.UNLOCKED: "Unlocked", UnlockResult.NOT_SUPPORTED: "UnknownConnector"}


class TransactionActions(Actions):
    """Starts and stops, as far as the station allows."""

    @on(Action.request_start_transaction)
    def on_request_start(
        self,
        id_token: Words,
        remote_start_id: int,
        evse_id: int | None = None,
        charging_profile: Words | None = None,
        **_: Any,
    ) -> Any:
        """RequestStartTransaction, with the profile that the transaction is to follow."""
        profile = None
        if charging_profile is not None:
            if charging_profile.get("transaction_id") is not None:
                return call_result.RequestStartTransaction(status="Rejected")
            profile = replace(to_profile(charging_profile, now=self._station.moment()), transaction=None)
        accepted = self._station.request_start(evse_id, id_token["id_token"], profile, remote_start_id)
        return call_result.RequestStartTransaction(status="Accepted" if accepted else "Rejected")

    @on(Action.request_stop_transaction)
    def on_request_stop(self, transaction_id: str, **_: Any) -> Any:
        """RequestStopTransaction."""
        key = self._memory.key_of(transaction_id)
        accepted = key is not None and self._station.stop_transaction(key, StopReason.REMOTE)
        return call_result.RequestStopTransaction(status="Accepted" if accepted else "Rejected")

    @on(Action.get_transaction_status)
    def on_get_transaction_status(self, transaction_id: str | None = None, **_: Any) -> Any:
        """GetTransactionStatus (E14): without a transaction only whether messages wait."""
        keys = {message.key for message in self._memory.transactions.messages()}
        if transaction_id is None:
            return call_result.GetTransactionStatus(messages_in_queue=bool(keys))
        key = self._memory.key_of(transaction_id)
        running = {one.transaction.key for one in self._station.connectors.values() if one.transaction is not None}
        return call_result.GetTransactionStatus(messages_in_queue=key in keys, ongoing_indicator=key in running)

    @on(Action.cost_updated)
    def on_cost_updated(self, **_: Any) -> Any:
        """CostUpdated: shown to the driver."""
        return call_result.CostUpdated()

    @on(Action.unlock_connector)
    def on_unlock(self, evse_id: int, connector_id: int, **_: Any) -> Any:
        """UnlockConnector: not while an authorized transaction is under way (F05.FR.02)."""
        connector = self._station.connectors.get(evse_id)
        if connector is None or connector_id != 1:
            return call_result.UnlockConnector(status="UnknownConnector")
        if connector.transaction is not None:
            return call_result.UnlockConnector(status="OngoingAuthorizedTransaction")
        return call_result.UnlockConnector(status=_UNLOCKED[self._station.unlock(evse_id)])
