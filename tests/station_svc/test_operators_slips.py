"""How commands are given: by one shape of an EVSE, with a time of their own, and not for what nobody knows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import charging_profile_pb2 as profiles
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import reservation_pb2, reservation_service_pb2, station_service_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from csms.transaction.v1.transaction_ingest_service_pb2 import FindTransactionRequest, FindTransactionResponse
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import (
    TransactionIngestServiceServicer,
    add_TransactionIngestServiceServicer_to_server,
)
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.contract.services import MESH_SERVICES
from mesh.grpc.servers import mesh_server
from mesh.grpc.types import Context
from tests.mesh_identities import identity_of
from tests.ports import held_port
from tests.station_svc.commands.every_command import EVERY_COMMAND
from tests.station_svc.commands.far_gateway import answering
from tests.station_svc.conftest import StartSystem, StationSystem, access_token, fails_with

TOKEN = IdToken(id_token="T")
FAR = Timestamp(seconds=4_000_000_000)
PROFILE = profiles.ChargingProfile(
    purpose=profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
    kind=profiles.CHARGING_PROFILE_KIND_RELATIVE,
    schedules=[
        profiles.ChargingSchedule(
            charging_rate_unit=profiles.CHARGING_RATE_UNIT_WATTS, periods=[profiles.ChargingSchedulePeriod(limit=1)]
        )
    ],
)
OF_AN_EVSE: list[tuple[str, str, Any]] = [
    ("RequestStartTransaction", "request_start_transaction", pb.RequestStartTransactionRequest(id_token=TOKEN)),
    ("Reset", "reset", pb.ResetRequest()),
    (
        "SetChargingProfile",
        "set_charging_profile",
        profiles.SetChargingProfileRequest(charging_profile=PROFILE),
    ),
    (
        "GetCompositeSchedule",
        "get_composite_schedule",
        profiles.GetCompositeScheduleRequest(duration_s=60),
    ),
    ("ReserveNow", "reserve_now", reservation_pb2.ReserveNowRequest(id_token=TOKEN, expire_time=FAR)),
]


def _request(template: Any, **fields: Any) -> Any:
    request = type(template)()
    request.CopyFrom(template)
    request.MergeFrom(type(template)(station_id="CP1", **fields))
    return request


async def _call(system: StationSystem, method: str, request: Any) -> Any:
    metadata = (("authorization", f"Bearer {access_token(role='ADMINISTRATOR')}"),)
    return await getattr(system.commands, method)(request, metadata=metadata)


async def _connected(system: StationSystem, name: str) -> None:
    await system.open("CP1")

    async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        response = gateway_pb2.CallResponse()
        answer = getattr(response, name)
        answer.SetInParent()
        if name == "reserve_now":
            answer.reservation_id = request.reserve_now.reservation_id
        return response

    system.gateway.behave = behave


async def test_one_shape_of_an_evse(system: StationSystem) -> None:
    """`evse` and the older `evse_id` reach the gateway as the same; both at once, or a connector, are refused."""
    for method, name, template in OF_AN_EVSE:
        system.gateway.calls.clear()
        await _connected(system, name)
        await _call(system, method, _request(template, evse=EvseRef(evse_id=3)))
        await _call(system, method, _request(template, evse_id=3))
        sent = [getattr(call, name) for call in system.gateway.calls]
        assert [(one.evse_id, one.HasField("evse")) for one in sent] == [(3, False), (3, False)], name
        with fails_with("INVALID_FIELD") as both:
            await _call(system, method, _request(template, evse=EvseRef(evse_id=3), evse_id=3))
        with fails_with("INVALID_FIELD") as connector:
            await _call(system, method, _request(template, evse=EvseRef(evse_id=3, connector_id=1)))
        assert [error[0].metadata["field"] for error in (both, connector)] == ["evse_id", "evse.connector_id"]
        assert len(system.gateway.calls) == 2


async def test_criteria_name_an_evse_likewise(system: StationSystem) -> None:
    """EVSE 0, the station as a whole, is no different from others there; nor is the older field with a 0."""
    await _connected(system, "clear_charging_profile")
    criteria = profiles.ClearChargingProfileCriteria
    for one in (criteria(evse=EvseRef()), criteria(evse_id=0), criteria(stack_level=1)):
        await _call(
            system, "ClearChargingProfile", profiles.ClearChargingProfileRequest(station_id="CP1", criteria=one)
        )
    sent = [call.clear_charging_profile.criteria for call in system.gateway.calls]
    assert [(one.HasField("evse_id"), one.evse_id) for one in sent] == [(True, 0), (True, 0), (False, 0)]
    with fails_with("INVALID_FIELD") as caught:
        await _call(
            system,
            "ClearChargingProfile",
            profiles.ClearChargingProfileRequest(station_id="CP1", criteria=criteria(evse=EvseRef(), evse_id=0)),
        )
    assert caught[0].metadata["field"] == "criteria.evse_id"


async def test_a_reservation_names_an_evse_likewise(system: StationSystem) -> None:
    await _connected(system, "reserve_now")
    stub = ReservationServiceStub(system.operators)

    def asked(**fields: Any) -> Any:
        wanted = reservation_pb2.Reservation(id_token=TOKEN, expire_time=FAR, **fields)
        request = reservation_service_pb2.CreateReservationRequest(station_id="CP1", reservation=wanted)
        return stub.CreateReservation(request)

    made = (await asked(evse=EvseRef(evse_id=2))).reservation
    assert (made.evse_id, made.evse.evse_id) == (2, 2)
    assert system.gateway.calls[0].reserve_now.evse_id == 2
    anywhere = (await asked()).reservation
    assert (anywhere.evse_id, anywhere.HasField("evse")) == (0, False)
    with fails_with("INVALID_FIELD") as caught:
        await asked(evse=EvseRef(evse_id=2), evse_id=2)
    assert caught[0].metadata["field"] == "reservation.evse_id"


async def test_every_command_takes_a_time(system: StationSystem) -> None:
    """The station's, in seconds, instead of the usual one; out of bounds it is refused."""
    await system.open("CP1")
    assert len(EVERY_COMMAND) == len(pb.DESCRIPTOR.services_by_name["CommandService"].methods)
    for method, name, request, answer in EVERY_COMMAND:
        system.gateway.calls.clear()
        response = gateway_pb2.CallResponse()
        getattr(response, name).CopyFrom(answer)
        system.gateway.behave = answering(response)
        await _call(system, method, _request(request, timeout_s=7))
        assert [call.timeout.seconds for call in system.gateway.calls] == [7], name
        for timeout_s in (-1, 301):
            with fails_with("INVALID_FIELD") as caught:
                await _call(system, method, _request(request, timeout_s=timeout_s))
            assert caught[0].metadata["field"] == "timeout_s"


async def test_what_is_sent_for_other_resources_takes_a_time_too(system: StationSystem) -> None:
    """Reservations, and credentials that are handed over."""
    await _connected(system, "reserve_now")
    stub = ReservationServiceStub(system.operators)
    wanted = reservation_pb2.Reservation(id_token=TOKEN, expire_time=FAR)
    await stub.CreateReservation(
        reservation_service_pb2.CreateReservationRequest(station_id="CP1", reservation=wanted, timeout_s=9)
    )
    await _connected(system, "cancel_reservation")
    await stub.CancelReservation(
        reservation_service_pb2.ReservationServiceCancelReservationRequest(
            station_id="CP1", reservation_id=system.gateway.calls[0].reserve_now.reservation_id, timeout_s=8
        )
    )
    await system.open("CP1")
    system.gateway.behave = answering(
        gateway_pb2.CallResponse(set_variables=pb.SetVariablesResponse(results=[pb.SetVariableResult()]))
    )
    await system.stations.RotateCredential(
        station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True, timeout_s=6)
    )
    assert [call.timeout.seconds for call in system.gateway.calls] == [9, 8, 6]


# --- transactions that are to be stopped ---------------------------------------------------------------------------


class FarTransactions(TransactionIngestServiceServicer):
    """transaction_svc at the other end: it knows the transactions that a test gives it."""

    def __init__(self) -> None:
        self.known: set[tuple[str, str, str]] = set()
        self.asked = 0
        self.mode = ""

    async def FindTransaction(self, request: FindTransactionRequest, context: Context) -> FindTransactionResponse:
        """Whether it knows one."""
        self.asked += 1
        if self.mode == "failing":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no database")
        if self.mode == "hanging":
            await asyncio.Event().wait()
        names = request.tenant_id, request.station_id, request.transaction_id
        return FindTransactionResponse(found=names in self.known)


@pytest.fixture
async def far(start_system: StartSystem) -> AsyncIterator[tuple[StationSystem, FarTransactions]]:
    """station_svc with a transaction_svc, and a station that takes stops."""
    server = mesh_server("127.0.0.1:0", identity=identity_of("transaction"), services=MESH_SERVICES["transaction"])
    transactions = FarTransactions()  # type: ignore[abstract]  # its other methods are not called here
    add_TransactionIngestServiceServicer_to_server(transactions, server.server)
    await server.start()
    system = await start_system(transaction_address=f"127.0.0.1:{server.port}")
    await system.lease()
    await _connected(system, "request_stop_transaction")
    yield system, transactions
    await server.stop(0)


def _stop(**fields: Any) -> pb.RequestStopTransactionRequest:
    return pb.RequestStopTransactionRequest(station_id="CP1", transaction_id="12", **fields)


async def test_a_stop_of_what_nobody_knows(far: tuple[StationSystem, FarTransactions]) -> None:
    """Refused, and not sent, unless the caller says so; a transaction of another station or tenant is not known."""
    system, transactions = far
    transactions.known = {("default", "CP2", "12"), ("other", "CP1", "12")}
    with fails_with("TRANSACTION_NOT_FOUND") as caught:
        await system.commands.RequestStopTransaction(_stop())
    assert caught[0].code is grpc.StatusCode.NOT_FOUND
    assert "send_unknown" in caught[0].message
    assert system.gateway.calls == []
    await system.commands.RequestStopTransaction(_stop(send_unknown=True))
    assert (len(system.gateway.calls), transactions.asked) == (1, 1)
    transactions.known.add(("default", "CP1", "12"))
    await system.commands.RequestStopTransaction(_stop())
    assert len(system.gateway.calls) == 2


@pytest.mark.parametrize("mode", ["failing", "hanging"])
async def test_a_stop_while_nobody_can_say(far: tuple[StationSystem, FarTransactions], mode: str) -> None:
    """The station itself knows, and a transaction must be stoppable: it is sent."""
    system, transactions = far
    transactions.mode = mode
    await system.commands.RequestStopTransaction(_stop())
    assert (len(system.gateway.calls), transactions.asked) == (1, 1)


async def test_a_stop_while_transaction_svc_is_gone(start_system: StartSystem) -> None:
    with held_port() as port:
        system = await start_system(transaction_address=f"127.0.0.1:{port}")
        await system.lease()
        await _connected(system, "request_stop_transaction")
        await system.commands.RequestStopTransaction(_stop())
    assert len(system.gateway.calls) == 1
