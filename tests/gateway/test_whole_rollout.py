"""A rollout over OCPP 1.6, from the operator to the sockets of charge points, on both databases."""

import asyncio
from typing import Any

from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1 import station_service_pb2
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from csms.station.v1.station_pb2 import Variable

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually


class Charger:
    """A charge point with one key, which wants to be restarted for it, and takes its time to come back."""

    def __init__(self, mesh: MeshRig, station_id: str) -> None:
        self._url = mesh.station_url(station_id)
        self._value = "10"
        self.frames: list[tuple[str, Any]] = []

    async def run(self) -> None:
        """Lives until it is cancelled."""
        while True:
            async with RawStation(self._url) as station:
                await station.boot()
                await self._serve(station)

    async def _serve(self, station: RawStation) -> None:
        """Answers until a command restarts it."""
        while await station.answer_next(self._answer) != "Reset":
            pass

    def _answer(self, action: str, payload: Any) -> Any:
        self.frames.append((action, payload))
        if action == "GetConfiguration":
            item = {"key": "MeterValueSampleInterval", "readonly": False, "value": self._value}
            return {"configurationKey": [item]}
        if action == "ChangeConfiguration":
            self._value = payload["value"]
            return {"status": "RebootRequired"}
        return {"status": "Accepted"}


async def test_a_rollout_reaches_the_chargers(mesh_on_both: MeshRig) -> None:
    """Read, changed and restarted once each, one after the other; done when each has booted again."""
    mesh = mesh_on_both
    stub = RolloutServiceStub(mesh.station_channel)
    chargers = {name: Charger(mesh, name) for name in ("CP1", "CP2")}
    living = [asyncio.create_task(charger.run()) for charger in chargers.values()]

    async def have_booted() -> bool:
        every = station_service_pb2.ListStationsRequest(filter="connected = true")
        found = await mesh.stations.ListStations(every, metadata=mesh.metadata, timeout=TIMEOUT_S)
        return [one.station_id for one in found.stations if one.HasField("last_boot_time")] == list(chargers)

    await eventually(have_booted)
    work = pb.VariablesRollout(
        variables=[Variable(variable="MeterValueSampleInterval", value="60")], reset_where_required=True
    )
    request = pb.CreateRolloutRequest(filter="connected = true", variables=work, max_parallel=1)
    created = await stub.CreateRollout(request, metadata=mesh.metadata, timeout=TIMEOUT_S)

    async def is_done() -> bool:
        get = pb.GetRolloutRequest(rollout_id=created.rollout.rollout_id)
        rollout = (await stub.GetRollout(get, metadata=mesh.metadata, timeout=TIMEOUT_S)).rollout
        return rollout.state == pb.ROLLOUT_STATE_DONE and rollout.progress.succeeded == 2

    await eventually(is_done, patience_s=180.0)
    for charger in chargers.values():
        assert [action for action, _payload in charger.frames] == ["GetConfiguration", "ChangeConfiguration", "Reset"]
        assert charger.frames[1][1] == {"key": "MeterValueSampleInterval", "value": "60"}
        assert charger.frames[2][1] == {"type": "Soft"}
    for life in living:
        life.cancel()
    await asyncio.gather(*living, return_exceptions=True)
