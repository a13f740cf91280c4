"""The form of an id token that stations are sent: the one of readers, where auth_svc knows it, else the given one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import reservation_pb2, reservation_service_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.station_svc.answers import answering
from tests.station_svc.conftest import StartSystem, StationSystem
from tests.station_svc.far_auth import FarAuth, far_auth

GIVEN, READ = "DE-ABC-C12345678-5", "DEABCC123456785"
FAR = Timestamp(seconds=4_000_000_000)
WAYS = ("start", "reserve", "reservation")


@pytest.fixture
async def auth() -> AsyncIterator[FarAuth]:
    """The auth_svc at the other end, which knows one token."""
    async with far_auth() as auth:
        auth.forms[GIVEN] = READ
        yield auth


@pytest.fixture
async def system(start_system: StartSystem, auth: FarAuth) -> StationSystem:
    """A running station_svc, which asks that auth_svc; CP1 is connected and does what it is sent."""
    system = await start_system(auth_address=auth.address)
    await system.lease()
    await system.open("CP1")
    system.gateway.behave = answering(_accepted)
    return system


def _accepted(command: Any) -> Any:
    if isinstance(command, pb.RequestStartTransactionRequest):
        return pb.RequestStartTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_ACCEPTED)
    return reservation_pb2.ReserveNowResponse(
        status=reservation_pb2.RESERVE_NOW_STATUS_ACCEPTED, reservation_id=command.reservation_id
    )


async def _send(
    system: StationSystem, way: str, text: str, *, request_id: str = "", timeout_s: float = 60, kind: str = "eMAID"
) -> IdToken:
    """Sends a command that names a token; the token in it."""
    token = IdToken(id_token=text, type=kind)
    common: Any = {"station_id": "CP1", "request_id": request_id}
    if way == "start":
        start = pb.RequestStartTransactionRequest(id_token=token, **common)
        await system.commands.RequestStartTransaction(start, timeout=timeout_s)
    elif way == "reserve":
        reserve = reservation_pb2.ReserveNowRequest(id_token=token, expire_time=FAR, **common)
        await system.commands.ReserveNow(reserve, timeout=timeout_s)
    else:
        wanted = reservation_pb2.Reservation(id_token=token, expire_time=FAR)
        create = reservation_service_pb2.CreateReservationRequest(reservation=wanted, **common)
        made = await ReservationServiceStub(system.operators).CreateReservation(create, timeout=timeout_s)
        assert made.reservation.id_token == token  # which is what the operator asked for
    call = system.gateway.calls[-1]
    sent: IdToken = getattr(call, call.WhichOneof("command") or "").id_token
    return sent


@pytest.mark.parametrize("way", WAYS)
async def test_a_station_is_sent_the_readers_form(system: StationSystem, way: str) -> None:
    """Nothing else of the token changes; a repeated request is found by what the operator gave."""
    assert await _send(system, way, GIVEN, request_id="once") == IdToken(id_token=READ, type="eMAID")
    assert await _send(system, way, GIVEN, request_id="once") == IdToken(id_token=READ, type="eMAID")
    assert len(system.gateway.calls) == 1
    assert await _send(system, way, "Nobody's") == IdToken(id_token="Nobody's", type="eMAID")


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_given_is_sent_while_auth_svc_does_not_answer(
    system: StationSystem, auth: FarAuth, way: str
) -> None:
    """Where it fails, and where it is silent: it has a quarter of the caller's time, and a second at the most."""
    auth.is_unavailable = True
    assert (await _send(system, way, GIVEN)).id_token == GIVEN
    assert auth.deadlines_s[-1] <= 1.02  # gRPC sends a deadline rounded up
    auth.is_unavailable = False
    auth.answers.clear()
    try:
        assert (await _send(system, way, GIVEN, timeout_s=2.0)).id_token == GIVEN
    finally:
        auth.answers.set()
    assert auth.deadlines_s[-1] < 0.75
    assert system.gateway.timeouts_s[-1] > 0.5  # the rest is the station's


async def test_a_form_that_no_id_tag_has_room_for_is_not_sent(system: StationSystem, auth: FarAuth) -> None:
    """Padded to 24 characters by a reader: OCPP 1.6 allows 20, which what was given has."""
    auth.forms["TAG"] = "TAG".ljust(24)
    assert (await _send(system, "start", "TAG")).id_token == "TAG"
    auth.forms["T" * 24] = "t" * 24
    assert (await _send(system, "start", "T" * 24)).id_token == "t" * 24


@pytest.mark.parametrize("way", WAYS)
async def test_token_without_a_type_gets_the_registered_one(system: StationSystem, auth: FarAuth, way: str) -> None:
    """A station would not use the reservation of a token of type Central for a card that its reader reads."""
    auth.types["04AB"] = "ISO14443"
    assert await _send(system, way, "04AB", kind="") == IdToken(id_token="04AB", type="ISO14443")
    assert await _send(system, way, "04AB", kind="KeyCode") == IdToken(id_token="04AB", type="KeyCode")


@pytest.mark.parametrize("registered", ["", "Central", "Fingerprint"])
async def test_type_that_no_reader_reads_is_not_sent(system: StationSystem, auth: FarAuth, registered: str) -> None:
    auth.types["04AB"] = registered
    assert (await _send(system, "start", "04AB", kind="")).type == ""
