"""A station_svc with stations, and its rollouts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from csms.station.v1 import firmware_pb2, station_pb2
from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub

from tests.station_svc.conftest import StationSystem
from tests.station_svc.rollouts.config_station import ConfigStation, Fleet

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceAsyncStub

DAY_S = 24 * 3600
ALL = 'station_id != ""'
PENDING, RUNNING, SUCCEEDED, FAILED, SKIPPED, CANCELLED = range(1, 7)


def variables(**values: str) -> list[station_pb2.Variable]:
    """Variables with their values."""
    return [station_pb2.Variable(variable=name, value=value) for name, value in values.items()]


@dataclass(kw_only=True)
class Rig:
    """A station_svc, its stations, and the rollouts."""

    system: StationSystem
    stub: "RolloutServiceAsyncStub"
    fleet: Fleet = field(default_factory=Fleet)
    epochs: dict[str, int] = field(default_factory=dict)

    async def add(self, station_id: str, *, online: bool = True, **keys: str) -> ConfigStation:
        """A station, connected and booted unless `online` is false."""
        station = self.fleet[station_id] = ConfigStation(**{"Interval": "10", **keys})
        station.restarted = lambda: self.restart(station_id)
        if online:
            await self.connect(station_id)
        else:
            await self.system.create(station_id, security_profile=0)
        return station

    async def connect(self, station_id: str, **identity: Any) -> None:
        """It connects and boots."""
        epoch = self.epochs[station_id] = await self.system.open(station_id)
        await self.system.boot(self.system.boot_item(station_id, epoch, **identity))

    async def report(self, station_id: str, *words: str) -> None:
        """It reports how its firmware update goes on."""
        for word in words:
            status = firmware_pb2.FirmwareStatus.Value(f"FIRMWARE_STATUS_{word}")
            report = firmware_pb2.FirmwareStatusReport(status=status, reported_status=word)
            origin = self.system.origin(station_id, self.epochs[station_id])
            [result] = await self.system.notify(ingest_pb2.ReportItem(origin=origin, firmware_status=report))
            assert not result.HasField("error"), result

    async def disconnect(self, station_id: str) -> None:
        """It goes."""
        await self.system.close(station_id, self.epochs[station_id])

    async def restart(self, station_id: str) -> None:
        """It goes, comes back and boots."""
        await self.disconnect(station_id)
        await self.connect(station_id)

    async def create(self, *, filter: str = ALL, reset: bool = False, **more: Any) -> str:  # noqa: A002
        """Begins a rollout of Interval=20, unless other variables are given; its id."""
        wanted = more.pop("variables", variables(Interval="20"))
        work = pb.VariablesRollout(variables=wanted, reset_where_required=reset)
        request = pb.CreateRolloutRequest(filter=filter, variables=work, **more)
        return (await self.stub.CreateRollout(request)).rollout.rollout_id

    async def update(self, location: str = "https://example.org/2.0", **more: Any) -> str:
        """Begins a rollout of firmware to all stations; its id."""
        work = pb.FirmwareRollout(firmware=firmware_pb2.Firmware(location=location), **more)
        return (await self.stub.CreateRollout(pb.CreateRolloutRequest(filter=ALL, firmware=work))).rollout.rollout_id

    async def get(self, rollout_id: str) -> pb.Rollout:
        """A rollout."""
        return (await self.stub.GetRollout(pb.GetRolloutRequest(rollout_id=rollout_id))).rollout

    async def states(self, rollout_id: str) -> dict[str, int]:
        """The states of its stations."""
        return {target.station_id: int(target.state) for target in await self.targets(rollout_id)}

    async def targets(self, rollout_id: str, **more: Any) -> list[pb.RolloutTarget]:
        """Its stations."""
        request = pb.ListRolloutTargetsRequest(rollout_id=rollout_id, **more)
        return list((await self.stub.ListRolloutTargets(request)).targets)

    async def target(self, rollout_id: str, station_id: str = "CP1") -> pb.RolloutTarget:
        """One of its stations."""
        [found] = await self.targets(rollout_id, filter=f'station_id = "{station_id}"')
        return found

    async def work(self, seconds: float = 0.0) -> None:
        """Lets the queue do all that is due, then the clock go on, and the queue once more."""
        for delay_s in (0.0, seconds) if seconds else (0.0,):
            self.system.clock.advance(delay_s)
            await self.system.lease()
            while await self.system.jobs.run_due():
                pass


@pytest.fixture
async def rig(system: StationSystem) -> Rig:
    """Without any station yet."""
    rig = Rig(system=system, stub=RolloutServiceStub(system.operators))
    system.gateway.behave = rig.fleet.behave
    return rig
