"""`make run ALL_IN_ONE=1`: the gateway and all services in one process, which is killed and started again."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.all_in_one import Parts
from deploy.mesh_keys import MeshKeys
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import now_us, to_datetime
from tests.gateway.raw_station import RawStation
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh, running_mesh

METER_START_WH, METER_STOP_WH = 1_000, 8_500


async def _session(mesh: RunningMesh, station: RawStation) -> int:
    """A session of 7.5 kWh; returns the id of its transaction."""
    assert (await station.boot())["status"] == "Accepted"
    started = await station.call(
        "StartTransaction",
        {
            "connectorId": 1,
            "idTag": "TAG",
            "meterStart": METER_START_WH,
            "timestamp": to_datetime(now_us()).isoformat(),
        },
    )
    stopped = await station.call(
        "StopTransaction",
        {
            "transactionId": started["transactionId"],
            "meterStop": METER_STOP_WH,
            "timestamp": to_datetime(now_us()).isoformat(),
        },
    )
    assert stopped is not None
    return int(started["transactionId"])


def _transactions(mesh: RunningMesh, headers: Mapping[str, str]) -> list[Any]:
    found: list[Any] = mesh.request("GET", "/v1/transactions", **headers).json.get("transactions", [])
    return found


def _has_events(mesh: RunningMesh, headers: Mapping[str, str]) -> bool:
    """Whether notification_svc has the begin and the end of the session."""
    events = mesh.request("GET", "/v1/events", **headers).json.get("events", [])
    return {"transaction.started", "transaction.ended"} <= {event["type"] for event in events}


async def test_a_session_is_recorded_and_a_command_arrives(tmp_path: Path) -> None:
    """One process beside Envoy, whose parts reach each other; after it was killed nothing acknowledged is missing."""
    with running_mesh(tmp_path, CSMS_ALL_IN_ONE="1", CSMS_ONBOARDING="accept", CSMS_UNKNOWN_TOKENS="accept") as mesh:
        assert set(mesh.status()["parts"]) == {"all_in_one", "envoy"}
        bearer = {"authorization": f"Bearer {await asyncio.to_thread(mesh.token)}"}
        async with RawStation(f"{mesh.ocpp_url}/ONE-1") as station:
            transaction_id = await _session(mesh, station)
            asking = asyncio.create_task(
                asyncio.to_thread(
                    mesh.request, "POST", "/v1/stations/ONE-1:reset", body={"type": "RESET_TYPE_IMMEDIATE"}, **bearer
                )
            )
            await station.answer({"status": "Accepted"})
            assert (await asking).json["status"] == "RESET_STATUS_ACCEPTED"
        os.kill(mesh.pid("all_in_one"), signal.SIGKILL)
        assert await asyncio.to_thread(mesh.output.wait_for, "all_in_one is back", 120)
        [found] = await asyncio.to_thread(_transactions, mesh, bearer)
        assert found["transactionId"] == str(transaction_id)
        assert found["energyWh"] == METER_STOP_WH - METER_START_WH
        assert await asyncio.to_thread(wait_until, lambda: _has_events(mesh, bearer))
        assert mesh.stop() == 0
    log = (tmp_path / "logs" / "all_in_one.log").read_text()
    assert '"level": "error"' not in log
    assert {f'"process": "{part}_svc"' in log for part in ("auth", "station", "transaction", "notification")} == {True}


def test_more_gateways_than_one_are_refused(tmp_path: Path) -> None:
    MeshKeys(tmp_path / "keys").make()
    addresses = {
        f"CSMS_{part}_{kind}": "127.0.0.1:0"
        for part in ("AUTH", "STATION", "TRANSACTION", "NOTIFICATION", "GATEWAY")
        for kind in ("ADDRESS", "OPERATOR_ADDRESS")
    }
    settings = {**addresses, "CSMS_MESH_KEYS": str(tmp_path / "keys"), "CSMS_DATA_DIR": str(tmp_path)}
    assert Parts.read(settings).gateway.workers == 1
    with pytest.raises(SettingError, match="CSMS_GATEWAY_WORKERS=2"):
        Parts.read({**settings, "CSMS_GATEWAY_WORKERS": "2"})
