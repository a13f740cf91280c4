"""Who is let in at a real socket, with the real services behind it: browsers, wrong credentials, told addresses."""

import asyncio
from collections.abc import Mapping

import pytest
from csms.station.v1 import station_pb2, station_service_pb2
from websockets.exceptions import InvalidStatus

from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import MeshRig, running_mesh
from tests.mesh_identities import mesh_keys
from tests.waiting import eventually


async def _status(mesh: MeshRig, station_id: str, headers: Mapping[str, str]) -> int:
    try:
        async with RawStation(mesh.station_url(station_id), headers=headers):
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


async def _station(mesh: MeshRig, station_id: str) -> station_pb2.Station:
    request = station_service_pb2.GetStationRequest(station_id=station_id)
    return (await mesh.stations.GetStation(request, metadata=mesh.metadata)).station


async def test_a_browser_is_refused_and_leaves_no_trace(mesh: MeshRig) -> None:
    """Also where every station is let in, with whatever sub-protocol; a station that sends file:// is counted."""
    assert await _status(mesh, "PAGE", {"Origin": "https://evil.example"}) == 403
    request = station_service_pb2.ListStationsRequest(filter='station_id = "PAGE"')
    assert not (await mesh.stations.ListStations(request, metadata=mesh.metadata)).stations
    async with RawStation(mesh.station_url("ESP"), headers={"Origin": "file://"}) as station:
        await station.boot()

    async def counted() -> bool:
        return (await _station(mesh, "ESP")).quirks.get("odd_origin") == 1

    await eventually(counted)


@pytest.mark.parametrize("proof", [None, "", "0" * 64, "\u00e9"])
async def test_an_address_is_not_believed_from_anybody(mesh: MeshRig, proof: str | None) -> None:
    """A station may write any address into the header; without the proof its socket's counts."""
    headers = {ADDRESS_HEADER: "203.0.113.7"} | ({} if proof is None else {PROOF_HEADER: proof})
    async with RawStation(mesh.station_url("CP1"), headers=headers):
        assert (await _station(mesh, "CP1")).connection.remote_address == "127.0.0.1"


async def test_an_address_is_believed_from_the_front_door(mesh: MeshRig) -> None:
    """Which proves itself with what only it and the gateways know."""
    headers = {ADDRESS_HEADER: "203.0.113.7", PROOF_HEADER: proof_of(mesh_keys().read_front_door_secret())}
    async with RawStation(mesh.station_url("CP1"), headers=headers):
        assert (await _station(mesh, "CP1")).connection.remote_address == "203.0.113.7"


async def test_wrong_credentials_wait_and_right_ones_do_not(mesh: MeshRig) -> None:
    """From one address, as thousands of stations behind one router: each wrong one longer, no right one at all."""
    credential, other = await mesh.create_station("CP1"), await mesh.create_station("CP2")
    loop, wrong = asyncio.get_running_loop(), basic("CP1", "wrong")
    begin_s = loop.time()
    for _ in range(4):
        assert await _status(mesh, "CP1", wrong) == 401
    assert loop.time() - begin_s >= 1.7  # 0 + 0.25 + 0.5 + 1
    waiting = [asyncio.create_task(_status(mesh, "CP1", wrong)) for _ in range(3)]
    async with RawStation(mesh.station_url("CP2"), headers=basic("CP2", other)) as station:
        await station.boot()
        assert await _status(mesh, "CP1", basic("CP1", credential)) == 101
    assert not any(task.done() for task in waiting)  # each waits for two seconds at least
    assert set(await asyncio.gather(*waiting)) == {401}

    async def counted() -> bool:
        failures = (await _station(mesh, "CP1")).credential_failures
        return failures.count >= 1 and failures.last_address == "127.0.0.1"

    await eventually(counted)


async def test_a_station_that_is_accepted_keeps_strangers_out(database_url: str) -> None:
    """It is pending, is accepted, and is handed its credential on the very socket that it waits on."""
    async with running_mesh(database_url, CSMS_ONBOARDING="pending") as mesh:
        station = station_pb2.Station(station_id="CP1", registration_status=station_pb2.REGISTRATION_STATUS_ACCEPTED)
        async with RawStation(mesh.station_url("CP1")) as waiting:
            assert (await waiting.boot())["status"] == "Pending"
            request = station_service_pb2.UpdateStationRequest(station=station)
            await mesh.stations.UpdateStation(request, metadata=mesh.metadata)
            frame = await waiting.receive()
            assert (frame[2], frame[3]["key"]) == ("ChangeConfiguration", "AuthorizationKey")
            await waiting.reply(frame[1], {"status": "Accepted"})
            assert await waiting.close_code() == 1012
        assert await _status(mesh, "CP1", {}) == 401
        async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", frame[3]["value"])) as back:
            assert (await back.boot())["status"] == "Accepted"
        assert (await _station(mesh, "CP1")).credential_state == station_pb2.CREDENTIAL_STATE_HELD


@pytest.mark.parametrize("name", ["CP%3Areset", "..", "a%00b"])
async def test_names_of_no_station_are_refused(mesh: MeshRig, name: str) -> None:
    """400, with a word why."""
    assert await _status(mesh, name, {}) == 400
