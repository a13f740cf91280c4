"""station_svc with auth_svc's certificate authority at the other end, and jobs that run when a test lets them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as signing
from csms.auth.v1.certificate_authority_service_pb2_grpc import (
    CertificateAuthorityServiceServicer,
    add_CertificateAuthorityServiceServicer_to_server,
)
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2 as pb
from csms.station.v1 import station_certificate_service_pb2 as listing
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
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
from station_svc.features.certificates import renewal
from station_svc.features.certificates import request_store as certificate_request_store
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.delivery import CertificateDelivery
from station_svc.features.certificates.renewal import CertificateRenewal
from station_svc.features.certificates.revoked import RevokedCertificates
from station_svc.jobs.runner import Jobs
from station_svc.jobs.sender import JobSender
from tests.mesh_identities import identity_of
from tests.station_svc.conftest import Behaviour, StartSystem, StationSystem

CHARGING_STATION = common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE


class FarAuthority(CertificateAuthorityServiceServicer):
    """auth_svc at the other end: signs everything, but for the requests it has to refuse; or is unavailable."""

    def __init__(self) -> None:
        self.items: list[signing.SignCertificateItem] = []
        self.refused: set[str] = set()
        self.away = False
        self.later: set[str] = set()  # requests whose signer is unavailable
        self.expire_s = 1_790_000_000
        self.revoked: list[signing.RevokedCertificate] = []
        self.asked_after: list[Timestamp] = []

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
            certificate_chain=f"chain of {item.csr}", serial_number="AB12", expire_time=Timestamp(seconds=self.expire_s)
        )

    async def ListRevokedCertificates(
        self, request: signing.ListRevokedCertificatesRequest, context: Context
    ) -> signing.ListRevokedCertificatesResponse:
        """Lists revocations."""
        del context
        if self.away:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        self.asked_after.append(request.after_time)
        found = [one for one in self.revoked if one.revoke_time.ToMicroseconds() > request.after_time.ToMicroseconds()]
        return signing.ListRevokedCertificatesResponse(revoked_certificates=found)

    async def CheckClientCertificates(
        self, request: signing.CheckClientCertificatesRequest, context: Context
    ) -> signing.CheckClientCertificatesResponse:
        """Gateways ask, station_svc does not."""
        raise NotImplementedError

    async def ListClientAuthorities(
        self, request: signing.ListClientAuthoritiesRequest, context: Context
    ) -> signing.ListClientAuthoritiesResponse:
        """Gateways ask, station_svc does not."""
        raise NotImplementedError


@dataclass(kw_only=True)
class Rig:
    """station_svc with an authority, and its jobs, which run when a test lets them."""

    system: StationSystem
    authority: FarAuthority
    jobs: Jobs
    credentials: dict[str, str] = field(default_factory=dict)

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

    @property
    def revocations(self) -> RevokedCertificates:
        """The follower of revocations, which looks only when a test lets it."""
        runs = self.system.parts.background
        return next(one for run in runs if isinstance(one := getattr(run, "__self__", 0), RevokedCertificates))

    async def states(self) -> list[str]:
        """The published states, in their order."""
        told = await self.system.events("station.certificate_request")
        return [data["state"].removeprefix("CERTIFICATE_REQUEST_STATE_") for _kind, _station, data in told]


@asynccontextmanager
async def certificate_rig(start_system: StartSystem) -> AsyncIterator[Rig]:
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
        kinds = {
            certificate_request_store.KIND: delivery.kind,
            renewal.KIND: CertificateRenewal(sender=JobSender(commands=commands)).kind,
        }
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
