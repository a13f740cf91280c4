"""Boots, charging sessions, and what identification says."""

import pytest
from csms.station.v1 import station_pb2, station_service_pb2

from tests.certification.played_station import BLOCKED, EXPIRED, GROUP, INVALID, now
from tests.certification.v16.charge_point import METER_START, ChargePoint
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_tc_001_csms(offline: ChargePoint) -> None:
    """Cold boot: accepted, with an interval and the time; every connector's status is taken."""
    async with offline.connected():
        answer = await offline.call(
            "BootNotification",
            chargePointModel="Model",
            chargePointVendor="Vendor",
            chargePointSerialNumber="S-1",
            firmwareVersion="1.0",
        )
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        assert now(-60) < answer["currentTime"] < now(60)
        for connector in (0, 1, 2):
            await offline.status("Available", connector=connector)
        assert now(-60) < (await offline.call("Heartbeat"))["currentTime"] < now(60)
        station = await offline.resource()
        assert (station.identity.model, station.identity.serial_number) == ("Model", "S-1")
        assert station.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        assert station.connected


async def test_tc_003_csms(charge_point: ChargePoint) -> None:
    """The cable first, then the driver; both ends of the session."""
    number = await charge_point.charge()
    sample = {"timestamp": now(), "sampledValue": [{"value": "2500", "unit": "Wh"}]}
    assert await charge_point.call("MeterValues", connectorId=1, transactionId=number, meterValue=[sample]) == {}
    assert await charge_point.authorize() == "Accepted"
    await charge_point.finish(number, idTag=charge_point.tag)


async def test_tc_004_1_csms(charge_point: ChargePoint) -> None:
    """The driver first, then the cable."""
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    number = await charge_point.start()
    await charge_point.status("Charging")
    await charge_point.finish(number)


async def test_tc_004_2_csms(charge_point: ChargePoint) -> None:
    """The driver, but no cable in time: nothing has started."""
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    await charge_point.status("Available")
    assert await charge_point.transactions() == []


async def test_tc_005_1_csms(charge_point: ChargePoint) -> None:
    """The cable is pulled at the vehicle: the transaction ends."""
    number = await charge_point.charge()
    await charge_point.status("SuspendedEV")
    await charge_point.finish(number, "EVDisconnected")


async def test_tc_007_csms(charge_point: ChargePoint) -> None:
    """A tag that the charge point has in its cache: a start without a question before it."""
    await charge_point.status("Preparing")
    answer = await charge_point.call(
        "StartTransaction", connectorId=1, idTag=charge_point.tag, meterStart=METER_START, timestamp=now()
    )
    assert answer["idTagInfo"] == {"status": "Accepted", "parentIdTag": GROUP}
    await charge_point.status("Charging")
    await charge_point.finish(answer["transactionId"])


async def test_tc_023_1_csms(charge_point: ChargePoint) -> None:
    """A tag that is invalid: said so, and nothing starts."""
    await _refused(charge_point, INVALID, "Invalid")


async def test_tc_023_2_csms(charge_point: ChargePoint) -> None:
    """A tag that has expired: said so, and nothing starts."""
    await _refused(charge_point, EXPIRED, "Expired")


async def test_tc_023_3_csms(charge_point: ChargePoint) -> None:
    """A tag that is blocked: said so, and nothing starts."""
    await _refused(charge_point, BLOCKED, "Blocked")


async def _refused(charge_point: ChargePoint, tag: str, status: str) -> None:
    await charge_point.status("Preparing")
    assert await charge_point.authorize(tag) == status
    await charge_point.status("Available")
    assert await charge_point.transactions() == []


async def test_tc_024_csms(charge_point: ChargePoint) -> None:
    """The cable cannot be locked: the fault is shown, and nothing has started."""
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    await charge_point.status("Faulted", error="ConnectorLockFailure")
    connector = await charge_point.shown(1)
    assert connector.status == station_pb2.CONNECTOR_STATUS_FAULTED
    assert connector.error_code == "ConnectorLockFailure"
    assert await charge_point.transactions() == []


async def test_tc_064_csms(charge_point: ChargePoint) -> None:
    """A vendor's own message, of a vendor that nobody knows: refused in words, and kept."""
    answer = await charge_point.call("DataTransfer", vendorId="org.example", messageId="M", data="D")
    assert answer["status"] in ("Rejected", "UnknownMessageId", "UnknownVendorId")
    assert "data" not in answer
    request = station_service_pb2.ListDataTransfersRequest(station_id=charge_point.station_id)
    mesh = charge_point.mesh
    kept = await mesh.stations.ListDataTransfers(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert [(found.vendor_id, found.message_id, found.data) for found in kept.data_transfers] == [
        ("org.example", "M", "D")
    ]
