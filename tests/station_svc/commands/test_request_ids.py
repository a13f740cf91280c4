"""Request ids: a command is sent at most once, and its outcome is remembered, even where a process ends meanwhile."""

import threading
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import (
    station_service_pb2,
)

from station_svc.commands import store
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import BegunCommand, FinishedCommand, NewCommand
from station_svc.core.station_rows import Socket
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.commands.far_gateway import ACCEPTED, RESET, Held, answering, read_finished, read_records
from tests.station_svc.conftest import StartSystem, StationSystem, fails_with, of_tenant
from tests.waiting import PATIENCE_S, eventually, until


async def test_a_repeated_request_id_gets_the_first_answer(start_system: StartSystem) -> None:
    """Also from another replica, and though the station would answer otherwise by now; another id sends anew."""
    system, replica = await start_system(), await start_system()
    await system.lease()
    await system.open("CP1")
    system.gateway.behave = answering(ACCEPTED)
    request = pb.ResetRequest(station_id="CP1", request_id="r1")
    first = await system.commands.Reset(request)
    system.gateway.behave = answering(gateway_pb2.CallResponse(reset=pb.ResetResponse(status=pb.RESET_STATUS_REJECTED)))
    assert await replica.commands.Reset(request) == first == ACCEPTED.reset
    assert len(system.gateway.calls) == 1
    other = await system.commands.Reset(pb.ResetRequest(station_id="CP1", request_id="r2"))
    assert other.status == pb.RESET_STATUS_REJECTED
    assert len(system.gateway.calls) == 2


async def test_a_request_id_repeated_at_the_same_time(start_system: StartSystem) -> None:
    """Ten at once, at two replicas: one is sent, all get its answer."""
    system, replica = await start_system(), await start_system()
    await system.lease()
    await system.open("CP1")
    held = system.gateway.behave = Held(ACCEPTED)
    request = pb.ResetRequest(station_id="CP1", request_id="r1")
    calls = [(system if number % 2 else replica).commands.Reset(request) for number in range(10)]
    await until(lambda: system.gateway.calls)
    held.release.set()
    assert [await call for call in calls] == [ACCEPTED.reset] * 10
    assert len(system.gateway.calls) == 1
    assert len(await read_records(system)) == 1


@pytest.mark.parametrize(
    "other",
    [
        pb.ResetRequest(station_id="CP1", request_id="r1", type=pb.RESET_TYPE_ON_IDLE),
        pb.ResetRequest(station_id="CP2", request_id="r1", type=pb.RESET_TYPE_IMMEDIATE),
        pb.ClearCacheRequest(station_id="CP1", request_id="r1"),
    ],
)
async def test_a_request_id_belongs_to_one_command(system: StationSystem, other: Any) -> None:
    """With other content, for another station, or for another operation it is refused."""
    await system.open("CP1")
    await system.open("CP2")
    system.gateway.behave = answering(ACCEPTED)
    await system.commands.Reset(pb.ResetRequest(station_id="CP1", request_id="r1", type=pb.RESET_TYPE_IMMEDIATE))
    method = system.commands.ClearCache if isinstance(other, pb.ClearCacheRequest) else system.commands.Reset
    with fails_with("REQUEST_ID_REUSED"):
        await method(other)
    assert len(system.gateway.calls) == 1


async def test_a_request_id_is_the_tenants_own(system: StationSystem) -> None:
    """Two tenants may use the same one."""
    await system.open("CP1")
    system.gateway.behave = answering(ACCEPTED)
    await system.commands.Reset(pb.ResetRequest(station_id="CP1", request_id="r1"))
    await system.stations.CreateStation(
        station_service_pb2.CreateStationRequest(station_id="CP2"), metadata=of_tenant("other")
    )
    with fails_with("STATION_OFFLINE"):
        await system.commands.Reset(pb.ResetRequest(station_id="CP2", request_id="r1"), metadata=of_tenant("other"))


async def test_a_request_id_beyond_measure(system: StationSystem) -> None:
    """More than 64 characters, or one that no database takes."""
    for request_id in ("x" * 65, "a\0"):
        with fails_with("INVALID_FIELD"):
            await system.commands.Reset(pb.ResetRequest(station_id="CP1", request_id=request_id))


async def test_a_command_lost_in_a_crash_is_not_sent_again(system: StationSystem, clock: FakeClock) -> None:
    """Its outcome is unknown, and the repeat gets that."""
    await system.open("CP1")
    held = system.gateway.behave = Held(ACCEPTED)
    request = pb.ResetRequest(station_id="CP1", request_id="r1")
    call = system.commands.Reset(request)
    await until(lambda: system.gateway.calls)
    # As a crash leaves it: the row is there, and the process that would finish it is not.
    await system.database.write(
        lambda connection: connection.execute(sa.update(models.command).values(command_id="lost"))
    )
    held.release.set()
    await call
    repeat = system.commands.Reset(request)
    clock.advance(120)
    with fails_with("CALL_TIMEOUT") as caught:
        await repeat
    assert caught[0].code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(system.gateway.calls) == 1


async def test_a_caller_that_goes_away_finds_the_outcome(system: StationSystem) -> None:
    """The command goes on, its outcome is recorded, and the same request id finds it."""
    await system.open("CP1")
    held = system.gateway.behave = Held(ACCEPTED)
    request = pb.ResetRequest(station_id="CP1", request_id="r1")
    call = system.commands.Reset(request)
    await until(lambda: system.gateway.calls)
    call.cancel()
    held.release.set()

    async def recorded() -> bool:
        return (await read_records(system))[0].finish_us is not None

    await eventually(recorded)
    assert await system.commands.Reset(request) == ACCEPTED.reset
    assert len(system.gateway.calls) == 1


@pytest.mark.parametrize("request_id", ["", "r1"])
async def test_whether_a_caller_waits_for_the_record(
    system: StationSystem, monkeypatch: pytest.MonkeyPatch, request_id: str
) -> None:
    """Where it may ask for the outcome again; without a request id it has its answer at once."""
    await system.open("CP1")
    system.gateway.behave = answering(ACCEPTED)
    finish, begun, release = store.finish, threading.Event(), threading.Event()

    def held(connection: sa.Connection, finished: FinishedCommand) -> bool:
        begun.set()
        release.wait(PATIENCE_S)
        return finish(connection, finished)

    monkeypatch.setattr(store, "finish", held)
    call = system.commands.Reset(pb.ResetRequest(station_id="CP1", type=RESET.type, request_id=request_id))
    try:
        if request_id:
            await until(begun.is_set)
            assert not call.done()
        else:
            assert await call == ACCEPTED.reset
    finally:
        release.set()
    assert await call == ACCEPTED.reset
    assert [row.answer for row in await read_finished(system)] == [ACCEPTED.reset.SerializeToString()]


@pytest.mark.parametrize("request_id", [None, "r1"])
async def test_a_commit_that_nobody_heard_of(system: StationSystem, request_id: str | None) -> None:
    """The database failed after it: the same transaction once more finds its own record, and the command is sent."""
    epoch = await system.open("CP1")
    new = NewCommand(
        tenant_id="default",
        command_id="c1",
        request_id=request_id,
        station_id="CP1",
        name="reset",
        username="ann",
        content=b"",
        deadline_us=0,
    )
    for anew in (True, False):
        begun = await system.database.write_statement(lambda connection: store.begin(connection, new, FakeClock()()))
        assert isinstance(begun, BegunCommand)
        assert isinstance(begun.socket, Socket)
        assert (begun.socket.station_id, begun.socket.epoch, begun.is_new) == ("CP1", epoch, anew)
    assert len(await read_records(system)) == 1


async def test_an_effect_that_fails_once_committed(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller still has its answer, which is recorded."""
    await system.open("CP1")
    answer = pb.GetVariablesResponse()
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=answer))
    monkeypatch.setattr(CommandHooks, "on_committed", lambda _hooks: 1 / 0)
    request = pb.GetVariablesRequest(station_id="CP1", request_id="r1")
    for _call in range(2):
        assert await system.commands.GetVariables(request, timeout=PATIENCE_S) == answer
    assert len(system.gateway.calls) == 1
