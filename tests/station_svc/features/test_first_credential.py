"""A station that an operator accepts gets a credential, or it shows that it has none; failed handshakes are counted."""

from typing import Any

import grpc
import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_service_pb2 import ListStationsRequest

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.features.credentials.failures import CredentialFailures
from tests.station_svc.conftest import StartSystem, StationSystem, attempt, reason_of

ACCEPTED = station_pb2.REGISTRATION_STATUS_ACCEPTED
PENDING = station_pb2.REGISTRATION_STATUS_PENDING
TAKEN = pb.SET_VARIABLE_STATUS_ACCEPTED
REJECTED = pb.SET_VARIABLE_STATUS_REJECTED
REBOOT_REQUIRED = pb.SET_VARIABLE_STATUS_REBOOT_REQUIRED


class Station:
    """The station at the other end: it is handed credentials, and says what it makes of each."""

    def __init__(self, *answers: "pb.SetVariableStatus.ValueType | MeshError") -> None:
        self.answers = list(answers)
        self.handed: list[str] = []

    async def __call__(self, request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """Answers SetVariables."""
        [variable] = request.set_variables.variables
        assert (variable.component, variable.variable) == ("SecurityCtrlr", "BasicAuthPassword")
        self.handed.append(variable.value)
        answer = self.answers.pop(0)
        if isinstance(answer, MeshError):
            raise answer
        return gateway_pb2.CallResponse(
            set_variables=pb.SetVariablesResponse(results=[pb.SetVariableResult(status=answer, variable=variable)])
        )


@pytest.fixture
async def pending(start_system: StartSystem) -> StationSystem:
    """A mesh in which an operator decides over new stations."""
    system = await start_system(onboarding="pending")
    await system.lease()
    return system


async def _set_status(system: StationSystem, status: station_pb2.RegistrationStatus.ValueType = ACCEPTED) -> None:
    station = station_pb2.Station(station_id="CP1", registration_status=status)
    await system.stations.UpdateStation(station_service_pb2.UpdateStationRequest(station=station))


async def _opens(system: StationSystem, credential: str = "") -> bool:
    [result] = await system.attempt(attempt("CP1", credential=credential.encode()))
    return reason_of(result) == ""


async def _state(system: StationSystem) -> str:
    name = station_pb2.CredentialState.Name((await system.station("CP1")).credential_state)
    return name.removeprefix("CREDENTIAL_STATE_")


async def _found(system: StationSystem, text: str) -> list[str]:
    response = await system.stations.ListStations(ListStationsRequest(filter=text))
    return [station.station_id for station in response.stations]


async def _work(system: StationSystem, seconds: float = 0) -> None:
    system.clock.advance(seconds)
    await system.lease()
    await system.jobs.run_due()


@pytest.mark.parametrize("status", [PENDING, station_pb2.REGISTRATION_STATUS_REJECTED])
async def test_a_station_that_is_accepted_is_handed_a_credential(
    pending: StationSystem, status: station_pb2.RegistrationStatus.ValueType
) -> None:
    """Over the socket that it has; then it is asked for, and nobody else connects as it."""
    epoch = await pending.open("CP1")
    if status != PENDING:
        await _set_status(pending, status)
    assert await _state(pending) == "NONE"
    pending.gateway.behave = station = Station(TAKEN)
    await _set_status(pending)
    assert await _state(pending) == "HANDING_OVER"
    await _work(pending)
    assert await _state(pending) == "HELD"
    assert not await _opens(pending)
    assert not await _opens(pending, "f" * 40)
    assert await _opens(pending, station.handed[0])
    assert (await pending.station("CP1")).security_profile == 1
    assert [data for _kind, _id, data in await pending.events("station.credential_changed")] == [{"pushed": True}]
    assert epoch in {one for _station, one, _code in pending.gateway.closed}
    assert await _found(pending, 'credential_state = "HELD"') == ["CP1"]


async def test_a_station_that_refuses_its_credential_is_shown(pending: StationSystem) -> None:
    """On the station, in the list, as an event: until an operator gives it one in another way."""
    epoch = await pending.open("CP1")
    await _set_status(pending)
    await pending.boot(pending.boot_item("CP1", epoch))
    pending.gateway.behave = Station(REJECTED)
    await _work(pending)
    station = await pending.station("CP1")
    assert await _state(pending) == "NOT_TAKEN"
    assert station.credential_reason == "CREDENTIAL_REFUSED: the station did not take its credential: REJECTED"
    assert await _found(pending, "credential_state = NOT_TAKEN") == ["CP1"]
    assert await _found(pending, "credential_state = HELD OR credential_state = NONE") == []
    [(_kind, station_id, data)] = await pending.events("station.credential_not_taken")
    assert (station_id, data["reason"]) == ("CP1", "CREDENTIAL_REFUSED")
    assert await _opens(pending)
    rotate = station_service_pb2.RotateCredentialRequest(station_id="CP1")
    credential = (await pending.stations.RotateCredential(rotate)).credential
    assert await _state(pending) == "HELD"
    assert (await pending.station("CP1")).credential_reason == ""
    assert await _opens(pending, credential)


@pytest.mark.parametrize(
    "first",
    [REJECTED, MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "not now")],
    ids=["refused", "error"],
)
async def test_a_station_that_has_not_booted_gets_another_chance(pending: StationSystem, first: Any) -> None:
    """Some take no command before their boot is accepted: that boot brings the hand-over back."""
    epoch = await pending.open("CP1")
    pending.gateway.behave = station = Station(first, TAKEN)
    await _set_status(pending)
    await _work(pending)
    assert await _state(pending) == "HANDING_OVER"
    await _work(pending, 100)
    assert len(station.handed) == 1
    await pending.boot(pending.boot_item("CP1", epoch))
    await _work(pending, 5)
    assert await _state(pending) == "HELD"
    assert not await _opens(pending, station.handed[0])
    assert await _opens(pending, station.handed[1])


async def test_what_a_station_says_of_its_refusal_is_shown(pending: StationSystem) -> None:
    """Any text, cut to a bearable length."""
    epoch = await pending.open("CP1")
    await _set_status(pending)
    await pending.boot(pending.boot_item("CP1", epoch))
    pending.gateway.behave = Station(MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "nul\0 " + "x" * 1000))
    await _work(pending)
    reason = (await pending.station("CP1")).credential_reason
    assert reason.startswith("CALL_ERROR: nul\ufffd x")
    assert len(reason) == 500


async def test_a_station_that_is_away_is_waited_for(pending: StationSystem) -> None:
    """It is handed the credential when it has come back and booted."""
    await pending.close("CP1", await pending.open("CP1"))
    await _set_status(pending)
    await _work(pending)
    await _work(pending, 3600)
    epoch = await pending.open("CP1")
    pending.gateway.behave = station = Station(TAKEN)
    await pending.boot(pending.boot_item("CP1", epoch))
    await _work(pending, 5)
    assert await _opens(pending, station.handed[0])
    assert not await _opens(pending)


async def test_where_the_outcome_is_unknown_nobody_is_locked_out(pending: StationSystem) -> None:
    """Each attempt hands over another one; the one that the station comes with is its own from then on."""
    await pending.open("CP1")
    timeout = MeshError(grpc.StatusCode.DEADLINE_EXCEEDED, Reason.CALL_TIMEOUT, "no answer")
    pending.gateway.behave = station = Station(*[timeout] * 5)
    await _set_status(pending)
    for _ in range(5):
        await _work(pending, 1000)
    assert await _state(pending) == "NOT_TAKEN"
    assert await _opens(pending)
    assert await _opens(pending, station.handed[-1])
    assert await _state(pending) == "HELD"
    assert not await _opens(pending)


async def test_a_credential_that_needs_a_restart(pending: StationSystem) -> None:
    """It is on its way until the station comes with it."""
    await pending.open("CP1")
    pending.gateway.behave = station = Station(REBOOT_REQUIRED)
    await _set_status(pending)
    await _work(pending)
    assert await _state(pending) == "HANDING_OVER"
    assert await _opens(pending, station.handed[0])
    assert await _state(pending) == "HELD"


async def test_a_station_with_a_credential_keeps_it(pending: StationSystem) -> None:
    """It is accepted again, or for the second time: nothing is sent."""
    credential = await pending.create("CP1")
    await _set_status(pending, PENDING)
    await _set_status(pending)
    await _set_status(pending)
    await _work(pending)
    assert await _state(pending) == "HELD"
    assert await _opens(pending, credential)


async def test_a_station_that_is_accepted_by_rule_is_asked_for_none(system: StationSystem) -> None:
    """CSMS_ONBOARDING=accept, on loopback only: nothing is sent to it, and the list shows it."""
    await system.open("CP1")
    await _set_status(system, PENDING)
    await _set_status(system)
    await _work(system)
    assert await _state(system) == "NONE"
    assert await _found(system, "credential_state = NONE") == ["CP1"]


# Handshakes that fail


def _failures(system: StationSystem) -> CredentialFailures:
    owners = (getattr(run, "__self__", None) for run in system.parts.background)
    return next(owner for owner in owners if isinstance(owner, CredentialFailures))


async def test_failed_credentials_are_counted_and_told(system: StationSystem) -> None:
    """Wrong ones, missing ones, another's name; together, with the address of the last. One event for them."""
    credential = await system.create("CP1")
    await system.attempt(
        attempt("CP1", credential=b"wrong"),
        attempt("CP1"),
        attempt("CP1", credential=credential.encode(), username="CP2"),
        attempt("CP1", credential=credential.encode()),
        attempt("NEW"),
    )
    await _failures(system).flush()
    failures = (await system.station("CP1")).credential_failures
    assert (failures.count, failures.last_address) == (3, "127.0.0.1")
    assert failures.last_time.ToMicroseconds() == system.clock()
    assert not (await system.station("NEW")).HasField("credential_failures")
    [(_kind, station_id, data)] = await system.events("station.credential_failed")
    reason = "WRONG_CREDENTIALS"
    assert (station_id, data) == (
        "CP1",
        {"count": 3, "total": 3, "remoteAddress": "127.0.0.1", "reason": reason},
    )
    await system.attempt(attempt("CP1", credential=b"again"))
    system.clock.advance(30)
    await _failures(system).flush()
    await _failures(system).flush()
    assert [data["total"] for _kind, _id, data in await system.events("station.credential_failed")] == [3, 4]
    assert await _found(system, "failed_credentials > 3") == ["CP1"]


async def test_failures_take_bounded_space(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many stations a stranger names; the first of them are told."""
    monkeypatch.setattr("station_svc.features.credentials.failures.MOST_STATIONS", 3)
    for number in range(5):
        await system.create(f"CP{number}")
        await system.attempt(*[attempt(f"CP{number}")] * 2)
    await _failures(system).flush()
    assert [data["count"] for _kind, _id, data in await system.events("station.credential_failed")] == [2, 2, 2]
