"""gRPC servers: one for the mesh, one for operators, never on one port."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from mesh.contract.options import audit_of, callers_of
from mesh.contract.published import contract_files, published_files
from mesh.grpc.batch_streams import BatchStreams
from mesh.grpc.call_limits import CallLimits
from mesh.grpc.call_watch import CallWatch
from mesh.grpc.channels import MAX_MESSAGE_BYTES, PING_AT_MOST_EVERY_MS
from mesh.grpc.in_process import InProcessServer, InProcessServers
from mesh.grpc.mesh_interceptor import MeshInterceptor
from mesh.grpc.operator_interceptor import LastWords, OperatorInterceptor
from mesh.grpc.station_scopes import StationScopes
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.permissions import method_rules
from mesh.identity.sources import Sources
from mesh.identity.tickets import Tickets
from mesh.runtime.call_rules import CallRules
from mesh.runtime.startup_errors import SettingError

# More than Envoy lets through as headers (60 KiB): what is too long has Envoy's 431. By default gRPC itself refuses a
# quarter of that with RESOURCE_EXHAUSTED, which REST callers read as "too many requests".
_METADATA_BYTES = 64 * 1024
_OPTIONS = (
    ("grpc.max_metadata_size", _METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * _METADATA_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.http2.min_ping_interval_without_data_ms", PING_AT_MOST_EVERY_MS),
    # Two processes on one port would share the calls between them; a port in use has to be an error.
    ("grpc.so_reuseport", 0),
)


AddServicer = Callable[[grpc.aio.Server], None]
"""Adds one servicer to a server: `lambda server: add_XServicer_to_server(servicer, server)`."""


@dataclass(kw_only=True)
class GrpcServer:
    """A server with its health; `port` is known once it is bound."""

    server: grpc.aio.Server
    health: health.aio.HealthServicer
    port: int
    services: Sequence[str] = field(default_factory=tuple)
    streams: BatchStreams = field(default_factory=BatchStreams)
    limits: CallLimits | None = None  # of an operator port
    in_process: InProcessServer | None = None  # of a mesh port, where other parts run in this process

    def add(self, add_servicer: AddServicer) -> None:
        """Adds a servicer, before the start."""
        add_servicer(self.server)
        if self.in_process is not None:
            add_servicer(cast("grpc.aio.Server", self.in_process))

    async def start(self, *, ready: bool = True) -> None:
        """Begins to serve; its health is SERVING, unless it is not `ready` yet."""
        await self.server.start()
        if self.in_process is not None:
            self.in_process.start()
        await self.tell(ready=ready)

    async def tell(self, *, ready: bool) -> None:
        """Sets its health: whether it is ready."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *self.services):
            await self.health.set(service, status)

    async def stop(self, grace_s: float = 5.0) -> None:
        """Sets its health to NOT_SERVING, accepts no new calls, and gives the present ones `grace_s` seconds to end."""
        await self.health.enter_graceful_shutdown()
        self.streams.stop()
        if self.in_process is not None:
            await self.in_process.stop(grace_s)
        await self.server.stop(grace_s)


def mesh_server(address: str, *, identity: MeshIdentity, services: Iterable[str]) -> GrpcServer:
    """A server for processes of the mesh. The caller adds the servicers by `add`, then starts it.

    Raises ContractError where one of `services` is not for the mesh, or one of their methods states no callers.
    """
    names = tuple(services)
    callers = callers_of(contract_files(), names)
    streams = BatchStreams()
    interceptor = MeshInterceptor(identity=identity, callers=callers, streams=streams)
    server = _bind(address, [interceptor], names)
    server.streams = streams
    servers = InProcessServers.of_process()
    if servers is not None and servers.has(address):
        server.in_process = InProcessServer(address=address, servers=servers, interceptor=interceptor)
    identity.warn_of_secret()
    return server


def operator_server(
    address: str,
    *,
    access: OperatorAccess,
    services: Iterable[str],
    scopes: StationScopes | None = None,
    reflection_open: bool = False,
    call_rules: CallRules | None = None,
    front_door_secrets: Iterable[str] = (),
    watch: CallWatch | None = None,
    tickets: Tickets | None = None,
    last_words: LastWords | None = None,
) -> GrpcServer:
    """A server for operators. The caller adds the servicers of `services` by `add`, then starts it.

    `scopes` has where the service's stations stand. The address of a caller is the one that Envoy names, where it
    proves itself by one of `front_door_secrets`. `watch` records how calls ended, for the audit. `tickets` are those of
    methods that take one, and `last_words` of streams for REST.
    Raises ContractError where a method does not state its access or its audit, and for a method about one station
    without `scopes`.
    """
    names = tuple(services)
    rules = method_rules(contract_files(), names)
    limits = CallLimits(call_rules or CallRules())
    edge = OperatorInterceptor(
        access=access,
        rules=rules,
        scopes=scopes,
        sources=Sources(secrets=front_door_secrets),
        limits=limits,
        reflection_open=reflection_open,
        audits=audit_of(contract_files(), names),
        watch=watch,
        tickets=tickets,
        last_words=last_words,
    )
    server = _bind(address, [edge], names)
    server.limits = limits
    return server


def add_reflection(server: GrpcServer, services: Iterable[str]) -> None:
    """Serves the contract by reflection. `services` may name those of other processes: one backend answers for all."""
    names = tuple(services)
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server.server, _pool(names))


def _pool(services: Iterable[str]) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in published_files(services):
        pool.AddSerializedFile(file.SerializeToString())
    pool.AddSerializedFile(reflection_pb2.DESCRIPTOR.serialized_pb)
    return pool


def _bind(address: str, interceptors: Sequence[Any], services: Sequence[str]) -> GrpcServer:
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise SettingError(f"cannot listen on {address}: is something else running there?") from error
    return GrpcServer(server=server, health=servicer, port=port, services=services)
