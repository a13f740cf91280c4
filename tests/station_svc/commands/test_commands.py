"""Commands: sent at most once, through the gateway that holds the socket, their outcome remembered."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.common.v1 import evse_pb2, id_token_pb2, status_info_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import (
    certificate_pb2,
    charging_profile_pb2,
    firmware_pb2,
    local_list_pb2,
    log_pb2,
    reservation_pb2,
    station_pb2,
    station_service_pb2,
)
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.contract.services import command_name
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_datetime, to_timestamp
from station_svc.commands import store
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import BegunCommand, FinishedCommand, NewCommand
from station_svc.core.station_rows import Socket
from tests import certificates
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem, access_token, fails_with, of_tenant
from tests.waiting import PATIENCE_S, eventually, until

RESET = pb.ResetRequest(station_id="CP1", type=pb.RESET_TYPE_IMMEDIATE)
ACCEPTED = gateway_pb2.CallResponse(reset=pb.ResetResponse(status=pb.RESET_STATUS_ACCEPTED))


def answering(response: gateway_pb2.CallResponse) -> Callable[[gateway_pb2.CallRequest], Awaitable[Any]]:
    """A gateway that gives this answer."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return response

    return behave


def failing(error: MeshError) -> Callable[[gateway_pb2.CallRequest], Awaitable[Any]]:
    """A gateway that fails."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        raise error

    return behave


class Held:
    """A gateway that holds its answer until it is released."""

    def __init__(self, response: gateway_pb2.CallResponse) -> None:
        self._response = response
        self.release = asyncio.Event()

    async def __call__(self, _request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """Answers once released."""
        await self.release.wait()
        return self._response


# A certificate of now, by the clock that stands still.
_ROOT = certificates.authority("Root", now=to_datetime(FakeClock()())).pem

# Commands that need more than a station, or whose answer has more than a status.
_BY_HAND: list[tuple[str, str, Any, Any]] = [
    (
        "CertificateSigned",
        "certificate_signed",
        certificate_pb2.CertificateSignedRequest(station_id="CP1", certificate_chain=_ROOT),
        certificate_pb2.CertificateSignedResponse(status=certificate_pb2.CERTIFICATE_SIGNED_STATUS_REJECTED),
    ),
    (
        "InstallCertificate",
        "install_certificate",
        certificate_pb2.InstallCertificateRequest(
            station_id="CP1",
            certificate_type=certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
            certificate=_ROOT,
        ),
        certificate_pb2.InstallCertificateResponse(status=certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED),
    ),
    (
        "DeleteCertificate",
        "delete_certificate",
        certificate_pb2.DeleteCertificateRequest(
            station_id="CP1",
            certificate_hash_data=certificate_pb2.CertificateHashData(
                hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA256,
                issuer_name_hash="a",
                issuer_key_hash="b",
                serial_number="1",
            ),
        ),
        certificate_pb2.DeleteCertificateResponse(status=certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND),
    ),
    (
        "GetInstalledCertificateIds",
        "get_installed_certificate_ids",
        certificate_pb2.GetInstalledCertificateIdsRequest(station_id="CP1"),
        certificate_pb2.GetInstalledCertificateIdsResponse(
            status=certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND
        ),
    ),
    (
        "RequestStartTransaction",
        "request_start_transaction",
        pb.RequestStartTransactionRequest(
            station_id="CP1", id_token=id_token_pb2.IdToken(id_token="T1"), evse_id=1, remote_start_id=7
        ),
        pb.RequestStartTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_ACCEPTED, transaction_id="x"),
    ),
    (
        "RequestStopTransaction",
        "request_stop_transaction",
        pb.RequestStopTransactionRequest(station_id="CP1", transaction_id="12"),
        pb.RequestStopTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_REJECTED),
    ),
    ("Reset", "reset", RESET, ACCEPTED.reset),
    (
        "UnlockConnector",
        "unlock_connector",
        pb.UnlockConnectorRequest(station_id="CP1", evse=evse_pb2.EvseRef(evse_id=2)),
        pb.UnlockConnectorResponse(status=pb.UNLOCK_STATUS_UNLOCKED),
    ),
    (
        "ChangeAvailability",
        "change_availability",
        pb.ChangeAvailabilityRequest(
            station_id="CP1", operational_status=pb.OPERATIONAL_STATUS_INOPERATIVE, evse=evse_pb2.EvseRef()
        ),
        pb.ChangeAvailabilityResponse(status=pb.CHANGE_AVAILABILITY_STATUS_SCHEDULED),
    ),
    (
        "GetVariables",
        "get_variables",
        pb.GetVariablesRequest(station_id="CP1", variables=[station_pb2.Variable(variable="HeartbeatInterval")]),
        pb.GetVariablesResponse(),
    ),
    (
        "SetVariables",
        "set_variables",
        pb.SetVariablesRequest(station_id="CP1", variables=[station_pb2.Variable(variable="X", value="1")]),
        pb.SetVariablesResponse(),
    ),
    (
        "TriggerMessage",
        "trigger_message",
        pb.TriggerMessageRequest(station_id="CP1", requested_message=pb.MESSAGE_TRIGGER_HEARTBEAT),
        pb.TriggerMessageResponse(status=pb.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED),
    ),
    (
        "DataTransfer",
        "data_transfer",
        pb.DataTransferRequest(station_id="CP1", vendor_id="v", data="d"),
        pb.DataTransferResponse(status=ingest_pb2.DATA_TRANSFER_STATUS_ACCEPTED, data="e"),
    ),
    (
        "GetLocalListVersion",
        "get_local_list_version",
        local_list_pb2.GetLocalListVersionRequest(station_id="CP1"),
        local_list_pb2.GetLocalListVersionResponse(version_number=0),
    ),
    (
        "SendLocalList",
        "send_local_list",
        local_list_pb2.SendLocalListRequest(
            station_id="CP1", version_number=3, update_type=local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL
        ),
        local_list_pb2.SendLocalListResponse(status=local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED),
    ),
    (
        "SetChargingProfile",
        "set_charging_profile",
        charging_profile_pb2.SetChargingProfileRequest(
            station_id="CP1",
            evse_id=1,
            charging_profile=charging_profile_pb2.ChargingProfile(
                charging_profile_id=5,
                purpose=charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
                kind=charging_profile_pb2.CHARGING_PROFILE_KIND_RELATIVE,
                schedules=[
                    charging_profile_pb2.ChargingSchedule(
                        charging_rate_unit=charging_profile_pb2.CHARGING_RATE_UNIT_WATTS,
                        periods=[charging_profile_pb2.ChargingSchedulePeriod(limit=7400)],
                    )
                ],
            ),
        ),
        charging_profile_pb2.SetChargingProfileResponse(
            status=charging_profile_pb2.CHARGING_PROFILE_STATUS_ACCEPTED, charging_profile_id=5
        ),
    ),
    (
        "ClearChargingProfile",
        "clear_charging_profile",
        charging_profile_pb2.ClearChargingProfileRequest(station_id="CP1", charging_profile_id=5),
        charging_profile_pb2.ClearChargingProfileResponse(
            status=charging_profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN
        ),
    ),
    (
        "GetCompositeSchedule",
        "get_composite_schedule",
        charging_profile_pb2.GetCompositeScheduleRequest(station_id="CP1", duration_s=60),
        charging_profile_pb2.GetCompositeScheduleResponse(status=status_info_pb2.GENERIC_STATUS_REJECTED),
    ),
    (
        "ReserveNow",
        "reserve_now",
        reservation_pb2.ReserveNowRequest(
            station_id="CP1",
            id_token=id_token_pb2.IdToken(id_token="T1"),
            expire_time=Timestamp(seconds=1_760_000_000),
            reservation_id=1,
        ),
        reservation_pb2.ReserveNowResponse(status=reservation_pb2.RESERVE_NOW_STATUS_OCCUPIED, reservation_id=1),
    ),
    (
        "CancelReservation",
        "cancel_reservation",
        reservation_pb2.CancelReservationRequest(station_id="CP1", reservation_id=9),
        reservation_pb2.CancelReservationResponse(status=reservation_pb2.CANCEL_RESERVATION_STATUS_REJECTED),
    ),
    (
        "UpdateFirmware",
        "update_firmware",
        firmware_pb2.UpdateFirmwareRequest(
            station_id="CP1",
            firmware_update_id=7,
            firmware=firmware_pb2.Firmware(location="ftp://x/f", retrieve_time=to_timestamp(1)),
        ),
        firmware_pb2.UpdateFirmwareResponse(status=firmware_pb2.UPDATE_FIRMWARE_STATUS_REJECTED, firmware_update_id=7),
    ),
    (
        "GetLog",
        "get_log",
        log_pb2.GetLogRequest(
            station_id="CP1",
            log_upload_id=7,
            log_type=log_pb2.LOG_TYPE_SECURITY,
            log=log_pb2.LogParameters(remote_location="ftp://x/"),
        ),
        log_pb2.GetLogResponse(status=log_pb2.LOG_STATUS_ACCEPTED, file_name="f", log_upload_id=7),
    ),
    (
        "SendCall",
        "send_call",
        pb.SendCallRequest(station_id="CP1", action="Reset", payload=json_format.ParseDict({"a": [1, 2.5]}, pb.SendCallRequest().payload)),  # noqa: E501
        pb.SendCallResponse(payload=json_format.ParseDict({"status": "Accepted"}, pb.SendCallResponse().payload)),
    ),
]  # fmt: skip


def _every_command() -> Iterator[tuple[str, str, Any, Any]]:
    """Each RPC of CommandService: as it stands above, or else with nothing but the station, and its first status."""
    by_hand = {row[0]: row for row in _BY_HAND}
    for method in pb.DESCRIPTOR.services_by_name["CommandService"].methods:
        request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        status = {"status": 1} if "status" in method.output_type.fields_by_name else {}
        least = (method.name, command_name(method.name), request(station_id="CP1"), answer(**status))
        yield by_hand.get(method.name, least)


EVERY_COMMAND = list(_every_command())


@pytest.mark.parametrize(("method", "field", "request_", "answer"), EVERY_COMMAND)
async def test_every_command_takes_its_way(
    system: StationSystem, method: str, field: str, request_: Any, answer: Any
) -> None:
    """As the operator gave it to the gateway, in the field of its name, and the answer back; both are recorded."""
    epoch = await system.open("CP1")
    system.gateway.behave = answering(gateway_pb2.CallResponse(**{field: answer}))
    assert await getattr(system.commands, method)(request_) == answer
    [call] = system.gateway.calls
    assert (call.station_id, call.epoch, call.WhichOneof("command")) == ("CP1", epoch, field)
    assert getattr(call, field) == request_
    assert call.timeout.ToTimedelta().total_seconds() == 30
    [row] = await _finished(system)
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
    assert [row.error is not None for row in await _finished(system)] == [True] * 3


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
        (grpc.StatusCode.FAILED_PRECONDITION, "UNSUPPORTED_BY_VERSION"),
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
    assert len(await _records(system)) == 1


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
        return (await _records(system))[0].finish_us is not None

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
    assert [row.answer for row in await _finished(system)] == [ACCEPTED.reset.SerializeToString()]


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
    assert len(await _records(system)) == 1


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


async def test_variables_that_were_read_are_remembered(system: StationSystem, clock: FakeClock) -> None:
    """With their values, secrets masked, in the order of names; those the station does not have are not."""
    await system.open("CP1")
    component = "ChargingStation"
    results = [
        _read("Second", "2", readonly=True),
        _read("First", "1", readonly=False),
        _read("AuthorizationKey", "s3cret"),
        _read("First", "1b"),
        pb.GetVariableResult(
            status=pb.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
            variable=station_pb2.Variable(component=component, variable="Missing"),
        ),
    ]
    answer = pb.GetVariablesResponse(results=results)
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=answer))
    shown = await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1", request_id="r1"))
    assert [result.variable.value for result in shown.results] == ["2", "1", "***", "1b", ""]
    variables = await _variables(system)
    assert [(one.variable, one.value, one.attribute_type) for one in variables] == [
        ("AuthorizationKey", "***", "Actual"),
        ("First", "1b", "Actual"),
        ("Second", "2", "Actual"),
    ]
    assert variables[2].readonly
    assert variables[2].HasField("readonly")
    assert not variables[0].HasField("readonly")
    assert variables[0].update_time.ToMicroseconds() == clock()
    assert b"s3cret" not in ((await _records(system))[0].answer or b"")


async def test_variables_that_were_set_are_remembered(system: StationSystem, clock: FakeClock) -> None:
    """Values that the station took, also if only after a restart; what was known beside a value stays known."""
    await system.open("CP1")
    read = pb.GetVariablesResponse(results=[_read("Interval", "10", readonly=False)])
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=read))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    clock.advance(1)
    taken = pb.SetVariablesResponse(
        results=[
            _set("Interval", "20", pb.SET_VARIABLE_STATUS_ACCEPTED),
            _set("Later", "30", pb.SET_VARIABLE_STATUS_REBOOT_REQUIRED),
            _set("Never", "40", pb.SET_VARIABLE_STATUS_REJECTED),
            _set("ApnPassword", "s3cret", pb.SET_VARIABLE_STATUS_ACCEPTED),
        ]
    )
    system.gateway.behave = answering(gateway_pb2.CallResponse(set_variables=taken))
    request = pb.SetVariablesRequest(station_id="CP1", variables=[result.variable for result in taken.results])
    await system.commands.SetVariables(request)
    # To the station it went as the operator gave it.
    assert system.gateway.calls[-1].set_variables.variables[3].value == "s3cret"
    variables = await _variables(system)
    assert [(one.variable, one.value) for one in variables] == [
        ("ApnPassword", "***"),
        ("Interval", "20"),
        ("Later", "30"),
    ]
    assert variables[1].HasField("readonly")


async def test_secrets_in_any_answer_are_masked(system: StationSystem) -> None:
    """Also where the operator sent the action by hand; all else of the payload stays as it is."""
    await system.open("CP1")
    payload = {"configurationKey": [{"key": "AuthorizationKey", "value": "s3cret"}, {"key": "A", "value": "1"}], "n": 3}
    answer = pb.SendCallResponse(payload=json_format.ParseDict(payload, pb.SendCallResponse().payload))
    system.gateway.behave = answering(gateway_pb2.CallResponse(send_call=answer))
    shown = await system.commands.SendCall(pb.SendCallRequest(station_id="CP1", action="GetConfiguration"))
    assert json_format.MessageToDict(shown.payload) == {
        "configurationKey": [{"key": "AuthorizationKey", "value": "***"}, {"key": "A", "value": "1"}],
        "n": 3,
    }
    assert b"s3cret" not in ((await _finished(system))[0].answer or b"")


async def test_paging_variables(system: StationSystem) -> None:
    """Each once, by all parts of their names."""
    await system.open("CP1")
    results = [_read(f"V{number}", "x", evse_id=evse_id) for number in range(3) for evse_id in (2, 0, 1)]
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=pb.GetVariablesResponse(results=results)))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    request = station_service_pb2.ListVariablesRequest(station_id="CP1", page_size=2)
    seen = []
    while True:
        response = await system.stations.ListVariables(request)
        seen += [(one.variable, one.evse.evse_id) for one in response.variables]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert seen == [(f"V{number}", evse_id) for number in range(3) for evse_id in (0, 1, 2)]


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


def _read(name: str, value: str, *, readonly: bool | None = None, evse_id: int = 0) -> pb.GetVariableResult:
    variable = station_pb2.Variable(component="ChargingStation", variable=name, value=value, readonly=readonly)
    if evse_id:
        variable.evse.evse_id = evse_id
    return pb.GetVariableResult(status=pb.GET_VARIABLE_STATUS_ACCEPTED, variable=variable)


def _set(name: str, value: str, status: pb.SetVariableStatus.ValueType) -> pb.SetVariableResult:
    variable = station_pb2.Variable(component="ChargingStation", variable=name, value=value)
    return pb.SetVariableResult(status=status, variable=variable)


async def _variables(system: StationSystem) -> list[station_pb2.Variable]:
    request = station_service_pb2.ListVariablesRequest(station_id="CP1")
    return list((await system.stations.ListVariables(request)).variables)


async def _records(system: StationSystem) -> list[Any]:
    query = sa.select(models.command).order_by(models.command.c.create_us)
    return list(await system.database.read(lambda connection: connection.execute(query).all()))


async def _expect_offline(system: StationSystem, station_id: str = "CP1") -> None:
    with fails_with("STATION_OFFLINE") as caught:
        await system.commands.Reset(pb.ResetRequest(station_id=station_id))
    assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION


async def _finished(system: StationSystem) -> list[Any]:
    """The records, once each has its outcome: without a request id nobody waits for it."""

    async def finished() -> list[Any]:
        rows = await _records(system)
        return rows if all(row.finish_us is not None for row in rows) else []

    return await eventually(finished)
