"""A whole mesh with tenants: a platform administrator adds them, and each is operated by its own administrator."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import grpc
from csms.audit.v1.audit_service_pb2 import AuditEntry, ListAuditEntriesRequest
from csms.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from csms.auth.v1 import tenant_service_pb2, user_service_pb2
from csms.auth.v1.tenant_pb2 import Tenant
from csms.auth.v1.tenant_service_pb2_grpc import TenantServiceStub
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub
from csms.event.v1.event_service_pb2 import Event, ListEventsRequest
from csms.event.v1.event_service_pb2_grpc import EventServiceStub
from csms.transaction.v1.energy_service_pb2 import (
    ROLLUP_GRANULARITY_DAY,
    ROLLUP_GROUP_CONNECTOR,
    ListEnergyRollupsRequest,
)
from csms.transaction.v1.energy_service_pb2_grpc import EnergyServiceStub

import notification_svc.migrations
import notification_svc.service
from mesh import service
from mesh.database.engine import Database
from mesh.runtime.settings import Environment, ServiceSettings
from mesh.runtime.times import now_us
from notification_svc.settings import NotificationSettings
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh
from tests.mesh_identities import mesh_environment
from tests.ports import held_port

PLATFORM_PASSWORD = "a battery of staples"

Metadata = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class TenantMesh:
    """A running mesh with notification_svc, and its platform administrator."""

    mesh: MeshRig
    notifications: grpc.aio.Channel
    notification_database: Database
    platform: Metadata

    @property
    def tenants(self) -> Any:
        """The stub of TenantService."""
        return TenantServiceStub(self.mesh.auth_channel)

    async def add(self, tenant_id: str, **more: Any) -> Metadata:
        """Adds a tenant; returns the metadata of its administrator, once the gateway knows the tenant."""
        request = tenant_service_pb2.CreateTenantRequest(tenant=Tenant(tenant_id=tenant_id, **more))
        added = await self.tenants.CreateTenant(request, metadata=self.platform, timeout=TIMEOUT_S)
        return await self.log_in(added.administrator_username, added.administrator_password, tenant_id)

    async def log_in(self, username: str, password: str, tenant_id: str) -> Metadata:
        """The metadata of a user's calls."""
        request = user_service_pb2.LoginRequest(username=username, password=password, tenant_id=tenant_id)
        response = await UserServiceStub(self.mesh.auth_channel).Login(request, timeout=TIMEOUT_S)
        return (("authorization", f"Bearer {response.access_token}"),)

    async def events(self, metadata: Metadata) -> Sequence[Event]:
        """All events of a tenant so far."""
        request = ListEventsRequest(page_size=1000)
        response = await EventServiceStub(self.notifications).ListEvents(request, metadata=metadata, timeout=TIMEOUT_S)
        return list(response.events)

    async def audit(self, metadata: Metadata) -> Sequence[AuditEntry]:
        """All audit entries of a tenant that notification_svc has so far."""
        request = ListAuditEntriesRequest(page_size=1000)
        stub = AuditServiceStub(self.notifications)
        response = await stub.ListAuditEntries(request, metadata=metadata, timeout=TIMEOUT_S)
        return list(response.audit_entries)

    async def energy_wh(self, metadata: Metadata, day: datetime) -> list[float]:
        """The energy of a tenant on a day by connector, as its rollups have it so far."""
        request = ListEnergyRollupsRequest(granularity=ROLLUP_GRANULARITY_DAY, group=ROLLUP_GROUP_CONNECTOR)
        request.start_time.FromDatetime(day)
        request.end_time.FromDatetime(day + timedelta(days=1))
        stub = EnergyServiceStub(self.mesh.transaction_channel)
        response = await stub.ListEnergyRollups(request, metadata=metadata, timeout=TIMEOUT_S)
        return [rollup.energy_wh for rollup in response.energy_rollups]


@asynccontextmanager
async def running_tenants(database_url: str, **more: str) -> AsyncIterator[TenantMesh]:
    """A mesh that is serving; `more` are further settings."""
    async with AsyncExitStack() as stack:
        port = stack.enter_context(held_port())
        settings = {
            "CSMS_PLATFORM_ADMIN_PASSWORD": PLATFORM_PASSWORD,
            "CSMS_NOTIFICATION_ADDRESS": f"127.0.0.1:{port}",
        }
        mesh = await stack.enter_async_context(running_mesh(database_url, **settings, **more))
        env = Environment(
            {
                "CSMS_AUTO_MIGRATE": "1",
                "CSMS_DATABASE_URL": database_url.replace("test.db", "notification.db"),
                **mesh_environment("notification"),
                "CSMS_AUTH_ADDRESS": mesh.gateway_settings.auth_address,
                "CSMS_NOTIFICATION_ADDRESS": f"127.0.0.1:{port}",
                "CSMS_NOTIFICATION_OPERATOR_ADDRESS": "127.0.0.1:0",
            }
        )
        build = partial(notification_svc.service.build, settings=NotificationSettings.read(env), clock=now_us)
        notifications = await service.start(
            stack, ServiceSettings.read(env, "notification"), notification_svc.migrations, build
        )
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{notifications.operator_port}")
        stack.push_async_callback(channel.close)
        found = TenantMesh(mesh=mesh, notifications=channel, notification_database=notifications.database, platform=())
        found.platform = await found.log_in("platform", PLATFORM_PASSWORD, "platform")
        yield found
