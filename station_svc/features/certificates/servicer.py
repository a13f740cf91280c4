"""StationCertificateService: stations' certificates as operators read them, between protobuf and rows."""

from functools import partial

from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2, station_certificate_service_pb2
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceServicer

from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import to_timestamp
from station_svc.core.lists import FRAME_KEY, page_of, storable
from station_svc.features.certificates import installed_store as installed_certificate_store
from station_svc.features.certificates import request_store as certificate_request_store
from station_svc.features.certificates.rows import (
    CertificateRequestRow,
    ChildHashData,
    InstalledCertificateRow,
    from_text,
)

_INSTALLED_KEY = (int, int, str, str, str)


class StationCertificateServicer(StationCertificateServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ListInstalledCertificates(
        self, request: station_certificate_service_pb2.ListInstalledCertificatesRequest, context: Context
    ) -> station_certificate_service_pb2.ListInstalledCertificatesResponse:
        """Lists the certificates that a station reported, by kind."""
        del context
        page = page_of(request, _INSTALLED_KEY)
        read = partial(
            installed_certificate_store.list_certificates,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: row.key)
        return station_certificate_service_pb2.ListInstalledCertificatesResponse(
            installed_certificates=map(_to_installed, rows), next_page_token=token
        )

    async def ListCertificateRequests(
        self, request: station_certificate_service_pb2.ListCertificateRequestsRequest, context: Context
    ) -> station_certificate_service_pb2.ListCertificateRequestsResponse:
        """Lists the certificates that a station requested, newest first."""
        del context
        page = page_of(request, FRAME_KEY)
        read = partial(
            certificate_request_store.list_requests,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: row.frame.version)
        return station_certificate_service_pb2.ListCertificateRequestsResponse(
            certificate_requests=map(_to_request, rows), next_page_token=token
        )


def _to_installed(row: InstalledCertificateRow) -> certificate_pb2.InstalledCertificate:
    return certificate_pb2.InstalledCertificate(
        certificate_type=certificate_pb2.GetCertificateIdUse.ValueType(row.certificate_type),
        certificate_hash_data=_to_hash_data(row),
        child_certificate_hash_data=map(_to_hash_data, from_text(row.child_hash_data)),
        update_time=to_timestamp(row.update_us),
    )


def _to_hash_data(row: InstalledCertificateRow | ChildHashData) -> certificate_pb2.CertificateHashData:
    return certificate_pb2.CertificateHashData(
        hash_algorithm=certificate_pb2.HashAlgorithm.ValueType(row.hash_algorithm),
        issuer_name_hash=row.issuer_name_hash,
        issuer_key_hash=row.issuer_key_hash,
        serial_number=row.serial_number,
    )


def _to_request(row: CertificateRequestRow) -> certificate_pb2.CertificateRequest:
    return certificate_pb2.CertificateRequest(
        station_id=row.frame.station_id,
        certificate_type=common_pb2.CertificateSigningUse.ValueType(row.certificate_type),
        state=certificate_pb2.CertificateRequestState.ValueType(row.state),
        reason=row.reason,
        csr_sha256=row.csr_sha256,
        serial_number=row.serial_number,
        expire_time=None if row.expire_us is None else to_timestamp(row.expire_us),
        create_time=to_timestamp(row.frame.receive_us),
        update_time=to_timestamp(row.update_us),
    )
