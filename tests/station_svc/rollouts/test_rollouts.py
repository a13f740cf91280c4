"""Rollouts: the same work at many stations, a few at a time, through absences, restarts, pauses and stops."""

import asyncio
from typing import Any

import grpc
import pytest
from csms.station.v1 import firmware_pb2, firmware_service_pb2, station_pb2, station_service_pb2
from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, fails_with, of_tenant
from tests.station_svc.rollouts.conftest import CANCELLED, DAY_S, FAILED, PENDING, RUNNING, SUCCEEDED, Rig, variables
from tests.waiting import eventually, until


async def test_a_rollout_reaches_the_stations_of_its_filter(rig: Rig) -> None:
    """As the filter found them when it was created; one that holds the values already is sent none."""
    for station_id in ("CP1", "CP2", "OTHER"):
        await rig.add(station_id)
    done = await rig.add("CP3", Interval="20")
    rollout_id = await rig.create(filter='station_id < "D"', display_name="intervals", request_id="r")
    late = await rig.add("CP4")
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_SCHEDULED
    await rig.work()
    rollout = await rig.get(rollout_id)
    assert rollout.state == pb.ROLLOUT_STATE_DONE
    assert rollout.progress == pb.RolloutProgress(total=3, succeeded=3)
    assert (rollout.display_name, rollout.request_id, rollout.username) == ("intervals", "r", "ann")
    assert rollout.HasField("end_time")
    assert rollout.variables.variables[0].value == "20"
    assert [rig.fleet[name].changes for name in ("CP1", "CP2")] == [[("Interval", "20")]] * 2
    assert [done.changes, late.changes, rig.fleet["OTHER"].changes] == [[], [], []]
    assert await rig.states(rollout_id) == {"CP1": SUCCEEDED, "CP2": SUCCEEDED, "CP3": SUCCEEDED}
    told = [(kind, station_id, data.get("state", "")) for kind, station_id, data in await rig.system.events("rollout.")]
    assert told[:2] == [("rollout.created", "", ""), ("rollout.state_changed", "", "ROLLOUT_STATE_RUNNING")]
    assert told[-1] == ("rollout.state_changed", "", "ROLLOUT_STATE_DONE")
    assert ("rollout.target_changed", "CP3", "ROLLOUT_TARGET_STATE_SUCCEEDED") in told
    assert len(told) == 3 + 2 * 3


async def test_a_few_at_a_time(rig: Rig) -> None:
    """As many as it allows, the next as soon as one has ended; all in the end."""
    for number in range(6):
        (await rig.add(f"CP{number}")).gate = asyncio.Event()
    rollout_id = await rig.create(max_parallel=2)
    running = asyncio.create_task(rig.system.jobs.run())
    opened: set[str] = set()

    def asked() -> list[str]:
        return [call.station_id for call in rig.system.gateway.calls if call.HasField("set_variables")]

    def held() -> list[str]:
        return [station_id for station_id in asked() if station_id not in opened]

    for ended in range(6):
        await until(lambda ended=ended: len(asked()) == min(ended + 2, 6))  # type: ignore[misc]
        # The queue has time for more: it would ask a third one if the bound let it.
        await rig.system.lease()
        progress = (await rig.get(rollout_id)).progress
        assert (progress.running, progress.pending, progress.succeeded) == (len(held()), 6 - len(asked()), ended)
        assert len(held()) == min(2, 6 - ended)
        station_id = held()[0]
        opened.add(station_id)
        gate = rig.fleet[station_id].gate
        assert gate is not None
        gate.set()
        await until_succeeded(rig, rollout_id, ended + 1)
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_DONE
    assert sorted(asked()) == sorted(rig.fleet)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until_succeeded(rig: Rig, rollout_id: str, count: int) -> None:
    """Waits until so many stations hold what they were sent."""

    async def succeeded() -> bool:
        return (await rig.get(rollout_id)).progress.succeeded == count

    await eventually(succeeded)


async def test_stations_that_are_away_hold_up_no_other(rig: Rig) -> None:
    """They take no place; each has its turn once it is back."""
    for name in ("A", "B", "C"):
        await rig.add(name, online=name == "C")
    rollout_id = await rig.create(max_parallel=1)
    await rig.work()
    assert await rig.states(rollout_id) == {"A": PENDING, "B": PENDING, "C": SUCCEEDED}
    await rig.connect("B")
    await rig.work(3)
    assert await rig.states(rollout_id) == {"A": PENDING, "B": SUCCEEDED, "C": SUCCEEDED}
    await rig.connect("A")
    await rig.work(3)
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_DONE


async def test_one_that_goes_while_it_is_held(rig: Rig) -> None:
    """Its place goes to another, and it has its own when it is back."""
    gate = asyncio.Event()
    (await rig.add("A")).gate = gate
    await rig.add("B")
    await rig.add("C")
    rollout_id = await rig.create(max_parallel=1)
    await rig.system.jobs.run_due()
    turn = asyncio.create_task(rig.system.jobs.run_due())
    await until(lambda: any(call.HasField("set_variables") for call in rig.system.gateway.calls))
    await rig.disconnect("B")
    gate.set()
    await turn
    await rig.work(11)
    assert await rig.states(rollout_id) == {"A": SUCCEEDED, "B": PENDING, "C": SUCCEEDED}
    await rig.connect("B")
    await rig.work(3)
    assert (await rig.get(rollout_id)).progress.succeeded == 3


async def test_a_pause_and_a_resume(rig: Rig) -> None:
    """No further station, what has begun goes on; then the others. Both may be said twice."""
    gate = asyncio.Event()
    (await rig.add("A")).gate = gate
    await rig.add("B")
    rollout_id = await rig.create(max_parallel=1)
    await rig.system.jobs.run_due()
    turn = asyncio.create_task(rig.system.jobs.run_due())
    await until(lambda: any(call.HasField("set_variables") for call in rig.system.gateway.calls))
    for _ in range(2):
        answer = await rig.stub.PauseRollout(pb.PauseRolloutRequest(rollout_id=rollout_id))
        assert answer.rollout.state == pb.ROLLOUT_STATE_PAUSED
    gate.set()
    await turn
    await rig.work(60)
    assert await rig.states(rollout_id) == {"A": SUCCEEDED, "B": PENDING}
    for _ in range(2):
        resumed = await rig.stub.ResumeRollout(pb.ResumeRolloutRequest(rollout_id=rollout_id))
        assert resumed.rollout.state == pb.ROLLOUT_STATE_RUNNING
    await rig.work()
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_DONE
    states = [data["state"] for kind, _id, data in await rig.system.events("rollout.state") if kind]
    assert [state.removeprefix("ROLLOUT_STATE_") for state in states] == ["RUNNING", "PAUSED", "RUNNING", "DONE"]
    with fails_with("ROLLOUT_ENDED"):
        await rig.stub.PauseRollout(pb.PauseRolloutRequest(rollout_id=rollout_id))
    with fails_with("ROLLOUT_ENDED"):
        await rig.stub.ResumeRollout(pb.ResumeRolloutRequest(rollout_id=rollout_id))


async def test_a_stop(rig: Rig) -> None:
    """Targets that have not begun are cancelled, connected or not; those that have begun come to their end."""
    gate = asyncio.Event()
    (await rig.add("A")).gate = gate
    await rig.add("B")
    await rig.add("C", online=False)
    rollout_id = await rig.create(max_parallel=1)
    await rig.system.jobs.run_due()
    turn = asyncio.create_task(rig.system.jobs.run_due())
    await until(lambda: any(call.HasField("set_variables") for call in rig.system.gateway.calls))
    stopped = (await rig.stub.StopRollout(pb.StopRolloutRequest(rollout_id=rollout_id))).rollout
    assert (stopped.state, stopped.stop_reason) == (pb.ROLLOUT_STATE_STOPPED, pb.ROLLOUT_STOP_REASON_OPERATOR)
    assert not stopped.HasField("end_time")
    other = asyncio.create_task(rig.work())
    await asyncio.sleep(0)
    gate.set()
    await turn
    await other
    await rig.work(2)
    assert await rig.states(rollout_id) == {"A": SUCCEEDED, "B": CANCELLED, "C": CANCELLED}
    rollout = await rig.get(rollout_id)
    assert rollout.progress == pb.RolloutProgress(total=3, succeeded=1, cancelled=2)
    assert rollout.HasField("end_time")
    await rig.connect("C")
    await rig.work(3)
    assert rig.fleet["C"].changes == []
    again = (await rig.stub.StopRollout(pb.StopRolloutRequest(rollout_id=rollout_id))).rollout
    assert again.state == pb.ROLLOUT_STATE_STOPPED


async def test_too_many_failures_stop_it(rig: Rig) -> None:
    """The stations that are left are spared."""
    for number in range(6):
        (await rig.add(f"CP{number}")).words = {"Interval": "Rejected"}
    rollout_id = await rig.create(max_parallel=1, stop_after_failures=2)
    await rig.work(11)
    rollout = await rig.get(rollout_id)
    assert (rollout.state, rollout.stop_reason) == (pb.ROLLOUT_STATE_STOPPED, pb.ROLLOUT_STOP_REASON_FAILURES)
    assert rollout.progress == pb.RolloutProgress(total=6, failed=2, cancelled=4)
    assert sum(len(station.changes) for station in rig.fleet.values()) == 2


async def test_a_later_start(rig: Rig, clock: FakeClock) -> None:
    """Nothing happens before; it can be paused and stopped then too."""
    station = await rig.add("CP1")
    start = to_timestamp(clock() + 3_600_000_000)
    rollout_id = await rig.create(start_time=start)
    stopped_id = await rig.create(start_time=start)
    await rig.work(3599)
    await rig.stub.PauseRollout(pb.PauseRolloutRequest(rollout_id=rollout_id))
    resumed = (await rig.stub.ResumeRollout(pb.ResumeRolloutRequest(rollout_id=rollout_id))).rollout
    assert resumed.state == pb.ROLLOUT_STATE_SCHEDULED
    await rig.stub.StopRollout(pb.StopRolloutRequest(rollout_id=stopped_id))
    await rig.work()
    assert station.changes == []
    assert await rig.states(stopped_id) == {"CP1": CANCELLED}
    await rig.work(1)
    assert (await rig.get(rollout_id)).state == pb.ROLLOUT_STATE_DONE
    assert len(station.changes) == 1


async def test_who_is_not_there_in_time_is_skipped(rig: Rig, clock: FakeClock) -> None:
    """Away until the end, removed meanwhile, or never reached since the rollout stood still: the rollout ends."""
    await rig.add("AWAY", online=False)
    await rig.add("GONE", online=False)
    await rig.add("HERE")
    expire = to_timestamp(clock() + 7_200_000_000)
    rollout_id = await rig.create(expire_time=expire)
    await rig.stub.PauseRollout(pb.PauseRolloutRequest(rollout_id=rollout_id))
    await rig.work()
    await rig.system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="GONE"))
    await rig.work(7200)
    await rig.system.jobs.sweep()
    await rig.work()
    reasons = {one.station_id: from_status(one.error).reason for one in await rig.targets(rollout_id)}
    assert reasons == {"AWAY": "JOB_EXPIRED", "GONE": "STATION_NOT_FOUND", "HERE": "JOB_EXPIRED"}
    rollout = await rig.get(rollout_id)
    assert (rollout.state, rollout.progress) == (pb.ROLLOUT_STATE_DONE, pb.RolloutProgress(total=3, skipped=3))


async def test_a_station_that_refuses(rig: Rig) -> None:
    """It has failed, with what it said of which variable; it is not asked again."""
    station = await rig.add("CP1", Other="1")
    station.words = {"Interval": "Rejected"}
    rollout_id = await rig.create(variables=variables(Other="2", Interval="20"))
    await rig.work(60)
    target = await rig.target(rollout_id)
    error = from_status(target.error)
    assert (target.state, error.reason) == (FAILED, "VARIABLE_REFUSED")
    assert "Interval: REJECTED" in error.message
    assert len(station.changes) == 2


async def test_a_restart_that_is_needed_and_not_wanted(rig: Rig) -> None:
    """It is reported, and left to the operator."""
    station = await rig.add("CP1")
    station.words = {"Interval": "RebootRequired"}
    rollout_id = await rig.create()
    await rig.work(60)
    target = await rig.target(rollout_id)
    assert (target.state, target.reboot_required, station.resets) == (SUCCEEDED, True, [])


async def test_a_restart_that_is_needed_and_wanted(rig: Rig) -> None:
    """Once, when the station is idle; done once it has booted."""
    station = await rig.add("CP1")
    station.words = {"Interval": "RebootRequired"}
    rollout_id = await rig.create(reset=True)
    await rig.work(60)
    assert (await rig.target(rollout_id)).state == RUNNING
    await rig.disconnect("CP1")
    await rig.work(60)
    await rig.connect("CP1")
    await rig.work(3)
    target = await rig.target(rollout_id)
    assert (target.state, target.reboot_required) == (SUCCEEDED, False)
    assert (station.resets, station.changes) == (["Soft"], [("Interval", "20")])


@pytest.mark.parametrize(("word", "reason"), [("Rejected", "RESET_REFUSED"), ("Accepted", "RESET_NOT_SEEN")])
async def test_a_restart_that_does_not_come(rig: Rig, word: str, reason: str) -> None:
    """Refused, or never seen: failed."""
    station = await rig.add("CP1")
    station.words = {"Interval": "RebootRequired"}
    station.reset_word = word
    rollout_id = await rig.create(reset=True)
    await rig.work(3600)
    await rig.system.jobs.sweep()
    await rig.work()
    target = await rig.target(rollout_id)
    assert (target.state, from_status(target.error).reason) == (FAILED, reason)
    assert len(station.resets) == 1


async def test_a_station_that_restarts_after_each_change(rig: Rig) -> None:
    """Quirk 24: it is sent only what it does not hold yet, and comes to an end."""
    station = await rig.add("CP1", A="1", B="1", C="1")
    station.restarts_after = 1
    rollout_id = await rig.create(variables=variables(A="2", B="2", C="2"))
    for _ in range(5):
        await rig.work(30)
    assert (await rig.target(rollout_id)).state == SUCCEEDED
    assert station.changes == [("A", "2"), ("B", "2"), ("C", "2")]


async def test_a_station_that_restarts_and_keeps_nothing(rig: Rig) -> None:
    """Quirk 24: it is not driven round in circles. It restarted once."""
    station = await rig.add("CP1")
    station.restarts_after = 1
    station.keeps = False
    rollout_id = await rig.create()
    for _ in range(5):
        await rig.work(60)
    target = await rig.target(rollout_id)
    assert (target.state, from_status(target.error).reason) == (FAILED, "VARIABLES_NOT_KEPT")
    assert station.changes == [("Interval", "20")]


async def test_a_station_that_never_comes_back(rig: Rig) -> None:
    """It loses its place after a day, and has failed: the others go on."""
    lost = await rig.add("A")
    await rig.add("B")
    lost.words = {"Interval": "RebootRequired"}
    rollout_id = await rig.create(reset=True, max_parallel=1)
    await rig.work()
    await rig.disconnect("A")
    await rig.work(3600)
    assert await rig.states(rollout_id) == {"A": RUNNING, "B": PENDING}
    await rig.work(23 * 3600)
    await rig.system.jobs.sweep()
    await rig.work(11)
    error = from_status((await rig.target(rollout_id, "A")).error)
    assert (error.reason, error.message.partition(": ")[2]) == (
        "JOB_EXPIRED",
        "the station took the variables, and is still to restart for them",
    )
    assert await rig.states(rollout_id) == {"A": FAILED, "B": SUCCEEDED}


async def test_firmware_is_followed_to_its_end(rig: Rig) -> None:
    """Asked for once; a report that it is installed, or a boot with another version, is the end of it."""
    told = await rig.add("A")
    silent = await rig.add("B")
    has_it = await rig.add("C", online=False)
    await rig.connect("B", firmware_version="1.0")
    await rig.connect("C", firmware_version="2.0")
    rollout_id = await rig.update("https://me:secret@example.org/2.0", version="2.0", retries=3)
    await rig.work(60)
    assert await rig.states(rollout_id) == {"A": RUNNING, "B": RUNNING, "C": SUCCEEDED}
    assert [station.updates[0]["location"] for station in (told, silent)] == ["https://me:secret@example.org/2.0"] * 2
    assert (told.updates[0]["retries"], has_it.updates) == (3, [])
    await rig.report("A", "DOWNLOADING", "DOWNLOADED", "INSTALLING")
    await rig.disconnect("B")
    await rig.work(60)
    assert await rig.states(rollout_id) == {"A": RUNNING, "B": RUNNING, "C": SUCCEEDED}
    await rig.report("A", "INSTALLED")
    await rig.connect("B", firmware_version="2.0")
    await rig.work(60)
    rollout = await rig.get(rollout_id)
    assert (rollout.state, rollout.progress.succeeded) == (pb.ROLLOUT_STATE_DONE, 3)
    assert rollout.firmware.firmware.location == "https://me:***@example.org/2.0"
    assert (len(told.updates), len(silent.updates)) == (1, 1)
    number = (await rig.target(rollout_id, "B")).firmware_update_id
    request = firmware_service_pb2.GetFirmwareUpdateRequest(station_id="B", firmware_update_id=number)
    update = (await FirmwareServiceStub(rig.system.operators).GetFirmwareUpdate(request)).firmware_update
    assert update.installed_version == "2.0"


@pytest.mark.parametrize("reason", ["CALL_TIMEOUT", "STATION_DISCONNECTED"])
async def test_firmware_whose_answer_is_lost_is_followed(rig: Rig, reason: str) -> None:
    """It may have been taken: it is not sent again, and what the station reports decides."""
    station = await rig.add("CP1")
    station.firmware_fault = MeshError(grpc.StatusCode.ABORTED, Reason[reason], "lost")
    rollout_id = await rig.update()
    await rig.work(60)
    station.firmware_fault = None
    await rig.work(60)
    assert ((await rig.target(rollout_id)).state, len(station.updates)) == (RUNNING, 1)
    await rig.report("CP1", "DOWNLOADING", "DOWNLOADED", "INSTALLED")
    await rig.work(31)
    assert ((await rig.target(rollout_id)).state, len(station.updates)) == (SUCCEEDED, 1)


async def test_firmware_that_fails(rig: Rig) -> None:
    """Once the station has not tried again for a while; one that tries again goes on."""
    for name in ("A", "B"):
        await rig.add(name)
    rollout_id = await rig.update()
    await rig.work(60)
    for name in ("A", "B"):
        await rig.report(name, "DOWNLOADING", "DOWNLOAD_FAILED")
    await rig.work(300)
    await rig.report("B", "DOWNLOADING")
    await rig.work(301)
    assert await rig.states(rollout_id) == {"A": FAILED, "B": RUNNING}
    error = from_status((await rig.target(rollout_id, "A")).error)
    assert (error.reason, "DOWNLOAD_FAILED" in error.message) == ("FIRMWARE_FAILED", True)


async def test_firmware_that_is_refused_replaced_or_never_ends(rig: Rig) -> None:
    """Each has failed, with its reason, and is not sent again."""
    refusing, replaced, stuck = [await rig.add(name) for name in ("A", "B", "C")]
    refusing.firmware_fault = MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "no")
    rollout_id = await rig.update(timeout={"seconds": 7200})
    await rig.work(60)
    firmware = firmware_pb2.Firmware(location="https://example.org/3.0")
    await rig.system.commands.UpdateFirmware(firmware_pb2.UpdateFirmwareRequest(station_id="B", firmware=firmware))
    await rig.disconnect("C")
    await rig.work(60)
    await rig.work(7200)
    await rig.system.jobs.sweep()
    await rig.work()
    reasons = {one.station_id: from_status(one.error).reason for one in await rig.targets(rollout_id)}
    assert reasons == {"A": "CALL_ERROR", "B": "FIRMWARE_SUPERSEDED", "C": "JOB_EXPIRED"}
    assert [len(station.updates) for station in (refusing, replaced, stuck)] == [1, 2, 1]
    assert (await rig.get(rollout_id)).progress.failed == 3


async def test_firmware_that_is_out_of_time_tells_what_was_reported_last(rig: Rig) -> None:
    """A station that failed and might have tried again, and one that sent nothing at all."""
    await rig.add("A")
    await rig.add("B")
    rollout_id = await rig.update(timeout={"seconds": 3600})
    await rig.work(60)
    await rig.disconnect("B")
    await rig.work(3300)
    await rig.report("A", "DOWNLOADING", "DOWNLOAD_FAILED")
    await rig.work(300)
    await rig.system.jobs.sweep()
    await rig.work()
    errors = [from_status(one.error) for one in await rig.targets(rollout_id)]
    assert [(error.reason, error.message.partition(": ")[2]) for error in errors] == [
        ("JOB_EXPIRED", "the station last reported DOWNLOAD_FAILED"),
        ("JOB_EXPIRED", "the station was asked, and has reported nothing"),
    ]


@pytest.mark.parametrize(
    ("work", "field_name"),
    [
        ({}, "firmware.firmware.location"),
        ({"retries": -1}, "firmware.retries"),
        ({"timeout": {"seconds": 59}}, "firmware.timeout"),
        ({"timeout": {"seconds": 31 * DAY_S}}, "firmware.timeout"),
        ({"location": "fw-2.0.bin"}, "firmware.firmware.location"),
        ({"location": "https://example.org/2.0 beta"}, "firmware.firmware.location"),
    ],
)
async def test_what_makes_no_firmware(rig: Rig, work: dict[str, Any], field_name: str) -> None:
    await rig.add("CP1")
    with fails_with("INVALID_FIELD") as caught:
        await rig.update(**({"location": "https://example.org/2.0" if work else ""} | work))
    assert caught[0].metadata["field"] == field_name


async def test_a_killed_one_s_rollout_goes_on(start_system: StartSystem, rig: Rig, clock: FakeClock) -> None:
    """Another replica finds what was begun and goes on; nothing is sent twice."""
    stations = [await rig.add(f"CP{number}") for number in range(3)]
    sent = asyncio.Event()

    async def behave(request: Any) -> Any:
        answer = await rig.fleet.behave(request)
        if request.HasField("set_variables"):
            sent.set()
            await asyncio.Event().wait()
        return answer

    rollout_id = await rig.create(max_parallel=1)
    await rig.system.jobs.run_due()
    rig.system.gateway.behave = behave
    lost = asyncio.create_task(rig.system.jobs.run_due())
    await sent.wait()
    lost.cancel()
    rig.system.gateway.behave = rig.fleet.behave
    other = await start_system()
    other.gateway.behave = rig.fleet.behave
    clock.advance(100)  # the lease, and the time of the command that was under way
    for _ in range(6):
        clock.advance(35)
        await rig.system.lease()
        while await other.jobs.run_due():
            pass
    assert (await rig.get(rollout_id)).progress == pb.RolloutProgress(total=3, succeeded=3)
    assert [len(station.changes) for station in stations] == [1, 1, 1]


async def test_a_repeated_request(rig: Rig) -> None:
    """The same request id is the same rollout, and no other request may have it."""
    await rig.add("CP1")
    rollout_id = await rig.create(request_id="r")
    assert await rig.create(request_id="r") == rollout_id
    with fails_with("REQUEST_ID_REUSED"):
        await rig.create(request_id="r", max_parallel=3)
    assert await rig.system.count(models.rollout) == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"filter": " "}, "INVALID_FIELD"),
        ({"filter": "colour = 1"}, "INVALID_FILTER"),
        ({"filter": 'station_id = "NONE"'}, "NO_STATIONS"),
        ({"variables": []}, "INVALID_FIELD"),
        ({"variables": variables(**{f"V{number}": "1" for number in range(51)})}, "INVALID_FIELD"),
        ({"variables": [station_pb2.Variable(value="1")]}, "INVALID_FIELD"),
        ({"variables": variables(AuthorizationKey="secret")}, "USE_ROTATE_CREDENTIAL"),
        ({"variables": variables(HeartbeatInterval="9", X_BasicAuthPassword="secret")}, "USE_ROTATE_CREDENTIAL"),
        ({"variables": variables(ApnPassword="secret")}, "INVALID_FIELD"),
        ({"variables": variables(SecurityProfile="2", HeartbeatInterval="9")}, "INVALID_FIELD"),
        ({"variables": variables(SecurityProfile="0")}, "INVALID_FIELD"),
        ({"variables": variables(securityprofile="4")}, "INVALID_FIELD"),
        ({"max_parallel": 1001}, "INVALID_FIELD"),
        ({"max_parallel": -1}, "INVALID_FIELD"),
        ({"stop_after_failures": -1}, "INVALID_FIELD"),
        ({"expire_time": to_timestamp(1)}, "INVALID_FIELD"),
        ({"request_id": "x" * 65}, "INVALID_FIELD"),
        ({"display_name": "x" * 256}, "INVALID_FIELD"),
    ],
)
async def test_what_makes_no_rollout(rig: Rig, more: dict[str, Any], reason: str) -> None:
    await rig.add("CP1")
    with fails_with(reason):
        await rig.create(**more)
    assert [await rig.system.count(table) for table in (models.rollout, models.rollout_target, models.job)] == [0, 0, 0]


async def test_lists(rig: Rig, clock: FakeClock) -> None:
    """Rollouts newest first, stations by id and by state, both in pages; those of another tenant are not there."""
    for number in range(5):
        (await rig.add(f"CP{number}")).words = {"Interval": "Rejected"} if number % 2 else {}
    ids = []
    for _ in range(3):
        ids.append(await rig.create())
        clock.advance(1)
    await rig.work()
    page = await rig.stub.ListRollouts(pb.ListRolloutsRequest(page_size=2))
    rest = await rig.stub.ListRollouts(pb.ListRolloutsRequest(page_size=2, page_token=page.next_page_token))
    assert [one.rollout_id for one in (*page.rollouts, *rest.rollouts)] == ids[::-1]
    failed = await rig.targets(ids[0], filter="state = FAILED")
    assert [one.station_id for one in failed] == ["CP1", "CP3"]
    request = pb.ListRolloutTargetsRequest(rollout_id=ids[0], page_size=3)
    first = await rig.stub.ListRolloutTargets(request)
    request.page_token = first.next_page_token
    second = await rig.stub.ListRolloutTargets(request)
    assert [one.station_id for one in (*first.targets, *second.targets)] == [f"CP{number}" for number in range(5)]
    with fails_with("INVALID_FILTER"):
        await rig.targets(ids[0], filter="state = LOST")
    assert not (await rig.stub.ListRollouts(pb.ListRolloutsRequest(), metadata=of_tenant("other"))).rollouts
    for metadata, rollout_id in ((of_tenant("other"), ids[0]), ((), "none"), ((), "\0")):
        with fails_with("ROLLOUT_NOT_FOUND"):
            await rig.stub.GetRollout(pb.GetRolloutRequest(rollout_id=rollout_id), metadata=metadata)
        with fails_with("ROLLOUT_NOT_FOUND"):
            await rig.stub.StopRollout(pb.StopRolloutRequest(rollout_id=rollout_id), metadata=metadata)


async def test_old_rollouts_are_removed(rig: Rig, clock: FakeClock) -> None:
    """With their stations, a year after their end; one that goes on is not."""
    for number in range(5):
        await rig.add(f"CP{number}")
    await rig.add("AWAY", online=False)
    ended = await rig.create(filter='station_id < "D" AND station_id > "B"')
    await rig.create(filter='station_id = "AWAY"', expire_time=to_timestamp(clock() + 900 * DAY_S * 1_000_000))
    await rig.work()
    assert (await rig.get(ended)).state == pb.ROLLOUT_STATE_DONE
    clock.advance(365 * DAY_S)
    await rig.system.retention.remove_old()
    assert await rig.system.count(models.rollout) == 2
    clock.advance(1)
    await rig.system.retention.remove_old()
    assert (await rig.system.count(models.rollout), await rig.system.count(models.rollout_target)) == (1, 1)


async def test_two_replicas_share_a_rollout(start_system: StartSystem, rig: Rig) -> None:
    """Both at work at the same time: each station once, never more at a time than it allows, and an end."""
    other = await start_system()
    other.gateway.behave = rig.fleet.behave
    for number in range(40):
        await rig.add(f"CP{number:02}")
    rollout_id = await rig.create(max_parallel=6)
    most = 0
    replicas = [asyncio.create_task(system.jobs.run()) for system in (rig.system, other)]
    async with asyncio.timeout(180):
        while (rollout := await rig.get(rollout_id)).state != pb.ROLLOUT_STATE_DONE:
            most = max(most, rollout.progress.running)
            await asyncio.sleep(0.01)
    for replica in replicas:
        replica.cancel()
    await asyncio.gather(*replicas, return_exceptions=True)
    assert rollout.progress == pb.RolloutProgress(total=40, succeeded=40)
    assert 0 < most <= 6
    assert [len(station.changes) for station in rig.fleet.values()] == [1] * 40
