"""Credentials that are handed to a station: nobody is locked out, whatever happens in between."""

import asyncio
from typing import Any

import grpc
import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_pb2, station_service_pb2

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, attempt, fails_with, reason_of
from tests.waiting import until

ACCEPTED = pb.SET_VARIABLE_STATUS_ACCEPTED
REBOOT_REQUIRED = pb.SET_VARIABLE_STATUS_REBOOT_REQUIRED
REJECTED = pb.SET_VARIABLE_STATUS_REJECTED


class Station:
    """The station at the other end: it keeps the credential it is handed, and answers as a test sets it."""

    def __init__(self, status: pb.SetVariableStatus.ValueType = ACCEPTED, error: MeshError | None = None) -> None:
        self.status = status
        self.error = error
        self.handed: list[str] = []
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """Answers SetVariables."""
        [variable] = request.set_variables.variables
        self.asked.append((variable.component, variable.variable))
        self.handed.append(variable.value)
        if self.error is not None:
            raise self.error
        result = pb.SetVariableResult(status=self.status, variable=station_pb2.Variable(variable=variable.variable))
        return gateway_pb2.CallResponse(set_variables=pb.SetVariablesResponse(results=[result]))


def failure(reason: str, code: grpc.StatusCode = grpc.StatusCode.ABORTED) -> MeshError:
    """The error of a gateway."""
    return MeshError(code, Reason[reason], "so it went")


async def _connected(system: StationSystem) -> tuple[str, int]:
    """A station that is connected with its credential."""
    credential = await system.create("CP1")
    [result] = await system.attempt(attempt("CP1", credential=credential.encode()))
    return credential, result.epoch


async def _hand_over(system: StationSystem, **more: Any) -> station_service_pb2.RotateCredentialResponse:
    request = station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True, **more)
    return await system.stations.RotateCredential(request)


async def _opens(system: StationSystem, credential: str | bytes) -> bool:
    data = credential if isinstance(credential, bytes) else credential.encode()
    [result] = await system.attempt(attempt("CP1", credential=data))
    return reason_of(result) == ""


def _told_to_come_back(system: StationSystem) -> list[int]:
    """The sockets that were closed, but for those that a newer one took the place of."""
    return [epoch for _station, epoch, code in system.gateway.closed if code == 1012]


async def test_a_station_that_takes_it(system: StationSystem) -> None:
    """TC_073: it gets 20 bytes in hexadecimal, the old one ends, its socket is closed so that it comes back."""
    old, epoch = await _connected(system)
    system.gateway.behave = station = Station()
    answer = await _hand_over(system)
    assert (answer.status, answer.credential) == (ACCEPTED, station.handed[0])
    assert station.asked == [("SecurityCtrlr", "BasicAuthPassword")]
    assert len(bytes.fromhex(answer.credential)) == 20
    await until(lambda: system.gateway.closed == [("CP1", epoch, 1012)])
    assert not await _opens(system, old)
    assert await _opens(system, answer.credential)
    changed = [data for _kind, _station, data in await system.events("station.credential_changed")]
    assert changed == [{"pushed": True}]


async def test_quirk_7_holds_for_it_too(system: StationSystem) -> None:
    """The station may send it as it was handed, or decoded; while it is being taken over, and after."""
    await _connected(system)
    system.gateway.behave = Station(REBOOT_REQUIRED)
    handed = (await _hand_over(system)).credential
    for form in (bytes.fromhex(handed), handed.upper(), handed):
        assert await _opens(system, form)


@pytest.mark.parametrize("reason", ["CALL_TIMEOUT", "STATION_DISCONNECTED", "INVALID_ANSWER"])
async def test_an_outcome_that_stays_unknown(system: StationSystem, reason: str) -> None:
    """Both open, until the station comes with the new one."""
    old, _epoch = await _connected(system)
    system.gateway.behave = station = Station(error=failure(reason))
    with fails_with(reason):
        await _hand_over(system)
    [new] = station.handed
    assert await _opens(system, old)
    assert await _opens(system, new)
    assert not await _opens(system, old)
    assert await _opens(system, new)


async def test_a_crash_in_between(system: StationSystem) -> None:
    """A credential is good before it is sent: a process that dies with the command under way locks nobody out."""
    old, _epoch = await _connected(system)
    under_way = asyncio.Event()
    handed: list[str] = []

    async def never(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        handed.append(request.set_variables.variables[0].value)
        under_way.set()
        await asyncio.Event().wait()
        raise AssertionError

    system.gateway.behave = never
    call = asyncio.ensure_future(_hand_over(system))
    await under_way.wait()
    assert await _opens(system, old)
    assert await _opens(system, handed[0])
    assert not await _opens(system, old)
    call.cancel()


async def test_a_station_that_restarts_first(system: StationSystem) -> None:
    """RebootRequired: its socket stays, and the old one is good until the new one is used."""
    old, _epoch = await _connected(system)
    system.gateway.behave = Station(REBOOT_REQUIRED)
    answer = await _hand_over(system)
    assert answer.status == REBOOT_REQUIRED
    assert await _opens(system, old)
    assert await _opens(system, answer.credential)
    assert not await _opens(system, old)
    assert _told_to_come_back(system) == []


@pytest.mark.parametrize("reason", ["", "CALL_ERROR", "NOT_IN_VERSION", "TOO_MANY_COMMANDS"])
async def test_a_station_that_does_not_take_it(system: StationSystem, reason: str) -> None:
    """Refused, or never sent: it opens nothing, the old one goes on, and nobody learns it."""
    old, _epoch = await _connected(system)
    system.gateway.behave = station = Station(REJECTED, failure(reason) if reason else None)
    if reason:
        with fails_with(reason):
            await _hand_over(system)
    else:
        answer = await _hand_over(system)
        assert (answer.status, answer.credential) == (REJECTED, "")
    assert not await _opens(system, station.handed[0])
    assert await _opens(system, old)
    assert _told_to_come_back(system) == []
    assert await system.events("station.credential_changed") == []


async def test_a_second_try_after_an_unknown_outcome(system: StationSystem) -> None:
    """The station took the first after all and refuses the second: it still comes in."""
    await _connected(system)
    system.gateway.behave = station = Station(error=failure("CALL_TIMEOUT"))
    with fails_with("CALL_TIMEOUT"):
        await _hand_over(system)
    station.error, station.status = None, REJECTED
    await _hand_over(system)
    assert await _opens(system, station.handed[0])
    assert not await _opens(system, station.handed[1])


async def test_not_without_bound(system: StationSystem) -> None:
    """Of many tries without an answer the last three open, and the one that is in use; a rotation ends them all."""
    old, _epoch = await _connected(system)
    system.gateway.behave = station = Station(error=failure("CALL_TIMEOUT"))
    for _ in range(5):
        with fails_with("CALL_TIMEOUT"):
            await _hand_over(system)
    for handed in station.handed[:2]:
        assert not await _opens(system, handed)
    assert await _opens(system, old)
    assert await _opens(system, station.handed[3])
    assert await _opens(system, station.handed[4])  # handed over later than the one before
    with fails_with("CALL_TIMEOUT"):
        await _hand_over(system)
    request = station_service_pb2.RotateCredentialRequest(station_id="CP1")
    new = (await system.stations.RotateCredential(request)).credential
    assert [await _opens(system, one) for one in (*station.handed, new)] == [False] * 6 + [True]


async def test_a_station_that_is_back_already(system: StationSystem) -> None:
    """It reconnected with the new one before its answer was recorded: that socket is left alone."""
    await _connected(system)

    async def quick(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        assert await _opens(system, request.set_variables.variables[0].value)
        return await Station()(request)

    system.gateway.behave = quick
    assert (await _hand_over(system)).status == ACCEPTED
    assert _told_to_come_back(system) == []
    assert len(await system.events("station.credential_changed")) == 1


async def test_a_station_that_needed_none(system: StationSystem) -> None:
    """It needs them once it has them, and not before."""
    await system.open("CP1")
    system.gateway.behave = station = Station(error=failure("CALL_TIMEOUT"))
    with fails_with("CALL_TIMEOUT"):
        await _hand_over(system)
    assert await _opens(system, b"")
    assert await _opens(system, station.handed[0])
    assert not await _opens(system, b"")
    assert (await system.station("CP1")).security_profile == 1


async def test_a_station_that_is_away(system: StationSystem) -> None:
    """Nothing changes."""
    old = await system.create("CP1")
    with fails_with("STATION_OFFLINE"):
        await _hand_over(system)
    assert await _opens(system, old)


async def test_a_repeated_request(system: StationSystem) -> None:
    """The station is handed one credential, which is shown once."""
    await _connected(system)
    system.gateway.behave = station = Station()
    first = await _hand_over(system, request_id="r")
    again = await _hand_over(system, request_id="r")
    assert (again.status, again.credential) == (ACCEPTED, "")
    assert len(station.handed) == 1
    assert await _opens(system, first.credential)


async def test_secrets_stay_out_of_the_tables(system: StationSystem) -> None:
    """Neither the credential nor its bytes are in any row or event."""
    await _connected(system)
    system.gateway.behave = Station()
    handed = (await _hand_over(system)).credential
    for table in models.metadata.sorted_tables:
        rows = await system.database.read(lambda connection, table=table: connection.execute(table.select()).all())  # type: ignore[misc]
        assert handed not in str(rows)
        assert bytes.fromhex(handed) not in repr(rows).encode()


# Set by name


async def _set(system: StationSystem, *pairs: tuple[str, str]) -> pb.SetVariablesResponse:
    variables = [station_pb2.Variable(variable=name, value=value) for name, value in pairs]
    return await system.commands.SetVariables(pb.SetVariablesRequest(station_id="CP1", variables=variables))


@pytest.mark.parametrize(
    "pairs",
    [
        [("AuthorizationKey", "0123456789abcdef0123")],
        [("authorizationkey ", "0123456789abcdef0123")],
        [("BasicAuthPassword", "")],
        [("HeartbeatInterval", "1"), ("ACME-Authorization_Key", "0123456789abcdef0123")],
    ],
)
async def test_no_credential_is_set_by_name(system: StationSystem, pairs: list[tuple[str, str]]) -> None:
    """Only the hand-over changes it; the error says which RPC that is."""
    old, _epoch = await _connected(system)
    with fails_with("USE_ROTATE_CREDENTIAL") as caught:
        await _set(system, *pairs)
    assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION
    assert "RotateCredential" in caught[0].message
    assert system.gateway.calls == []
    assert await system.count(models.command) == 0
    assert await _opens(system, old)


def _named(name: str, **more: Any) -> dict[str, Any]:
    return {
        "setVariableData": [{"component": {"name": "X"}, "variable": {"name": name}, "attributeValue": "k", **more}]
    }


@pytest.mark.parametrize(
    ("action", "payload", "reason"),
    [
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "k"}, "USE_ROTATE_CREDENTIAL"),
        ("ChangeConfiguration", {"key": " AUTHORIZATIONKEY", "value": "k"}, "USE_ROTATE_CREDENTIAL"),
        ("ChangeConfiguration", {"key": "Acme.AuthorizationKey", "value": "k"}, "USE_ROTATE_CREDENTIAL"),
        ("ChangeConfiguration", {"key": "SecurityProfile", "value": "3"}, "USE_SET_VARIABLES"),
        ("SetVariables", _named("BasicAuthPassword"), "USE_ROTATE_CREDENTIAL"),
        ("SetVariables", _named("basicauthpassword", attributeType="Target"), "USE_ROTATE_CREDENTIAL"),
        (
            "SetVariables",
            {"setVariableData": [*_named("A")["setVariableData"], *_named("BasicAuthPassword")["setVariableData"]]},
            "USE_ROTATE_CREDENTIAL",
        ),
        ("SetNetworkProfile", {"connectionData": {"basicAuthPassword": "k"}}, "USE_ROTATE_CREDENTIAL"),
        ("SetNetworkProfile", {"connectionData": {"securityProfile": 3}}, "USE_SET_NETWORK_PROFILE"),
        ("DataTransfer", {"vendorId": "v", "data": '{"set":[{"AuthorizationKey":"k"}]}'}, "USE_ROTATE_CREDENTIAL"),
        ("DataTransfer", {"vendorId": "v", "data": {"key": "AuthorizationKey", "value": "k"}}, "USE_ROTATE_CREDENTIAL"),
    ],
)
async def test_no_credential_is_set_by_a_raw_call(
    system: StationSystem, action: str, payload: dict[str, Any], reason: str
) -> None:
    """In any action and spelling: nothing is sent, and the station connects as before."""
    old, _epoch = await _connected(system)
    request = pb.SendCallRequest(station_id="CP1", action=action)
    request.payload.update(payload)
    with fails_with(reason) as caught:
        await system.commands.SendCall(request)
    assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION
    assert system.gateway.calls == []
    assert await _opens(system, old)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetConfiguration", {"key": ["AuthorizationKey"]}),
        (
            "GetVariables",
            {"getVariableData": [{"component": {"name": "X"}, "variable": {"name": "BasicAuthPassword"}}]},
        ),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "AuthorizationKey"}),
        ("DataTransfer", {"vendorId": "v", "data": '{"read":"AuthorizationKey"}'}),
        ("DataTransfer", {"vendorId": "v", "data": "{"}),
        ("SetNetworkProfile", {"configurationSlot": 1, "connectionData": {"securityProfile": 2}}),
    ],
)
async def test_other_raw_calls_are_sent(system: StationSystem, action: str, payload: dict[str, Any]) -> None:
    """To read a credential's name, or to speak of it, changes none."""
    await _connected(system)

    async def answer(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return gateway_pb2.CallResponse(send_call=pb.SendCallResponse())

    system.gateway.behave = answer
    request = pb.SendCallRequest(station_id="CP1", action=action)
    request.payload.update(payload)
    await system.commands.SendCall(request)
    assert len(system.gateway.calls) == 1


async def test_no_credential_is_set_by_a_vendors_message(system: StationSystem) -> None:
    """CommandService.DataTransfer is held to the same."""
    await _connected(system)
    request = pb.DataTransferRequest(station_id="CP1", vendor_id="v", data='{"BasicAuthPassword":"k"}')
    with fails_with("USE_ROTATE_CREDENTIAL"):
        await system.commands.DataTransfer(request)
    assert system.gateway.calls == []


@pytest.mark.parametrize(
    "pairs",
    [
        [("HeartbeatInterval", "1"), ("SecurityProfile", "2")],
        [("SecurityProfile", "0")],
        [("SecurityProfile", "4")],
        [("SecurityProfile", "two")],
    ],
)
async def test_what_would_lock_out(system: StationSystem, pairs: list[tuple[str, str]]) -> None:
    """An ambiguous outcome, or a credential that no station could connect with: nothing is sent."""
    await _connected(system)
    with fails_with("INVALID_FIELD"):
        await _set(system, *pairs)
    assert system.gateway.calls == []
