"""The Core profile: starts and stops, resets, availability, configuration, cache, data transfers."""

from dataclasses import replace
from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.datatypes import KeyValue
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    AvailabilityType,
    ClearCacheStatus,
    ConfigurationStatus,
    DataTransferStatus,
    RemoteStartStopStatus,
    ResetStatus,
    UnlockStatus,
)

from simulator.events import StopReason
from simulator.station import Restart
from simulator.v16.actions import Actions, after, on
from simulator.v16.profiles import to_profile

# A vendor whose data transfers these stations understand: they send the data back.
ECHO_VENDOR = "org.ocpp-mesh.simulator"
_GET_CONFIGURATION_MAX_KEYS = 50


class CoreActions(Actions):
    """The answers of the Core profile."""

    @on(Action.remote_start_transaction)
    def on_remote_start(
        self, id_tag: str, connector_id: int | None = None, charging_profile: dict[str, Any] | None = None, **_: Any
    ) -> Any:
        """RemoteStartTransaction, with the profile that the transaction is to follow."""
        profile = None
        if charging_profile is not None:
            profile = to_profile(charging_profile, now=self._station.moment())
            profile = replace(profile, transaction=None)  # there is none yet
        accepted = self._station.request_start(connector_id, id_tag, profile)
        return call_result.RemoteStartTransaction(status=_start_stop(accepted))

    @on(Action.remote_stop_transaction)
    def on_remote_stop(self, transaction_id: int, **_: Any) -> Any:
        """RemoteStopTransaction."""
        key = self._memory.key_of(str(transaction_id))
        accepted = key is not None and self._station.stop_transaction(key, StopReason.REMOTE)
        return call_result.RemoteStopTransaction(status=_start_stop(accepted))

    @on(Action.reset)
    def on_reset(self, **_: Any) -> Any:
        """Reset: answered first, then done."""
        return call_result.Reset(status=ResetStatus.accepted)

    @after(Action.reset)
    def after_reset(self, type: str, **_: Any) -> None:  # noqa: A002 - the library names it
        """Reset: now done."""
        self._station.begin_restart(Restart(type))
        self._memory.changed.set()

    @on(Action.unlock_connector)
    def on_unlock(self, connector_id: int, **_: Any) -> Any:
        """UnlockConnector."""
        return call_result.UnlockConnector(status=UnlockStatus(self._station.unlock(connector_id).value))

    @on(Action.change_availability)
    def on_change_availability(self, connector_id: int, type: str, **_: Any) -> Any:  # noqa: A002
        """ChangeAvailability."""
        operative = type == AvailabilityType.operative
        result = self._station.change_availability(connector_id, operative=operative)
        return call_result.ChangeAvailability(status=AvailabilityStatus(result.value))

    @on(Action.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        """GetConfiguration: the named keys, or all."""
        configuration = self._station.configuration
        known, unknown = [], []
        for name in (key or configuration.names())[:_GET_CONFIGURATION_MAX_KEYS]:
            found = configuration.lookup(name)
            if found is None:
                unknown.append(name)
            else:
                known.append(KeyValue(key=found[0], value=found[1], readonly=found[2]))
        return call_result.GetConfiguration(configuration_key=known or None, unknown_key=unknown or None)

    @on(Action.change_configuration)
    def on_change_configuration(self, key: str, value: str, **_: Any) -> Any:
        """ChangeConfiguration."""
        result = self._station.configuration.change(key, value)
        self._station.maintenance.note(f"configuration {key}: {result.value}")
        self._memory.changed.set()  # a heartbeat interval counts at once
        return call_result.ChangeConfiguration(status=ConfigurationStatus(result.value))

    @after(Action.change_configuration)
    def after_change_configuration(self, key: str, value: str, **_: Any) -> None:
        """ChangeConfiguration: a new AuthorizationKey is used at once, on a new connection."""
        self._station.configuration_changed(key, value)
        self._memory.changed.set()

    @on(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """ClearCache: refused where there is none."""
        if not self._station.configuration.switch("AuthorizationCacheEnabled"):
            return call_result.ClearCache(status=ClearCacheStatus.rejected)
        self._station.tags.cache.clear()
        return call_result.ClearCache(status=ClearCacheStatus.accepted)

    @on(Action.data_transfer)
    def on_data_transfer(self, vendor_id: str, data: str | None = None, **_: Any) -> Any:
        """DataTransfer: one vendor is known, and gets its data back."""
        if vendor_id != ECHO_VENDOR:
            return call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id)
        return call_result.DataTransfer(status=DataTransferStatus.accepted, data=data)


def _start_stop(accepted: bool) -> RemoteStartStopStatus:
    return RemoteStartStopStatus.accepted if accepted else RemoteStartStopStatus.rejected
