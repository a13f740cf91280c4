"""Commands of an operator: remote start and stop, reset, unlock, configuration, triggers, cache."""

import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import station_service_pb2

from tests.certification.played_station import now
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


async def _remote_start(charge_point: ChargePoint) -> None:
    """An operator starts for a tag at connector 1, and the charge point will."""
    action, payload, told = await charge_point.told(
        "RequestStartTransaction", ACCEPTED, evse_id=1, id_token={"id_token": charge_point.tag}
    )
    assert (action, payload) == ("RemoteStartTransaction", {"connectorId": 1, "idTag": charge_point.tag})
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED


async def test_tc_010_csms(charge_point: ChargePoint) -> None:
    """Remote start, the cable is in."""
    await charge_point.status("Preparing")
    await _remote_start(charge_point)
    assert await charge_point.authorize() == "Accepted"
    number = await charge_point.start()
    await charge_point.status("Charging")
    await charge_point.finish(number, "EVDisconnected")


async def test_tc_011_1_csms(charge_point: ChargePoint) -> None:
    """Remote start, then the cable."""
    await _remote_start(charge_point)
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    number = await charge_point.start()
    await charge_point.status("Charging")
    await charge_point.finish(number, "EVDisconnected")


async def test_tc_011_2_csms(charge_point: ChargePoint) -> None:
    """Remote start, and no cable in time: nothing has started."""
    await _remote_start(charge_point)
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    await charge_point.status("Available")
    assert await charge_point.transactions() == []


async def test_tc_012_csms(charge_point: ChargePoint) -> None:
    """Remote stop of a transaction that goes on."""
    number = await charge_point.charge()
    action, payload, told = await charge_point.told("RequestStopTransaction", ACCEPTED, transaction_id=str(number))
    assert (action, payload) == ("RemoteStopTransaction", {"transactionId": number})
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED
    await charge_point.finish(number, "Remote")


async def test_tc_013_csms(charge_point: ChargePoint) -> None:
    """Hard reset: the charge point comes back on a new socket."""
    await _reset(charge_point, command.RESET_TYPE_IMMEDIATE, "Hard", "HardReset")


async def test_tc_014_csms(charge_point: ChargePoint) -> None:
    """Soft reset: the session is ended in good order first."""
    await _reset(charge_point, command.RESET_TYPE_ON_IDLE, "Soft", "SoftReset")


async def _reset(charge_point: ChargePoint, kind: int, word: str, reason: str) -> None:
    number = await charge_point.charge()
    action, payload, told = await charge_point.told("Reset", ACCEPTED, type=kind)
    assert (action, payload) == ("Reset", {"type": word})
    assert told.status == command.RESET_STATUS_ACCEPTED
    if word == "Soft":
        await charge_point.finish(number, reason)
    await charge_point.station.socket.close()
    await charge_point.is_offline()
    async with charge_point.connected():
        await charge_point.boot()
        if word == "Hard":
            await charge_point.finish(number, reason)
        assert (await charge_point.resource()).connected


async def test_tc_017_1_csms(charge_point: ChargePoint) -> None:
    """Unlock, nobody charges."""
    assert await _unlock(charge_point, "Unlocked") == command.UNLOCK_STATUS_UNLOCKED


async def test_tc_017_2_csms(charge_point: ChargePoint) -> None:
    """Unlock where the cable is fixed: there is nothing to unlock."""
    assert await _unlock(charge_point, "NotSupported") == command.UNLOCK_STATUS_NOT_SUPPORTED


async def test_tc_018_1_csms(charge_point: ChargePoint) -> None:
    """Unlock in a session: it ends."""
    number = await charge_point.charge()
    assert await _unlock(charge_point, "Unlocked") == command.UNLOCK_STATUS_UNLOCKED
    await charge_point.finish(number, "UnlockCommand")


async def test_tc_030_csms(charge_point: ChargePoint) -> None:
    """Unlock fails, and the operator gets the status."""
    assert await _unlock(charge_point, "UnlockFailed") == command.UNLOCK_STATUS_UNLOCK_FAILED


async def test_tc_031_csms(charge_point: ChargePoint) -> None:
    """Unlock of a connector that the charge point does not have."""
    assert await _unlock(charge_point, "NotSupported", 9) == command.UNLOCK_STATUS_NOT_SUPPORTED


async def _unlock(charge_point: ChargePoint, answer: str, connector: int = 1) -> int:
    action, payload, told = await charge_point.told("UnlockConnector", {"status": answer}, evse={"evse_id": connector})
    assert (action, payload) == ("UnlockConnector", {"connectorId": connector})
    status: int = told.status
    return status


async def test_tc_019_1_csms(charge_point: ChargePoint) -> None:
    """All configuration keys."""
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
    ]
    action, payload, told = await charge_point.told("GetVariables", {"configurationKey": keys, "unknownKey": []})
    assert action == "GetConfiguration"
    assert payload.get("key", []) == []
    found = {result.variable.variable: (result.variable.value, result.variable.readonly) for result in told.results}
    assert found == {"HeartbeatInterval": ("300", False), "NumberOfConnectors": ("2", True)}
    assert await _known(charge_point) == {"HeartbeatInterval": "300", "NumberOfConnectors": "2"}


async def test_tc_019_2_csms(charge_point: ChargePoint) -> None:
    """One configuration key."""
    key = {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core,RemoteTrigger"}
    variables = [{"variable": "SupportedFeatureProfiles"}]
    action, payload, told = await charge_point.told("GetVariables", {"configurationKey": [key]}, variables=variables)
    assert (action, payload) == ("GetConfiguration", {"key": ["SupportedFeatureProfiles"]})
    assert [result.status for result in told.results] == [command.GET_VARIABLE_STATUS_ACCEPTED]
    assert told.results[0].variable.value == "Core,RemoteTrigger"


async def test_tc_021_csms(charge_point: ChargePoint) -> None:
    """A configuration key is changed, and known from then on."""
    status = await _set(charge_point, "MeterValueSampleInterval", "60", "Accepted")
    assert status == command.SET_VARIABLE_STATUS_ACCEPTED
    assert await _known(charge_point) == {"MeterValueSampleInterval": "60"}


async def test_tc_040_1_csms(charge_point: ChargePoint) -> None:
    """A configuration key that the charge point does not have."""
    status = await _set(charge_point, "NoSuchKey", "1", "NotSupported")
    assert status == command.SET_VARIABLE_STATUS_UNKNOWN_VARIABLE
    assert await _known(charge_point) == {}


async def test_tc_040_2_csms(charge_point: ChargePoint) -> None:
    """A value that the charge point does not take."""
    status = await _set(charge_point, "MeterValueSampleInterval", "-1", "Rejected")
    assert status == command.SET_VARIABLE_STATUS_REJECTED
    assert await _known(charge_point) == {}


async def _set(charge_point: ChargePoint, key: str, value: str, answer: str) -> int:
    variables = [{"variable": key, "value": value}]
    action, payload, told = await charge_point.told("SetVariables", {"status": answer}, variables=variables)
    assert (action, payload) == ("ChangeConfiguration", {"key": key, "value": value})
    [result] = told.results
    status: int = result.status
    return status


async def _known(charge_point: ChargePoint) -> dict[str, str]:
    """The variables that the mesh remembers of the charge point."""
    mesh = charge_point.mesh
    request = station_service_pb2.ListVariablesRequest(station_id=charge_point.station_id)
    response = await mesh.stations.ListVariables(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return {variable.variable: variable.value for variable in response.variables}


async def test_tc_026_csms(charge_point: ChargePoint) -> None:
    """A remote start that the charge point refuses."""
    await charge_point.status("Unavailable")
    _action, _payload, told = await charge_point.told(
        "RequestStartTransaction", REJECTED, evse_id=1, id_token={"id_token": charge_point.tag}
    )
    assert told.status == command.REQUEST_START_STOP_STATUS_REJECTED
    assert await charge_point.transactions() == []


async def test_tc_028_csms(charge_point: ChargePoint) -> None:
    """A remote stop of a transaction that the charge point does not know: the one that goes on stays."""
    number = await charge_point.charge()
    action, payload, told = await charge_point.told(
        "RequestStopTransaction", REJECTED, transaction_id=str(number + 1_000), send_unknown=True
    )
    assert (action, payload) == ("RemoteStopTransaction", {"transactionId": number + 1_000})
    assert told.status == command.REQUEST_START_STOP_STATUS_REJECTED
    await charge_point.finish(number)


async def test_tc_054_csms(charge_point: ChargePoint) -> None:
    """Messages that are asked for, each of which comes."""
    sample = {"timestamp": now(), "sampledValue": [{"value": "7", "context": "Trigger"}]}
    for trigger, evse, answers in (
        ("MeterValues", 1, {"connectorId": 1, "meterValue": [sample]}),
        ("Heartbeat", 0, {}),
        ("StatusNotification", 1, {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ("DiagnosticsStatusNotification", 0, {"status": "Idle"}),
        ("FirmwareStatusNotification", 0, {"status": "Idle"}),
        ("BootNotification", 0, {"chargePointModel": "Model", "chargePointVendor": "Vendor"}),
    ):
        status = await _trigger(charge_point, trigger, evse, "Accepted")
        assert status == command.TRIGGER_MESSAGE_STATUS_ACCEPTED
        await charge_point.call(trigger, **answers)


async def test_tc_055_csms(charge_point: ChargePoint) -> None:
    """A message that is asked for, and the charge point will not."""
    status = await _trigger(charge_point, "MeterValues", 9, "Rejected")
    assert status == command.TRIGGER_MESSAGE_STATUS_REJECTED


async def _trigger(charge_point: ChargePoint, message: str, evse: int, answer: str) -> int:
    name = "MESSAGE_TRIGGER_" + "".join(f"_{letter}" if letter.isupper() else letter for letter in message)[1:].upper()
    fields = {"evse": {"evse_id": evse}} if evse else {}
    action, payload, told = await charge_point.told(
        "TriggerMessage", {"status": answer}, requested_message=command.MessageTrigger.Value(name), **fields
    )
    connector = {"connectorId": evse} if evse else {}
    assert (action, payload) == ("TriggerMessage", {"requestedMessage": message} | connector)
    status: int = told.status
    return status


async def test_tc_061_csms(charge_point: ChargePoint) -> None:
    """The authorization cache is emptied."""
    action, payload, told = await charge_point.told("ClearCache", ACCEPTED)
    assert (action, payload) == ("ClearCache", {})
    assert told.status == command.CLEAR_CACHE_STATUS_ACCEPTED
