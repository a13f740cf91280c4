"""The access log of the front door: each request with the id that the audit has, and no secret."""

import asyncio
import json
from typing import Any

from tests.gateway.raw_station import RawStation, basic
from tests.running_mesh import RunningMesh
from tests.waiting import until


def _lines(mesh: RunningMesh) -> list[dict[str, Any]]:
    found = []
    for line in (mesh.data_dir / "logs" / "envoy.log").read_text().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if "request_id" in entry:
                found.append(entry)
    return found


async def test_a_request_is_logged_with_the_id_that_its_audit_entry_has(
    mesh: RunningMesh, bearer: dict[str, str]
) -> None:
    body = {"stationId": "FD-LOG-1"}
    made = await asyncio.to_thread(mesh.request, "POST", "/v1/stations", body=body, **bearer)
    assert made.status == 200, made

    def audited() -> dict[str, Any] | None:
        path = "/v1/auditEntries?filter=resource%3D%22FD-LOG-1%22"
        entries = mesh.request("GET", path, **bearer).json["auditEntries"]
        return entries[0] if entries else None

    entry = await until(audited)
    assert entry is not None
    assert (entry["actor"], entry["action"]) == ("admin", "csms.station.v1.StationService/CreateStation")
    assert entry["address"] == "127.0.0.1"
    assert entry["requestId"]
    [line] = await until(lambda: [one for one in _lines(mesh) if one["request_id"] == entry["requestId"]])
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/stations", 200)


async def test_no_credential_token_or_password_is_in_the_log(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    made = await asyncio.to_thread(
        mesh.request, "POST", "/v1/stations", body={"stationId": "FD-LOG-2", "securityProfile": 1}, **bearer
    )
    credential = made.json["credential"]
    async with RawStation(f"{mesh.ocpp_url}/FD-LOG-2?token={credential}"):
        pass
    async with RawStation(f"{mesh.ocpp_url}/FD-LOG-2", headers=basic("FD-LOG-2", credential)):
        pass
    await until(lambda: len([one for one in _lines(mesh) if one["path"] == "/ocpp/FD-LOG-2"]) >= 2)
    text = (mesh.data_dir / "logs" / "envoy.log").read_text()
    token = bearer["authorization"].removeprefix("Bearer ")
    for secret in (credential, token, mesh.admin_password):
        assert secret not in text


async def test_an_export_streams_lines_by_rest(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    answer = await asyncio.to_thread(mesh.request, "GET", "/v1/auditEntries:export", **bearer)
    assert answer.status == 200, answer
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert {line["source"] for line in lines} >= {"auth"}
    assert all(line["content"] for line in lines)
    verified = await asyncio.to_thread(mesh.request, "GET", "/v1/auditEntries:verify", **bearer)
    assert all(not chain["faults"] for chain in verified.json["chains"])
