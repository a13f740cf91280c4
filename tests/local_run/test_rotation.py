"""The keys of all parts are replaced while the whole mesh runs: no process is started again, no station notices."""

import asyncio
import sys
from functools import partial
from pathlib import Path

import pytest

from deploy.mesh_keys import MeshKeys
from mesh.identity.key_files import PARTS
from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh, running_mesh
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local run is tested on Linux")


def _bearer(mesh: RunningMesh) -> dict[str, str]:
    login = {"username": "admin", "password": mesh.admin_password}
    return {"authorization": f"Bearer {mesh.request('POST', '/v1/auth:login', body=login).json['accessToken']}"}


def _event_types(mesh: RunningMesh, bearer: dict[str, str]) -> list[str]:
    page = mesh.request("GET", "/v1/events?page_size=100", **bearer).json
    return [event["type"] for event in page.get("events", ())]


async def _has_event(mesh: RunningMesh, bearer: dict[str, str], kind: str) -> bool:
    return kind in await asyncio.to_thread(_event_types, mesh, bearer)


def _clears_cache(mesh: RunningMesh, bearer: dict[str, str]) -> bool:
    return mesh.request("POST", "/v1/stations/CP1:clearCache", body={}, **bearer).status == 200


async def _answer_commands(station: RawStation) -> None:
    """Accepts what the station is asked for, until it is cancelled."""
    while True:
        await station.answer_next(lambda _action, _payload: {"status": "Accepted"})


def _charging(**more: object) -> dict[str, object]:
    return {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-11-30T10:00:00Z", **more}


async def test_keys_are_replaced_while_a_station_charges(tmp_path: Path) -> None:
    """Gateway to services, services to notification_svc, station_svc down to the gateway: no call fails.

    Once the former keys are retired, each process has only its new one.
    """
    with running_mesh(tmp_path) as mesh:
        bearer, keys = _bearer(mesh), MeshKeys(tmp_path / "keys")
        before = {part: mesh.pid(part) for part in mesh.status()["parts"]}
        async with RawStation(f"{mesh.ocpp_url}/CP1") as station:
            await station.boot()
            begun = await station.call("StartTransaction", _charging())
            for part in PARTS:
                keys.rotate(part)
            assert (await station.boot())["status"] == "Accepted"
            ended = {"transactionId": begun["transactionId"], "meterStop": 9, "timestamp": "2026-11-30T11:00:00Z"}
            await station.call("StopTransaction", ended)
            answering = asyncio.create_task(_answer_commands(station))
            assert await asyncio.to_thread(_clears_cache, mesh, bearer)
            await eventually(partial(_has_event, mesh, bearer, "transaction.ended"))
            for part in PARTS:
                keys.retire(part)
            # A command is sent once, so that one with a token of the former key may fail within this second.
            await eventually(partial(asyncio.to_thread, _clears_cache, mesh, bearer))
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            assert "transactionId" in await station.call("StartTransaction", _charging(connectorId=2))
        assert {part: mesh.pid(part) for part in mesh.status()["parts"]} == before
