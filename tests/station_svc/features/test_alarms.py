"""Events of stations: alarms, readings, and the limits of one station."""

from typing import Any

from csms.common.v1.evse_pb2 import EvseRef
from csms.condition.v1 import condition_pb2
from csms.station.v1 import alarm_pb2 as pb
from csms.station.v1 import monitoring_pb2, monitoring_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceStub
from csms.station.v1.station_pb2 import Variable

from mesh.conditions.queries import Search
from mesh.identity.callers import WHOLE_TENANT
from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.api.conditions import condition_queries
from station_svc.features.monitoring import models
from station_svc.features.monitoring.limits import MOST_ALERTS, MOST_READINGS, WINDOW_US
from tests.conftest import FakeClock
from tests.station_svc.conftest import StationSystem, of_tenant, reason_of

OPEN, CLOSED = pb.ALARM_STATE_OPEN, pb.ALARM_STATE_CLOSED
TEMPERATURE = Variable(component="ChargingStation", variable="Temperature")


def _entry(
    trigger: pb.EventTrigger.ValueType = pb.EVENT_TRIGGER_ALERTING, *, value: str = "75", **more: Any
) -> pb.EventEntry:
    entry = pb.EventEntry(event_id=1, trigger=trigger, variable=TEMPERATURE, **more)
    entry.variable.value = value
    return entry


def _item(
    system: StationSystem, station_id: str, epoch: int, *entries: pb.EventEntry, ordinal: int | None = None
) -> ingest_pb2.ReportItem:
    origin = system.origin(station_id, epoch, ordinal)
    return ingest_pb2.ReportItem(origin=origin, event_report=pb.EventReport(entries=entries))


async def _send(system: StationSystem, station_id: str, epoch: int, *entries: pb.EventEntry) -> None:
    assert [reason_of(one) for one in await system.notify(_item(system, station_id, epoch, *entries))] == [""]


async def _alarms(system: StationSystem, filter_text: str = "", **call: Any) -> list[pb.Alarm]:
    request = monitoring_service_pb2.ListAlarmsRequest(filter=filter_text)
    return list((await MonitoringServiceStub(system.operators).ListAlarms(request, **call)).alarms)


async def _reports(system: StationSystem, station_id: str) -> list[pb.EventReport]:
    request = monitoring_service_pb2.ListEventReportsRequest(station_id=station_id)
    return list((await MonitoringServiceStub(system.operators).ListEventReports(request)).event_reports)


async def test_alerting_opens_an_alarm_and_cleared_closes_it(system: StationSystem, clock: FakeClock) -> None:
    """One that is reported again is the same; one that recurs after that is another."""
    epoch = await system.open("CP1")
    opened = to_timestamp(clock())
    await _send(system, "CP1", epoch, _entry(monitor_id=4, tech_code="E1", event_time=opened))
    await _send(system, "CP1", epoch, _entry(monitor_id=4, value="80"))
    [alarm] = await _alarms(system)
    assert (alarm.state, alarm.count, alarm.variable.value, alarm.tech_code) == (OPEN, 2, "80", "E1")
    assert (alarm.open_time, alarm.monitor_id) == (opened, 4)
    await _send(system, "CP1", epoch, _entry(monitor_id=4, value="60", cleared=True))
    await _send(system, "CP1", epoch, _entry(monitor_id=4, value="90"))
    assert [(one.state, one.variable.value) for one in await _alarms(system)] == [(OPEN, "90"), (CLOSED, "80")]
    assert [one.variable.value for one in await _alarms(system, "state = OPEN")] == ["90"]
    assert [kind for kind, _station, _data in await system.events("alarm.")] == [
        "alarm.opened",
        "alarm.closed",
        "alarm.opened",
    ]


async def test_readings_are_no_alarms(system: StationSystem) -> None:
    """Delta and Periodic, whatever else they say; they are kept as they came."""
    epoch = await system.open("CP1")
    await _send(system, "CP1", epoch, _entry(pb.EVENT_TRIGGER_DELTA, monitor_id=1, value="5", tech_info="up"))
    await _send(system, "CP1", epoch, _entry(pb.EVENT_TRIGGER_PERIODIC, monitor_id=1, value="6", cleared=True))
    assert await _alarms(system) == []
    found = [entry for report in await _reports(system, "CP1") for entry in report.entries]
    assert [(one.variable.value, one.tech_info) for one in found] == [("6", ""), ("5", "up")]


async def test_each_variable_and_monitor_has_an_alarm_of_its_own(system: StationSystem) -> None:
    """Another monitor, another connector; names have no case."""
    epoch = await system.open("CP1")
    at_connector = _entry()
    at_connector.variable.evse.CopyFrom(EvseRef(evse_id=1, connector_id=1))
    shouted = _entry(value="81")
    shouted.variable.component = "CHARGINGSTATION"
    await _send(system, "CP1", epoch, _entry(), _entry(monitor_id=0), _entry(monitor_id=1), at_connector, shouted)
    assert len(await _alarms(system)) == 4
    await _send(system, "CP1", epoch, _entry(cleared=True))
    assert sorted(one.state for one in await _alarms(system)) == [OPEN, OPEN, OPEN, CLOSED]


async def test_a_repeated_frame_counts_once(system: StationSystem) -> None:
    """Within a batch and in a later one; one that comes late does not open again what is closed."""
    epoch = await system.open("CP1")
    alert = _item(system, "CP1", epoch, _entry(monitor_id=1), ordinal=1)
    over = _item(system, "CP1", epoch, _entry(monitor_id=1, cleared=True), ordinal=3)
    late = _item(system, "CP1", epoch, _entry(monitor_id=1), ordinal=2)
    for batch in ((alert, alert), (alert,), (over, alert), (late,), (over,)):
        assert {reason_of(one) for one in await system.notify(*batch)} == {""}
    [alarm] = await _alarms(system)
    assert (alarm.state, alarm.count) == (CLOSED, 1)
    assert await system.count(models.event_report) == 3


async def test_a_storm_of_readings_is_limited_and_hides_no_alarm(system: StationSystem, clock: FakeClock) -> None:
    """Of one station and minute; another station, and the next minute, have limits of their own."""
    epoch, other = await system.open("CP1"), await system.open("CP2")
    storm = [_entry(pb.EVENT_TRIGGER_PERIODIC, value=str(number)) for number in range(MOST_READINGS + 30)]
    await _send(system, "CP1", epoch, *storm)
    await _send(system, "CP1", epoch, _entry(monitor_id=1))
    await _send(system, "CP2", other, _entry(pb.EVENT_TRIGGER_DELTA))
    alert, readings = await _reports(system, "CP1")
    assert (len(readings.entries), readings.dropped_entries) == (MOST_READINGS, 30)
    assert (len(alert.entries), alert.dropped_entries) == (1, 0)
    assert len(await _alarms(system)) == 1
    assert [one.dropped_entries for one in await _reports(system, "CP2")] == [0]
    assert [station for _kind, station, _data in await system.events("station.events_dropped")] == ["CP1"]
    clock.advance(WINDOW_US / SECOND_US)
    await _send(system, "CP1", epoch, _entry(pb.EVENT_TRIGGER_DELTA))
    assert (await _reports(system, "CP1"))[0].dropped_entries == 0


async def test_a_storm_of_alerts_still_closes_alarms(system: StationSystem) -> None:
    """Beyond the limit no alarm is opened; one that is open is closed all the same."""
    epoch = await system.open("CP1")
    await _send(system, "CP1", epoch, *(_entry(monitor_id=number) for number in range(MOST_ALERTS + 20)))
    assert len(await _alarms(system, "state = OPEN")) == 50
    assert await system.count(models.alarm) == MOST_ALERTS
    await _send(system, "CP1", epoch, _entry(monitor_id=0, cleared=True))
    assert [one.monitor_id for one in await _alarms(system, "state = CLOSED")] == [0]


async def test_severe_alarms_are_conditions(system: StationSystem) -> None:
    """Severity 0 to 3, by the monitor as it is known here; one without a known monitor is none."""
    epoch = await system.open("CP1")
    part = monitoring_pb2.MonitoringReportPart(
        report_id=1,
        monitors=[
            monitoring_pb2.Monitor(monitor_id=number, variable=TEMPERATURE, severity=number) for number in (0, 3, 4)
        ],
    )
    report = ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), monitoring_report=part)
    assert [reason_of(one) for one in await system.notify(report)] == [""]
    await _send(system, "CP1", epoch, *(_entry(monitor_id=number) for number in (0, 3, 4, 99)))
    found = await _conditions(system)
    assert sorted(one.reason for one in found) == ["SEVERITY_0", "SEVERITY_3"]
    assert {one.kind for one in found} == {condition_pb2.CONDITION_KIND_ALARM_OPEN}
    await _send(system, "CP1", epoch, _entry(monitor_id=0, cleared=True))
    assert [one.reason for one in await _conditions(system)] == ["SEVERITY_3"]


async def _conditions(system: StationSystem) -> list[condition_pb2.Condition]:
    search = Search(
        tenant_id="default",
        now_us=system.clock(),
        kinds={condition_pb2.CONDITION_KIND_ALARM_OPEN: WHOLE_TENANT},
        limit=10,
    )
    return await system.database.read(lambda connection: condition_queries().find(connection, search))


async def test_alarms_of_other_tenants_are_not_listed(system: StationSystem) -> None:
    epoch = await system.open("CP1")
    await _send(system, "CP1", epoch, _entry())
    assert await _alarms(system, metadata=of_tenant("acme")) == []
    assert len(await _alarms(system)) == 1


async def test_several_connectors_of_one_frame_have_their_statuses(system: StationSystem) -> None:
    """NotifyEvent may report many; each that changed is an event of its own."""
    epoch = await system.open("CP1")
    item = system.status_item("CP1", epoch, evse_id=1)
    other = system.status_item("CP1", epoch, ordinal=99, evse_id=2, word="Occupied")
    item.further_statuses.append(other.status)
    assert [reason_of(one) for one in await system.report(item)] == [""]
    station = await system.station("CP1")
    assert {evse.evse_id: evse.connectors[0].reported_status for evse in station.evses} == {
        1: "Available",
        2: "Occupied",
    }
    changed = [data["evseId"] for _kind, _station, data in await system.events("station.status_changed")]
    assert sorted(changed) == [1, 2]
