"""Commands: sent at most once, through the gateway that holds the socket, their outcome remembered."""

from typing import Any

import grpc
import pytest
from csms.common.v1 import id_token_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock
from tests.station_svc.commands.every_command import EVERY_COMMAND
from tests.station_svc.commands.far_gateway import ACCEPTED, RESET, Held, answering, failing, read_finished
from tests.station_svc.conftest import StationSystem, access_token, fails_with, of_tenant
from tests.waiting import until


@pytest.mark.parametrize(("method", "field", "request_", "answer"), EVERY_COMMAND)
async def test_every_command_takes_its_way(
    system: StationSystem, method: str, field: str, request_: Any, answer: Any
) -> None:
    """As the operator gave it to the gateway, in the field of its name, and the answer back; both are recorded."""
    epoch = await system.open("CP1")
    system.gateway.behave = answering(gateway_pb2.CallResponse(**{field: answer}))
    metadata = (("authorization", f"Bearer {access_token(role='ADMINISTRATOR')}"),)
    assert await getattr(system.commands, method)(request_, metadata=metadata) == answer
    [call] = system.gateway.calls
    assert (call.station_id, call.epoch, call.WhichOneof("command")) == ("CP1", epoch, field)
    assert getattr(call, field) == request_
    assert call.timeout.ToTimedelta().total_seconds() == 30
    [row] = await read_finished(system)
    assert (row.name, row.username, row.station_id, row.epoch) == (field, "ann", "CP1", epoch)
    assert row.answer == answer.SerializeToString()
    assert row.finish_us is not None


async def test_no_command_is_for_viewers(system: StationSystem) -> None:
    """Each makes the station do something, also if its verb is Get."""
    await system.open("CP1")
    metadata = (("authorization", f"Bearer {access_token(role='VIEWER')}"),)
    for method, _field, request, _answer in EVERY_COMMAND:
        with fails_with("ROLE_TOO_LOW"):
            await getattr(system.commands, method)(request, metadata=metadata)
    assert system.gateway.calls == []


async def test_a_start_gets_a_number_where_the_operator_gave_none(system: StationSystem) -> None:
    """The number that the station will name is made up, another one each time, and 0 counts as given."""
    await system.open("CP1")
    answer = pb.RequestStartTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_ACCEPTED)
    system.gateway.behave = answering(gateway_pb2.CallResponse(request_start_transaction=answer))
    request = pb.RequestStartTransactionRequest(station_id="CP1", id_token=id_token_pb2.IdToken(id_token="T1"))
    for _ in range(2):
        await system.commands.RequestStartTransaction(request)
    request.remote_start_id = 0
    await system.commands.RequestStartTransaction(request)
    numbers = [call.request_start_transaction.remote_start_id for call in system.gateway.calls]
    assert numbers[0] != numbers[1]
    assert min(numbers[:2]) > 0
    assert numbers[2] == 0


async def test_an_unknown_station(system: StationSystem) -> None:
    await system.open("CP1")
    with fails_with("STATION_NOT_FOUND"):
        await system.commands.Reset(pb.ResetRequest(station_id="CP9"))
    with fails_with("STATION_NOT_FOUND") as caught:
        await system.commands.Reset(RESET, metadata=of_tenant("other"))
    assert caught[0].code is grpc.StatusCode.NOT_FOUND
    assert system.gateway.calls == []


async def test_an_offline_station(system: StationSystem, clock: FakeClock) -> None:
    """Never connected, closed, or on a gateway whose lease has run out: told so, and recorded."""
    await system.create("CP1")
    await _expect_offline(system)
    await system.create("CP2", security_profile=0)
    epoch = await system.open("CP2")
    await system.close("CP2", epoch)
    await _expect_offline(system, "CP2")
    await system.open("CP2")
    clock.advance(11)
    await _expect_offline(system, "CP2")
    assert system.gateway.calls == []
    assert [row.error is not None for row in await read_finished(system)] == [True] * 3


async def test_a_gateway_that_cannot_be_reached(system: StationSystem) -> None:
    """Nothing was sent, so that the station counts as offline."""
    await system.lease("gateway-2", "127.0.0.1:1")
    await system.open("CP1", "gateway-2")
    await _expect_offline(system)


async def test_a_gateway_that_is_lost_during_the_call(system: StationSystem) -> None:
    """The station may have acted: that is another thing than being offline."""
    await system.open("CP1")
    system.gateway.behave = Held(ACCEPTED)
    call = system.commands.Reset(RESET)
    await until(lambda: system.gateway.calls)
    await system.gateway_server.server.stop(0)
    with fails_with("STATION_DISCONNECTED") as caught:
        await call
    assert caught[0].code is grpc.StatusCode.ABORTED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, "NOT_IN_VERSION"),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAYLOAD"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "CALL_TIMEOUT"),
        (grpc.StatusCode.ABORTED, "CALL_ERROR"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_COMMANDS"),
    ],
)
async def test_what_the_gateway_says_reaches_the_operator(
    system: StationSystem, code: grpc.StatusCode, reason: str
) -> None:
    """With its code, reason, sentence and metadata; a repeat gets the same once more without a second sending."""
    await system.open("CP1")
    system.gateway.behave = failing(MeshError(code, Reason[reason], "why", {"ocpp_error_code": "InternalError"}))
    request = pb.ResetRequest(station_id="CP1", request_id="r1")
    for _ in range(2):
        with fails_with(reason) as caught:
            await system.commands.Reset(request)
        assert (caught[0].code, caught[0].message) == (code, "why")
        assert caught[0].metadata == {"ocpp_error_code": "InternalError"}
    assert len(system.gateway.calls) == 1


async def test_the_callers_deadline_is_shaved(system: StationSystem) -> None:
    """The station gets a little less than the caller has left, so that the caller gets the timeout."""
    await system.open("CP1")
    system.gateway.behave = answering(ACCEPTED)
    await system.commands.Reset(RESET, timeout=28)
    [call] = system.gateway.calls
    # gRPC rounds deadlines on the wire, upwards.
    assert 5 < call.timeout.ToTimedelta().total_seconds() < 27.7
    assert system.gateway.timeouts_s[0] < 27.9


async def test_a_gateway_that_does_not_answer_in_time(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets CALL_TIMEOUT before its own deadline ends the call."""
    monkeypatch.setattr("station_svc.commands.commands.SHAVE_S", 60)  # a quarter, then: time enough for the answer
    await system.open("CP1")
    system.gateway.behave = Held(ACCEPTED)
    with fails_with("CALL_TIMEOUT") as caught:
        await system.commands.Reset(RESET, timeout=6)
    assert caught[0].code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_call_may_set_its_own_time(system: StationSystem) -> None:
    """Within 1 to 300 seconds."""
    await system.open("CP1")
    system.gateway.behave = answering(gateway_pb2.CallResponse(send_call=pb.SendCallResponse()))
    await system.commands.SendCall(pb.SendCallRequest(station_id="CP1", action="Reset", timeout_s=120))
    assert system.gateway.calls[0].timeout.ToTimedelta().total_seconds() == 120
    for seconds in (-1, 301):
        with fails_with("INVALID_FIELD"):
            await system.commands.SendCall(pb.SendCallRequest(station_id="CP1", action="Reset", timeout_s=seconds))


async def test_a_required_field(system: StationSystem) -> None:
    """The contract's REQUIRED fields are asked for before anything is sent."""
    await system.open("CP1")
    with fails_with("INVALID_FIELD") as caught:
        await system.commands.RequestStopTransaction(pb.RequestStopTransactionRequest(station_id="CP1"))
    assert caught[0].metadata["field"] == "transaction_id"


async def test_availability_of_a_whole_station_is_asked_for_by_name(system: StationSystem) -> None:
    """Leaving the EVSE out is refused: a misspelt `evse`, which REST drops silently, must not mean every EVSE."""
    await system.open("CP1")
    request = pb.ChangeAvailabilityRequest(station_id="CP1", operational_status=pb.OPERATIONAL_STATUS_INOPERATIVE)
    with fails_with("INVALID_FIELD") as caught:
        await system.commands.ChangeAvailability(request)
    assert caught[0].metadata["field"] == "evse"
    assert system.gateway.calls == []


async def _expect_offline(system: StationSystem, station_id: str = "CP1") -> None:
    with fails_with("STATION_OFFLINE") as caught:
        await system.commands.Reset(pb.ResetRequest(station_id=station_id))
    assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION
