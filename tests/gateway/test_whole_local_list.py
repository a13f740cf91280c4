"""A local list over OCPP 1.6, from the id tokens that an operator adds to the frames at the socket."""

import asyncio
from typing import Any

from csms.auth.v1 import id_token_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.station.v1 import local_list_service_pb2 as pb
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

CONFIGURATION = [
    {"key": "SendLocalListMaxLength", "readonly": True, "value": "2"},
    {"key": "LocalAuthListMaxLength", "readonly": True, "value": "100"},
]


async def _add_token(mesh: MeshRig, text: str, **more: Any) -> None:
    stub = IdTokenServiceStub(mesh.auth_channel)
    token = id_token_service_pb2.IdToken(id_token=text, **more)
    request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
    await stub.CreateIdToken(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


async def _answer(station: RawStation, frames: list[tuple[str, Any]]) -> None:
    """Answers what a station is asked for its list, until cancelled."""
    version = 0

    def answer(action: str, payload: Any) -> Any:
        nonlocal version
        frames.append((action, payload))
        if action == "SendLocalList":
            version = payload["listVersion"]
        answers: dict[str, Any] = {
            "GetLocalListVersion": {"listVersion": version},
            "GetConfiguration": {"configurationKey": CONFIGURATION},
            "SendLocalList": {"status": "Accepted"},
        }
        return answers[action]

    while True:
        await station.answer_next(answer)


async def test_a_list_reaches_the_station(mesh_on_both: MeshRig) -> None:
    """In parts as small as the station takes, without the token that 1.6 cannot name; then the change alone."""
    mesh = mesh_on_both
    lists = LocalListServiceStub(mesh.station_channel)

    async def is_synced(request_id: str) -> pb.LocalList | None:
        response = await lists.GetLocalList(pb.GetLocalListRequest(station_id="CP1"), metadata=mesh.metadata)
        known = response.local_list
        done = known.request_id == request_id and known.sync_state == pb.LOCAL_LIST_SYNC_STATE_SYNCED
        return known if done else None

    await _add_token(mesh, "ALICE", group_id_token="FLEET")
    await _add_token(mesh, "BOB", status="Blocked")
    await _add_token(mesh, "CAROL")
    await _add_token(mesh, "D" * 30)
    frames: list[tuple[str, Any]] = []
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        answering = asyncio.create_task(_answer(station, frames))
        request = pb.SyncLocalListRequest(station_id="CP1", request_id="first")
        await lists.SyncLocalList(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        known = await eventually(lambda: is_synced("first"))
        assert known is not None
        assert (known.version_number, known.entry_count, known.left_out_count) == (2, 3, 1)
        assert [payload for action, payload in frames if action == "SendLocalList"] == [
            {
                "listVersion": 1,
                "updateType": "Full",
                "localAuthorizationList": [
                    {"idTag": "ALICE", "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}},
                    {"idTag": "BOB", "idTagInfo": {"status": "Blocked"}},
                ],
            },
            {
                "listVersion": 2,
                "updateType": "Differential",
                "localAuthorizationList": [{"idTag": "CAROL", "idTagInfo": {"status": "Accepted"}}],
            },
        ]
        frames.clear()
        await _add_token(mesh, "EVE")
        request = pb.SyncLocalListRequest(station_id="CP1", request_id="second")
        await lists.SyncLocalList(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        await eventually(lambda: is_synced("second"))
        [change] = [payload for action, payload in frames if action == "SendLocalList"]
        assert (change["listVersion"], change["updateType"]) == (3, "Differential")
        assert [entry["idTag"] for entry in change["localAuthorizationList"]] == ["EVE"]
        answering.cancel()
