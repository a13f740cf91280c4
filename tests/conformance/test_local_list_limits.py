"""A local list is sent in parts within the limits that a station reports, by the names of its OCPP version."""

import json
from typing import Any

import pytest
from csms.station.v1 import local_list_service_pb2 as pb
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub

from tests.conformance.acting_station import ActingStation
from tests.conformance.edge import Edge
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_BYTES = 900


async def _sent(edge: Edge, station: ActingStation) -> list[Any]:
    """Has the station's list synced; returns the payloads of SendLocalList."""
    service: Any = LocalListServiceStub(edge.mesh.station_channel)

    async def is_synced() -> bool:
        request = pb.GetLocalListRequest(station_id=station.station_id)
        known = (await service.GetLocalList(request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)).local_list
        return bool(known.sync_state == pb.LOCAL_LIST_SYNC_STATE_SYNCED)

    for text in ("LIMIT-A", "LIMIT-B", "LIMIT-C", "LIMIT-D", "LIMIT-E"):
        await edge.mesh.create_id_token(f"{text}-{station.station_id}")
    async with station.connected(edge.mesh.station_url(station.station_id)):
        request = pb.SyncLocalListRequest(station_id=station.station_id)
        await service.SyncLocalList(request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)
        await eventually(is_synced)
    return [payload for action, payload in station.calls if action == "SendLocalList"]


@pytest.mark.parametrize(
    ("subprotocol", "name"), [("ocpp1.6", "SendLocalListMaxLength"), ("ocpp2.0.1", "ItemsPerMessage")]
)
async def test_no_message_has_more_entries_than_the_station_takes(edge: Edge, subprotocol: str, name: str) -> None:
    station = ActingStation(edge.new_id(), subprotocol)
    station.memory.variables[name] = "2"
    sent = await _sent(edge, station)
    counts = [len(payload["localAuthorizationList"]) for payload in sent]
    assert sum(counts) >= 5
    assert counts[:-1] == [2] * (len(counts) - 1)
    assert [payload["updateType"] for payload in sent] == ["Full", *(["Differential"] * (len(sent) - 1))]


async def test_no_message_has_more_bytes_than_the_station_takes(edge: Edge) -> None:
    """1.6 has no such limit."""
    station = ActingStation(edge.new_id(), "ocpp2.0.1")
    station.memory.variables |= {"ItemsPerMessage": "100", "BytesPerMessage": f"{MOST_BYTES}"}
    sent = await _sent(edge, station)
    assert len(sent) > 1
    assert max(len(json.dumps([2, "0" * 36, "SendLocalList", payload])) for payload in sent) <= MOST_BYTES
