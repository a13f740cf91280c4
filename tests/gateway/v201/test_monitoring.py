"""Monitors of 2.0.1: set, cleared, requested, and reported in parts."""

from typing import Any

import msgspec
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import monitoring_pb2 as pb
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.translation import CallFailure, IngestRpc, Payload, UnacceptableError
from gateway.ocpp.v201 import set_variable_monitoring
from mesh.runtime.error_reasons import Reason
from tests.gateway.v201 import helpers

TEMPERATURE = {"component": {"name": "ChargingStation"}, "variable": {"name": "Temperature"}}


def _monitor(severity: int = 3, **more: Any) -> pb.Monitor:
    fields: dict[str, Any] = {
        "variable": Variable(component="ChargingStation", variable="Temperature"),
        "type": pb.MONITOR_TYPE_UPPER_THRESHOLD,
        "value": 70,
        "severity": severity,
    }
    return pb.Monitor(**(fields | more))


def _set(*monitors: pb.Monitor, **limits: Any) -> pb.SetVariableMonitoringRequest:
    return pb.SetVariableMonitoringRequest(station_id="CP1", monitors=monitors, **limits)


def _answer(*items: dict[str, Any]) -> dict[str, Any]:
    return {"setMonitoringResult": [{"type": "UpperThreshold", "severity": 3, **TEMPERATURE, **item} for item in items]}


def test_a_monitor_is_sent_with_its_fields() -> None:
    """A whole number has no fraction; one that is replaced has its number, 0 too."""
    command = _set(_monitor(monitor_id=0, transaction=True), _monitor(value=8.1))
    [call] = helpers.to_calls("set_variable_monitoring", command)
    first, second = call["setMonitoringData"]
    assert first == {
        "id": 0,
        "transaction": True,
        "value": 70,
        "type": "UpperThreshold",
        "severity": 3,
        **TEMPERATURE,
    }
    assert isinstance(first["value"], int)
    assert second["value"] == 8.1
    assert "id" not in second


def test_a_place_within_the_station_is_named() -> None:
    variable = Variable(
        component="EVSE", component_instance="a", evse=EvseRef(evse_id=2, connector_id=1), variable="Power"
    )
    [call] = helpers.to_calls("set_variable_monitoring", _set(_monitor(variable=variable)))
    assert call["setMonitoringData"][0]["component"] == {
        "name": "EVSE",
        "instance": "a",
        "evse": {"id": 2, "connectorId": 1},
    }


@pytest.mark.parametrize(
    ("monitor", "field"),
    [
        (_monitor(type=pb.MONITOR_TYPE_TARGET_DELTA), "monitors[0].type"),
        (_monitor(type=pb.MONITOR_TYPE_UNSPECIFIED), "monitors[0].type"),
        (_monitor(severity=10), "monitors[0].severity"),
        (_monitor(severity=-1), "monitors[0].severity"),
        (_monitor(value=float("nan")), "monitors[0].value"),
        (_monitor(type=pb.MONITOR_TYPE_PERIODIC, value=-1), "monitors[0].value"),
        (_monitor(variable=Variable(component="C")), "monitors[0].variable.variable"),
    ],
)
def test_monitors_that_2_0_1_cannot_express(monitor: pb.Monitor, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("set_variable_monitoring", _set(monitor))
    assert caught.value.field == field


def test_a_lower_threshold_may_be_below_zero() -> None:
    command = _set(_monitor(type=pb.MONITOR_TYPE_LOWER_THRESHOLD, value=-20))
    assert helpers.to_calls("set_variable_monitoring", command)[0]["setMonitoringData"][0]["value"] == -20


def test_no_call_has_more_than_the_station_takes() -> None:
    """By number, by bytes, by both; a monitor that is larger than the limit goes alone."""
    monitors = [_monitor(severity) for severity in range(5)]

    def sizes(**limits: int) -> list[int]:
        calls = helpers.to_calls("set_variable_monitoring", _set(*monitors, **limits))
        assert [item["severity"] for call in calls for item in call["setMonitoringData"]] == list(range(5))
        several = [call for call in calls if len(call["setMonitoringData"]) > 1]
        assert all(len(msgspec.json.encode(call)) < limits.get("bytes_per_message", 2**31) for call in several)
        return [len(call["setMonitoringData"]) for call in calls]

    assert sizes() == [5]
    assert sizes(items_per_message=2) == [2, 2, 1]
    assert sizes(bytes_per_message=400) == [2, 2, 1]
    assert sizes(items_per_message=1, bytes_per_message=400) == [1] * 5
    assert sizes(bytes_per_message=10) == [1] * 5


def test_answers_are_found_by_what_they_are_about() -> None:
    """In any order, names without regard to case; one that is not answered is not known."""
    command = _set(_monitor(1), _monitor(2), _monitor(3))
    told = _answer(
        {"severity": 2, "status": "Accepted", "id": 12, "component": {"name": "CHARGINGSTATION"}},
        {"severity": 1, "status": "Duplicate", "statusInfo": {"reasonCode": "R"}},
    )
    answer = helpers.to_answer("set_variable_monitoring", command, told)
    assert [one.status for one in answer.results] == [
        pb.SET_MONITORING_STATUS_DUPLICATE,
        pb.SET_MONITORING_STATUS_ACCEPTED,
        pb.SET_MONITORING_STATUS_UNKNOWN,
    ]
    assert [one.status_info.reason_code for one in answer.results] == ["R", "", "NoAnswer"]
    assert answer.results[1].monitor.monitor_id == 12
    assert not answer.results[0].monitor.HasField("monitor_id")


def test_a_call_that_fails_leaves_the_others_as_they_are() -> None:
    command = _set(_monitor(1), _monitor(2), _monitor(3), items_per_message=1)
    payloads: list[Payload | CallFailure] = [
        _answer({"severity": 1, "status": "Accepted", "id": 1}),
        CallFailure(reason=Reason.CALL_TIMEOUT, message="no answer"),
        CallFailure(reason=Reason.NOT_SENT, message="not sent"),
    ]
    answer = set_variable_monitoring.to_answer(command, payloads)
    assert [(one.status, one.status_info.reason_code) for one in answer.results] == [
        (pb.SET_MONITORING_STATUS_ACCEPTED, ""),
        (pb.SET_MONITORING_STATUS_UNKNOWN, "CALL_TIMEOUT"),
        (pb.SET_MONITORING_STATUS_NOT_SENT, "NOT_SENT"),
    ]


def test_monitors_are_cleared_by_number() -> None:
    command = pb.ClearVariableMonitoringRequest(station_id="CP1", monitor_ids=[3, 1], items_per_message=1)
    assert helpers.to_calls("clear_variable_monitoring", command) == [{"id": [3]}, {"id": [1]}]
    told = [{"clearMonitoringResult": [{"id": number, "status": "Accepted"}]} for number in (3, 7)]
    answer = helpers.to_answer("clear_variable_monitoring", command, *told)
    assert [(one.monitor_id, one.status) for one in answer.results] == [
        (3, pb.CLEAR_MONITORING_STATUS_ACCEPTED),
        (1, pb.CLEAR_MONITORING_STATUS_UNKNOWN),
    ]


def test_criteria_are_said_once() -> None:
    """The schema takes three at most."""
    criteria = [pb.MONITORING_CRITERION_DELTA_MONITORING] * 4
    command = pb.GetMonitoringReportRequest(station_id="CP1", report_id=7, criteria=criteria)
    [call] = helpers.to_calls("get_monitoring_report", command)
    assert call == {"requestId": 7, "monitoringCriteria": ["DeltaMonitoring"]}


def test_a_part_of_a_report() -> None:
    monitor = {"id": 4, "transaction": False, "value": 8.1, "type": "Periodic", "severity": 8}
    payload = {
        "requestId": 7,
        "seqNo": 2,
        "tbc": True,
        "generatedAt": helpers.NOW,
        "monitor": [{**TEMPERATURE, "variableMonitoring": [monitor, monitor | {"id": 5, "type": "Strange"}]}],
    }
    item = helpers.item("NotifyMonitoringReport", payload | {"monitor": payload["monitor"]}, IngestRpc.REPORTS)
    part = item.monitoring_report
    assert (part.report_id, part.seq_no, part.to_be_continued) == (7, 2, True)
    assert [(one.monitor_id, one.value) for one in part.monitors] == [(4, 8.1), (5, 8.1)]
    assert part.monitors[0].type == pb.MONITOR_TYPE_PERIODIC
    assert part.monitors[0].variable.component == "ChargingStation"
