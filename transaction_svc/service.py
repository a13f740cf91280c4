"""The assembly of transaction_svc: its servicers and background tasks."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import grpc
from csms.condition.v1.condition_source_service_pb2_grpc import add_ConditionSourceServiceServicer_to_server
from csms.station.v1.placement_ingest_service_pb2_grpc import add_PlacementIngestServiceServicer_to_server
from csms.transaction.v1.data_export_service_pb2_grpc import add_DataExportServiceServicer_to_server
from csms.transaction.v1.energy_service_pb2_grpc import add_EnergyServiceServicer_to_server
from csms.transaction.v1.meter_profile_service_pb2_grpc import add_MeterProfileServiceServicer_to_server
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import add_TransactionIngestServiceServicer_to_server
from csms.transaction.v1.transaction_service_pb2_grpc import add_TransactionServiceServicer_to_server

from mesh.audit import chain_store
from mesh.conditions.servicer import ConditionSourceServicer
from mesh.data_export import DataExports
from mesh.database.engine import Database
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.driver_erasure import DriverErasures, RemoteErasures
from mesh.events.relay import open_relay
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import AddServicer
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import remote_access
from mesh.identity.tenants import RemoteTenants, TenantDirectory
from mesh.placements.scopes import PlacementScopes
from mesh.placements.servicer import PlacementIngestServicer
from mesh.runtime.background import Background
from mesh.runtime.times import Clock
from mesh.service import Parts
from mesh.tenant_erasure import TenantErasure, reports_to
from mesh.tenant_storage import StorageQuota, plain_rows
from transaction_svc import driver_rows, number_store
from transaction_svc.conditions import condition_queries
from transaction_svc.data_export_servicer import DataExportServicer
from transaction_svc.energy_servicer import EnergyServicer
from transaction_svc.expiry import Expiry
from transaction_svc.export import EXPORTED
from transaction_svc.gateway_client import GatewayClient, Translator
from transaction_svc.ingest_servicer import TransactionIngestServicer
from transaction_svc.meter_profile_servicer import MeterProfileServicer
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.models import METER_VALUES_PARTITIONS, PLACEMENTS, metadata, meter_values
from transaction_svc.operator_servicer import TransactionServicer
from transaction_svc.retention import retention_task, thinning_task
from transaction_svc.rollup_worker import Rollups
from transaction_svc.settings import TransactionSettings


async def build(database: Database, stack: AsyncExitStack, *, settings: TransactionSettings, clock: Clock) -> Parts:
    """Makes the servicers. The stack closes the channel to auth_svc, which is for the keys of operators' tokens."""
    number_store.set_first_number(database.engine, settings.first_transaction_id)
    identity = MeshIdentity(settings.mesh)
    channel = open_channel(settings.auth_address, identity=identity, to="auth")
    stack.push_async_callback(channel.close)
    meters = MeterTerms(settings.power_limits)
    ingest = TransactionIngestServicer(
        database=database, clock=clock, meters=meters, grace=settings.grace, pricing=settings.pricing
    )
    translator = _translator(stack, settings, identity)
    transactions = TransactionServicer(database=database, clock=clock, meters=meters, translator=translator)
    profiles = MeterProfileServicer(database=database, clock=clock, meters=meters)
    energy = EnergyServicer(database=database)
    relay = open_relay(stack, database=database, address=settings.notification_address, identity=identity, clock=clock)
    tenants = TenantDirectory(source=RemoteTenants(channel=channel))
    return Parts(
        access=remote_access(channel, tenants),
        mesh=[
            lambda server: add_TransactionIngestServiceServicer_to_server(ingest, server),
            _placements(database),
            _conditions(database, clock),
        ],
        operator=[
            lambda server: add_TransactionServiceServicer_to_server(transactions, server),
            lambda server: add_MeterProfileServiceServicer_to_server(profiles, server),
            lambda server: add_EnergyServiceServicer_to_server(energy, server),
            _exports(database),
        ],
        scopes=PlacementScopes(database=database, tables=PLACEMENTS),
        background=[*_background(database, settings, clock), *_of_tenants(database, tenants, channel, clock), *relay],
    )


def _background(database: Database, settings: TransactionSettings, clock: Clock) -> Sequence[Background]:
    """The background tasks on the database alone."""
    retention = retention_task(
        database=database,
        clock=clock,
        outbox_days=settings.outbox_days,
        quarantine_days=settings.quarantine_days,
        meter_values_days=settings.meter_values_days,
        rollup_days=settings.rollup_days,
    )
    thinning = thinning_task(database=database, clock=clock, days=settings.sample_days)
    kept = Kept(partitions=METER_VALUES_PARTITIONS, days=settings.meter_values_days or None)
    keeper = PartitionKeeper(engine=database.engine, clock=clock, kept=[kept])
    expiry = Expiry(database=database, clock=clock)
    rollups = Rollups(database=database, clock=clock, open_s=settings.rollup_open_s)
    return [retention.run, *thinning, keeper.run, expiry.run, rollups.run]


def _of_tenants(
    database: Database, tenants: TenantDirectory, channel: grpc.aio.Channel, clock: Clock
) -> Sequence[Background]:
    """Erase the rows of removed tenants, and drivers, and keep tenants within their quotas of stored rows."""
    report = reports_to(channel, "transaction")
    of_tenants = TenantErasure(
        erase_audit=[chain_store.erase_tenant], database=database, metadata=metadata, directory=tenants, report=report
    )
    source = RemoteErasures(channel=channel, part="transaction")
    of_drivers = DriverErasures(database=database, part="transaction", tables=driver_rows.TABLES, source=source)
    tables = [plain_rows(meter_values.c.receive_us)]
    quota = StorageQuota(database=database, tables=tables, tenants=tenants, clock=clock)
    return of_tenants.run, of_drivers.run, quota.run


def _exports(database: Database) -> AddServicer:
    exports = DataExports(database=database, exported=EXPORTED, drivers=driver_rows.TABLES)
    return partial(add_DataExportServiceServicer_to_server, DataExportServicer(exports=exports))


def _placements(database: Database) -> AddServicer:
    """Takes where stations stand from station_svc."""
    return partial(
        add_PlacementIngestServiceServicer_to_server, PlacementIngestServicer(database=database, tables=PLACEMENTS)
    )


def _conditions(database: Database, clock: Clock) -> AddServicer:
    """Finds conditions of transactions and messages, for notification_svc."""
    servicer = ConditionSourceServicer(database=database, clock=clock, queries=condition_queries())
    return partial(add_ConditionSourceServiceServicer_to_server, servicer)


def _translator(stack: AsyncExitStack, settings: TransactionSettings, identity: MeshIdentity) -> Translator | None:
    """The translator for mended payloads; None where no gateway's address is set."""
    if settings.gateway_address is None:
        return None
    channel = open_channel(settings.gateway_address, identity=identity, to="gateway")
    stack.push_async_callback(channel.close)
    return GatewayClient(channel)
