"""How a 1.6 station answers the central system: each command is handed to the station, its answer put into 1.6's words.

The `ocpp` library answers NotImplemented for the actions that have no handler here, and NotSupported for those that
1.6 does not have.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ocpp.routing import after as ocpp_after
from ocpp.routing import on as ocpp_on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import KeyValue
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    AvailabilityType,
    ClearCacheStatus,
    ConfigurationStatus,
    DataTransferStatus,
    MessageTrigger,
    RemoteStartStopStatus,
    ResetStatus,
    TriggerMessageStatus,
    UnlockStatus,
)

from simulator.connector import StopReason
from simulator.memory import Memory
from simulator.station import Restart, Station

# A vendor whose data transfers these stations understand: they send the data back.
ECHO_VENDOR = "org.ocpp-mesh.simulator"
_GET_CONFIGURATION_MAX_KEYS = 50

F = TypeVar("F", bound=Callable[..., Any])


def on(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_on(action))


def after(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_after(action))


class _OneLine(logging.Filter):
    """The library logs a traceback where a command is not implemented, which is an ordinary answer here."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


def library_logger() -> logging.Logger:
    """The logger given to the library: its warnings, one line each."""
    logger = logging.getLogger("simulator.ocpp")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_OneLine())
    return logger


class ChargePoint16(ChargePoint):  # type: ignore[misc]  # the library has no types
    """One connection's end of the conversation. `triggered` holds messages that the central system asked for."""

    def __init__(self, *, station: Station, memory: Memory, connection: Any, response_timeout_s: float) -> None:
        super().__init__(
            station.identity.station_id, connection, response_timeout=response_timeout_s, logger=library_logger()
        )
        self.triggered: list[tuple[MessageTrigger, int | None]] = []
        self._station = station
        self._memory = memory

    @on(Action.remote_start_transaction)
    def on_remote_start(self, id_tag: str, connector_id: int | None = None, **_: Any) -> Any:
        """RemoteStartTransaction. A charging profile that comes with it is not followed."""
        accepted = self._station.request_start(connector_id, id_tag)
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
        self._memory.changed.set()  # a heartbeat interval counts at once
        return call_result.ChangeConfiguration(status=ConfigurationStatus(result.value))

    @on(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """ClearCache: refused where there is none."""
        if not self._station.configuration.switch("AuthorizationCacheEnabled"):
            return call_result.ClearCache(status=ClearCacheStatus.rejected)
        self._station.cache.clear()
        return call_result.ClearCache(status=ClearCacheStatus.accepted)

    @on(Action.trigger_message)
    def on_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> Any:
        """TriggerMessage, for the messages that this station has."""
        if connector_id is not None and connector_id not in self._station.connectors:
            return call_result.TriggerMessage(status=TriggerMessageStatus.rejected)
        wanted = MessageTrigger(requested_message)
        if wanted not in (
            MessageTrigger.boot_notification,
            MessageTrigger.heartbeat,
            MessageTrigger.meter_values,
            MessageTrigger.status_notification,
        ):
            return call_result.TriggerMessage(status=TriggerMessageStatus.not_implemented)
        return call_result.TriggerMessage(status=TriggerMessageStatus.accepted)

    @after(Action.trigger_message)
    def after_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> None:
        """TriggerMessage: what was asked for follows the answer."""
        if connector_id is None or connector_id in self._station.connectors:
            self.triggered.append((MessageTrigger(requested_message), connector_id))
            self._memory.changed.set()

    @on(Action.data_transfer)
    def on_data_transfer(self, vendor_id: str, data: str | None = None, **_: Any) -> Any:
        """DataTransfer: one vendor is known, and gets its data back."""
        if vendor_id != ECHO_VENDOR:
            return call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id)
        return call_result.DataTransfer(status=DataTransferStatus.accepted, data=data)


def _start_stop(accepted: bool) -> RemoteStartStopStatus:
    return RemoteStartStopStatus.accepted if accepted else RemoteStartStopStatus.rejected
