"""Certificates that stations ask for: signed by the authority, handed over by a job, every step told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from csms.auth.v1 import certificate_authority_service_pb2 as signing
from csms.auth.v1.certificate_authority_service_pb2_grpc import (
    CertificateAuthorityServiceServicer,
    add_CertificateAuthorityServiceServicer_to_server,
)
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.common.v1 import status_info_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2 as pb
from csms.station.v1 import command_service_pb2 as pb_command
from csms.station.v1 import station_certificate_service_pb2 as listing
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.contract.services import MESH_SERVICES
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import mesh_server
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.commands.commands import Commands
from station_svc.commands.gateways import Gateways
from station_svc.features.certificates import request_store as certificate_request_store
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.delivery import CertificateDelivery
from station_svc.jobs.runner import Jobs
from station_svc.jobs.sender import JobSender
from tests.mesh_identities import identity_of
from tests.station_svc import tables as models
from tests.station_svc.conftest import Behaviour, StartSystem, StationSystem, fails_with, of_tenant, reason_of

ACCEPTED = status_info_pb2.GENERIC_STATUS_ACCEPTED
REJECTED = status_info_pb2.GENERIC_STATUS_REJECTED
CHARGING_STATION = common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
DAY_S = 24 * 3600


class FarAuthority(CertificateAuthorityServiceServicer):
    """auth_svc at the other end: signs everything, but for the requests it has to refuse; or is unavailable."""

    def __init__(self) -> None:
        self.items: list[signing.SignCertificateItem] = []
        self.refused: set[str] = set()
        self.away = False
        self.later: set[str] = set()  # requests whose signer is unavailable

    async def SignCertificates(
        self, request: signing.SignCertificatesRequest, context: Context
    ) -> signing.SignCertificatesResponse:
        """Signs."""
        del context
        if self.away:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        self.items += request.items
        return signing.SignCertificatesResponse(results=[self._sign(item) for item in request.items])

    def _sign(self, item: signing.SignCertificateItem) -> signing.SignCertificateResult:
        if item.csr in self.later:
            error = MeshError(grpc.StatusCode.UNAVAILABLE, Reason.CERTIFICATE_PROVIDER_UNAVAILABLE, "not now")
            return signing.SignCertificateResult(error=error.to_status())
        if item.csr in self.refused:
            error = MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.CSR_KEY_WEAK, "too weak")
            return signing.SignCertificateResult(error=error.to_status())
        return signing.SignCertificateResult(
            certificate_chain=f"chain of {item.csr}", serial_number="AB12", expire_time=Timestamp(seconds=1_790_000_000)
        )


@dataclass(kw_only=True)
class Rig:
    """station_svc with an authority, and its jobs, which run when a test lets them."""

    system: StationSystem
    authority: FarAuthority
    jobs: Jobs

    async def ask(self, *items: ingest_pb2.RequestCertificateItem) -> Sequence[ingest_pb2.RequestCertificateResult]:
        """Sends requests in one batch and returns the results."""
        request = ingest_pb2.RequestCertificatesRequest(items=items)
        return (await self.system.ingest.RequestCertificates(request)).results

    def item(self, station_id: str, epoch: int, csr: str, ordinal: int | None = None) -> Any:
        """A request."""
        return ingest_pb2.RequestCertificateItem(
            origin=self.system.origin(station_id, epoch, ordinal), csr=csr, certificate_type=CHARGING_STATION
        )

    async def booted(self, station_id: str = "CP1", **identity: Any) -> int:
        """A station that is connected and accepted; its epoch."""
        epoch = await self.system.open(station_id)
        await self.system.boot(self.system.boot_item(station_id, epoch, **identity))
        return epoch

    async def work(self, seconds: float = 5) -> None:
        """Time passes, and the jobs that are due run."""
        self.system.clock.advance(seconds)
        await self.system.lease()
        await self.jobs.run_due()

    async def requests(self, station_id: str = "CP1") -> list[pb.CertificateRequest]:
        """The requests that an operator reads, newest first."""
        stub = StationCertificateServiceStub(self.system.operators)
        request = listing.ListCertificateRequestsRequest(station_id=station_id)
        return list((await stub.ListCertificateRequests(request)).certificate_requests)

    async def states(self) -> list[str]:
        """The published states, in their order."""
        told = await self.system.events("station.certificate_request")
        return [data["state"].removeprefix("CERTIFICATE_REQUEST_STATE_") for _kind, _station, data in told]


@pytest.fixture
async def rig(start_system: StartSystem) -> AsyncIterator[Rig]:
    """A station_svc with its authority and its jobs."""
    async with AsyncExitStack() as stack:
        authority = FarAuthority()
        server = mesh_server("127.0.0.1:0", identity=identity_of("auth"), services=MESH_SERVICES["auth"])
        add_CertificateAuthorityServiceServicer_to_server(authority, server.server)
        await server.start()
        stack.push_async_callback(server.stop, 0)
        address = f"127.0.0.1:{server.port}"
        system = await start_system(auth_address=address)
        await system.lease()
        channel = await stack.enter_async_context(open_channel(address, identity=identity_of("station"), to="auth"))
        gateways = Gateways(identity=identity_of("station"))
        stack.push_async_callback(gateways.close)
        commands = Commands(database=system.database, gateways=gateways, clock=system.clock)
        stack.push_async_callback(commands.close)
        delivery = CertificateDelivery(
            database=system.database,
            authority=CertificateAuthority(channel=channel),
            sender=JobSender(commands=commands),
            clock=system.clock,
        )
        kinds = {certificate_request_store.KIND: delivery.kind}
        jobs = Jobs(database=system.database, kinds=kinds, clock=system.clock, uniform=lambda _low, _high: 1.0)
        yield Rig(system=system, authority=authority, jobs=jobs)


def answering(*outcomes: pb.CertificateSignedStatus.ValueType | MeshError) -> Behaviour:
    """A station that answers so, one after the other, and in the end always as the last time."""
    left = list(outcomes)

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, MeshError):
            raise outcome
        return gateway_pb2.CallResponse(certificate_signed=pb.CertificateSignedResponse(status=outcome))

    return behave


def failure(reason: str) -> MeshError:
    """The error of a gateway."""
    return MeshError(grpc.StatusCode.ABORTED, Reason[reason], "so it went")


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


async def test_the_names_of_a_station(rig: Rig) -> None:
    """Its identity and its serial numbers, but for one that another station has too, as its name or its serial."""
    first = await rig.booted("CP1", serial_number="SN-1", charge_box_serial_number="CP2")
    second = await rig.booted("CP2", serial_number="SN-2")
    third = await rig.booted("CP3", serial_number="SN-2")
    await rig.ask(*(rig.item(f"CP{number}", epoch, "c") for number, epoch in ((1, first), (2, second), (3, third))))
    names = {item.station_id: list(item.common_names) for item in rig.authority.items}
    assert names == {"CP1": ["CP1", "SN-1"], "CP2": ["CP2"], "CP3": ["CP3"]}


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
