"""Two sites with a station each that charges, and a caller who is an administrator in one of them alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.front_door.administration import MARK, Administration, Bearer
from tests.gateway.field.kit import metered, start, stop
from tests.gateway.raw_station import RawStation, basic
from tests.running_mesh import RunningMesh
from tests.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class Town:
    """A site, and what there is of it: the names that requests have for it, by field."""

    ids: Mapping[str, str]

    @property
    def station_id(self) -> str:
        """Its station."""
        return self.ids["station_id"]


# Names that nobody has.
ABSENT = Town(
    ids={name: f"walkvoid-{name[:4]}" for name in ("station_id", "site_id", "rollout_id", "quarantine_id")},
)


@dataclass(frozen=True, kw_only=True)
class Towns:
    """The two towns and their callers. Each name beyond the caller's subtree has MARK in it, and none within."""

    own: Town
    beyond: Town
    everybody: Bearer  # an administrator of the whole tenant
    limited: Bearer  # one of `own` alone


def build_towns(mesh: RunningMesh, administration: Administration, everybody: Bearer) -> Towns:
    """Adds both."""
    beyond = _build(mesh, administration, everybody, f"{MARK}-beyond")
    own = _build(mesh, administration, everybody, "walkown")  # a stream has its events after those of `beyond`
    limited = administration.user(
        "walker-subtree", role_assignments=[{"roleId": "ADMINISTRATOR", "siteId": own.ids["site_id"]}]
    )
    return Towns(own=own, beyond=beyond, everybody=everybody, limited=limited)


def _build(mesh: RunningMesh, administration: Administration, everybody: Bearer, site_id: str) -> Town:
    station_id = f"{site_id}-station"
    administration.post("/v1/sites", {"siteId": site_id, "displayName": f"{site_id} town"})
    named = {"stationId": station_id, "displayName": f"{site_id} post", "siteId": site_id}
    credential = administration.post("/v1/stations", named)["credential"]
    asyncio.run(_charge(RawStation(f"{mesh.ocpp_url}/{station_id}", headers=basic(station_id, credential))))
    variable = {"component": "ChargingStation", "variable": "HeartbeatInterval", "value": "60"}
    work = {"filter": f"site:{site_id}", "variables": {"variables": [variable]}, "displayName": f"{site_id} rollout"}
    rollout_id = administration.post("/v1/rollouts", work)["rolloutId"]

    async def quarantined() -> list[Any]:
        path = f"/v1/quarantine?filter=station_id%20%3D%20%22{station_id}%22"
        found: list[Any] = mesh.request("GET", path, **everybody).json.get("items", [])
        return found

    [item] = asyncio.run(eventually(quarantined))
    ids = {"station_id": station_id, "site_id": site_id, "rollout_id": rollout_id}
    return Town(ids=ids | {"quarantine_id": item["quarantineId"]})


async def _charge(station: RawStation) -> None:
    """A session, a message that belongs to none, and one that cannot be recorded."""
    async with station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        await station.call("StopTransaction", stop(number))
        await station.call("MeterValues", metered({"value": "7"}, transactionId=999))
        await station.call("StartTransaction", start(meterStart="many"))
