"""What stations' certificates add to the service."""

from functools import partial

from csms.station.v1.station_certificate_service_pb2_grpc import add_StationCertificateServiceServicer_to_server

from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, Parts, Resources
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.delivery import CertificateDelivery
from station_svc.features.certificates.models import certificate_request, installed_certificate
from station_svc.features.certificates.request_store import KIND
from station_svc.features.certificates.servicer import StationCertificateServicer


def _build(resources: Resources) -> Parts:
    servicer = StationCertificateServicer(database=resources.database)
    delivery = CertificateDelivery(
        database=resources.database,
        authority=CertificateAuthority(channel=resources.auth),
        sender=resources.job_sender,
        clock=resources.clock,
    )
    return Parts(
        operator=[partial(add_StationCertificateServiceServicer_to_server, servicer)],
        jobs={KIND: delivery.kind},
    )


FEATURE = Feature(
    storage=Storage(
        present=[installed_certificate],
        history=[certificate_request],
        retention=[Retention(name="CERTIFICATE_REQUEST", days=365, removals=[aged(certificate_request.c.receive_us)])],
    ),
    build=_build,
)
