"""Reports about drivers follow what is sent to stations, what they answer and what they report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import customer_information_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, Decision
from mesh.runtime.errors import MeshError
from station_svc.commands.rows import NewCommand
from station_svc.core.rows import Frame
from station_svc.features.customer_information import store
from station_svc.features.customer_information.rows import CustomerReportRow, PartRow
from station_svc.partial_reports import recording
from station_svc.partial_reports.recording import RequestReport
from station_svc.partial_reports.rows import EMPTY, REFUSED, REQUESTED, Part

REPORT = "customer_information"


class RequestInformation(RequestReport):
    """A request about a driver. `id_token` is the token as the operator gave it, which the report keeps."""

    def __init__(self, sent: pb.CustomerInformationRequest, id_token: IdToken) -> None:
        super().__init__(kind=REPORT, sent=sent, is_whole=False, state_of=self._after)
        self._request = sent
        self._id_token = id_token

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """It is stored as it is sent."""
        super().on_begin(connection, new, now_us)
        here = {"tenant_id": new.tenant_id, "station_id": new.station_id}
        store.remove_parts(connection, **here, report_id=self._request.report_id)
        store.save(connection, [self._to_row(new, now_us)])
        store.trim(connection, **here, kind=REPORT)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """With the station's answer."""
        super().on_outcome(connection, new, outcome, now_us)
        if isinstance(outcome, pb.CustomerInformationResponse):
            key = new.tenant_id, new.station_id, self._request.report_id
            rows = store.find(connection, [key]).values()
            store.save(connection, [replace(row, status=outcome.status) for row in rows])

    def _after(self, answer: Any) -> int:
        """Nothing follows where the station only clears (N10.FR.03 has no report then)."""
        if answer.status != pb.CUSTOMER_INFORMATION_STATUS_ACCEPTED:
            return REFUSED
        return REQUESTED if self._request.report else EMPTY

    def _to_row(self, new: NewCommand, now_us: int) -> CustomerReportRow:
        sent, hashes = self._request, self._request.customer_certificate
        return CustomerReportRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            report_id=sent.report_id,
            is_reported=int(sent.report),
            is_cleared=int(sent.clear),
            customer_identifier=sent.customer_identifier,
            id_token=self._id_token.id_token,
            id_token_type=self._id_token.type,
            hash_algorithm=hashes.hash_algorithm,
            issuer_name_hash=hashes.issuer_name_hash,
            issuer_key_hash=hashes.issuer_key_hash,
            serial_number=hashes.serial_number,
            create_us=now_us,
        )


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.CustomerInformationPart]]) -> None:
    """Takes parts of reports. See station_svc.feature.ReportHandler."""
    parts = [
        (
            frame,
            Part(report_id=part.report_id, number=part.seq_no, to_be_continued=part.to_be_continued),
            part,
        )
        for frame, part in reports
    ]
    arrivals = recording.record_parts(connection, REPORT, parts)
    keys = {(*one.frame.station, one.report.report_id) for one in arrivals}
    known = dict(store.find(connection, keys))
    for arrival in arrivals:
        key = (*arrival.frame.station, arrival.report.report_id)
        if key not in known:
            known[key] = _unrequested(arrival.frame, arrival.report.report_id)
            store.save(connection, [known[key]])
            store.trim(connection, tenant_id=key[0], station_id=key[1], kind=REPORT)
    store.add_parts(connection, [_to_part(one, known) for one in arrivals])


def _unrequested(frame: Frame, report_id: int) -> CustomerReportRow:
    return CustomerReportRow(
        tenant_id=frame.tenant_id, station_id=frame.station_id, report_id=report_id, create_us=frame.receive_us
    )


def _to_part(arrival: recording.Arrival, known: dict[store.Key, CustomerReportRow]) -> PartRow:
    frame, part = arrival.frame, arrival.content
    return PartRow(
        tenant_id=frame.tenant_id,
        station_id=frame.station_id,
        report_id=part.report_id,
        part=part.seq_no,
        id_token=known[*frame.station, part.report_id].id_token,
        data=part.data,
        receive_us=frame.receive_us,
    )


def of_driver(row: Row, driver: Driver) -> Decision:
    """Rows about a driver are removed."""
    named = driver.is_token(row["id_token"]) or driver.mentions(row["customer_identifier"])
    return REMOVE if named else None


def part_of_driver(row: Row, driver: Driver) -> Decision:
    """Parts of reports about a driver are removed, and so are those that name one."""
    return REMOVE if driver.is_token(row["id_token"]) or driver.mentions_payload(row["data"]) else None
