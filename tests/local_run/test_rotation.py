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


async def test_keys_are_replaced_while_a_station_charges(tmp_path: Path) -> None:
    """Gateway to services, services to notification_svc, station_svc down to the gateway: each with its new key."""
    with running_mesh(tmp_path) as mesh:
        bearer = _bearer(mesh)
        keys = MeshKeys(tmp_path / "keys")
        async with RawStation(f"{mesh.ocpp_url}/CP1") as station:
            await station.boot()
            begun = await station.call(
                "StartTransaction",
                {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-11-30T10:00:00Z"},
            )
            before = {part: mesh.pid(part) for part in mesh.status()["parts"]}
            for part in PARTS:
                keys.rotate(part)
                keys.retire(part)
            assert (await station.boot())["status"] == "Accepted"
            ended = {"transactionId": begun["transactionId"], "meterStop": 9, "timestamp": "2026-11-30T11:00:00Z"}
            await station.call("StopTransaction", ended)
            reset = asyncio.create_task(
                asyncio.to_thread(partial(mesh.request, "POST", "/v1/stations/CP1:clearCache", body={}, **bearer))
            )
            assert (await station.answer({"status": "Accepted"}))[0] == "ClearCache"
            assert (await reset).status == 200
            await eventually(partial(_has_event, mesh, bearer, "transaction.ended"))
        assert {part: mesh.pid(part) for part in mesh.status()["parts"]} == before
