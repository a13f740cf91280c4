"""The audit of station_svc: operators, jobs and stations, commands with their outcome."""

from typing import Any

import sqlalchemy as sa
from csms.station.v1 import command_service_pb2 as command_pb
from csms.station.v1 import local_list_service_pb2 as list_pb
from csms.station.v1 import reservation_pb2 as reservation
from csms.station.v1 import rollout_service_pb2 as rollout_pb
from csms.station.v1 import station_pb2
from csms.station.v1 import station_service_pb2 as station_service
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from hypothesis import HealthCheck, settings

from mesh.audit.entries import Content
from mesh.audit.replay import replay
from station_svc.features.credentials.failures import CredentialFailures
from tests.audited import contents, linked_entries
from tests.station_svc.answers import CALL_ERROR, answering, failing
from tests.station_svc.conftest import StationSystem, attempt, fails_with

EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
STATIONS = ("CP1", "CP2")
Operation = tuple[str, dict[str, Any]]


async def _audit(system: StationSystem) -> list[Content]:
    return contents(await linked_entries(system.database, "station"))


def _answer(command: Any) -> Any:
    """The gateway's form of a station's answer, which accepts everything."""
    if isinstance(command, reservation.CancelReservationRequest):
        return reservation.CancelReservationResponse(status=reservation.CANCEL_RESERVATION_STATUS_ACCEPTED)
    if isinstance(command, reservation.ReserveNowRequest):
        return reservation.ReserveNowResponse(
            status=reservation.RESERVE_NOW_STATUS_ACCEPTED, reservation_id=command.reservation_id
        )
    if isinstance(command, command_pb.SetVariablesRequest):
        results = [
            command_pb.SetVariableResult(variable=one, status=command_pb.SET_VARIABLE_STATUS_ACCEPTED)
            for one in command.variables
        ]
        return command_pb.SetVariablesResponse(results=results)
    if isinstance(command, command_pb.SendCallRequest):
        return command_pb.SendCallResponse()
    return command_pb.ClearCacheResponse(status=command_pb.CLEAR_CACHE_STATUS_ACCEPTED)


async def _open(system: StationSystem, station_id: str = "CP1") -> int:
    system.gateway.behave = answering(_answer)
    return await system.open(station_id)


async def test_a_command_leaves_an_entry_before_it_is_sent_and_one_with_its_outcome(system: StationSystem) -> None:
    await _open(system)
    await system.commands.ClearCache(command_pb.ClearCacheRequest(station_id="CP1", request_id="r1"))
    begun, finished = (await _audit(system))[-2:]
    assert (begun.action, begun.actor, begun.station_id) == ("csms.station.v1.CommandService/ClearCache", "ann", "CP1")
    assert (begun.outcome, finished.outcome) == ("PENDING", "OK")
    assert begun.resource == finished.resource
    assert finished.details == {"command": "clear_cache", "status": "CLEAR_CACHE_STATUS_ACCEPTED"}
    count = len(await _audit(system))
    await system.commands.ClearCache(command_pb.ClearCacheRequest(station_id="CP1", request_id="r1"))
    assert len(await _audit(system)) == count  # a repeat does nothing


async def test_a_command_that_fails_leaves_its_reason(system: StationSystem) -> None:
    await _open(system)
    system.gateway.behave = failing(CALL_ERROR)
    with fails_with("CALL_ERROR"):
        await system.commands.ClearCache(command_pb.ClearCacheRequest(station_id="CP1", request_id="r1"))
    assert [entry.outcome for entry in (await _audit(system))[-2:]] == ["PENDING", "CALL_ERROR"]


async def test_secrets_of_commands_and_credentials_are_in_no_entry(system: StationSystem) -> None:
    secret = "s3cr3t-of-the-tests"
    await _open(system)
    credential = await system.create("CP2")
    await system.commands.SetVariables(
        command_pb.SetVariablesRequest(
            station_id="CP1",
            variables=[station_pb2.Variable(component="ChargingStation", variable="VpnPassword", value=secret)],
        )
    )
    call = command_pb.SendCallRequest(station_id="CP1", action="DataTransfer")
    call.payload.update({"vendorId": "acme", "data": f"apiKey={secret}"})
    await system.commands.SendCall(call)
    given = await system.stations.RotateCredential(station_service.RotateCredentialRequest(station_id="CP2"))
    handed = await system.stations.RotateCredential(
        station_service.RotateCredentialRequest(station_id="CP1", hand_over=True)
    )
    entries = await _audit(system)
    for text in (secret, credential, given.credential, handed.credential):
        assert text
        assert text not in str(entries)
    assert [one.details for one in entries if one.resource == "CP2"][-1] == {"did": "has a new credential"}


async def test_a_station_that_is_admitted_by_its_connection_is_added_by_itself(system: StationSystem) -> None:
    await _open(system)
    entry = (await _audit(system))[0]
    assert (entry.actor_kind, entry.actor, entry.change, entry.resource) == ("STATION", "CP1", "CREATE", "CP1")


async def test_failed_handshakes_are_counted_by_station(system: StationSystem) -> None:
    await system.create("CP1")
    for _ in range(3):
        await system.attempt(attempt("CP1", credential=b"wrong"))
    owners = [getattr(run, "__self__", None) for run in system.parts.background]
    [failures] = [owner for owner in owners if isinstance(owner, CredentialFailures)]
    await failures.flush()
    entry = (await _audit(system))[-1]
    assert (entry.action, entry.resource, entry.outcome, entry.count) == ("handshake", "CP1", "WRONG_CREDENTIALS", 3)
    assert entry.address == "127.0.0.1"


async def test_a_local_list_is_asked_for_by_an_operator(system: StationSystem) -> None:
    await system.create("CP1")
    lists = LocalListServiceStub(system.operators)
    request = list_pb.SyncLocalListRequest(station_id="CP1", request_id="r1")
    await lists.SyncLocalList(request)
    await lists.SyncLocalList(request)  # a repeat, which queues nothing
    [asked] = [entry for entry in await _audit(system) if entry.resource_type == "local_list"]
    assert (asked.actor, asked.resource, asked.details) == ("ann", "CP1", {"requestId": "r1", "full": False})


async def test_a_job_acts_on_behalf_of_the_operator_who_queued_it(system: StationSystem) -> None:
    epoch = await _open(system)
    await system.boot(system.boot_item("CP1", epoch))
    await _roll_out(system)
    for _ in range(5):
        system.clock.advance(5)
        await system.lease()
        await system.jobs.run_due()
    sent = [entry for entry in await _audit(system) if entry.resource_type == "command"]
    assert {(one.actor_kind, one.on_behalf_of, one.station_id) for one in sent} == {("JOB", "ann", "CP1")}
    assert {one.action for one in sent} == {one.actor for one in sent}


async def _roll_out(system: StationSystem) -> str:
    variables = rollout_pb.VariablesRollout(
        variables=[station_pb2.Variable(component="ChargingStation", variable="MeterValueSampleInterval", value="30")]
    )
    made = await RolloutServiceStub(system.operators).CreateRollout(
        rollout_pb.CreateRolloutRequest(filter='station_id != ""', variables=variables, display_name="all")
    )
    name: str = made.rollout.rollout_id
    return name


async def test_events_name_their_actor(system: StationSystem) -> None:
    """An operator's change does; for a station's own connection there is none beside the station."""
    await system.create("CP1")
    await _open(system, "CP2")
    query = sa.text("SELECT station_id, actor FROM outbox ORDER BY outbox_id")
    rows = await system.database.read(lambda connection: connection.execute(query).all())
    assert {(row.station_id, row.actor) for row in rows} == {("CP1", "user:ann"), ("CP2", None)}


async def test_a_rollout_is_the_same_again_from_its_entries(system: StationSystem) -> None:
    await system.create("CP1")
    rollouts, name = RolloutServiceStub(system.operators), await _roll_out(system)
    await rollouts.PauseRollout(rollout_pb.PauseRolloutRequest(rollout_id=name))
    await rollouts.PauseRollout(rollout_pb.PauseRolloutRequest(rollout_id=name))  # changes nothing
    await rollouts.StopRollout(rollout_pb.StopRolloutRequest(rollout_id=name))
    state = replay(await _audit(system))["rollout", name]
    assert (state["state"], state["display_name"], state["stop_reason"]) == ("STOPPED", "all", 1)
    changes = [entry.change for entry in await _audit(system) if entry.resource_type == "rollout"]
    assert changes == ["CREATE", "UPDATE", "UPDATE"]
