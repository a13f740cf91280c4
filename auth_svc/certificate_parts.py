"""The parts of auth_svc that have to do with certificates, put together."""

from csms.auth.v1.certificate_authority_service_pb2_grpc import (
    add_CertificateAuthorityServiceServicer_to_server,
)
from csms.auth.v1.certificate_exchange_service_pb2_grpc import (
    add_CertificateExchangeServiceServicer_to_server,
)
from csms.auth.v1.certificate_service_pb2_grpc import add_CertificateServiceServicer_to_server

from auth_svc.certificate_exchange_servicer import CertificateExchangeServicer
from auth_svc.certificate_office import CertificateOffice
from auth_svc.certificate_servicer import CertificateAuthorityServicer, CertificateServicer
from auth_svc.certificate_statuses import CertificateStatuses
from auth_svc.client_checks import ClientChecks
from auth_svc.contract_certificates import ContractCertificates
from auth_svc.outside_revocations import OutsideRevocations
from auth_svc.own_authorities import OwnAuthorities
from auth_svc.revocation_lists import RevocationLists
from auth_svc.settings import AuthSettings
from auth_svc.v2g_office import V2gOffice
from mesh.database.engine import Database
from mesh.grpc.servers import AddServicer
from mesh.runtime.times import Clock


class CertificateParts:
    """The servicers: of our own authority for the mesh and for operators, and of certificates of other parties."""

    def __init__(self, database: Database, settings: AuthSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._statuses = CertificateStatuses(clock=clock, rules=settings.ocsp)
        self._authorities = OwnAuthorities(
            database=database, clock=clock, configured=settings.certificates.authority, ring=settings.ring
        )

    def mesh(self) -> list[AddServicer]:
        """For the mesh."""
        return [self._authority(), self._exchange()]

    def _authority(self) -> AddServicer:
        """The authority, and the checks of certificates of stations."""
        database, settings, clock = self._database, self._settings, self._clock
        servicer = CertificateAuthorityServicer(
            database=database,
            office=CertificateOffice(
                database=database, clock=clock, rules=settings.certificates, authorities=self._authorities
            ),
            v2g=V2gOffice(database=database, clock=clock, signer=settings.v2g_signer),
            clients=ClientChecks(
                database=database,
                clock=clock,
                authorities=self._authorities,
                rules=settings.clients,
                organization=settings.certificates.organization,
                revocations=OutsideRevocations(
                    clock=clock,
                    rule=settings.clients.revocation,
                    http=settings.ocsp.http,
                    statuses=self._statuses,
                ),
            ),
        )
        return lambda server: add_CertificateAuthorityServiceServicer_to_server(servicer, server)

    def operator(self) -> AddServicer:
        """The authority for operators."""
        lists = RevocationLists(database=self._database, clock=self._clock, authorities=self._authorities)
        servicer = CertificateServicer(
            database=self._database, authorities=self._authorities, lists=lists, clock=self._clock
        )
        return lambda server: add_CertificateServiceServicer_to_server(servicer, server)

    def _exchange(self) -> AddServicer:
        """Certificates of other parties."""
        trusted = self._settings.ocsp.trusted
        servicer = CertificateExchangeServicer(
            statuses=self._statuses,
            contracts=ContractCertificates(statuses=self._statuses, trusted=trusted, clock=self._clock),
            provider=self._settings.ev_certificates,
        )
        return lambda server: add_CertificateExchangeServiceServicer_to_server(servicer, server)
