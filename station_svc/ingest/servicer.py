"""StationIngestService: what gateways report, between protobuf and rows."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceServicer
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mesh.contract.quirk_names import QuirkName
from mesh.contract.tenants import tenant_or_default
from mesh.contract.texts import replace_nul, without_nul
from mesh.database.engine import Database, commit_batch
from mesh.grpc.batch_streams import served_by_twin
from mesh.grpc.types import Context
from mesh.runtime.errors import MeshError, from_status, invalid_field
from mesh.runtime.logs import get_logger
from mesh.runtime.masking import mask_data
from mesh.runtime.times import SECOND_US, Clock, from_timestamp
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.frames import to_frame
from station_svc.core.reports import Boot, Status
from station_svc.core.rows import ACCEPTED, Frame
from station_svc.core.station_rows import Socket, TlsEnd
from station_svc.feature import Feature, merged
from station_svc.features.certificates.requests import CertificateRequests
from station_svc.features.credentials.failures import CredentialFailures
from station_svc.features.data_transfer import transfer_store
from station_svc.features.data_transfer.rows import Transfer
from station_svc.features.data_transfer.transfer_limits import TransferTrimmer
from station_svc.features.data_transfer.vendors import Vendors
from station_svc.features.message_log import message_store
from station_svc.ingest import boot_store, boots, connection_store, sighting_store, status_store
from station_svc.ingest.admission import Admission
from station_svc.ingest.authentication import REFUSED
from station_svc.ingest.reports import Report, record_reports
from station_svc.ingest.rows import (
    Booted,
    ClientCertificate,
    Closed,
    ConditionReport,
    ConnectionAttempt,
    Opened,
    Sighting,
    Tls,
    Unproven,
    WrongSerialNumber,
)
from station_svc.ingest.tenant_rules import TenantRules
from station_svc.ingest.version_changes import VersionChanges

log = get_logger(__name__)

Row = TypeVar("Row")
Result = TypeVar("Result")

# OCPP has no code for it; some stations treat 1000 as a normal end.
SUPERSEDED_CLOSE_CODE = 1008
SUPERSEDED_REASON = "a newer connection took this one's place"
# The boot named another station than the certificate did: B01.FR.12 of 2.0.1.
WRONG_SERIAL_CLOSE_CODE = 1008
WRONG_SERIAL_REASON = "the serial number is not that of this connection's certificate"
# Stations that have to boot again later do not all boot at the same time.
_JITTER = 0.25


@dataclass(frozen=True, kw_only=True)
class IngestRules:
    """The settings that gateways and stations are answered with."""

    tenants: TenantRules
    lease_duration_s: float
    heartbeat_interval_s: int
    boot_retry_interval_s: int
    vendors: Vendors


class StationIngestServicer(StationIngestServiceServicer):
    """Serves the mesh only. Each RPC is one transaction; what comes too late or twice changes nothing."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        rules: IngestRules,
        closer: SocketCloser,
        certificates: CertificateRequests,
        failures: CredentialFailures,
        admission: Admission,
        trimmer: TransferTrimmer,
        versions: VersionChanges,
        features: Sequence[Feature],
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._closer = closer
        self._certificates = certificates
        self._failures = failures
        self._admission = admission
        self._trimmer = trimmer
        self._versions = versions
        self._reports = merged(feature.reports for feature in features)
        self._on_boots = [feature.on_boots for feature in features if feature.on_boots]
        self._on_statuses = [feature.on_statuses for feature in features if feature.on_statuses]
        self._jitter = jitter

    async def RenewNodeLease(
        self, request: ingest.RenewNodeLeaseRequest, context: Context
    ) -> ingest.RenewNodeLeaseResponse:
        """Takes or renews a gateway node's lease."""
        del context
        for field in ("node_id", "address"):
            if not getattr(request, field):
                raise invalid_field(field, "is required")
        duration_s = self._rules.lease_duration_s
        renew = partial(
            connection_store.renew_lease,
            node_id=request.node_id,
            address=request.address,
            lease_end_us=self._clock() + int(duration_s * SECOND_US),
        )
        await self._database.write(renew)
        return ingest.RenewNodeLeaseResponse(lease_duration_ms=int(duration_s * 1000))

    async def OpenConnections(
        self, request: ingest.OpenConnectionsRequest, context: Context
    ) -> ingest.OpenConnectionsResponse:
        """Admits stations, and has the sockets closed that they supersede."""
        del context
        attempts = [_to_attempt(item) for item in request.items]
        rules = connection_store.OpeningRules(
            now_us=self._clock(),
            tenants=await self._rules.tenants.of({attempt.tenant_id for attempt in attempts}),
            proofs=self._admission.proofs,
        )
        opening = partial(self._commit, work=partial(_opening, rules=rules))
        results = await self._admission.admit(attempts, opening)
        for attempt, result in zip(attempts, results, strict=True):
            if isinstance(result, Opened):
                self._close_superseded(attempt.station_id, result)
            elif _is_unproven(attempt, result):
                self._failures.note(attempt.station, attempt.remote_address, result.reason)
        return ingest.OpenConnectionsResponse(results=[self._to_open_result(result) for result in results])

    async def CloseConnections(
        self, request: ingest.CloseConnectionsRequest, context: Context
    ) -> ingest.CloseConnectionsResponse:
        """Notes that sockets are closed."""
        del context
        now_us = self._clock()
        await self._commit([_to_closed(item, now_us) for item in request.items], connection_store.close_connections)
        return ingest.CloseConnectionsResponse()

    async def NotifyBoots(self, request: ingest.NotifyBootsRequest, context: Context) -> ingest.NotifyBootsResponse:
        """Records boots, and returns whether each station is accepted."""
        del context
        results = await self._commit(
            [_to_boot(item) for item in request.items],
            partial(boots.record, now_us=self._clock(), followers=self._on_boots, versions=self._versions),
        )
        for result in results:
            if isinstance(result, WrongSerialNumber):
                self._close_wrong(result)
        return ingest.NotifyBootsResponse(results=[self._to_boot_result(result) for result in results])

    StreamNotifyStatuses = served_by_twin

    async def NotifyStatuses(
        self, request: ingest.NotifyStatusesRequest, context: Context
    ) -> ingest.NotifyStatusesResponse:
        """Records connector statuses."""
        del context
        record = partial(status_store.record_statuses, followers=self._on_statuses)
        statuses = [(index, status) for index, item in enumerate(request.items) for status in _to_statuses(item)]
        outcomes = await self._commit([status for _index, status in statuses], record)
        errors: dict[int, MeshError] = {}
        for (index, _status), outcome in zip(statuses, outcomes, strict=True):
            if outcome is not None:
                errors.setdefault(index, outcome)
        return ingest.NotifyStatusesResponse(
            results=[
                ingest.StatusResult(error=errors[index].to_status()) if index in errors else ingest.StatusResult()
                for index in range(len(request.items))
            ]
        )

    async def TransferData(self, request: ingest.TransferDataRequest, context: Context) -> ingest.TransferDataResponse:
        """Records vendor-specific messages, of known and unknown vendors."""
        del context
        transfers = [_to_transfer(item, self._rules.vendors) for item in request.items]
        results = await self._commit(transfers, transfer_store.record_transfers)
        stored = zip(transfers, results, strict=True)
        self._trimmer.note(transfer for transfer, result in stored if not isinstance(result, MeshError))
        return ingest.TransferDataResponse(results=[_to_transfer_result(result) for result in results])

    async def NotifyReports(
        self, request: ingest.NotifyReportsRequest, context: Context
    ) -> ingest.NotifyReportsResponse:
        """Records what stations report, each kind by its own rules (station_svc/ingest/reports.py)."""
        del context
        record = partial(record_reports, handlers=self._reports)
        results = await self._commit([_to_report(item) for item in request.items], record)
        return ingest.NotifyReportsResponse(
            results=[
                ingest.ReportResult(error=result.to_status()) if result else ingest.ReportResult() for result in results
            ]
        )

    async def RequestCertificates(
        self, request: ingest.RequestCertificatesRequest, context: Context
    ) -> ingest.RequestCertificatesResponse:
        """Takes requests for certificates, and has them signed."""
        del context
        return ingest.RequestCertificatesResponse(results=await self._certificates.take(request.items))

    async def RecordSightings(
        self, request: ingest.RecordSightingsRequest, context: Context
    ) -> ingest.RecordSightingsResponse:
        """Notes signs of life."""
        del context
        await self._commit([_to_sighting(item) for item in request.items], sighting_store.record_sightings)
        return ingest.RecordSightingsResponse()

    async def RecordMessages(
        self, request: ingest.RecordMessagesRequest, context: Context
    ) -> ingest.RecordMessagesResponse:
        """Appends to the message log. One of the frames may be there already, or fail: then each is looked at."""
        del context
        rows = [_to_message(item) for item in request.items]
        try:
            await self._database.write(lambda connection: message_store.append_messages(connection, rows))
        except DBAPIError:
            await self._commit(rows, message_store.add_messages)
        return ingest.RecordMessagesResponse()

    async def _commit(
        self, rows: Sequence[Row], work: Callable[[Connection, Sequence[Row]], Sequence[Result]]
    ) -> list[Result | MeshError]:
        return await commit_batch(self._database, rows, work)

    def _close_superseded(self, station_id: str, opened: Opened) -> None:
        old = opened.superseded
        if old is not None and old.node_address is not None:
            socket = Socket(
                tenant_id=opened.tenant_id, station_id=station_id, epoch=old.epoch, address=old.node_address
            )
            self._closer.close_soon(socket, SUPERSEDED_CLOSE_CODE, SUPERSEDED_REASON, quirk=QuirkName.HALF_OPEN_SOCKET)

    def _close_wrong(self, wrong: WrongSerialNumber) -> None:
        log.warning(
            "boot refused: the serial number is not that of the certificate",
            station_id=wrong.frame.station_id,
            serial_number=wrong.serial_number,
            common_name=wrong.common_name,
        )
        for socket in wrong.sockets:
            self._closer.close_soon(socket, WRONG_SERIAL_CLOSE_CODE, WRONG_SERIAL_REASON)

    def _to_open_result(self, result: Opened | MeshError) -> ingest.OpenConnectionResult:
        if isinstance(result, MeshError):
            return ingest.OpenConnectionResult(error=result.to_status())
        return ingest.OpenConnectionResult(
            epoch=result.epoch,
            tenant_id=result.tenant_id,
            booted=result.booted,
            registration_status=_registration(result.registration_status),
            superseded_epoch=result.superseded.epoch if result.superseded else 0,
            heartbeat_interval_s=self._rules.heartbeat_interval_s,
            quirks=result.quirks,
            ocpp_version=result.ocpp_version,
        )

    def _to_boot_result(self, result: Booted | WrongSerialNumber | MeshError) -> ingest.BootResult:
        if not isinstance(result, Booted):
            error = result.error if isinstance(result, WrongSerialNumber) else result
            return ingest.BootResult(error=error.to_status())
        interval_s = self._rules.heartbeat_interval_s
        if result.registration_status != ACCEPTED:
            retry_s = self._rules.boot_retry_interval_s
            interval_s = max(1, round(self._jitter(retry_s * (1 - _JITTER), retry_s * (1 + _JITTER))))
        attempts = result.message_attempts
        return ingest.BootResult(
            registration_status=_registration(result.registration_status),
            interval_s=interval_s,
            quirks=result.quirks,
            message_attempts=None if attempts is None else attempts.count,
            message_attempt_interval_s=None if attempts is None else attempts.interval_s,
        )


def _opening(
    connection: Connection, attempts: Sequence[ConnectionAttempt], *, rules: connection_store.OpeningRules
) -> Sequence[Opened | Unproven | MeshError]:
    return connection_store.open_connections(connection, attempts, rules)


def _registration(status: int) -> station_pb2.RegistrationStatus.ValueType:
    return station_pb2.RegistrationStatus.ValueType(status)


def _to_attempt(item: ingest.OpenConnectionItem) -> ConnectionAttempt:
    return ConnectionAttempt(
        tenant_id=tenant_or_default(item.tenant_id),
        station_id=item.station_id,
        node_id=item.node_id,
        ocpp_version=item.ocpp_version,
        remote_address=item.remote_address,
        credential=item.credential,
        username=item.username,
        offered_ocpp_versions=list(item.offered_ocpp_versions),
        opening_id=item.opening_id,
        tls=_to_tls(item.tls) if item.HasField("tls") else None,
    )


def _is_unproven(attempt: ConnectionAttempt, error: MeshError) -> bool:
    """Whether an attempt was refused since it did not prove its station; others say nothing of who came."""
    fault = attempt.certificate_error
    return error.reason in REFUSED or (fault is not None and error.reason == fault.reason)


def _to_tls(tls: ingest.TlsConnection) -> Tls:
    return Tls(
        end=TlsEnd.OURS if tls.version else TlsEnd.IN_FRONT,
        version=tls.version,
        cipher_suite=tls.cipher_suite,
        certificate=_to_certificate(tls.client_certificate) if tls.HasField("client_certificate") else None,
        certificate_error=from_status(tls.certificate_error) if tls.HasField("certificate_error") else None,
    )


def _to_certificate(shown: ingest.ClientCertificate) -> ClientCertificate:
    return ClientCertificate(
        common_name=replace_nul(shown.common_name),
        serial_number=shown.serial_number,
        fingerprint=shown.fingerprint,
        issuer=replace_nul(shown.issuer),
        expire_us=from_timestamp(shown.expire_time) if shown.HasField("expire_time") else None,
        issue_us=from_timestamp(shown.issue_time) if shown.HasField("issue_time") else None,
    )


def _to_closed(item: ingest.CloseConnectionItem, now_us: int) -> Closed:
    return Closed(
        tenant_id=tenant_or_default(item.tenant_id),
        station_id=item.station_id,
        epoch=item.epoch,
        disconnect_us=from_timestamp(item.close_time) if item.HasField("close_time") else now_us,
        close_code=item.close_code,
        opening_id=item.opening_id,
    )


def _to_boot(item: ingest.BootItem) -> Boot:
    identity = {name: getattr(item.identity, name) for name in boot_store.IDENTITY}
    return Boot(frame=to_frame(item.origin), reason=item.reason, identity=identity)


def _to_statuses(item: ingest.StatusItem) -> list[Status]:
    frame = to_frame(item.origin)
    reports = (item.status, *item.further_statuses)
    return [_to_status(frame, report, position) for position, report in enumerate(reports)]


def _to_status(frame: Frame, report: station_pb2.StatusReport, position: int) -> Status:
    return Status(
        frame=frame,
        position=position,
        evse_id=report.evse.evse_id,
        connector_id=report.evse.connector_id,
        status=report.status,
        reported_status=report.reported_status,
        error_code=report.error_code,
        info=report.info,
        vendor_id=report.vendor_id,
        vendor_error_code=report.vendor_error_code,
        status_us=from_timestamp(report.status_time) if report.HasField("status_time") else None,
    )


def _to_transfer(item: ingest.TransferDataItem, vendors: Vendors) -> Transfer:
    return Transfer(
        frame=to_frame(item.origin),
        vendor_id=item.vendor_id,
        message_id=item.message_id,
        data=mask_data(item.data),
        status=vendors.judge(item.vendor_id, item.message_id),
    )


def _to_transfer_result(result: int | MeshError) -> ingest.TransferDataResult:
    if isinstance(result, MeshError):
        return ingest.TransferDataResult(error=result.to_status())
    return ingest.TransferDataResult(status=ingest.DataTransferStatus.ValueType(result))


def _to_report(item: ingest.ReportItem) -> Report:
    kind = item.WhichOneof("report") or ""
    return Report(frame=to_frame(item.origin), kind=kind, content=getattr(item, kind) if kind else None)


def _to_sighting(item: ingest.Sighting) -> Sighting:
    return Sighting(
        tenant_id=item.tenant_id,
        station_id=item.station_id,
        seen_us=from_timestamp(item.seen_time),
        quirks=dict(item.quirks),
        conditions=[
            ConditionReport(
                kind=report.type,
                size=report.size,
                report_us=from_timestamp(report.report_time),
                reason=without_nul(report.reason),
            )
            for report in item.conditions
        ],
    )


def _to_message(item: ingest.MessageItem) -> message_store.Row:
    # A row at once, without a class between: this is done for every frame there is.
    message = item.message
    return (
        item.tenant_id,
        message.station_id,
        message.epoch,
        message.ordinal,
        message.direction,
        message.message_type,
        replace_nul(message.message_id),
        replace_nul(message.action),
        replace_nul(message.payload),
        from_timestamp(message.message_time),
    )
