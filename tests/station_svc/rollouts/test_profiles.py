"""A fleet moves to another security profile by a rollout: each station by its own checks, and to its own end."""

from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.errors import from_status
from tests.station_svc.conftest import attempt, reason_of
from tests.station_svc.rollouts.config_station import ConfigStation
from tests.station_svc.rollouts.conftest import CANCELLED, FAILED, PENDING, RUNNING, SUCCEEDED, Rig, variables
from tests.station_svc.tls_attempts import over_tls

HOUR_S = 3600


class Fleet:
    """Stations of profile 1 with passwords."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.passwords: dict[str, bytes] = {}

    async def add(self, station_id: str) -> ConfigStation:
        """A station that is connected with its password, without TLS."""
        self.passwords[station_id] = (await self.rig.system.create(station_id)).encode()
        station = self.rig.fleet[station_id] = ConfigStation(SecurityProfile="1")
        await self.connect(station_id)
        return station

    async def connect(self, station_id: str, *, tls: bool = False) -> None:
        """It connects and boots, over TLS or without."""
        make = over_tls if tls else attempt
        await self._open(make(station_id, credential=self.passwords[station_id]))

    async def _open(self, item: ingest_pb2.OpenConnectionItem) -> None:
        [result] = await self.rig.system.attempt(item)
        assert reason_of(result) == ""
        self.rig.epochs[item.station_id] = result.epoch
        await self.rig.system.boot(self.rig.system.boot_item(item.station_id, result.epoch))

    async def come_back(self, station_id: str, *, tls: bool = True) -> None:
        """It leaves, and comes back."""
        await self.rig.disconnect(station_id)
        await self.connect(station_id, tls=tls)

    async def profiles(self, station_id: str) -> tuple[int, int]:
        """The profile that it must have, and the one that it was sent."""
        station = await self.rig.system.station(station_id)
        return station.security_profile, station.next_security_profile

    async def record(self, station_id: str, profile: int) -> None:
        """An operator changes its record alone."""
        request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["security_profile"]))
        request.station.station_id, request.station.security_profile = station_id, profile
        await self.rig.system.stations.UpdateStation(request)

    async def reason(self, rollout_id: str, station_id: str) -> str:
        """Why it has failed; empty where it has not."""
        target = await self.rig.target(rollout_id, station_id)
        if target.state != FAILED:
            return ""
        return str(from_status(target.error).reason)


async def test_a_fleet_moves_up_one_station_after_the_other(rig: Rig) -> None:
    """The next one begins once the one before has connected by the profile."""
    fleet = Fleet(rig)
    first, second = await fleet.add("CP1"), await fleet.add("CP2")
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"), max_parallel=1)
    await rig.work(60)
    assert (first.changes, second.changes) == ([("SecurityProfile", "2")], [])
    assert await fleet.profiles("CP1") == (1, 2)
    assert await rig.states(rollout_id) == {"CP1": RUNNING, "CP2": PENDING}
    await fleet.come_back("CP1")
    await rig.work(60)
    assert await fleet.profiles("CP1") == (2, 0)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": RUNNING}
    await fleet.come_back("CP2")
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": SUCCEEDED}
    assert (first.changes, second.changes) == ([("SecurityProfile", "2")],) * 2
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_DONE


async def test_each_station_has_its_own_outcome(rig: Rig) -> None:
    """By the checks of SetVariables: what could not come in is not sent it, and is not tried again."""
    fleet = Fleet(rig)
    for station_id in ("HIGHER", "REFUSES", "THERE", "MOVES"):
        await fleet.add(station_id)
    await rig.add("BARE", SecurityProfile="0")
    await fleet.record("HIGHER", 3)
    await fleet.record("THERE", 2)
    rig.fleet["REFUSES"].words = {"SecurityProfile": "Rejected"}
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"))
    await rig.work(60)
    await fleet.come_back("MOVES")
    await rig.work(60)
    reasons = {name: await fleet.reason(rollout_id, name) for name in rig.fleet}
    assert reasons == {
        "HIGHER": "SECURITY_PROFILE_LOWERED",
        "REFUSES": "VARIABLE_REFUSED",
        "THERE": "",
        "MOVES": "",
        "BARE": "CREDENTIAL_MISSING",
    }
    assert {name: len(station.changes) for name, station in rig.fleet.items()} == {
        "HIGHER": 0,
        "REFUSES": 1,
        "THERE": 0,
        "MOVES": 1,
        "BARE": 0,
    }
    assert await fleet.profiles("REFUSES") == (1, 0)
    progress = (await rig.get(rollout_id)).progress
    assert (progress.succeeded, progress.failed) == (2, 3)


async def test_profile_3_needs_a_certificate_at_each_station(rig: Rig) -> None:
    fleet = Fleet(rig)
    station = await fleet.add("CP1")
    rollout_id = await rig.create(variables=variables(SecurityProfile="3"))
    await rig.work(60)
    assert await fleet.reason(rollout_id, "CP1") == "CLIENT_CERTIFICATE_MISSING"
    assert station.changes == []


async def test_a_station_that_does_not_come_by_the_profile(rig: Rig) -> None:
    """It has failed after an hour, and stays admitted as before; with one failure the rollout stops."""
    fleet = Fleet(rig)
    await fleet.add("CP1")
    other = await fleet.add("CP2")
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"), max_parallel=1, stop_after_failures=1)
    await rig.work(60)
    await fleet.come_back("CP1", tls=False)
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": RUNNING, "CP2": PENDING}
    await rig.work(HOUR_S)
    await rig.system.jobs.sweep()
    await rig.work(60)
    assert await fleet.reason(rollout_id, "CP1") == "SECURITY_PROFILE_NOT_CONFIRMED"
    assert await fleet.profiles("CP1") == (1, 2)
    await fleet.come_back("CP1", tls=False)
    assert await rig.states(rollout_id) == {"CP1": FAILED, "CP2": CANCELLED}
    assert other.changes == []


async def test_a_station_that_changes_over_before_it_answers(rig: Rig) -> None:
    """Its answer is lost with its connection; that it came back by the profile is the answer."""
    fleet = Fleet(rig)
    station = await fleet.add("CP1")
    station.restarts_after = 1
    station.restarted = lambda: fleet.come_back("CP1")
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"))
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED}
    assert len(station.changes) == 1


async def test_a_station_that_restarts_for_it(rig: Rig) -> None:
    """Where it says that it needs to, and the rollout allows it."""
    fleet = Fleet(rig)
    station = await fleet.add("CP1")
    station.words = {"SecurityProfile": "RebootRequired"}
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"), reset=True)
    await rig.work(60)
    assert station.resets == ["Soft"]
    assert await rig.states(rollout_id) == {"CP1": RUNNING}
    await fleet.come_back("CP1")
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED}


async def test_a_pause_and_a_stop(rig: Rig) -> None:
    """No further station begins; the one that was sent the profile goes on to its end."""
    fleet = Fleet(rig)
    await fleet.add("CP1")
    second = await fleet.add("CP2")
    third = await fleet.add("CP3")
    rollout_id = await rig.create(variables=variables(SecurityProfile="2"), max_parallel=1)
    await rig.work(60)
    await rig.stub.PauseRollout(pb.PauseRolloutRequest(rollout_id=rollout_id))
    await fleet.come_back("CP1")
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": PENDING, "CP3": PENDING}
    await rig.stub.ResumeRollout(pb.ResumeRolloutRequest(rollout_id=rollout_id))
    await rig.work(60)
    assert len(second.changes) == 1
    await rig.stub.StopRollout(pb.StopRolloutRequest(rollout_id=rollout_id))
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": RUNNING, "CP3": CANCELLED}
    await fleet.come_back("CP2")
    await rig.work(60)
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": SUCCEEDED, "CP3": CANCELLED}
    assert third.changes == []
