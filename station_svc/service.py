"""station_svc put together: what its features register, its servicers, and what runs beside them."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

import grpc
from csms.condition.v1.condition_source_service_pb2_grpc import add_ConditionSourceServiceServicer_to_server
from csms.station.v1.command_service_pb2_grpc import add_CommandServiceServicer_to_server
from csms.station.v1.data_export_service_pb2_grpc import add_DataExportServiceServicer_to_server
from csms.station.v1.station_ingest_service_pb2_grpc import add_StationIngestServiceServicer_to_server
from csms.station.v1.station_service_pb2_grpc import add_StationServiceServicer_to_server

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
from mesh.runtime.background import Background
from mesh.runtime.times import Clock
from mesh.service import Parts
from mesh.tenant_erasure import TenantErasure, reports_to
from mesh.tenant_storage import StorageQuota, plain_rows
from station_svc.api import removals
from station_svc.api.additions import StationAdditions
from station_svc.api.command_servicer import make_servicer
from station_svc.api.conditions import condition_queries
from station_svc.api.data_export_servicer import DataExportServicer
from station_svc.api.removals import StationRemovals
from station_svc.api.station_servicer import StationServicer
from station_svc.catalogue import DRIVERS, FEATURES, RETENTION, STORAGE
from station_svc.commands.commands import Commands
from station_svc.commands.gateways import Gateways
from station_svc.commands.sender import CommandSender
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.columns import metadata
from station_svc.core.models import PLACEMENTS
from station_svc.export import EXPORTED
from station_svc.feature import FeatureParts, Preparations, Resources, merged
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.requests import CertificateRequests
from station_svc.features.certificates.revoked import RevokedCertificates
from station_svc.features.credentials.failures import CredentialFailures
from station_svc.features.credentials.password_checks import Proofs
from station_svc.features.credentials.rotation import CredentialRotation
from station_svc.features.data_transfer.transfer_limits import TransferTrimmer
from station_svc.features.message_log.feature import MESSAGES
from station_svc.features.message_log.models import message
from station_svc.features.message_log.tenant_retention import message_retention
from station_svc.housekeeping import Housekeeper, retention_task
from station_svc.ingest.admission import Admission
from station_svc.ingest.servicer import IngestRules, StationIngestServicer
from station_svc.ingest.tenant_rules import TenantRules
from station_svc.ingest.version_changes import KIND as VERSION_CHANGE
from station_svc.ingest.version_changes import VersionChanges
from station_svc.jobs.runner import JobKind, Jobs
from station_svc.jobs.sender import JobSender
from station_svc.placement_publisher import PlacementPublisher
from station_svc.settings import StationSettings


async def build(database: Database, stack: AsyncExitStack, *, settings: StationSettings, clock: Clock) -> Parts:
    """The parts of the service; what must be closed goes onto `stack`."""
    proofs = Proofs()
    stack.push_async_callback(proofs.close)
    identity = MeshIdentity(settings.mesh)
    resources = _resources(database, stack, settings=settings, identity=identity, clock=clock)
    built = _built(resources)
    versions = VersionChanges(features=FEATURES, delay_s=settings.version_change_delay_s)
    kinds = {**_job_kinds(built, resources), VERSION_CHANGE: versions.kind}
    jobs = Jobs(database=database, kinds=kinds, clock=clock)
    due = [feature.end_due for feature in FEATURES if feature.end_due]
    housekeeper = Housekeeper(database=database, clock=clock, storage=STORAGE, due=due)
    retention = retention_task(database=database, clock=clock, storage=STORAGE, days=settings.retention)
    keeper = PartitionKeeper(engine=database.engine, clock=clock, kept=_kept(settings))
    failures = CredentialFailures(database=database, clock=clock)
    trimmer = TransferTrimmer(database=database, limits=settings.transfer_limits)
    ingest = _ingest(resources, failures=failures, trimmer=trimmer, proofs=proofs, versions=versions, settings=settings)
    return Parts(
        access=remote_access(resources.auth, resources.tenants),
        mesh=[ingest, _conditions(resources, settings)],
        operator=[
            _stations(resources, proofs=proofs, settings=settings),
            *(_commands(resources, built), _exports(database)),
            *(add for parts in built for add in parts.operator),
        ],
        scopes=PlacementScopes(database=database, tables=PLACEMENTS),
        background=[
            resources.closer.run,
            *housekeeper.background(),
            retention.run,
            keeper.run,
            jobs.run,
            failures.run,
            trimmer.run,
            RevokedCertificates(database=database, channel=resources.auth, closer=resources.closer, clock=clock).run,
            *_of_tenants(resources, settings),
            *_publishers(resources, stack, settings=settings, identity=identity),
        ],
    )


def _built(resources: Resources) -> Sequence[FeatureParts]:
    """The parts of the features; jobs may give the commands of all of them."""
    built = [feature.build(resources) for feature in FEATURES]
    for parts in built:
        resources.preparations.add(parts.commands)
    return built


def _of_tenants(resources: Resources, settings: StationSettings) -> Sequence[Background]:
    """The erasure of removed tenants and of drivers, and the message logs of those that keep less of it."""
    erasure = TenantErasure(
        erase_audit=[chain_store.erase_tenant],
        database=resources.database,
        metadata=metadata,
        directory=resources.tenants,
        report=reports_to(resources.auth, "station"),
    )
    source = RemoteErasures(channel=resources.auth, part="station")
    drivers = DriverErasures(database=resources.database, part="station", tables=DRIVERS, source=source)
    quota = StorageQuota(
        database=resources.database,
        tables=[plain_rows(message.c.message_us)],
        tenants=resources.tenants,
        clock=resources.clock,
    )
    return (
        erasure.run,
        drivers.run,
        quota.run,
        message_retention(resources, days=settings.retention.get(MESSAGES.name, MESSAGES.days)).run,
    )


def _kept(settings: StationSettings) -> Sequence[Kept]:
    """The tables that are partitioned."""
    return [
        Kept(partitions=one.partitions, days=settings.retention.get(one.name, one.days))
        for one in RETENTION
        if one.partitions is not None
    ]


def _publishers(
    resources: Resources, stack: AsyncExitStack, *, settings: StationSettings, identity: MeshIdentity
) -> Sequence[Background]:
    """Publish events, and where stations stand, to the services that are there."""
    relay = open_relay(
        stack,
        database=resources.database,
        address=settings.notification_address,
        identity=identity,
        clock=resources.clock,
    )
    targets = {}
    if resources.transactions is not None:
        targets["transaction"] = resources.transactions
    if settings.notification_address is not None:
        targets["notification"] = _open(stack, settings.notification_address, identity, "notification")
    placements = [PlacementPublisher(database=resources.database, targets=targets).run] if targets else []
    return [*placements, *relay]


def _resources(
    database: Database, stack: AsyncExitStack, *, settings: StationSettings, identity: MeshIdentity, clock: Clock
) -> Resources:
    auth = _open(stack, settings.auth_address, identity, "auth")
    transactions = None
    if settings.transaction_address is not None:
        transactions = _open(stack, settings.transaction_address, identity, "transaction")
    gateways = Gateways(identity=identity)
    stack.push_async_callback(gateways.close)
    commands = Commands(database=database, gateways=gateways, clock=clock)
    stack.push_async_callback(commands.close)
    return Resources(
        database=database,
        clock=clock,
        auth=auth,
        tenants=TenantDirectory(source=RemoteTenants(channel=auth)),
        transactions=transactions,
        closer=SocketCloser(gateways=gateways),
        sender=CommandSender(commands=commands, station_budget_s=settings.command_timeout_s),
        job_sender=JobSender(commands=commands, station_budget_s=settings.command_timeout_s),
        preparations=Preparations(),
    )


def _open(stack: AsyncExitStack, address: str, identity: MeshIdentity, to: str) -> grpc.aio.Channel:
    channel = open_channel(address, identity=identity, to=to)
    stack.push_async_callback(channel.close)
    return channel


def _job_kinds(built: Sequence[FeatureParts], resources: Resources) -> Mapping[str, JobKind]:
    kinds = merged(parts.jobs for parts in built)
    if resources.transactions is not None:
        kinds[removals.KIND] = StationRemovals(channel=resources.transactions, clock=resources.clock).kind
    return kinds


def _ingest(
    resources: Resources,
    *,
    failures: CredentialFailures,
    trimmer: TransferTrimmer,
    proofs: Proofs,
    versions: VersionChanges,
    settings: StationSettings,
) -> AddServicer:
    database, clock = resources.database, resources.clock
    authority = CertificateAuthority(channel=resources.auth)
    servicer = StationIngestServicer(
        database=database,
        clock=clock,
        rules=_rules(resources, settings),
        closer=resources.closer,
        certificates=CertificateRequests(database=database, authority=authority, clock=clock),
        failures=failures,
        trimmer=trimmer,
        versions=versions,
        admission=Admission(database=database, proofs=proofs),
        features=FEATURES,
    )
    return partial(add_StationIngestServiceServicer_to_server, servicer)


def _conditions(resources: Resources, settings: StationSettings) -> AddServicer:
    """Finds conditions of stations, for notification_svc."""
    servicer = ConditionSourceServicer(
        database=resources.database,
        clock=resources.clock,
        queries=condition_queries(offline_s=settings.offline_after_s),
    )
    return partial(add_ConditionSourceServiceServicer_to_server, servicer)


def _stations(resources: Resources, *, proofs: Proofs, settings: StationSettings) -> AddServicer:
    database, clock, closer = resources.database, resources.clock, resources.closer
    rules = _tenant_rules(resources, settings)
    servicer = StationServicer(
        database=database,
        clock=clock,
        closer=closer,
        rotation=CredentialRotation(database=database, clock=clock, closer=closer, sender=resources.sender),
        additions=StationAdditions(database=database, clock=clock, proofs=proofs, max_stations=rules.max_stations),
        present=[table for storage in STORAGE for table in storage.present],
        notify_transactions=resources.transactions is not None,
        hands_over=rules.hands_over,
    )
    return partial(add_StationServiceServicer_to_server, servicer)


def _commands(resources: Resources, built: Sequence[FeatureParts]) -> AddServicer:
    servicer = make_servicer(sender=resources.sender, registered=[parts.commands for parts in built])
    return partial(add_CommandServiceServicer_to_server, servicer)


def _exports(database: Database) -> AddServicer:
    exports = DataExports(database=database, exported=EXPORTED, drivers=DRIVERS)
    return partial(add_DataExportServiceServicer_to_server, DataExportServicer(exports=exports))


def _tenant_rules(resources: Resources, settings: StationSettings) -> TenantRules:
    return TenantRules(
        directory=resources.tenants, onboarding=settings.onboarding, admits_anyone=settings.admits_anyone
    )


def _rules(resources: Resources, settings: StationSettings) -> IngestRules:
    return IngestRules(
        tenants=_tenant_rules(resources, settings),
        lease_duration_s=settings.lease_duration_s,
        heartbeat_interval_s=settings.heartbeat_interval_s,
        boot_retry_interval_s=settings.boot_retry_interval_s,
        vendors=settings.vendors,
    )
