"""station_svc put together: its servicers, and what runs beside them."""

from contextlib import AsyncExitStack

from csms.station.v1.charging_profile_service_pb2_grpc import add_ChargingProfileServiceServicer_to_server
from csms.station.v1.command_service_pb2_grpc import add_CommandServiceServicer_to_server
from csms.station.v1.firmware_service_pb2_grpc import add_FirmwareServiceServicer_to_server
from csms.station.v1.local_list_service_pb2_grpc import add_LocalListServiceServicer_to_server
from csms.station.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from csms.station.v1.reservation_service_pb2_grpc import add_ReservationServiceServicer_to_server
from csms.station.v1.rollout_service_pb2_grpc import add_RolloutServiceServicer_to_server
from csms.station.v1.security_event_service_pb2_grpc import add_SecurityEventServiceServicer_to_server
from csms.station.v1.station_certificate_service_pb2_grpc import (
    add_StationCertificateServiceServicer_to_server,
)
from csms.station.v1.station_ingest_service_pb2_grpc import add_StationIngestServiceServicer_to_server
from csms.station.v1.station_service_pb2_grpc import add_StationServiceServicer_to_server

from mesh.channels import open_channel
from mesh.database import Database
from mesh.operators import RemoteKeys, Role
from mesh.relay import open_relay
from mesh.service import AddServicer, Parts
from mesh.times import Clock
from station_svc.certificates import request_store as certificate_request_store
from station_svc.certificates.authority import CertificateAuthority
from station_svc.certificates.delivery import CertificateDelivery
from station_svc.certificates.requests import CertificateRequests
from station_svc.certificates.servicer import StationCertificateServicer
from station_svc.charging_profiles.servicer import ChargingProfileServicer
from station_svc.commands.commands import Commands
from station_svc.commands.gateways import Gateways
from station_svc.commands.reader_forms import ReaderForms
from station_svc.commands.sender import CommandSender
from station_svc.commands.servicer import CommandServicer
from station_svc.commands.transactions import TransactionLookup
from station_svc.credentials import first as first_credential
from station_svc.credentials.failures import CredentialFailures
from station_svc.credentials.first import FirstCredential
from station_svc.credentials.proofs import Proofs
from station_svc.credentials.rotation import CredentialRotation
from station_svc.housekeeping import Housekeeper
from station_svc.ingest.admission import Admission
from station_svc.ingest.servicer import IngestRules, StationIngestServicer
from station_svc.ingest.transfer_limits import TransferTrimmer
from station_svc.jobs.runner import Jobs
from station_svc.jobs.sender import JobSender
from station_svc.local_lists import sync as local_list_sync
from station_svc.local_lists.servicer import LocalListServicer
from station_svc.local_lists.sync import LocalListSync
from station_svc.reservations.servicer import ReservationServicer
from station_svc.rollouts import firmware as firmware_rollout
from station_svc.rollouts import variables as variables_rollout
from station_svc.rollouts.firmware import FirmwareWork
from station_svc.rollouts.runner import Rollouts, Work
from station_svc.rollouts.servicer import RolloutServicer
from station_svc.rollouts.variables import VariablesWork
from station_svc.security_events.servicer import SecurityEventServicer
from station_svc.settings import StationSettings
from station_svc.stations import removals
from station_svc.stations.additions import StationAdditions
from station_svc.stations.closer import SocketCloser
from station_svc.stations.removals import StationRemovals
from station_svc.stations.servicer import StationServicer
from station_svc.tasks.firmware_servicer import FirmwareServicer
from station_svc.tasks.log_servicer import LogServicer

# By their verbs they would be for viewers, yet they make the station do something.
_SPECIAL_ROLES = {
    f"/csms.station.v1.CommandService/{method}": Role.OPERATOR
    for method in (
        "GetCompositeSchedule",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "GetVariables",
    )
}


async def build(database: Database, stack: AsyncExitStack, *, settings: StationSettings, clock: Clock) -> Parts:
    """The parts of the service; what must be closed goes onto `stack`."""
    auth = open_channel(settings.auth_address, secret=settings.mesh_secret)
    lookup = _transaction_lookup(stack, settings)
    proofs = Proofs()
    stack.push_async_callback(proofs.close)
    stack.push_async_callback(auth.close)
    gateways = Gateways(secret=settings.mesh_secret)
    stack.push_async_callback(gateways.close)
    commands = Commands(database=database, gateways=gateways, clock=clock)
    stack.push_async_callback(commands.close)
    closer = SocketCloser(gateways=gateways)
    authority = CertificateAuthority(channel=auth)
    sender = JobSender(commands=commands, station_budget_s=settings.command_timeout_s)
    kinds = {
        **Rollouts(database=database, clock=clock, works=_works(database, sender, clock)).kinds(),
        certificate_request_store.KIND: CertificateDelivery(
            database=database, authority=authority, sender=sender, clock=clock
        ).kind,
        first_credential.KIND: FirstCredential(database=database, sender=sender, closer=closer).kind,
        local_list_sync.KIND: LocalListSync(database=database, auth=auth, sender=sender).kind,
    }
    if settings.transaction_address is not None:
        transactions = open_channel(settings.transaction_address, secret=settings.mesh_secret)
        stack.push_async_callback(transactions.close)
        kinds[removals.KIND] = StationRemovals(channel=transactions, clock=clock).kind
    jobs = Jobs(database=database, kinds=kinds, clock=clock)
    housekeeper = Housekeeper(database=database, clock=clock, retention=settings.retention)
    failures = CredentialFailures(database=database, clock=clock)
    trimmer = TransferTrimmer(database=database, limits=settings.transfer_limits)
    relay = open_relay(
        stack,
        database=database,
        address=settings.notification_address,
        secret=settings.mesh_secret,
        source="station",
        clock=clock,
    )
    return Parts(
        keys=RemoteKeys(channel=auth),
        mesh=[
            _ingest(
                database,
                closer,
                authority,
                failures=failures,
                trimmer=trimmer,
                proofs=proofs,
                settings=settings,
                clock=clock,
            )
        ],
        operator=_operators(
            database,
            commands,
            closer,
            lookup=lookup,
            forms=ReaderForms(channel=auth),
            proofs=proofs,
            settings=settings,
            clock=clock,
        ),
        special_roles=_SPECIAL_ROLES,
        background=[
            closer.run,
            housekeeper.watch_nodes,
            housekeeper.watch_due,
            housekeeper.tidy_up,
            jobs.run,
            failures.run,
            trimmer.run,
            *relay,
        ],
    )


def _works(database: Database, sender: JobSender, clock: Clock) -> dict[str, Work]:
    """What rollouts do at one station, by kind."""
    return {
        variables_rollout.KIND: VariablesWork(database=database, sender=sender, clock=clock),
        firmware_rollout.KIND: FirmwareWork(database=database, sender=sender, clock=clock),
    }


def _ingest(
    database: Database,
    closer: SocketCloser,
    authority: CertificateAuthority,
    *,
    failures: CredentialFailures,
    trimmer: TransferTrimmer,
    proofs: Proofs,
    settings: StationSettings,
    clock: Clock,
) -> AddServicer:
    requests = CertificateRequests(database=database, authority=authority, clock=clock)
    servicer = StationIngestServicer(
        database=database,
        clock=clock,
        rules=_rules(settings),
        closer=closer,
        certificates=requests,
        failures=failures,
        trimmer=trimmer,
        admission=Admission(database=database, proofs=proofs),
    )
    return lambda server: add_StationIngestServiceServicer_to_server(servicer, server)


def _transaction_lookup(stack: AsyncExitStack, settings: StationSettings) -> TransactionLookup:
    if settings.transaction_address is None:
        return TransactionLookup(channel=None)
    channel = open_channel(settings.transaction_address, secret=settings.mesh_secret)
    stack.push_async_callback(channel.close)
    return TransactionLookup(channel=channel)


def _operators(
    database: Database,
    commands: Commands,
    closer: SocketCloser,
    *,
    lookup: TransactionLookup,
    forms: ReaderForms,
    proofs: Proofs,
    settings: StationSettings,
    clock: Clock,
) -> list[AddServicer]:
    sender = CommandSender(commands=commands, station_budget_s=settings.command_timeout_s)
    rotation = CredentialRotation(database=database, clock=clock, closer=closer, sender=sender)
    station = StationServicer(
        database=database,
        clock=clock,
        closer=closer,
        rotation=rotation,
        additions=StationAdditions(database=database, clock=clock, proofs=proofs),
        notify_transactions=settings.transaction_address is not None,
        hands_over=settings.onboarding != "accept",
    )
    command = CommandServicer(sender=sender, transactions=lookup, forms=forms, clock=clock)
    firmware = FirmwareServicer(database=database, clock=clock)
    log = LogServicer(database=database, clock=clock)
    security_event = SecurityEventServicer(database=database)
    local_list = LocalListServicer(database=database, clock=clock)
    profile = ChargingProfileServicer(database=database, clock=clock)
    reservation = ReservationServicer(database=database, clock=clock, sender=sender, forms=forms)
    certificate = StationCertificateServicer(database=database)
    rollout = RolloutServicer(database=database, clock=clock)
    return [
        lambda server: add_StationServiceServicer_to_server(station, server),
        lambda server: add_CommandServiceServicer_to_server(command, server),
        lambda server: add_FirmwareServiceServicer_to_server(firmware, server),
        lambda server: add_LogServiceServicer_to_server(log, server),
        lambda server: add_SecurityEventServiceServicer_to_server(security_event, server),
        lambda server: add_LocalListServiceServicer_to_server(local_list, server),
        lambda server: add_ChargingProfileServiceServicer_to_server(profile, server),
        lambda server: add_ReservationServiceServicer_to_server(reservation, server),
        lambda server: add_StationCertificateServiceServicer_to_server(certificate, server),
        lambda server: add_RolloutServiceServicer_to_server(rollout, server),
    ]


def _rules(settings: StationSettings) -> IngestRules:
    return IngestRules(
        onboarding=settings.onboarding,
        lease_duration_s=settings.lease_duration_s,
        heartbeat_interval_s=settings.heartbeat_interval_s,
        boot_retry_interval_s=settings.boot_retry_interval_s,
        vendors=settings.vendors,
    )
