"""CustomerInformationService: reports about drivers as operators read them, between protobuf and rows."""

from collections.abc import Mapping, Sequence
from functools import partial

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import certificate_pb2, customer_information_pb2
from csms.station.v1 import customer_information_service_pb2 as pb
from csms.station.v1.customer_information_service_pb2_grpc import CustomerInformationServiceServicer
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.pages import Page
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import Clock
from station_svc.core.lists import page_of, storable
from station_svc.features.customer_information import store
from station_svc.features.customer_information.reports import REPORT
from station_svc.features.customer_information.rows import CustomerReportRow
from station_svc.partial_reports import store as report_store
from station_svc.partial_reports.recording import to_message
from station_svc.partial_reports.rows import PartialReportRow

_Found = tuple[Sequence[tuple[CustomerReportRow, str]], Mapping[store.Key, PartialReportRow]]


class CustomerInformationServicer(CustomerInformationServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ListCustomerReports(
        self, request: pb.ListCustomerReportsRequest, context: Context
    ) -> pb.ListCustomerReportsResponse:
        """Lists the reports about drivers of a station, the latest number first."""
        del context
        tenant_id, station_id = current_caller().tenant_id, storable(request.station_id)
        page = page_of(request, (int,))
        rows, reports = await self._database.read(partial(_read, tenant_id=tenant_id, station_id=station_id, page=page))
        found, token = page.cut(rows, lambda pair: (pair[0].report_id,), text=lambda pair: pair[1])
        now_us = self._clock()
        return pb.ListCustomerReportsResponse(
            customer_reports=[
                _to_report(row, data, reports.get((tenant_id, station_id, row.report_id)), now_us)
                for row, data in found
            ],
            next_page_token=token,
        )


def _read(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> _Found:
    rows = store.list_reports(connection, tenant_id=tenant_id, station_id=station_id, page=page)
    keys = [(tenant_id, station_id, row.report_id) for row, _data in rows]
    return rows, report_store.read(connection, REPORT, keys)


def _to_report(row: CustomerReportRow, data: str, report: PartialReportRow | None, now_us: int) -> pb.CustomerReport:
    made = pb.CustomerReport(
        station_id=row.station_id,
        report=None if report is None else to_message(report, now_us),
        reported=bool(row.is_reported),
        cleared=bool(row.is_cleared),
        customer_identifier=row.customer_identifier,
        id_token=IdToken(id_token=row.id_token, type=row.id_token_type) if row.id_token else None,
        status=customer_information_pb2.CustomerInformationStatus.ValueType(row.status),
        data=data,
    )
    if row.serial_number:
        made.customer_certificate.CopyFrom(
            certificate_pb2.CertificateHashData(
                hash_algorithm=certificate_pb2.HashAlgorithm.ValueType(row.hash_algorithm),
                issuer_name_hash=row.issuer_name_hash,
                issuer_key_hash=row.issuer_key_hash,
                serial_number=row.serial_number,
            )
        )
    return made
