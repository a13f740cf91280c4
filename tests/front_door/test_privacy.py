"""Exports and the erasure of a driver by REST: an id token is in no path, so in no access log."""

import asyncio
import json

import pytest

from tests.running_mesh import RunningMesh

TAG = "FD04A1B2C3"


@pytest.mark.parametrize("part", ["auth", "station", "transaction", "event"])
async def test_exports_stream_lines(mesh: RunningMesh, bearer: dict[str, str], part: str) -> None:
    answer = await asyncio.to_thread(mesh.request, "GET", f"/v1/{part}Data:export", **bearer)
    assert answer.status == 200, answer
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert {line["row"]["tenant_id"] for line in lines} <= {"default"}
    assert lines or part in {"transaction", "station"}
    body = {"idToken": TAG}
    found = await asyncio.to_thread(mesh.request, "POST", f"/v1/{part}Data:exportDriver", body=body, **bearer)
    assert (found.status, found.body.strip()) in {(200, b""), (200, "")}, found


async def test_an_erasure_is_begun_and_read(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    token = {"idToken": TAG, "displayName": "Erika"}
    added = await asyncio.to_thread(mesh.request, "POST", "/v1/idTokens", body={"idToken": token}, **bearer)
    assert added.status == 200, added
    begun = await asyncio.to_thread(mesh.request, "POST", "/v1/driverErasures", body={"idToken": TAG}, **bearer)
    assert begun.status == 200, begun
    assert begun.json["state"] == "DRIVER_ERASURE_STATE_RUNNING"
    erasure_id = begun.json["erasureId"]
    read = await asyncio.to_thread(mesh.request, "GET", f"/v1/driverErasures/{erasure_id}", **bearer)
    assert read.json["erasureId"] == erasure_id
    listed = await asyncio.to_thread(mesh.request, "GET", "/v1/driverErasures", **bearer)
    assert erasure_id in {one["erasureId"] for one in listed.json["driverErasures"]}
    gone = await asyncio.to_thread(mesh.request, "GET", f"/v1/idTokens/{TAG}", **bearer)
    assert gone.status == 404
    missing = await asyncio.to_thread(mesh.request, "GET", "/v1/driverErasures/none", **bearer)
    assert missing.status == 404
    assert "DRIVER_ERASURE_NOT_FOUND" in str(missing.json)
    entries = await asyncio.to_thread(mesh.request, "GET", "/v1/auditEntries?page_size=200", **bearer)
    [entry] = [one for one in entries.json["auditEntries"] if one["resource"] == erasure_id] or [None]
    assert entry is None or TAG not in json.dumps(entry)
