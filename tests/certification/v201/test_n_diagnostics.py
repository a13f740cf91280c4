"""Block N, diagnostics: monitors, events, customer information. Logs are in another file.

Of these cases only the names are public: their steps are our reading of the use cases that the list names.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.common.v1.status_info_pb2 import GENERIC_STATUS_ACCEPTED, GENERIC_STATUS_REJECTED
from csms.station.v1 import (
    alarm_pb2,
    certificate_pb2,
    customer_information_service_pb2,
    device_model_pb2,
    local_list_pb2,
    monitoring_service_pb2,
)
from csms.station.v1 import customer_information_pb2 as customers
from csms.station.v1 import monitoring_pb2 as monitors
from csms.station.v1 import partial_report_pb2 as reports
from csms.station.v1.customer_information_service_pb2_grpc import CustomerInformationServiceStub
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceStub
from csms.station.v1.station_pb2 import Variable

from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
TEMPERATURE = Variable(component="ChargingStation", variable="Temperature")
OUTPUT = Variable(component="EVSE", variable="Power")
NAMES = {
    "component": {"name": "ChargingStation"},
    "variable": {"name": "Temperature"},
}
_EVENTS = count(1)


# What an operator sees


async def _monitors(station: ChargingStation) -> dict[int, monitors.Monitor]:
    stub = MonitoringServiceStub(station.mesh.station_channel)
    request = monitoring_service_pb2.ListMonitorsRequest(station_id=station.station_id)
    found = await stub.ListMonitors(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return {one.monitor_id: one for one in found.monitors}


async def _report(station: ChargingStation) -> reports.PartialReport:
    stub = MonitoringServiceStub(station.mesh.station_channel)
    request = monitoring_service_pb2.ListMonitoringReportsRequest(station_id=station.station_id)
    found = await stub.ListMonitoringReports(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    [report] = found.monitoring_reports
    made: reports.PartialReport = report
    return made


async def _alarms(station: ChargingStation) -> Sequence[alarm_pb2.Alarm]:
    stub = MonitoringServiceStub(station.mesh.station_channel)
    request = monitoring_service_pb2.ListAlarmsRequest(filter=f'station_id = "{station.station_id}"')
    found = await stub.ListAlarms(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    alarms: Sequence[alarm_pb2.Alarm] = found.alarms
    return alarms


async def _events(station: ChargingStation) -> Sequence[alarm_pb2.EventReport]:
    stub = MonitoringServiceStub(station.mesh.station_channel)
    request = monitoring_service_pb2.ListEventReportsRequest(station_id=station.station_id)
    found = await stub.ListEventReports(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    event_reports: Sequence[alarm_pb2.EventReport] = found.event_reports
    return event_reports


async def _customers(station: ChargingStation) -> customer_information_service_pb2.CustomerReport:
    stub = CustomerInformationServiceStub(station.mesh.station_channel)
    request = customer_information_service_pb2.ListCustomerReportsRequest(station_id=station.station_id)
    found = await stub.ListCustomerReports(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    [report] = found.customer_reports
    made: customer_information_service_pb2.CustomerReport = report
    return made


# What the station sends


def _monitored(monitor_id: int, kind: str = "UpperThreshold", value: float = 70) -> dict[str, Any]:
    monitor = {"id": monitor_id, "transaction": False, "value": value, "type": kind, "severity": 3}
    return {**NAMES, "variableMonitoring": [monitor]}


async def _send_report(station: ChargingStation, request_id: int, *items: dict[str, Any]) -> None:
    """N02: the report in parts, one monitor each."""
    for seq_no, item in enumerate(items):
        fields = {"requestId": request_id, "seqNo": seq_no, "generatedAt": now(), "tbc": seq_no < len(items) - 1}
        assert await station.call("NotifyMonitoringReport", monitor=[item], **fields) == {}


async def _send_event(station: ChargingStation, **more: Any) -> None:
    """N07, N08: one event."""
    event = {
        "eventId": next(_EVENTS),
        "timestamp": now(),
        "trigger": "Alerting",
        "actualValue": "75",
        "eventNotificationType": "CustomMonitor",
        **NAMES,
    }
    fields = {"generatedAt": now(), "seqNo": 0, "tbc": False}
    assert await station.call("NotifyEvent", eventData=[event | more], **fields) == {}


# Monitors


async def _get_report(station: ChargingStation, **wanted: Any) -> dict[str, Any]:
    """An operator requests a report; returns what the station was sent beside the number."""
    action, payload, told = await station.told("GetMonitoringReport", ACCEPTED, **wanted)
    assert action == "GetMonitoringReport"
    assert (told.status, told.report_id) == (device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED, payload["requestId"])
    await _send_report(station, payload["requestId"], _monitored(1), _monitored(2, "Delta", 5))
    assert (await _report(station)).state == reports.PARTIAL_REPORT_STATE_COMPLETE
    assert {number: one.type for number, one in (await _monitors(station)).items()} == {
        1: monitors.MONITOR_TYPE_UPPER_THRESHOLD,
        2: monitors.MONITOR_TYPE_DELTA,
    }
    del payload["requestId"]
    found: dict[str, Any] = payload
    return found


THRESHOLDS = [monitors.MONITORING_CRITERION_THRESHOLD_MONITORING, monitors.MONITORING_CRITERION_DELTA_MONITORING]
WORDS = ["ThresholdMonitoring", "DeltaMonitoring"]


async def test_tc_n_01_csms(station: ChargingStation) -> None:
    """N02: by criteria."""
    assert await _get_report(station, criteria=THRESHOLDS) == {"monitoringCriteria": WORDS}


async def test_tc_n_02_csms(station: ChargingStation) -> None:
    """N02: of one component and variable."""
    assert await _get_report(station, variables=[TEMPERATURE]) == {"componentVariable": [NAMES]}


async def test_tc_n_03_csms(station: ChargingStation) -> None:
    """N02: by criteria, of one component and variable."""
    sent = await _get_report(station, criteria=THRESHOLDS, variables=[TEMPERATURE])
    assert sent == {"monitoringCriteria": WORDS, "componentVariable": [NAMES]}


async def test_tc_n_60_csms(station: ChargingStation) -> None:
    """N02: by criteria, of several; a component may be named alone."""
    sent = await _get_report(station, criteria=THRESHOLDS, variables=[TEMPERATURE, Variable(component="EVSE")])
    assert sent["componentVariable"] == [NAMES, {"component": {"name": "EVSE"}}]


async def test_tc_n_47_csms(station: ChargingStation) -> None:
    """N02: all. Monitors that the report does not have are gone."""
    await _set(station, monitors.Monitor(variable=OUTPUT, type=monitors.MONITOR_TYPE_DELTA, value=1), 9)
    assert set(await _monitors(station)) == {9}
    assert await _get_report(station) == {}


async def test_tc_n_05_csms(station: ChargingStation) -> None:
    """N03: each set of monitors."""
    for base, word in (
        (monitors.MONITORING_BASE_ALL, "All"),
        (monitors.MONITORING_BASE_FACTORY_DEFAULT, "FactoryDefault"),
        (monitors.MONITORING_BASE_HARD_WIRED_ONLY, "HardWiredOnly"),
    ):
        action, payload, told = await station.told("SetMonitoringBase", ACCEPTED, monitoring_base=base)
        assert (action, payload) == ("SetMonitoringBase", {"monitoringBase": word})
        assert told.status == device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED


async def _set(station: ChargingStation, monitor: monitors.Monitor, monitor_id: int) -> dict[str, Any]:
    """An operator sets a monitor, which the station accepts; returns what it was sent."""
    variable = monitor.variable
    names = {"component": {"name": variable.component}, "variable": {"name": variable.variable}}
    kind = {
        monitors.MONITOR_TYPE_UPPER_THRESHOLD: "UpperThreshold",
        monitors.MONITOR_TYPE_LOWER_THRESHOLD: "LowerThreshold",
        monitors.MONITOR_TYPE_DELTA: "Delta",
        monitors.MONITOR_TYPE_PERIODIC: "Periodic",
    }[monitor.type]
    result = {"id": monitor_id, "status": "Accepted", "type": kind, "severity": monitor.severity, **names}
    action, payload, told = await station.told(
        "SetVariableMonitoring", {"setMonitoringResult": [result]}, monitors=[monitor]
    )
    assert action == "SetVariableMonitoring"
    assert [(one.status, one.monitor.monitor_id) for one in told.results] == [
        (monitors.SET_MONITORING_STATUS_ACCEPTED, monitor_id)
    ]
    [sent] = payload["setMonitoringData"]
    made: dict[str, Any] = sent
    return made


async def test_tc_n_08_csms(station: ChargingStation) -> None:
    """N04: one monitor, which is listed from then on."""
    wanted = monitors.Monitor(
        variable=TEMPERATURE, type=monitors.MONITOR_TYPE_UPPER_THRESHOLD, value=70.5, severity=4, transaction=True
    )
    sent = await _set(station, wanted, 11)
    assert sent == {"value": 70.5, "type": "UpperThreshold", "severity": 4, "transaction": True, **NAMES}
    [(number, found)] = (await _monitors(station)).items()
    assert (number, found.value, found.severity, found.transaction) == (11, 70.5, 4, True)
    assert (found.variable.component, found.variable.variable) == ("ChargingStation", "Temperature")


async def test_tc_n_09_csms(station: ChargingStation) -> None:
    """N04: several, of different components and variables; answers come in any order."""
    wanted = [
        monitors.Monitor(variable=TEMPERATURE, type=monitors.MONITOR_TYPE_UPPER_THRESHOLD, value=70, severity=1),
        monitors.Monitor(variable=OUTPUT, type=monitors.MONITOR_TYPE_DELTA, value=100, severity=8),
    ]
    results = [
        {
            "id": 2,
            "status": "Accepted",
            "type": "Delta",
            "severity": 8,
            "component": {"name": "EVSE"},
            "variable": {"name": "Power"},
        },
        {"status": "Rejected", "type": "UpperThreshold", "severity": 1, **NAMES},
    ]
    _action, payload, told = await station.told(
        "SetVariableMonitoring", {"setMonitoringResult": results}, monitors=wanted
    )
    assert len(payload["setMonitoringData"]) == 2
    assert [one.status for one in told.results] == [
        monitors.SET_MONITORING_STATUS_REJECTED,
        monitors.SET_MONITORING_STATUS_ACCEPTED,
    ]
    assert set(await _monitors(station)) == {2}


async def test_tc_n_16_csms(station: ChargingStation) -> None:
    """N05: the level."""
    action, payload, told = await station.told("SetMonitoringLevel", ACCEPTED, severity=4)
    assert (action, payload) == ("SetMonitoringLevel", {"severity": 4})
    assert told.status == GENERIC_STATUS_ACCEPTED


async def test_tc_n_17_csms(station: ChargingStation) -> None:
    """N05: a level beyond the range, which the station refuses."""
    _action, payload, told = await station.told("SetMonitoringLevel", {"status": "Rejected"}, severity=10)
    assert payload == {"severity": 10}
    assert told.status == GENERIC_STATUS_REJECTED


async def test_tc_n_18_csms(station: ChargingStation) -> None:
    """N06: more than the station takes at once: no CALL has more than ItemsPerMessage."""
    limit = Variable(
        component="MonitoringCtrlr", variable="ItemsPerMessage", variable_instance="ClearVariableMonitoring"
    )
    result = {
        "attributeStatus": "Accepted",
        "attributeValue": "2",
        "component": {"name": "MonitoringCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "ClearVariableMonitoring"},
    }
    await station.told("GetVariables", {"getVariableResult": [result]}, variables=[limit])

    def answer(*numbers: int) -> dict[str, Any]:
        return {"clearMonitoringResult": [{"status": "Accepted", "id": number} for number in numbers]}

    command = monitors.ClearVariableMonitoringRequest(station_id=station.station_id, monitor_ids=[1, 2, 3])
    clearing = station.mesh.commands.ClearVariableMonitoring
    asking = asyncio.ensure_future(clearing(command, metadata=station.mesh.metadata, timeout=TIMEOUT_S))
    assert (await station.next_call(answer(1, 2)))[1] == {"id": [1, 2]}
    assert (await station.next_call(answer(3)))[1] == {"id": [3]}
    told = await asking
    assert [one.status for one in told.results] == [monitors.CLEAR_MONITORING_STATUS_ACCEPTED] * 3


async def test_tc_n_44_csms(station: ChargingStation) -> None:
    """N06: a monitor that the station does not clear stays."""
    wanted = monitors.Monitor(variable=TEMPERATURE, type=monitors.MONITOR_TYPE_LOWER_THRESHOLD, value=-5, severity=2)
    await _set(station, wanted, 3)
    answer = {"clearMonitoringResult": [{"status": "Rejected", "id": 3}]}
    _action, payload, told = await station.told("ClearVariableMonitoring", answer, monitor_ids=[3])
    assert payload == {"id": [3]}
    assert [one.status for one in told.results] == [monitors.CLEAR_MONITORING_STATUS_REJECTED]
    assert set(await _monitors(station)) == {3}


# Events


async def test_tc_n_21_csms(station: ChargingStation) -> None:
    """N07: an alert of a hard-wired monitor opens an alarm."""
    await _send_event(station, eventNotificationType="HardWiredMonitor", variableMonitoringId=1, techCode="E7")
    [alarm] = await _alarms(station)
    assert (alarm.state, alarm.variable.value, alarm.tech_code) == (alarm_pb2.ALARM_STATE_OPEN, "75", "E7")
    assert alarm.notification_type == alarm_pb2.EVENT_NOTIFICATION_TYPE_HARD_WIRED_MONITOR


async def test_tc_n_24_csms(station: ChargingStation) -> None:
    """N08: a periodic monitor is set; what it reports is a reading."""
    wanted = monitors.Monitor(variable=TEMPERATURE, type=monitors.MONITOR_TYPE_PERIODIC, value=30, severity=8)
    assert (await _set(station, wanted, 5))["value"] == 30
    await _send_event(station, trigger="Periodic", variableMonitoringId=5, actualValue="41.5")
    assert await _alarms(station) == []
    [report] = await _events(station)
    assert report.entries[0].variable.value == "41.5"


async def test_tc_n_48_csms(station: ChargingStation) -> None:
    """N07: an alert of a variable that can only be written has no value."""
    names = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    await _send_event(station, **names, actualValue="", variableMonitoringId=4)
    [alarm] = await _alarms(station)
    assert (alarm.state, alarm.variable.value) == (alarm_pb2.ALARM_STATE_OPEN, "")


async def test_tc_n_49_csms(station: ChargingStation) -> None:
    """N07: a threshold was passed, the station reboots and reports that it is cleared: the alarm is closed."""
    await _send_event(station, variableMonitoringId=6, actualValue="80")
    await station.boot("LocalReset")
    await _send_event(station, variableMonitoringId=6, actualValue="20", cleared=True)
    [alarm] = await _alarms(station)
    assert alarm.state == alarm_pb2.ALARM_STATE_CLOSED
    assert alarm.HasField("close_time")


async def test_tc_n_50_csms(station: ChargingStation) -> None:
    """N08: periodic events are taken, each on its own."""
    for value in ("40", "41"):
        await _send_event(station, trigger="Periodic", variableMonitoringId=7, actualValue=value)
    found = [one.entries[0].variable.value for one in await _events(station)]
    assert found == ["41", "40"]
    assert await _alarms(station) == []


# Customer information

DRIVER = IdToken(id_token="DRIVER-7", type="ISO14443")
CERTIFICATE = certificate_pb2.CertificateHashData(
    hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA256,
    issuer_name_hash="ab",
    issuer_key_hash="cd",
    serial_number="7",
)


async def _request(station: ChargingStation, answer: str = "Accepted", **fields: Any) -> dict[str, Any]:
    """An operator requests it; returns what the station was sent."""
    action, payload, told = await station.told("CustomerInformation", {"status": answer}, **fields)
    assert action == "CustomerInformation"
    assert told.report_id == payload["requestId"]
    sent: dict[str, Any] = payload
    return sent


async def _tell(station: ChargingStation, request_id: int, *data: str) -> None:
    for seq_no, text in enumerate(data):
        fields = {"requestId": request_id, "seqNo": seq_no, "generatedAt": now(), "tbc": seq_no < len(data) - 1}
        assert await station.call("NotifyCustomerInformation", data=text, **fields) == {}


async def _reports(station: ChargingStation, *, clear: bool, data: Sequence[str], **driver: Any) -> dict[str, Any]:
    sent = await _request(station, report=True, clear=clear, **driver)
    assert (sent["report"], sent["clear"]) == (True, clear)
    await _tell(station, sent["requestId"], *data)
    found = await _customers(station)
    assert (found.data, found.report.state) == ("".join(data), reports.PARTIAL_REPORT_STATE_COMPLETE)
    assert (found.reported, found.cleared) == (True, clear)
    return sent


async def test_tc_n_27_csms(station: ChargingStation) -> None:
    """N09: the station reports what it stores, in two parts."""
    sent = await _reports(station, clear=False, data=["charged on 1 May, ", "charged on 2 May"], id_token=DRIVER)
    assert sent["idToken"] == {"idToken": "DRIVER-7", "type": "ISO14443"}


async def test_tc_n_28_csms(station: ChargingStation) -> None:
    """N09: the station stores nothing."""
    await _reports(station, clear=False, data=[""], id_token=DRIVER)


async def test_tc_n_29_csms(station: ChargingStation) -> None:
    """N09: the station refuses."""
    await _request(station, "Rejected", report=True, id_token=DRIVER)
    found = await _customers(station)
    assert found.status == customers.CUSTOMER_INFORMATION_STATUS_REJECTED
    assert found.report.state == reports.PARTIAL_REPORT_STATE_REFUSED


async def test_tc_n_30_csms(station: ChargingStation) -> None:
    """N10: cleared, and reported before."""
    await _reports(station, clear=True, data=["a driver of May"], id_token=DRIVER)


async def test_tc_n_31_csms(station: ChargingStation) -> None:
    """N10: cleared, and there was nothing to report."""
    await _reports(station, clear=True, data=[""], id_token=DRIVER)


async def test_tc_n_32_csms(station: ChargingStation) -> None:
    """N10: cleared, without a report."""
    sent = await _request(station, clear=True, id_token=DRIVER)
    assert (sent["report"], sent["clear"]) == (False, True)
    assert (await _customers(station)).report.state == reports.PARTIAL_REPORT_STATE_EMPTY


async def test_tc_n_62_csms(station: ChargingStation) -> None:
    """N10: by a customer's identifier."""
    sent = await _reports(station, clear=True, data=["x"], customer_identifier="ACCOUNT-1")
    assert sent["customerIdentifier"] == "ACCOUNT-1"


async def test_tc_n_63_csms(station: ChargingStation) -> None:
    """N10: by a certificate."""
    sent = await _reports(station, clear=True, data=["x"], customer_certificate=CERTIFICATE)
    assert sent["customerCertificate"] == {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "ab",
        "issuerKeyHash": "cd",
        "serialNumber": "7",
    }


async def test_tc_n_46_csms(station: ChargingStation) -> None:
    """N10: the driver is on the local list: cleared at the station, and taken off the list by an update of it."""
    await _request(station, clear=True, id_token=DRIVER)
    entry = {"id_token": {"id_token": "DRIVER-7", "type": "ISO14443"}}
    action, payload, told = await station.told(
        "SendLocalList",
        ACCEPTED,
        version_number=2,
        update_type=local_list_pb2.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL,
        entries=[entry],
    )
    assert (action, told.status) == ("SendLocalList", local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED)
    assert payload["localAuthorizationList"] == [{"idToken": {"idToken": "DRIVER-7", "type": "ISO14443"}}]
