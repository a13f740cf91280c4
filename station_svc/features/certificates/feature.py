"""Registers stations' certificates with the service."""

from functools import partial

from csms.station.v1 import certificate_pb2
from csms.station.v1.command_service_pb2 import SetVariablesRequest
from csms.station.v1.network_profile_pb2 import SetNetworkProfileRequest
from csms.station.v1.station_certificate_service_pb2_grpc import add_StationCertificateServiceServicer_to_server

from mesh.grpc.types import Context
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.commands.profiles import profile_among
from station_svc.core.profiles import BY_CERTIFICATE
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.certificates import renewal, request_store
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.checks import check_chain, check_root
from station_svc.features.certificates.delivery import CertificateDelivery, FitsStation
from station_svc.features.certificates.installed import ForgetCertificate, RememberCertificates, RememberInstalled
from station_svc.features.certificates.models import certificate_request, installed_certificate
from station_svc.features.certificates.own_certificate import NeedsCertificate
from station_svc.features.certificates.renewal import CertificateRenewal
from station_svc.features.certificates.request_store import KIND
from station_svc.features.certificates.server_roots import ServerRoots
from station_svc.features.certificates.servicer import StationCertificateServicer


def _build(resources: Resources) -> FeatureParts:
    roots = ServerRoots(database=resources.database, clock=resources.clock)
    servicer = StationCertificateServicer(database=resources.database, roots=roots)
    delivery = CertificateDelivery(
        database=resources.database,
        authority=CertificateAuthority(channel=resources.auth),
        sender=resources.job_sender,
        clock=resources.clock,
    )

    async def signed(sent: certificate_pb2.CertificateSignedRequest, _context: Context | None) -> CommandHooks:
        check_chain(sent.certificate_chain, "certificate_chain", resources.clock())
        return FitsStation(chain=sent.certificate_chain)

    async def install(sent: certificate_pb2.InstallCertificateRequest, _context: Context | None) -> CommandHooks:
        check_root(sent.certificate, "certificate", resources.clock())
        return RememberInstalled(sent)

    return FeatureParts(
        operator=[partial(add_StationCertificateServiceServicer_to_server, servicer)],
        jobs={KIND: delivery.kind, renewal.KIND: CertificateRenewal(sender=resources.job_sender).kind},
        commands={
            "CertificateSigned": signed,
            "InstallCertificate": install,
            "DeleteCertificate": _delete,
            "GetInstalledCertificateIds": _get_installed,
            "SetVariables": _set_variables,
            "SetNetworkProfile": _set_network_profile,
        },
    )


async def _delete(sent: certificate_pb2.DeleteCertificateRequest, _context: Context | None) -> CommandHooks:
    return ForgetCertificate(sent.certificate_hash_data)


async def _get_installed(
    sent: certificate_pb2.GetInstalledCertificateIdsRequest, _context: Context | None
) -> CommandHooks:
    return RememberCertificates(frozenset(sent.certificate_types))


async def _set_variables(sent: SetVariablesRequest, _context: Context | None) -> CommandHooks:
    return NeedsCertificate() if profile_among(sent.variables) == BY_CERTIFICATE else NO_HOOKS


async def _set_network_profile(sent: SetNetworkProfileRequest, _context: Context | None) -> CommandHooks:
    return NeedsCertificate() if sent.connection_data.security_profile == BY_CERTIFICATE else NO_HOOKS


FEATURE = Feature(
    storage=Storage(
        present=[installed_certificate],
        history=[certificate_request],
        retention=[Retention(name="CERTIFICATE_REQUEST", days=365, removals=[request_store.remove_old])],
    ),
    build=_build,
    end_due=renewal.end_due,
)
