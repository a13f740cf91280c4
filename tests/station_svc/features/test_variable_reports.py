"""Reports of variables: parts in any order become the device model; one that is missing or doubled is seen."""

import random
from collections.abc import Sequence
from typing import Any

from csms.common.v1.evse_pb2 import EvseRef
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import device_model_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.device_model_service_pb2 import (
    GetVariableReportRequest,
    ListVariableChangesRequest,
    ListVariableReportsRequest,
)
from csms.station.v1.device_model_service_pb2_grpc import DeviceModelServiceStub

from station_svc.features.device_model import report_store
from station_svc.features.device_model.rows import PATIENCE_US
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE
from tests.station_svc.commands.far_gateway import answering, failing
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant, reason_of

RECEIVING, COMPLETE = pb.VARIABLE_REPORT_STATE_RECEIVING, pb.VARIABLE_REPORT_STATE_COMPLETE
INCOMPLETE, REFUSED = pb.VARIABLE_REPORT_STATE_INCOMPLETE, pb.VARIABLE_REPORT_STATE_REFUSED
FULL = pb.REPORT_BASE_FULL_INVENTORY


def attribute(name: str, value: str = "1", *, without_value: bool = False, **more: Any) -> pb.ReportedAttribute:
    """An attribute of a variable of the component C."""
    variable = station_pb2.Variable(component="C", variable=name, attribute_type="Actual", value=value, **more)
    return pb.ReportedAttribute(variable=variable, without_value=without_value)


def part(number: int, *attributes: pb.ReportedAttribute, report: int = 7, last: bool = False) -> pb.VariableReportPart:
    """A part of a report."""
    return pb.VariableReportPart(
        variable_report_id=report, seq_no=number, to_be_continued=not last, attributes=attributes
    )


class Reports:
    """A connected station, and what operators see of its device model."""

    def __init__(self, system: StationSystem, epoch: int) -> None:
        self.system = system
        self.epoch = epoch
        self.service: Any = DeviceModelServiceStub(system.operators)

    async def send(self, *parts: pb.VariableReportPart, ordinal: int | None = None) -> None:
        """The station sends parts, all in one batch."""
        items = [
            ingest_pb2.ReportItem(origin=self.system.origin("CP1", self.epoch, ordinal), variable_report_part=one)
            for one in parts
        ]
        assert [reason_of(result) for result in await self.system.notify(*items)] == [""] * len(parts)

    async def report(self, number: int = 7) -> pb.VariableReport:
        """A report."""
        request = GetVariableReportRequest(station_id="CP1", variable_report_id=number)
        found: pb.VariableReport = (await self.service.GetVariableReport(request)).variable_report
        return found

    async def variables(self, text: str = "", size: int = 1000) -> list[station_pb2.Variable]:
        """The device model, all pages of it."""
        found: list[station_pb2.Variable] = []
        token = ""
        while True:
            request = station_service_pb2.ListVariablesRequest(
                station_id="CP1", filter=text, page_size=size, page_token=token
            )
            page = await self.system.stations.ListVariables(request)
            found += page.variables
            token = page.next_page_token
            if not token:
                return found

    async def names(self, text: str = "") -> list[str]:
        """The names of variables that a filter finds."""
        return [one.variable for one in await self.variables(text)]


async def _reports(system: StationSystem) -> Reports:
    return Reports(system, await system.open("CP1", version="2.0.1"))


async def test_2600_variables_in_40_parts_out_of_order_with_one_lost(system: StationSystem, clock: FakeClock) -> None:
    """Known fault of another system: the 39 parts are there, the lost one is named, and completes the report later."""
    reports = await _reports(system)
    parts = [
        part(number, *(attribute(f"V{number * 65 + index:04}") for index in range(65)), last=number == 39)
        for number in range(40)
    ]
    lost = parts.pop(17)
    random.Random(1).shuffle(parts)  # noqa: S311 - an order, no secret
    for begin in range(0, len(parts), 8):
        await reports.send(*parts[begin : begin + 8])
    assert len(await reports.variables()) == 2600 - 65
    found = await reports.report()
    assert (found.state, found.received_parts, found.last_part) == (RECEIVING, 39, 39)
    assert list(found.missing_parts) == [17]
    clock.advance(PATIENCE_US / 1e6 + 1)
    await system.housekeeper.end_due()
    assert (await reports.report()).state == INCOMPLETE
    [(_kind, station_id, data)] = await system.events("station.variable_report_incomplete")
    assert (station_id, data["missingParts"], data["receivedParts"], data["lastPart"]) == ("CP1", [17], 39, 39)
    await reports.send(lost)
    found = await reports.report()
    assert (found.state, found.attribute_count, list(found.missing_parts)) == (COMPLETE, 2600, [])
    assert await reports.names() == [f"V{number:04}" for number in range(2600)]
    [(_kind, _station, data)] = await system.events("station.variable_report_completed")
    assert (data["receivedParts"], data["attributeCount"]) == (40, 2600)


async def test_a_lost_last_part_leaves_the_report_incomplete(system: StationSystem, clock: FakeClock) -> None:
    reports = await _reports(system)
    await reports.send(part(0, attribute("A")), part(1, attribute("B")))
    clock.advance(PATIENCE_US / 1e6 + 1)
    await system.housekeeper.end_due()
    found = await reports.report()
    assert (found.state, found.HasField("last_part"), list(found.missing_parts)) == (INCOMPLETE, False, [])


async def test_a_doubled_part_is_seen_and_a_repeated_frame_is_none(system: StationSystem) -> None:
    reports = await _reports(system)
    await reports.send(part(0, attribute("A", "1")), ordinal=1)
    await reports.send(part(0, attribute("A", "1")), ordinal=1)
    assert list((await reports.report()).doubled_parts) == []
    await reports.send(part(0, attribute("A", "2")), ordinal=2)
    await reports.send(part(1, attribute("B"), last=True), ordinal=3)
    found = await reports.report()
    assert (found.state, found.received_parts, list(found.doubled_parts)) == (COMPLETE, 2, [0])
    assert [(one.variable, one.value) for one in await reports.variables()] == [("A", "2"), ("B", "1")]


async def test_all_that_a_report_states_of_a_variable_is_kept(system: StationSystem, clock: FakeClock) -> None:
    """Also when the value is read alone later; a value that is left out is no change of it."""
    reports = await _reports(system)
    characteristics = station_pb2.VariableCharacteristics(
        unit="A",
        data_type=station_pb2.VARIABLE_DATA_TYPE_DECIMAL,
        min_limit=0.5,
        max_limit=32,
        values_list="1,2",
        supports_monitoring=True,
    )
    told = station_pb2.Variable(
        component="Connector",
        component_instance="left",
        evse=EvseRef(evse_id=1, connector_id=2),
        variable="Current",
        variable_instance="L1",
        attribute_type="MaxSet",
        value="16",
        mutability=station_pb2.MUTABILITY_READ_WRITE,
        readonly=False,
        persistent=True,
        constant=False,
        characteristics=characteristics,
    )
    await reports.send(part(0, pb.ReportedAttribute(variable=told), last=True))
    [found] = await reports.variables()
    assert found.update_time.ToMicroseconds() == clock()
    found.ClearField("update_time")
    assert found == told
    clock.advance(1)
    bare = station_pb2.Variable()
    bare.CopyFrom(told)
    for name in ("value", "characteristics", "mutability", "persistent"):
        bare.ClearField(name)
    await reports.send(part(0, pb.ReportedAttribute(variable=bare, without_value=True), report=8, last=True))
    [found] = await reports.variables()
    assert found.update_time.ToMicroseconds() == clock()
    found.ClearField("update_time")
    assert found == told


async def test_a_changed_value_is_in_the_history(system: StationSystem, clock: FakeClock) -> None:
    """The first value is no change, nor is the same one again; a late report changes nothing."""
    reports = await _reports(system)
    for value in ("1", "1", "2", "3"):
        clock.advance(1)
        await reports.send(part(0, attribute("A", value), attribute("B"), last=True))
    request = ListVariableChangesRequest(station_id="CP1", filter='variable = "A"')
    changes = (await reports.service.ListVariableChanges(request)).variable_changes
    assert [(one.former_value, one.variable.value) for one in changes] == [("2", "3"), ("1", "2")]
    assert changes[0].change_time.ToMicroseconds() == clock()
    assert await system.count(models.variable_change) == 2


async def test_the_device_model_is_searched(system: StationSystem) -> None:
    reports = await _reports(system)
    await reports.send(
        part(
            0,
            attribute("HeartbeatInterval", "300", mutability=station_pb2.MUTABILITY_READ_WRITE),
            attribute("Power", "11000", mutability=station_pb2.MUTABILITY_READ_ONLY, evse=EvseRef(evse_id=2)),
            attribute("50%", "a_b"),
            last=True,
        )
    )
    assert await reports.names("text:HEART") == ["HeartbeatInterval"]
    assert await reports.names("text:1100") == ["Power"]
    assert await reports.names('text:"%"') == ["50%"]
    assert await reports.names('text:"_"') == ["50%"]
    assert await reports.names("evse_id = 2 AND mutability = READ_ONLY") == ["Power"]
    assert await reports.names('component = "D"') == []


async def test_a_station_has_room_for_so_many_variables(system: StationSystem, monkeypatch: Any) -> None:
    """Variables that it has already are still updated; the report says how many were left out."""
    monkeypatch.setattr("station_svc.core.variable_store.with_room.__kwdefaults__", {"most": 3})
    reports = await _reports(system)
    await reports.send(part(0, attribute("A", "1"), attribute("B", "1")))
    await reports.send(part(1, attribute("A", "2"), attribute("C"), attribute("D"), last=True))
    assert [(one.variable, one.value) for one in await reports.variables()] == [("A", "2"), ("B", "1"), ("C", "1")]
    assert (await reports.report()).skipped_count == 1


async def _ask(system: StationSystem, **more: Any) -> pb.GetBaseReportResponse:
    request = pb.GetBaseReportRequest(station_id="CP1", report_base=FULL, **more)
    return await system.commands.GetBaseReport(request)


def _answer(status: pb.DeviceModelStatus.ValueType, number: int) -> gateway_pb2.CallResponse:
    answer = pb.GetBaseReportResponse(status=status, variable_report_id=number)
    return gateway_pb2.CallResponse(get_base_report=answer)


async def test_a_requested_report_waits_for_its_parts(system: StationSystem, clock: FakeClock) -> None:
    reports = await _reports(system)
    system.gateway.behave = answering(_answer(pb.DEVICE_MODEL_STATUS_ACCEPTED, 9))
    await _ask(system, variable_report_id=9)
    found = await reports.report(9)
    assert (found.state, found.status, found.report_base) == (
        pb.VARIABLE_REPORT_STATE_REQUESTED,
        pb.DEVICE_MODEL_STATUS_ACCEPTED,
        FULL,
    )
    with fails_with("VARIABLE_REPORT_EXISTS"):
        await _ask(system, variable_report_id=9)
    await reports.send(part(0, attribute("A"), report=9, last=True))
    found = await reports.report(9)
    assert (found.state, found.report_base) == (COMPLETE, FULL)
    await _ask(system)
    made_up = system.gateway.calls[-1].get_base_report.variable_report_id
    assert made_up > 0
    clock.advance(3600)
    await system.housekeeper.end_due()
    assert (await reports.report(made_up)).state == INCOMPLETE


async def test_a_refused_request_is_a_refused_report_and_one_not_sent_is_none(system: StationSystem) -> None:
    reports = await _reports(system)
    system.gateway.behave = answering(_answer(pb.DEVICE_MODEL_STATUS_NOT_SUPPORTED, 9))
    await _ask(system, variable_report_id=9)
    found = await reports.report(9)
    assert (found.state, found.status) == (REFUSED, pb.DEVICE_MODEL_STATUS_NOT_SUPPORTED)
    for error, number in ((CALL_ERROR, 10), (OFFLINE, 11)):
        system.gateway.behave = failing(error)
        with fails_with(error.reason):
            await _ask(system, variable_report_id=number)
    assert (await reports.report(10)).state == REFUSED
    with fails_with("VARIABLE_REPORT_NOT_FOUND"):
        await reports.report(11)


async def _numbers(reports: Reports, **more: Any) -> Sequence[int]:
    request = ListVariableReportsRequest(station_id="CP1", **more)
    return [one.variable_report_id for one in (await reports.service.ListVariableReports(request)).variable_reports]


async def test_reports_are_listed_newest_first_and_only_so_many_are_kept(
    system: StationSystem, clock: FakeClock, monkeypatch: Any
) -> None:
    monkeypatch.setattr(report_store, "MOST_REPORTS", 3)
    reports = await _reports(system)
    for number in range(1, 6):
        clock.advance(1)
        await reports.send(part(0, attribute("A"), report=number, last=number % 2 == 0))
    assert await _numbers(reports) == [5, 4, 3]
    assert await _numbers(reports, filter="state = COMPLETE") == [4]
    assert await system.count(models.variable_report_part) == 3


async def test_another_tenant_sees_nothing(system: StationSystem) -> None:
    reports = await _reports(system)
    await reports.send(part(0, attribute("A"), last=True))
    for call in (
        reports.service.GetVariableReport(
            GetVariableReportRequest(station_id="CP1", variable_report_id=7), metadata=of_tenant("other")
        ),
        reports.service.ListVariableReports(ListVariableReportsRequest(station_id="CP1"), metadata=of_tenant("other")),
        reports.service.ListVariableChanges(ListVariableChangesRequest(station_id="CP1"), metadata=of_tenant("other")),
    ):
        with fails_with("STATION_NOT_FOUND"):
            await call
