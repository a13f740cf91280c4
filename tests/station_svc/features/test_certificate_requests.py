"""Certificates that stations ask for: signed by the authority, handed over by a job, every step told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from csms.common.v1 import status_info_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2 as pb
from csms.station.v1 import command_service_pb2 as pb_command
from csms.station.v1 import station_certificate_service_pb2 as listing
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.times import from_timestamp
from tests.station_svc import tables as models
from tests.station_svc.certificate_rig import CHARGING_STATION, Rig, answering, certificate_rig, failure
from tests.station_svc.conftest import StartSystem, fails_with, of_tenant, reason_of

ACCEPTED = status_info_pb2.GENERIC_STATUS_ACCEPTED
REJECTED = status_info_pb2.GENERIC_STATUS_REJECTED
DAY_S = 24 * 3600


@pytest.fixture
async def rig(start_system: StartSystem) -> AsyncIterator[Rig]:
    """A station_svc with its authority and its jobs."""
    async with certificate_rig(start_system) as rig:
        yield rig


TAKEN = pb.CERTIFICATE_SIGNED_STATUS_ACCEPTED
REFUSED = pb.CERTIFICATE_SIGNED_STATUS_REJECTED


async def test_a_request_goes_all_the_way(rig: Rig) -> None:
    """TC_074: signed while the station waits, handed over after its answer, and every step told."""
    epoch = await rig.booted()
    [result] = await rig.ask(rig.item("CP1", epoch, "csr-1"))
    assert (result.status, result.reason) == (ACCEPTED, "")
    assert rig.system.gateway.calls == []
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    [call] = rig.system.gateway.calls
    assert call.certificate_signed.certificate_chain == "chain of csr-1"
    assert call.certificate_signed.certificate_type == CHARGING_STATION
    [request] = await rig.requests()
    assert request.state == pb.CERTIFICATE_REQUEST_STATE_DELIVERED
    assert (request.serial_number, request.expire_time.seconds) == ("AB12", 1_790_000_000)
    assert await rig.states() == ["REQUESTED", "SIGNED", "DELIVERED"]
    await rig.work(3600)
    assert len(rig.system.gateway.calls) == 1


async def test_what_the_authority_refuses(rig: Rig) -> None:
    """The station is answered at once and sent nothing; its neighbour in the batch gets its own."""
    first, second = await rig.booted("CP1"), await rig.booted("CP2")
    rig.authority.refused = {"weak"}
    results = await rig.ask(rig.item("CP1", first, "weak"), rig.item("CP2", second, "good"))
    assert [(one.status, one.reason) for one in results] == [(REJECTED, "CSR_KEY_WEAK"), (ACCEPTED, "")]
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert [call.station_id for call in rig.system.gateway.calls] == ["CP2"]
    [refused] = await rig.requests("CP1")
    assert (refused.state, refused.reason) == (pb.CERTIFICATE_REQUEST_STATE_REJECTED, "CSR_KEY_WEAK")


async def test_an_authority_that_is_away(rig: Rig) -> None:
    """The station need not wait for it: the request is kept, and signed and handed over later."""
    epoch = await rig.booted()
    rig.authority.away = True
    [result] = await rig.ask(rig.item("CP1", epoch, "csr-1"))
    assert result.status == ACCEPTED
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert await rig.states() == ["REQUESTED"]
    rig.authority.away = False
    await rig.work(60)
    assert await rig.states() == ["REQUESTED", "SIGNED", "DELIVERED"]


async def test_a_request_of_the_former_board_is_not_signed_for_the_new_one(rig: Rig) -> None:
    """The authority was unavailable at the first request; the new board's says from when on certificates count."""
    await rig.system.create("CP1", security_profile=0)
    epoch = await rig.booted("CP1", serial_number="OLD-1")
    rig.authority.away = True
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    rig.system.clock.advance(1)
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["expected_serial_number"]))
    request.station.station_id, request.station.expected_serial_number = "CP1", "NEW-1"
    await rig.system.stations.UpdateStation(request)
    changed_us = rig.system.clock()
    rig.authority.away = False
    await rig.work()
    [row] = await rig.requests()
    assert (pb.CertificateRequestState.Name(row.state), row.reason) == (
        "CERTIFICATE_REQUEST_STATE_REJECTED",
        "SUPERSEDED",
    )
    assert rig.authority.items == []
    await rig.ask(rig.item("CP1", epoch, "csr-2"))
    [item] = rig.authority.items
    assert from_timestamp(item.issue_from_time) == changed_us


async def test_signer_of_one_request_is_unavailable(rig: Rig) -> None:
    """Its station waits for the certificate; another one, in the same batch, has its own already."""
    epoch, other = await rig.booted(), await rig.booted("CP2")
    rig.authority.later.add("csr-1")
    results = await rig.ask(rig.item("CP1", epoch, "csr-1"), rig.item("CP2", other, "csr-2"))
    assert [result.status for result in results] == [ACCEPTED, ACCEPTED]
    assert await rig.states() == ["REQUESTED", "REQUESTED", "SIGNED"]
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert await rig.states() == ["REQUESTED", "REQUESTED", "SIGNED", "DELIVERED"]
    rig.authority.later.clear()
    await rig.work(60)
    assert await rig.states() == ["REQUESTED", "REQUESTED", "SIGNED", "DELIVERED", "SIGNED", "DELIVERED"]


async def test_the_answer_comes_first(rig: Rig) -> None:
    """A request that may be signed while the station waits is left alone for that time."""
    epoch = await rig.booted()
    rig.authority.away = True
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    rig.authority.away = False
    await rig.work(3)
    assert (rig.authority.items, rig.system.gateway.calls) == ([], [])
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work(1)
    assert await rig.states() == ["REQUESTED", "SIGNED", "DELIVERED"]


async def test_a_refusal_that_comes_late(rig: Rig) -> None:
    """The station was answered Accepted, and gets nothing; an operator reads why."""
    epoch = await rig.booted()
    rig.authority.away = True
    await rig.ask(rig.item("CP1", epoch, "weak"))
    rig.authority.away, rig.authority.refused = False, {"weak"}
    await rig.work()
    assert await rig.states() == ["REQUESTED", "REJECTED"]
    assert rig.system.gateway.calls == []


@pytest.mark.parametrize(
    ("outcomes", "state", "reason", "calls"),
    [
        ([REFUSED], "REFUSED_BY_STATION", "", 1),
        ([failure("CALL_ERROR")], "REFUSED_BY_STATION", "CALL_ERROR", 1),
        ([failure("NOT_IN_VERSION")], "FAILED", "NOT_IN_VERSION", 1),
        ([failure("CALL_TIMEOUT"), failure("STATION_DISCONNECTED"), TAKEN], "DELIVERED", "", 3),
        ([failure("CALL_TIMEOUT")], "FAILED", "CALL_TIMEOUT", 10),
    ],
    ids=["refused", "error", "unsupported", "silent for a while", "silent"],
)
async def test_what_stations_make_of_it(rig: Rig, outcomes: list[Any], state: str, reason: str, calls: int) -> None:
    """One that refuses is not asked again; one that is silent is, within a budget."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    rig.system.gateway.behave = answering(*outcomes)
    for _ in range(12):
        await rig.work(400)
    assert await rig.states() == ["REQUESTED", "SIGNED", state]
    assert [one.reason for one in await rig.requests()] == [reason]
    assert len(rig.system.gateway.calls) == calls


async def test_a_station_that_is_away(rig: Rig) -> None:
    """It gets its certificate when it is back, and not after a week."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    await rig.system.close("CP1", epoch)
    await rig.work(DAY_S)
    assert rig.system.gateway.calls == []
    epoch = await rig.booted()
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert await rig.states() == ["REQUESTED", "SIGNED", "DELIVERED"]
    await rig.ask(rig.item("CP1", epoch, "csr-2"))
    await rig.system.close("CP1", epoch)
    await rig.work(8 * DAY_S)
    await rig.jobs.sweep()
    await rig.jobs.run_due()
    assert (await rig.states())[3:] == ["REQUESTED", "SIGNED", "FAILED"]
    assert (await rig.requests())[0].reason == "JOB_EXPIRED"


async def test_the_same_again(rig: Rig) -> None:
    """A frame that comes twice, and a station that asks again with the same request, have one certificate."""
    epoch = await rig.booted()
    item = rig.item("CP1", epoch, "csr-1")
    await rig.ask(item)
    results = await rig.ask(item, rig.item("CP1", epoch, "csr-1"))
    assert [one.status for one in results] == [ACCEPTED, ACCEPTED]
    assert len(await rig.requests()) == 1
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert len(rig.system.gateway.calls) == 1
    await rig.ask(item)
    assert len(await rig.requests()) == 1
    # Asked anew once that is over, it is a renewal.
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    assert len(await rig.requests()) == 2


async def test_another_key(rig: Rig) -> None:
    """A station that asks anew with another request has another key: the certificate of the first is of no use."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    await rig.ask(rig.item("CP1", epoch, "csr-2"))
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    assert [call.certificate_signed.certificate_chain for call in rig.system.gateway.calls] == ["chain of csr-2"]
    second, first = await rig.requests()
    assert (first.state, first.reason) == (pb.CERTIFICATE_REQUEST_STATE_FAILED, "SUPERSEDED")
    assert second.state == pb.CERTIFICATE_REQUEST_STATE_DELIVERED


async def test_a_refused_request_takes_no_place(rig: Rig) -> None:
    """The certificate that was promised is handed over, although the station sent a wrong request since."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    rig.authority.refused.add("csr-2")
    [refused] = await rig.ask(rig.item("CP1", epoch, "csr-2"))
    assert refused.status == REJECTED
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    second, first = await rig.requests()
    assert first.state == pb.CERTIFICATE_REQUEST_STATE_DELIVERED
    assert second.state == pb.CERTIFICATE_REQUEST_STATE_REJECTED


async def test_a_station_that_is_not_known(rig: Rig) -> None:
    """Its own item fails, its neighbour's does not; a NUL is no trouble of the database's."""
    epoch = await rig.booted()
    nobody, known = await rig.ask(rig.item("CP9", epoch, "csr"), rig.item("CP1", epoch, "c\0sr"))
    assert reason_of(nobody) == "STATION_UNKNOWN"
    assert (reason_of(known), known.status) == ("", ACCEPTED)


async def test_a_chain_that_is_too_long_for_the_station(rig: Rig) -> None:
    """The station said how much it takes: that is respected, and told."""
    epoch = await rig.booted()
    answer = pb_command.GetVariablesResponse()
    variable = station_pb2.Variable(component="ChargingStation", variable="CertificateSignedMaxChainSize", value="10")
    answer.results.add(status=pb_command.GET_VARIABLE_STATUS_ACCEPTED, variable=variable)

    async def told(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return gateway_pb2.CallResponse(get_variables=answer)

    rig.system.gateway.behave = told
    await rig.system.commands.GetVariables(pb_command.GetVariablesRequest(station_id="CP1"))
    rig.system.gateway.calls.clear()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    await rig.work()
    assert rig.system.gateway.calls == []
    [request] = await rig.requests()
    assert (request.state, request.reason) == (pb.CERTIFICATE_REQUEST_STATE_FAILED, "INVALID_FIELD")


async def test_who_may_read_requests(rig: Rig) -> None:
    """Nobody of another tenant; a station that was removed takes its requests with it."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    stub = StationCertificateServiceStub(rig.system.operators)
    request = listing.ListCertificateRequestsRequest(station_id="CP1")
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListCertificateRequests(request, metadata=of_tenant("other"))
    await rig.system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    await rig.work()
    assert (await rig.states())[-1] == "FAILED"
    await rig.system.housekeeper.remove_histories()
    assert await rig.system.count(models.certificate_request) == 0


async def test_nothing_is_kept_for_longer_than_needed(rig: Rig) -> None:
    """Neither the request nor the chain, once the station has its certificate."""
    epoch = await rig.booted()
    await rig.ask(rig.item("CP1", epoch, "csr-1"))
    rig.system.gateway.behave = answering(TAKEN)
    await rig.work()
    rows = await rig.system.database.read(
        lambda connection: connection.execute(models.certificate_request.select()).all()
    )
    assert [(row.csr, row.chain) for row in rows] == [("", "")]
