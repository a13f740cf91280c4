"""StationCertificateService: stations' certificates as operators read them, between protobuf and rows."""

from collections.abc import Mapping
from functools import partial
from itertools import starmap
from typing import Any

import sqlalchemy as sa
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2, station_certificate_service_pb2
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import Field, choice
from mesh.database.pages import Page
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.times import to_timestamp
from station_svc.core.list_store import condition_of
from station_svc.core.lists import one_or_all, page_of
from station_svc.features.certificates import installed_store, request_store
from station_svc.features.certificates.rows import (
    CertificateRequestRow,
    ChildHashData,
    InstalledCertificateRow,
    from_text,
)
from station_svc.features.certificates.server_roots import ServerRoots

_INSTALLED_KEY = (str, int, int, str, str, str)
_REQUEST_KEY = (int, str, int, int)
_KIND = choice(dict(certificate_pb2.GetCertificateIdUse.items()), "GET_CERTIFICATE_ID_USE_")
_USE = choice(dict(common_pb2.CertificateSigningUse.items()), "CERTIFICATE_SIGNING_USE_")
_STATE = choice(dict(certificate_pb2.CertificateRequestState.items()), "CERTIFICATE_REQUEST_STATE_")


class StationCertificateServicer(StationCertificateServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, roots: ServerRoots) -> None:
        self._database = database
        self._roots = roots

    async def ListInstalledCertificates(
        self, request: station_certificate_service_pb2.ListInstalledCertificatesRequest, context: Context
    ) -> station_certificate_service_pb2.ListInstalledCertificatesResponse:
        """Lists the certificates that a station, or each station, reported, by station and kind."""
        del context
        page, names = self._asked(request, installed_store.filters(_KIND), installed_store.STATION_ID, _INSTALLED_KEY)
        found = await self._database.read(partial(installed_store.list_certificates, **names, page=page))
        rows, token = page.cut(found, lambda row: (row[0], *row[1].key))
        return station_certificate_service_pb2.ListInstalledCertificatesResponse(
            installed_certificates=starmap(_to_installed, rows), next_page_token=token
        )

    async def ListCertificateRequests(
        self, request: station_certificate_service_pb2.ListCertificateRequestsRequest, context: Context
    ) -> station_certificate_service_pb2.ListCertificateRequestsResponse:
        """Lists the certificates that a station, or any station, requested, newest first."""
        del context
        page, names = self._asked(request, request_store.filters(_STATE, _USE), request_store.STATION_ID, _REQUEST_KEY)
        found = await self._database.read(partial(request_store.list_requests, **names, page=page))
        rows, token = page.cut(found, lambda row: row.key)
        return station_certificate_service_pb2.ListCertificateRequestsResponse(
            certificate_requests=map(_to_request, rows), next_page_token=token
        )

    async def ListServerRoots(
        self, request: station_certificate_service_pb2.ListServerRootsRequest, context: Context
    ) -> station_certificate_service_pb2.ListServerRootsResponse:
        """Lists the roots of the CSMS that stations hold."""
        del context
        return await self._roots.list(request)

    async def CheckServerRoot(
        self, request: station_certificate_service_pb2.CheckServerRootRequest, context: Context
    ) -> station_certificate_service_pb2.CheckServerRootResponse:
        """Counts the stations that hold a root."""
        del context
        return await self._roots.check(request)

    async def AdoptServerRoot(
        self, request: station_certificate_service_pb2.AdoptServerRootRequest, context: Context
    ) -> station_certificate_service_pb2.AdoptServerRootResponse:
        """Adopts a root, where enough stations hold it."""
        del context
        return await self._roots.adopt(request)

    def _asked(
        self, request: Any, fields: Mapping[str, Field], column: sa.Column[str], key: tuple[type, ...]
    ) -> tuple[Page, dict[str, Any]]:
        """The page that a request asks for, and whose: of one station, or of all within the caller's scope."""
        tenant_id = current_caller().tenant_id
        condition = condition_of(request.filter, fields, tenant_id=tenant_id, station_id=column, scope=current_scope())
        names = {"tenant_id": tenant_id, "station_id": one_or_all(request.station_id)}
        return page_of(request, key, condition=condition), names


def _to_installed(station_id: str, row: InstalledCertificateRow) -> certificate_pb2.InstalledCertificate:
    return certificate_pb2.InstalledCertificate(
        station_id=station_id,
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
