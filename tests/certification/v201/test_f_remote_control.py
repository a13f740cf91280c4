"""Block F, remote control. The names of the cases are known; the steps are our reading of F01 to F06."""

from typing import Any

import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.transaction.v1 import transaction_service_pb2

from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from tests.certification.played_station import now
from tests.certification.v201.station import EVSE, METER_START, ChargingStation

pytestmark = pytest.mark.asyncio(loop_scope="module")


# Remote start


async def _remote_start(station: ChargingStation) -> int:
    """RequestStartTransaction for the station's driver at EVSE 1, accepted; returns the remote start id."""
    action, payload, told = await station.told(
        "RequestStartTransaction",
        {"status": "Accepted"},
        evse={"evse_id": 1},
        id_token={"id_token": station.tag, "type": "ISO14443"},
    )
    assert (action, payload["evseId"]) == ("RequestStartTransaction", 1)
    assert payload["idToken"] == v201.id_token_of(station.tag)
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED
    number: int = payload["remoteStartId"]
    return number


async def _is_charging_for(station: ChargingStation) -> None:
    [transaction] = await station.transactions()
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ACTIVE
    assert (transaction.transaction_id, transaction.id_token.id_token) == (station.transaction_id, station.tag)
    assert not transaction.flags


async def test_tc_f_01_csms(station: ChargingStation) -> None:
    """The cable first, then a remote start."""
    await station.status("Occupied")
    await station.event(EventType.STARTED, "CablePluggedIn", evse=EVSE, info={"chargingState": "EVConnected"})
    number = await _remote_start(station)
    token = v201.id_token_of(station.tag)
    info = {"chargingState": "EVConnected", "remoteStartId": number}
    answer = await station.event(EventType.UPDATED, "RemoteStart", info=info, idToken=token, evse=EVSE)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.update("ChargingStateChanged", "Charging")
    await _is_charging_for(station)


async def test_tc_f_02_csms(station: ChargingStation) -> None:
    """A remote start first; the station authorizes the token itself (AuthorizeRemoteStart is true)."""
    number = await _remote_start(station)
    assert await station.authorize() == "Accepted"
    await station.start("RemoteStart", info={"remoteStartId": number})
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _is_charging_for(station)


async def test_tc_f_03_csms(station: ChargingStation) -> None:
    """A remote start first; the station takes the token as authorized (AuthorizeRemoteStart is false)."""
    number = await _remote_start(station)
    await station.start("RemoteStart", info={"remoteStartId": number})
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _is_charging_for(station)


async def test_tc_f_04_csms(station: ChargingStation) -> None:
    """A remote start first, and no cable is plugged in: the transaction ends by its timeout."""
    number = await _remote_start(station)
    await station.start("RemoteStart", info={"remoteStartId": number})
    register = v201.sampled_value(METER_START, EventType.ENDED)
    info = {"stoppedReason": "Timeout"}
    await station.event(EventType.ENDED, "EVConnectTimeout", register, info=info)
    [transaction] = await station.transactions()
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
    assert transaction.energy_wh == 0


# Unlock


async def test_tc_f_06_csms(station: ChargingStation) -> None:
    """A connector without a transaction is unlocked."""
    action, payload, told = await station.told(
        "UnlockConnector", {"status": "Unlocked"}, evse={"evse_id": 1, "connector_id": 1}
    )
    assert (action, payload) == ("UnlockConnector", {"evseId": 1, "connectorId": 1})
    assert told.status == command.UNLOCK_STATUS_UNLOCKED


# Triggers


async def _trigger(station: ChargingStation, name: str, answer: str = "Accepted", **evse: int) -> Any:
    """TriggerMessage; returns its payload and the operator's status."""
    fields: dict[str, Any] = {"requested_message": command.MessageTrigger.Value(f"MESSAGE_TRIGGER_{name}")}
    if evse:
        fields["evse"] = evse
    action, payload, told = await station.told("TriggerMessage", {"status": answer}, **fields)
    assert action == "TriggerMessage"
    return payload, told.status


async def _meter_values(station: ChargingStation, evse_id: int) -> None:
    sample = v201.sampled_value(METER_START, EventType.UPDATED) | {"context": "Trigger"}
    values = [v201.meter_value([sample], timestamp=now())]
    assert await station.call("MeterValues", evseId=evse_id, meterValue=values) == {}


ACCEPTED = command.TRIGGER_MESSAGE_STATUS_ACCEPTED


async def test_tc_f_11_csms(station: ChargingStation) -> None:
    """Meter values of one EVSE."""
    payload = {"requestedMessage": "MeterValues", "evse": {"id": 1}}
    assert await _trigger(station, "METER_VALUES", evse_id=1) == (payload, ACCEPTED)
    await _meter_values(station, 1)


async def test_tc_f_12_csms(station: ChargingStation) -> None:
    """Meter values of all EVSEs."""
    assert await _trigger(station, "METER_VALUES") == ({"requestedMessage": "MeterValues"}, ACCEPTED)
    for evse_id in (1, 2):
        await _meter_values(station, evse_id)


async def test_tc_f_13_csms(station: ChargingStation) -> None:
    """The state of the transaction at one EVSE."""
    await station.charge()
    payload = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
    assert await _trigger(station, "TRANSACTION_EVENT", evse_id=1) == (payload, ACCEPTED)
    await station.update("Trigger", "Charging")
    await _is_charging_for(station)


async def test_tc_f_14_csms(station: ChargingStation) -> None:
    """The states of all transactions."""
    await station.charge()
    assert await _trigger(station, "TRANSACTION_EVENT") == ({"requestedMessage": "TransactionEvent"}, ACCEPTED)
    await station.update("Trigger", "Charging")
    await _is_charging_for(station)


async def test_tc_f_15_csms(station: ChargingStation) -> None:
    """No log is being uploaded."""
    payload = {"requestedMessage": "LogStatusNotification"}
    assert await _trigger(station, "LOG_STATUS_NOTIFICATION") == (payload, ACCEPTED)
    assert await station.call("LogStatusNotification", status="Idle") == {}


async def test_tc_f_18_csms(station: ChargingStation) -> None:
    """No firmware is being updated."""
    payload = {"requestedMessage": "FirmwareStatusNotification"}
    assert await _trigger(station, "FIRMWARE_STATUS_NOTIFICATION") == (payload, ACCEPTED)
    assert await station.call("FirmwareStatusNotification", status="Idle") == {}


async def test_tc_f_20_csms(station: ChargingStation) -> None:
    """A heartbeat."""
    assert await _trigger(station, "HEARTBEAT") == ({"requestedMessage": "Heartbeat"}, ACCEPTED)
    assert "currentTime" in await station.call("Heartbeat")


async def test_tc_f_23_csms(station: ChargingStation) -> None:
    """The status of one connector that is free."""
    payload = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
    assert await _trigger(station, "STATUS_NOTIFICATION", evse_id=1, connector_id=1) == (payload, ACCEPTED)
    await station.status("Available")


async def test_tc_f_24_csms(station: ChargingStation) -> None:
    """The status of one connector that is occupied."""
    await station.status("Occupied")
    payload = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
    assert await _trigger(station, "STATUS_NOTIFICATION", evse_id=1, connector_id=1) == (payload, ACCEPTED)
    await station.status("Occupied")


async def test_tc_f_27_csms(station: ChargingStation) -> None:
    """A message that the station does not have: the operator sees it, and the station stays served."""
    payload = {"requestedMessage": "SignV2GCertificate"}
    not_there = command.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED
    assert await _trigger(station, "SIGN_V2G_CERTIFICATE", "NotImplemented") == (payload, not_there)
