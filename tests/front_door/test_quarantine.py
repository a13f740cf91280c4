"""An operator mends a message in quarantine over REST, with every process as `make run` sets it up."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.running_mesh import RunningMesh
from tests.waiting import PATIENCE_S

STATION = "FD-QUARANTINE"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


async def _send(mesh: RunningMesh, *calls: tuple[str, Any]) -> list[Any]:
    """Sends these CALLs and returns the answers."""
    async with connect(
        f"{mesh.ocpp_url}/{STATION}", subprotocols=[Subprotocol("ocpp1.6")], open_timeout=PATIENCE_S
    ) as socket:
        answers = []
        for number, (action, payload) in enumerate(calls):
            await socket.send(json.dumps([2, str(number), action, payload]))
            answers.append(json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S)))
        return answers


async def test_a_raw_message_is_mended(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """With its payload as JSON, and a reason; errors name what is wrong."""
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    broken = {"connectorId": 1, "idTag": "T", "meterStart": "many", "timestamp": time}
    answers = await _send(mesh, ("BootNotification", BOOT), ("StartTransaction", broken))
    assert (answers[1][0], answers[1][2]["transactionId"]) == (3, 0)

    def ask(method: str, path: str, body: Any = None) -> Any:
        return mesh.request(method, path, body=body, **bearer)

    def mending() -> None:
        query = f"/v1/quarantine?filter=station_id%20%3D%20%22{STATION}%22"
        [item] = ask("GET", query).json["items"]
        path = f"/v1/quarantine/{item['quarantineId']}:mend"
        for body, reason in (
            ({"payload": broken | {"meterStart": 1000}}, "INVALID_FIELD"),
            ({"reason": "read from the meter"}, "INVALID_FIELD"),
            ({"reason": "read from the meter", "payload": broken}, "SCHEMA_VIOLATION"),
        ):
            refused = ask("POST", path, body)
            assert (refused.status, refused.reason) == (400, reason), refused
        assert ask("POST", "/v1/quarantine/none:mend", {"reason": "x", "payload": {}}).status == 404
        mended = broken | {"meterStart": 1000}
        done = ask("POST", path, {"reason": "read from the meter", "payload": mended})
        assert (done.status, done.json["state"]) == (200, "QUARANTINE_STATE_RECORDED"), done
        assert json.loads(done.json["rawMessage"]["raw"]["payload"]) == broken
        [mend] = done.json["mends"]
        assert (mend["username"], mend["reason"]) == ("admin", "read from the meter")
        assert json.loads(mend["payload"]) == mended
        found = ask("GET", f"/v1/stations/{STATION}/transactions/{done.json['transactionId']}").json
        assert (found["state"], found["meterStartWh"]) == ("TRANSACTION_STATE_ACTIVE", 1000)

    await asyncio.to_thread(mending)
