"""Block G, availability. The names of the cases are known; the steps are our reading of G01 and G03 to G05."""

from typing import Any

import pytest
from csms.station.v1 import alarm_pb2, monitoring_service_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceStub

from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED, SCHEDULED = command.CHANGE_AVAILABILITY_STATUS_ACCEPTED, command.CHANGE_AVAILABILITY_STATUS_SCHEDULED
EVSE, CONNECTOR = {"id": 1}, {"id": 1, "connectorId": 1}


async def _change(station: ChargingStation, status: str, *, evse: Any = None, answer: str = "Accepted") -> int:
    """ChangeAvailability of an EVSE, a connector, or with none the station; returns the operator's status."""
    place = evse or {}
    action, payload, told = await station.told(
        "ChangeAvailability",
        {"status": answer},
        evse={"evse_id": place.get("id", 0), "connector_id": place.get("connectorId", 0)},
        operational_status=command.OperationalStatus.Value(f"OPERATIONAL_STATUS_{status.upper()}"),
    )
    assert action == "ChangeAvailability"
    assert payload == {"operationalStatus": status, **({} if evse is None else {"evse": evse})}
    found: int = told.status
    return found


async def _out_and_in(station: ChargingStation, status: str, *, evse: Any = None, evse_ids: tuple[int, ...]) -> None:
    """Out of service where it was in service, or the other way; the station reports its connectors."""
    if status == "Operative":
        assert await _change(station, "Inoperative", evse=evse) == ACCEPTED
        for evse_id in evse_ids:
            await station.status("Unavailable", evse_id=evse_id)
    assert await _change(station, status, evse=evse) == ACCEPTED
    for evse_id in evse_ids:
        await station.status("Available" if status == "Operative" else "Unavailable", evse_id=evse_id)


async def _after_the_transaction(station: ChargingStation, *, evse: Any = None) -> None:
    """A change during a transaction is scheduled; the transaction goes on, and its end takes effect."""
    await station.charge()
    assert await _change(station, "Inoperative", evse=evse, answer="Scheduled") == SCHEDULED
    await station.update("ChargingStateChanged", "EVConnected")
    await station.stop()
    await station.is_ended()
    await station.status("Unavailable")


async def test_tc_g_03_csms(station: ChargingStation) -> None:
    """An EVSE, out of service."""
    await _out_and_in(station, "Inoperative", evse=EVSE, evse_ids=(1,))


async def test_tc_g_04_csms(station: ChargingStation) -> None:
    """An EVSE, back in service."""
    await _out_and_in(station, "Operative", evse=EVSE, evse_ids=(1,))


async def test_tc_g_05_csms(station: ChargingStation) -> None:
    """The station, out of service: no EVSE is named."""
    await _out_and_in(station, "Inoperative", evse_ids=(1, 2))


async def test_tc_g_06_csms(station: ChargingStation) -> None:
    """The station, back in service."""
    await _out_and_in(station, "Operative", evse_ids=(1, 2))


async def test_tc_g_07_csms(station: ChargingStation) -> None:
    """A connector, out of service."""
    await _out_and_in(station, "Inoperative", evse=CONNECTOR, evse_ids=(1,))


async def test_tc_g_08_csms(station: ChargingStation) -> None:
    """A connector, back in service."""
    await _out_and_in(station, "Operative", evse=CONNECTOR, evse_ids=(1,))


async def test_tc_g_11_csms(station: ChargingStation) -> None:
    """An EVSE during a transaction."""
    await _after_the_transaction(station, evse=EVSE)


async def test_tc_g_14_csms(station: ChargingStation) -> None:
    """The station during a transaction."""
    await _after_the_transaction(station)


async def test_tc_g_17_csms(station: ChargingStation) -> None:
    """A connector during a transaction."""
    await _after_the_transaction(station, evse=CONNECTOR)


async def test_tc_g_20_csms(station: ChargingStation) -> None:
    """The lock of a connector fails: the station reports it, and an operator sees an alarm."""
    await station.status("Occupied")
    assert await station.authorize() == "Accepted"
    event = {
        "eventId": 1,
        "timestamp": now(),
        "trigger": "Alerting",
        "actualValue": "true",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ConnectorPlugRetentionLock", "evse": CONNECTOR},
        "variable": {"name": "Problem"},
    }
    assert await station.call("NotifyEvent", generatedAt=now(), seqNo=0, tbc=False, eventData=[event]) == {}
    stub: Any = MonitoringServiceStub(station.mesh.station_channel)
    request = monitoring_service_pb2.ListAlarmsRequest(filter=f'station_id = "{station.station_id}"')
    [alarm] = (await stub.ListAlarms(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)).alarms
    assert (alarm.state, alarm.variable.component) == (alarm_pb2.ALARM_STATE_OPEN, "ConnectorPlugRetentionLock")
    assert (alarm.variable.evse.evse_id, alarm.variable.evse.connector_id) == (1, 1)
    assert await station.transactions() == []
