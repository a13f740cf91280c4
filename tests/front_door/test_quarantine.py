"""An operator mends a message in quarantine over REST, with every process as `make run` sets it up."""

import asyncio
import json
from typing import Any

from tests.gateway.field.kit import start
from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh

STATION = "FD-QUARANTINE"


async def test_a_raw_message_is_mended(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """With its payload as JSON, and a reason; errors name what is wrong."""
    broken = start(meterStart="many")
    async with RawStation(f"{mesh.ocpp_url}/{STATION}") as station:
        await station.boot()
        assert (await station.call("StartTransaction", broken))["transactionId"] == 0

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
        assert done.status == 200, done
        assert done.json["state"] == "QUARANTINE_STATE_RECORDED"
        assert json.loads(done.json["rawMessage"]["raw"]["payload"]) == broken
        [mend] = done.json["mends"]
        assert (mend["username"], mend["reason"]) == ("admin", "read from the meter")
        assert json.loads(mend["payload"]) == mended
        found = ask("GET", f"/v1/stations/{STATION}/transactions/{done.json['transactionId']}").json
        assert (found["state"], found["meterStartWh"]) == ("TRANSACTION_STATE_ACTIVE", 1000)

    await asyncio.to_thread(mending)
