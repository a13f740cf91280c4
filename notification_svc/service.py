"""notification_svc put together: its servicers, and what runs beside them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import grpc
from csms.audit.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from csms.condition.v1.condition_service_pb2_grpc import add_ConditionServiceServicer_to_server
from csms.event.v1.data_export_service_pb2_grpc import add_DataExportServiceServicer_to_server
from csms.event.v1.event_ingest_service_pb2_grpc import add_EventIngestServiceServicer_to_server
from csms.event.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server
from csms.station.v1.placement_ingest_service_pb2_grpc import add_PlacementIngestServiceServicer_to_server

from mesh.audit import chain_store
from mesh.data_export import DataExports
from mesh.database.engine import Database
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.driver_erasure import DriverErasures, RemoteErasures
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import AddServicer
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import remote_access
from mesh.identity.tenants import RemoteTenants, TenantDirectory
from mesh.placements.servicer import PlacementIngestServicer
from mesh.runtime.background import Background
from mesh.runtime.times import Clock
from mesh.service import Parts
from mesh.tenant_erasure import TenantErasure, reports_to
from mesh.tenant_storage import StorageQuota, StoredRows
from notification_svc import audit_store, driver_rows, server_sent_events, store
from notification_svc.audit_servicer import AuditServicer
from notification_svc.condition_servicer import ConditionServicer
from notification_svc.condition_sources import ConditionSources
from notification_svc.data_export_servicer import DataExportServicer
from notification_svc.event_servicer import SIGN_OF_LIFE_S, EventServicer
from notification_svc.export import EXPORTED
from notification_svc.fanout import Fanout
from notification_svc.feed import Feed
from notification_svc.ingest_servicer import Announce, IngestServicer
from notification_svc.models import PARTITIONS, PLACEMENTS, event, metadata
from notification_svc.retention import retention_task
from notification_svc.settings import NotificationSettings
from notification_svc.tickets import WatchTickets

_STREAM_EVENTS = "/csms.event.v1.EventService/StreamEvents"


async def build(
    database: Database,
    stack: AsyncExitStack,
    *,
    settings: NotificationSettings,
    clock: Clock,
    sign_of_life_s: float = SIGN_OF_LIFE_S,
) -> Parts:
    """Makes the servicers. The channel to auth_svc, for the keys of operators' tokens, goes onto the stack."""
    channel = open_channel(settings.auth_address, identity=MeshIdentity(settings.mesh), to="auth")
    stack.push_async_callback(channel.close)
    feed = Feed(database=database)
    fanouts = [] if settings.amqp_url is None else [Fanout(database=database, url=settings.amqp_url)]
    announce = [feed.announce, *(fanout.announce for fanout in fanouts)]
    tickets = WatchTickets(database=database, clock=clock)
    events = EventServicer(database=database, feed=feed, tickets=tickets, clock=clock, sign_of_life_s=sign_of_life_s)
    audit = AuditServicer(database=database)
    conditions = _conditions(database, stack, channel, settings=settings, clock=clock, announce=announce)
    tenants = TenantDirectory(source=RemoteTenants(channel=channel))
    return Parts(
        access=remote_access(channel, tenants),
        mesh=_ingest(database, clock, announce),
        operator=[
            lambda server: add_EventServiceServicer_to_server(events, server),
            lambda server: add_AuditServiceServicer_to_server(audit, server),
            _exports(database),
            lambda server: add_ConditionServiceServicer_to_server(conditions, server),
        ],
        background=[
            feed.run,
            *(fanout.run for fanout in fanouts),
            *_keeping(database, tenants, settings=settings, clock=clock),
            *_erasures(database, tenants, channel),
        ],
        on_stop=[feed.stop],
        pass_on_audit=audit_store.add,
        tickets=tickets,
        last_words={_STREAM_EVENTS: server_sent_events.failure},
    )


def _keeper(database: Database, settings: NotificationSettings, clock: Clock) -> PartitionKeeper:
    """Adds and drops partitions of events."""
    kept = Kept(partitions=PARTITIONS, days=settings.retention_days, on_drop=store.note_dropped)
    return PartitionKeeper(engine=database.engine, clock=clock, kept=[kept])


def _ingest(database: Database, clock: Clock, announce: Sequence[Announce]) -> Sequence[AddServicer]:
    """Takes events, and where stations stand, from the other services."""
    events = IngestServicer(database=database, clock=clock, announce=announce)
    placements = PlacementIngestServicer(database=database, tables=PLACEMENTS)
    return [
        lambda server: add_EventIngestServiceServicer_to_server(events, server),
        lambda server: add_PlacementIngestServiceServicer_to_server(placements, server),
    ]


def _keeping(
    database: Database, tenants: TenantDirectory, *, settings: NotificationSettings, clock: Clock
) -> Sequence[Background]:
    """Remove what is old, and what is beyond the quotas of stored rows of tenants."""
    retention = retention_task(
        database=database, clock=clock, days=settings.retention_days, tenants=tenants, audit_days=settings.audit_days
    )
    keeper = _keeper(database, settings, clock)
    tables = [StoredRows(age=event.c.create_us, remove=partial(store.remove_old, in_partitions=True))]
    quota = StorageQuota(database=database, tables=tables, tenants=tenants, clock=clock)
    return retention.run, keeper.run, quota.run


def _exports(database: Database) -> AddServicer:
    exports = DataExportServicer(exports=DataExports(database=database, exported=EXPORTED, drivers=driver_rows.TABLES))
    return lambda server: add_DataExportServiceServicer_to_server(exports, server)


def _conditions(
    database: Database,
    stack: AsyncExitStack,
    auth: grpc.aio.Channel,
    *,
    settings: NotificationSettings,
    clock: Clock,
    announce: Sequence[Announce],
) -> ConditionServicer:
    """Gathers conditions from the services whose addresses are set."""
    channels = {"auth": auth}
    for part, address in (("station", settings.station_address), ("transaction", settings.transaction_address)):
        if address is not None:
            channels[part] = open_channel(address, identity=MeshIdentity(settings.mesh), to=part)
            stack.push_async_callback(channels[part].close)
    return ConditionServicer(
        database=database, sources=ConditionSources(channels=channels), clock=clock, announce=announce
    )


def _erasures(database: Database, tenants: TenantDirectory, channel: grpc.aio.Channel) -> Sequence[Background]:
    """Erase the rows of removed tenants, and drivers."""
    of_tenants = TenantErasure(
        erase_audit=[chain_store.erase_tenant, audit_store.erase_tenant],
        database=database,
        metadata=metadata,
        directory=tenants,
        report=reports_to(channel, "notification"),
    )
    source = RemoteErasures(channel=channel, part="notification")
    return of_tenants.run, DriverErasures(
        database=database, part="notification", tables=driver_rows.TABLES, source=source
    ).run
