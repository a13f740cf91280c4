"""Block P, data transfer. Of these cases only the names are public: the steps are our reading of the use cases."""

import json

import pytest
from csms.station.v1 import station_service_pb2

from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_tc_p_02_csms(station: ChargingStation) -> None:
    """P02: of a vendor that nobody knows. It is kept all the same."""
    answer = await station.call("DataTransfer", vendorId="org.example", messageId="M", data={"a": [1]})
    assert answer["status"] == "UnknownVendorId"
    request = station_service_pb2.ListDataTransfersRequest(station_id=station.station_id)
    kept = await station.mesh.stations.ListDataTransfers(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    assert [(one.vendor_id, one.message_id, one.data) for one in kept.data_transfers] == [
        ("org.example", "M", '{"a":[1]}')
    ]


async def test_tc_p_03_csms(station: ChargingStation) -> None:
    """CustomData of a vendor's own fields, on the message and within it: answered as without, and kept in the log."""
    custom = {"vendorId": "org.example", "note": {"colour": "green"}}
    payload = {"timestamp": now(), "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1, "customData": custom}
    assert await station.call("StatusNotification", **payload) == {}
    modem = {"iccid": "1", "customData": custom}
    charging_station = {"model": "M", "vendorName": "V", "modem": modem, "customData": custom}
    answer = await station.call("BootNotification", reason="PowerUp", chargingStation=charging_station)
    assert answer["status"] == "Accepted"

    async def logged() -> bool:
        found = [json.loads(one.payload) for one in await station.mesh.messages(station.station_id)]
        sent = [frame[3] for frame in found if frame[0] == 2 and frame[2] == "StatusNotification"]
        return payload in sent and any(
            frame[3].get("chargingStation") == charging_station for frame in found if frame[0] == 2
        )

    await eventually(logged)
