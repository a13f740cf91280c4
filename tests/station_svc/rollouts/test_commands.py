"""Rollouts of commands: given once to each station, each station's own answer, retries, listed stations."""

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from csms.options.v1 import options_pb2
from csms.station.v1 import (
    charging_profile_pb2,
    charging_profile_service_pb2,
    command_service_pb2,
    local_list_service_pb2,
    log_pb2,
    log_service_pb2,
    site_pb2,
    site_service_pb2,
    station_pb2,
    station_service_pb2,
)
from csms.station.v1 import rollout_service_pb2 as pb
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub
from csms.station.v1.log_service_pb2_grpc import LogServiceStub
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.identity.callers import NEVER_S, Caller, Grant, set_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.times import to_timestamp
from station_svc.feature import Preparations, as_it_is
from station_svc.rollouts.commands import COMMANDS, permission_of
from station_svc.rollouts.servicer import RolloutServicer
from tests.conftest import FakeClock
from tests.scoped_callers import WHOLE
from tests.station_svc.conftest import StartSystem, fails_with, of_tenant
from tests.station_svc.far_auth import far_auth
from tests.station_svc.rollouts.conftest import (
    ALL,
    CANCELLED,
    DAY_S,
    FAILED,
    PENDING,
    SKIPPED,
    SUCCEEDED,
    Rig,
)

RESET = pb.CommandRollout(reset=command_service_pb2.ResetRequest(type=command_service_pb2.RESET_TYPE_IMMEDIATE))
CLEAR_CACHE = pb.CommandRollout(clear_cache=command_service_pb2.ClearCacheRequest())
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


async def give(rig: Rig, command: pb.CommandRollout, **more: Any) -> str:
    """Begins a rollout of a command, to all stations unless others are given; its id."""
    if "station_ids" not in more:
        more.setdefault("filter", ALL)
    request = pb.CreateRolloutRequest(command=command, **more)
    return (await rig.stub.CreateRollout(request)).rollout.rollout_id


async def retry(rig: Rig, rollout_id: str, **more: Any) -> pb.Rollout:
    """Tries again."""
    return (await rig.stub.RetryRollout(pb.RetryRolloutRequest(rollout_id=rollout_id, **more))).rollout


async def test_each_station_has_its_own_answer(rig: Rig) -> None:
    """The status as a word, the whole answer, and the code of a CALLERROR; found by any of them."""
    for station_id, answer in (
        ("YES", ACCEPTED),
        ("NO", REJECTED),
        ("ERROR", MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "no", {"ocpp_error_code": "NotSupported"})),
    ):
        (await rig.add(station_id)).answers["ClearCache"] = answer
    rollout_id = await give(rig, CLEAR_CACHE)
    await rig.work()
    rollout = await rig.get(rollout_id)
    assert rollout.progress == pb.RolloutProgress(total=3, succeeded=1, failed=2)
    assert rollout.command == CLEAR_CACHE
    yes, no, error = [await rig.target(rollout_id, station_id) for station_id in ("YES", "NO", "ERROR")]
    assert yes.answer.clear_cache.status == command_service_pb2.CLEAR_CACHE_STATUS_ACCEPTED
    assert (yes.state, yes.answer_status, yes.HasField("error")) == (SUCCEEDED, "ACCEPTED", False)
    assert no.answer.clear_cache.status == command_service_pb2.CLEAR_CACHE_STATUS_REJECTED
    assert (no.state, no.answer_status, from_status(no.error).reason) == (FAILED, "REJECTED", "COMMAND_REFUSED")
    assert (error.answer_status, error.answer_reason, error.HasField("answer")) == ("", "NotSupported", False)
    for wanted, found in (
        ('answer_status = "REJECTED"', ["NO"]),
        ("answer_status = rejected", ["NO"]),
        ('answer_reason = "NotSupported"', ["ERROR"]),
        ("error_reason = CALL_ERROR", ["ERROR"]),
        ("state = FAILED AND NOT answer_status = REJECTED", ["ERROR"]),
    ):
        assert [one.station_id for one in await rig.targets(rollout_id, filter=wanted)] == found, wanted
    assert {station_id: len(one.calls) for station_id, one in rig.fleet.items()} == {"YES": 1, "NO": 1, "ERROR": 1}


async def test_a_station_that_is_not_connected_is_given_it_later_or_skipped(rig: Rig, clock: FakeClock) -> None:
    for station_id in ("LATE", "NEVER"):
        (await rig.add(station_id, online=False)).answers["Reset"] = ACCEPTED
    rollout_id = await give(rig, RESET, expire_time=to_timestamp(clock() + 3_600_000_000))
    await rig.work()
    assert await rig.states(rollout_id) == {"LATE": PENDING, "NEVER": PENDING}
    await rig.connect("LATE")
    await rig.work(3)
    assert rig.fleet["LATE"].calls == [("Reset", {"type": "Hard"})]
    await rig.work(3600)
    await rig.system.jobs.sweep()
    await rig.work(2)
    assert await rig.states(rollout_id) == {"LATE": SUCCEEDED, "NEVER": SKIPPED}


async def test_a_command_that_may_have_arrived_is_not_given_again(rig: Rig) -> None:
    """The answer was lost: the target fails at once, and a retry is an operator's choice."""
    station = await rig.add("CP1")
    station.answers["Reset"] = MeshError(grpc.StatusCode.DEADLINE_EXCEEDED, Reason.CALL_TIMEOUT, "no answer")
    rollout_id = await give(rig, RESET)
    await rig.work(DAY_S / 2)
    target = await rig.target(rollout_id)
    assert (target.state, from_status(target.error).reason) == (FAILED, "CALL_TIMEOUT")
    assert len(station.calls) == 1


async def test_a_command_that_was_not_sent_is_given_again(rig: Rig) -> None:
    station = await rig.add("CP1")
    station.answers["Reset"] = MeshError(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.TOO_MANY_COMMANDS, "full")
    rollout_id = await give(rig, RESET)
    await rig.work()
    station.answers["Reset"] = ACCEPTED
    await rig.work(60)
    assert (await rig.target(rollout_id)).state == SUCCEEDED


async def test_failed_ones_are_tried_again(rig: Rig) -> None:
    """By a rollout of the same work, at those alone; at others where a filter finds them."""
    for station_id, answer in (("A", ACCEPTED), ("B", REJECTED), ("C", REJECTED)):
        (await rig.add(station_id)).answers["Reset"] = answer
    first = await give(rig, RESET, display_name="night", max_parallel=3)
    await rig.work()
    await rig.system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="C"))
    rig.fleet["B"].answers["Reset"] = ACCEPTED
    second = await retry(rig, first, request_id="again")
    assert (second.retry_of, second.display_name, second.max_parallel) == (first, "night", 3)
    assert (second.command, second.filter, second.progress.total) == (RESET, "", 1)
    assert (await retry(rig, first, request_id="again")).rollout_id == second.rollout_id
    with fails_with("REQUEST_ID_REUSED"):
        await retry(rig, first, request_id="again", filter='station_id = "A"')
    await rig.work(2)
    assert await rig.states(second.rollout_id) == {"B": SUCCEEDED}
    assert [len(rig.fleet[name].calls) for name in ("A", "B")] == [1, 2]
    third = await retry(rig, first, filter="answer_status = ACCEPTED", display_name="once more")
    assert (await rig.states(third.rollout_id), third.display_name) == ({"A": PENDING}, "once more")
    with fails_with("NO_STATIONS"):
        await retry(rig, second.rollout_id)
    with fails_with("INVALID_FILTER"):
        await retry(rig, first, filter="colour = red")
    with fails_with("ROLLOUT_NOT_FOUND"):
        await retry(rig, "none")
    with fails_with("ROLLOUT_NOT_FOUND"):
        await rig.stub.RetryRollout(pb.RetryRolloutRequest(rollout_id=first), metadata=of_tenant("other"))


async def test_listed_stations_are_the_targets(rig: Rig) -> None:
    """Each of them once, and all or none."""
    for station_id in ("A", "B", "C"):
        (await rig.add(station_id)).answers["Reset"] = ACCEPTED
    rollout_id = await give(rig, RESET, station_ids=["C", "A", "C"])
    await rig.work()
    assert await rig.states(rollout_id) == {"A": SUCCEEDED, "C": SUCCEEDED}
    assert (await rig.get(rollout_id)).filter == ""
    with fails_with("STATION_NOT_FOUND") as caught:
        await give(rig, RESET, station_ids=["A", "X", "Y"])
    assert caught[0].message == "2 of the listed stations are not there: 'X', 'Y'"
    assert len((await rig.stub.ListRollouts(pb.ListRolloutsRequest())).rollouts) == 1
    for more in ({"station_ids": ["A"], "filter": ALL}, {"filter": " "}, {"station_ids": [""]}):
        with fails_with("INVALID_FIELD"):
            await give(rig, RESET, **more)
    with fails_with("INVALID_FIELD"):
        await give(rig, RESET, station_ids=[f"S{number}" for number in range(10_001)])


async def test_ten_thousand_listed_stations_are_taken(rig: Rig) -> None:
    """And a missing one is found among them."""
    await rig.add("S0")
    with fails_with("STATION_NOT_FOUND") as caught:
        await give(rig, RESET, station_ids=[f"S{number}" for number in range(10_000)])
    assert caught[0].message.startswith("9999 of the listed stations")


async def test_a_command_has_no_station_of_its_own(rig: Rig) -> None:
    """Nor anything else that is each station's: the fields are named."""
    await rig.add("CP1")
    log = log_pb2.LogParameters(remote_location="https://example.org/log")
    wrong = {
        "command.reset.station_id": pb.CommandRollout(reset=command_service_pb2.ResetRequest(station_id="CP1")),
        "command.reset.request_id": pb.CommandRollout(reset=command_service_pb2.ResetRequest(request_id="r")),
        "command.reset.timeout_s": pb.CommandRollout(reset=command_service_pb2.ResetRequest(timeout_s=5)),
        "command.get_log.log_upload_id": pb.CommandRollout(get_log=log_pb2.GetLogRequest(log_upload_id=1, log=log)),
        "command.get_log.log": pb.CommandRollout(get_log=log_pb2.GetLogRequest()),
        "items_per_message": pb.CommandRollout(
            get_variables=command_service_pb2.GetVariablesRequest(
                items_per_message=-1, variables=[station_pb2.Variable(variable="A")]
            )
        ),
        "command.command": pb.CommandRollout(),
    }
    for field, command in wrong.items():
        with fails_with("INVALID_FIELD") as caught:
            await give(rig, command)
        assert caught[0].metadata["field"] == field


async def test_variables_that_were_read_are_in_the_answer(rig: Rig) -> None:
    """A station that answers has succeeded, whether or not it knows them; secrets are masked."""
    await rig.add("CP1", AuthorizationKey="s3cret")
    names = ("Interval", "AuthorizationKey", "Unknown")
    command = pb.CommandRollout(
        get_variables=command_service_pb2.GetVariablesRequest(
            variables=[station_pb2.Variable(variable=name) for name in names]
        )
    )
    rollout_id = await give(rig, command)
    await rig.work()
    target = await rig.target(rollout_id)
    values = {one.variable.variable: one.variable.value for one in target.answer.get_variables.results}
    assert (target.state, values["Interval"]) == (SUCCEEDED, "10")
    assert "s3cret" not in json.dumps(values)
    assert b"s3cret" not in target.SerializeToString()


async def test_each_station_has_a_log_upload_of_its_own(rig: Rig) -> None:
    """Followed as one that was requested alone; the password in the location is not shown."""
    for station_id in ("A", "B"):
        (await rig.add(station_id)).answers["GetDiagnostics"] = {"fileName": f"{station_id}.txt"}
    log = log_pb2.LogParameters(remote_location="ftp://user:s3cret@example.org/logs")
    rollout_id = await give(rig, pb.CommandRollout(get_log=log_pb2.GetLogRequest(log=log)))
    await rig.work()
    rollout = await rig.get(rollout_id)
    assert rollout.progress.succeeded == 2
    assert "s3cret" not in rollout.command.get_log.log.remote_location
    logs = LogServiceStub(rig.system.operators)
    found = [
        (await logs.ListLogUploads(log_service_pb2.ListLogUploadsRequest(station_id=one))).log_uploads for one in "AB"
    ]
    assert [len(uploads) for uploads in found] == [1, 1]
    assert found[0][0].log_upload_id != found[1][0].log_upload_id
    assert (await rig.target(rollout_id, "A")).answer.get_log.file_name == "A.txt"


async def test_a_job_that_is_taken_over_sends_what_was_prepared(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of a log upload is made up once: the first outcome is found by the same request."""
    station = await rig.add("CP1")
    station.answers["GetDiagnostics"] = {"fileName": "log.txt"}
    log = log_pb2.LogParameters(remote_location="ftp://example.org/logs")
    rollout_id = await give(rig, pb.CommandRollout(get_log=log_pb2.GetLogRequest(log=log)))

    async def lost(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionResetError

    await rig.system.jobs.run_due()  # queues the station's job
    with monkeypatch.context() as patch:  # the process is lost once the station has answered
        patch.setattr("station_svc.rollouts.commands.CommandWork._save", lost)
        patch.setattr("station_svc.jobs.runner.Jobs._record_outcome", lambda *_args, **_kwargs: None)
        await rig.system.jobs.run_due()
    assert len(station.calls) == 1
    assert (await rig.target(rollout_id)).state != SUCCEEDED
    await rig.work(31)  # its lease has run out
    target = await rig.target(rollout_id)
    assert (target.state, target.answer.get_log.file_name) == (SUCCEEDED, "log.txt")
    assert [action for action, _payload in station.calls] == ["GetDiagnostics"]


async def test_charging_profiles_are_set_and_cleared_across_stations(rig: Rig) -> None:
    """They are known as if each was set alone. A station that has none to clear has done what was wanted."""
    for station_id, cleared in (("A", "Accepted"), ("B", "Unknown")):
        station = await rig.add(station_id)
        station.answers |= {"SetChargingProfile": ACCEPTED, "ClearChargingProfile": {"status": cleared}}
    schedule = charging_profile_pb2.ChargingSchedule(
        charging_rate_unit=charging_profile_pb2.CHARGING_RATE_UNIT_AMPERES,
        periods=[charging_profile_pb2.ChargingSchedulePeriod(limit=10)],
    )
    profile = charging_profile_pb2.ChargingProfile(
        purpose=charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
        kind=charging_profile_pb2.CHARGING_PROFILE_KIND_RELATIVE,
        schedules=[schedule],
    )
    wanted = charging_profile_pb2.SetChargingProfileRequest(charging_profile=profile)
    rollout_id = await give(rig, pb.CommandRollout(set_charging_profile=wanted))
    await rig.work()
    assert (await rig.get(rollout_id)).progress.succeeded == 2
    profiles = ChargingProfileServiceStub(rig.system.operators)
    listed = charging_profile_service_pb2.ListChargingProfilesRequest(station_id="A")
    assert len((await profiles.ListChargingProfiles(listed)).charging_profiles) == 1
    cleared_id = await give(
        rig, pb.CommandRollout(clear_charging_profile=charging_profile_pb2.ClearChargingProfileRequest())
    )
    await rig.work(2)
    words = {one.station_id: (int(one.state), one.answer_status) for one in await rig.targets(cleared_id)}
    assert words == {"A": (SUCCEEDED, "ACCEPTED"), "B": (SUCCEEDED, "UNKNOWN")}


async def test_a_stop_spares_the_stations_that_are_left(rig: Rig) -> None:
    for number in range(4):
        (await rig.add(f"CP{number}")).answers["Reset"] = REJECTED
    rollout_id = await give(rig, RESET, max_parallel=1, stop_after_failures=2)
    await rig.work(11)
    assert sorted((await rig.states(rollout_id)).values()) == [FAILED, FAILED, CANCELLED, CANCELLED]


@pytest.fixture
async def synced(start_system: StartSystem) -> AsyncIterator[Rig]:
    """A station_svc that knows the id tokens of an auth_svc."""
    async with far_auth() as auth:
        system = await start_system(auth_address=auth.address)
        await system.lease()
        rig = Rig(system=system, stub=RolloutServiceStub(system.operators))
        system.gateway.behave = rig.fleet.behave
        yield rig


async def test_local_lists_are_synced_across_stations(synced: Rig) -> None:
    """A station has succeeded once it holds the tokens, and failed where it keeps no list."""
    keeps, refuses = await synced.add("KEEPS"), await synced.add("REFUSES")
    for station in (keeps, refuses):
        station.answers["GetLocalListVersion"] = {"listVersion": 0}
    keeps.answers["SendLocalList"] = ACCEPTED
    refuses.answers["GetLocalListVersion"] = {"listVersion": -1}
    refuses.answers["SendLocalList"] = {"status": "NotSupported"}
    rollout_id = await give(
        synced, pb.CommandRollout(sync_local_list=local_list_service_pb2.SyncLocalListRequest(full=True))
    )
    for _ in range(4):
        await synced.work(6)
    assert await synced.states(rollout_id) == {"KEEPS": SUCCEEDED, "REFUSES": FAILED}
    error = (await synced.target(rollout_id, "REFUSES")).error
    assert from_status(error).reason == "LOCAL_LIST_NOT_SUPPORTED"
    assert "SendLocalList" in [action for action, _payload in keeps.calls]


def test_every_command_has_its_rpc_and_its_permission() -> None:
    """And an answer, but for the sync, which follows a resource."""
    fields = set(pb.CommandRollout.DESCRIPTOR.fields_by_name)
    assert set(COMMANDS) == fields
    assert set(pb.CommandAnswer.DESCRIPTOR.fields_by_name) == fields - {"sync_local_list"}
    assert permission_of("reset") == options_pb2.PERMISSION_STATIONS_COMMAND
    assert permission_of("get_log") == options_pb2.PERMISSION_LOG_UPLOADS_WRITE
    assert permission_of("sync_local_list") == options_pb2.PERMISSION_LOCAL_LISTS_WRITE
    assert permission_of("set_charging_profile") == options_pb2.PERMISSION_CHARGING_PROFILES_WRITE
    for name, command in COMMANDS.items():
        if name == "sync_local_list":
            continue
        answer = pb.CommandAnswer.DESCRIPTOR.fields_by_name[name].message_type
        assert answer is not None
        status = answer.fields_by_name.get("status")
        numbers = set() if status is None or status.enum_type is None else set(status.enum_type.values_by_number)
        assert command.accepted <= numbers - {0}, name
        assert bool(command.accepted) is (name != "get_variables"), name


async def test_the_command_s_own_permission_is_needed_too(rig: Rig, clock: FakeClock) -> None:
    """For rollouts of it alone, and for their retries; it covers no more stations than it does elsewhere."""
    sites = SiteServiceStub(rig.system.operators)
    await sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site_pb2.Site(site_id="berlin")), metadata=WHOLE)
    for station_id in ("IN", "OUT"):
        (await rig.add(station_id)).answers["Reset"] = ACCEPTED
    await rig.system.stations.UpdateStation(
        station_service_pb2.UpdateStationRequest(
            station=station_pb2.Station(station_id="IN", site_id="berlin"), update_mask=FieldMask(paths=["site_id"])
        )
    )
    preparations = Preparations()
    preparations.add({"Reset": as_it_is})
    servicer = RolloutServicer(database=rig.system.database, clock=clock, preparations=preparations)
    context: Any = None
    rollouts = frozenset({options_pb2.PERMISSION_ROLLOUTS_WRITE})
    commands = frozenset({options_pb2.PERMISSION_STATIONS_COMMAND})

    def grant(*grants: Grant) -> None:
        set_caller(Caller(username="rob", tenant_id="default", expires_s=NEVER_S, grants=grants))

    grant(Grant(permissions=rollouts))
    request = pb.CreateRolloutRequest(command=RESET, filter=ALL)
    with pytest.raises(MeshError, match="needs the permission STATIONS_COMMAND") as caught:
        await servicer.CreateRollout(request, context)
    assert caught.value.reason is Reason.ROLE_TOO_LOW
    grant(Grant(permissions=rollouts), Grant(permissions=commands, site_id="berlin"))
    made = (await servicer.CreateRollout(request, context)).rollout
    assert await rig.states(made.rollout_id) == {"IN": PENDING}
    listed = pb.CreateRolloutRequest(command=RESET, station_ids=["OUT"])
    with pytest.raises(MeshError) as caught:
        await servicer.CreateRollout(listed, context)
    assert caught.value.reason is Reason.STATION_NOT_FOUND
    grant(Grant(permissions=rollouts))
    with pytest.raises(MeshError) as caught:
        await servicer.RetryRollout(
            pb.RetryRolloutRequest(rollout_id=made.rollout_id, filter="state = PENDING"), context
        )
    assert caught.value.reason is Reason.ROLE_TOO_LOW
