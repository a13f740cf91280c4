"""Reports in parts: out of order, one missing, one doubled; the monitors that they leave."""

import pytest
from csms.station.v1 import monitoring_pb2 as pb
from csms.station.v1 import monitoring_service_pb2
from csms.station.v1 import partial_report_pb2 as reports
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceStub
from csms.station.v1.station_pb2 import Variable

from mesh.runtime.times import SECOND_US
from station_svc.partial_reports.models import partial_report
from station_svc.partial_reports.rows import SILENCE_US
from station_svc.partial_reports.store import MOST_REPORTS
from tests.conftest import FakeClock
from tests.station_svc.conftest import StationSystem, reason_of

RECEIVING = reports.PARTIAL_REPORT_STATE_RECEIVING
COMPLETE = reports.PARTIAL_REPORT_STATE_COMPLETE
INCOMPLETE = reports.PARTIAL_REPORT_STATE_INCOMPLETE


def _item(
    system: StationSystem,
    epoch: int,
    seq_no: int,
    *,
    last: bool = False,
    report_id: int = 5,
    ordinal: int | None = None,
) -> ingest_pb2.ReportItem:
    monitor = pb.Monitor(
        monitor_id=seq_no, variable=Variable(component="C", variable="V"), type=pb.MONITOR_TYPE_DELTA, value=1
    )
    part = pb.MonitoringReportPart(report_id=report_id, seq_no=seq_no, to_be_continued=not last, monitors=[monitor])
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch, ordinal), monitoring_report=part)


async def _send(system: StationSystem, *items: ingest_pb2.ReportItem) -> None:
    assert {reason_of(one) for one in await system.notify(*items)} == {""}


async def _report(system: StationSystem, report_id: int = 5) -> reports.PartialReport:
    request = monitoring_service_pb2.ListMonitoringReportsRequest(station_id="CP1", page_size=1000)
    found = await MonitoringServiceStub(system.operators).ListMonitoringReports(request)
    return next(one for one in found.monitoring_reports if one.report_id == report_id)


async def _monitor_ids(system: StationSystem) -> list[int]:
    request = monitoring_service_pb2.ListMonitorsRequest(station_id="CP1", page_size=1000)
    return [one.monitor_id for one in (await MonitoringServiceStub(system.operators).ListMonitors(request)).monitors]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_parts_in_any_order_make_a_complete_report(system: StationSystem, order: tuple[int, ...]) -> None:
    """It is complete with the part that was missing, wherever the last one stood."""
    epoch = await system.open("CP1")
    for seq_no in order[:-1]:
        await _send(system, _item(system, epoch, seq_no, last=seq_no == 2))
        assert (await _report(system)).state in {RECEIVING, INCOMPLETE}
    await _send(system, _item(system, epoch, order[-1], last=order[-1] == 2))
    report = await _report(system)
    assert (report.state, report.parts, list(report.missing_parts)) == (COMPLETE, 3, [])
    assert await _monitor_ids(system) == [0, 1, 2]
    told = [data["state"] for _kind, _station, data in await system.events("station.report_received")]
    assert told[-1] == "PARTIAL_REPORT_STATE_COMPLETE"


async def test_a_missing_part_is_named(system: StationSystem) -> None:
    """40 parts out of order, of which two are lost; one that comes late makes it one."""
    epoch = await system.open("CP1")
    numbers = [number for number in (*range(20, 40), *range(20)) if number not in {7, 31}]
    await _send(system, *(_item(system, epoch, number, last=number == 39) for number in numbers))
    report = await _report(system)
    assert (report.state, report.parts, list(report.missing_parts)) == (INCOMPLETE, 38, [7, 31])
    await _send(system, _item(system, epoch, 31))
    assert list((await _report(system)).missing_parts) == [7]


async def test_a_doubled_part_is_counted_and_a_repeated_frame_is_not(system: StationSystem) -> None:
    epoch = await system.open("CP1")
    first = _item(system, epoch, 0)
    await _send(system, first, first)
    await _send(system, first)
    assert (await _report(system)).doubled_parts == 0
    await _send(system, _item(system, epoch, 0))
    await _send(system, _item(system, epoch, 1, last=True))
    report = await _report(system)
    assert (report.state, report.parts, report.doubled_parts) == (COMPLETE, 2, 1)


async def test_a_report_that_falls_silent_is_incomplete(system: StationSystem, clock: FakeClock) -> None:
    epoch = await system.open("CP1")
    await _send(system, _item(system, epoch, 0))
    assert (await _report(system)).state == RECEIVING
    clock.advance(SILENCE_US / SECOND_US + 1)
    assert (await _report(system)).state == INCOMPLETE


async def test_reports_that_nobody_requested_are_limited(system: StationSystem) -> None:
    """The newest stay."""
    epoch = await system.open("CP1")
    for number in range(MOST_REPORTS + 5):
        await _send(system, _item(system, epoch, 0, last=True, report_id=number))
    assert await system.count(partial_report) == MOST_REPORTS
    report = await _report(system, MOST_REPORTS + 4)
    assert report.station_made
