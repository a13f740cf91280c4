"""The operator port of the simulator: its service behind the same checks as every other one (mesh/grpc/).

The simulator proves the part `simulator` to auth_svc, which tells it no more than what verifies a caller: signing keys,
callers and tenants. It has no database, so that there is no audit (csms.options.v1, AUDIT_SIMULATED).
"""

import asyncio
from contextlib import AsyncExitStack

from csms.simulator.v1.simulator_service_pb2_grpc import add_SimulatorServiceServicer_to_server

from mesh.contract.services import OPTIONAL_OPERATOR_SERVICES
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import operator_server
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import OperatorAccess, remote_access
from mesh.identity.tenants import RemoteTenants, TenantDirectory
from mesh.runtime.background import keep
from mesh.runtime.logs import get_logger
from simulator.fleet import StationMaker
from simulator.live_fleet import LiveFleet
from simulator.servicer import SimulatorServicer
from simulator.settings import PART, OperatorSettings

log = get_logger(__name__)


async def serve_operators(
    stack: AsyncExitStack, settings: OperatorSettings, *, fleet: LiveFleet, maker: StationMaker
) -> int:
    """Serves until `stack` unwinds; returns the port. Raises SettingError where it is in use."""
    channel = open_channel(settings.auth_address, identity=MeshIdentity(settings.mesh), to="auth")
    stack.push_async_callback(channel.close)
    tenants = TenantDirectory(source=RemoteTenants(channel=channel))
    return await serve_with(stack, settings, access=remote_access(channel, tenants), fleet=fleet, maker=maker)


async def serve_with(
    stack: AsyncExitStack,
    settings: OperatorSettings,
    *,
    access: OperatorAccess,
    fleet: LiveFleet,
    maker: StationMaker,
) -> int:
    """The same with an access of the caller's own, for tests."""
    port = operator_server(
        settings.address,
        access=access,
        services=OPTIONAL_OPERATOR_SERVICES[PART],
        call_rules=settings.call_rules,
        front_door_secrets=settings.front_door_secrets,
    )
    servicer = SimulatorServicer(fleet=fleet, maker=maker)
    port.add(lambda server: add_SimulatorServiceServicer_to_server(servicer, server))
    for task in access.background:
        stack.push_async_callback(_cancel, asyncio.create_task(keep(task)))
    await port.start()
    stack.push_async_callback(port.stop)
    log.info("serving operators", operator_port=port.port)
    return port.port


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
