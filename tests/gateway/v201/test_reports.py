"""GetBaseReport, GetReport and NotifyReport of 2.0.1, B07 and B08."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import device_model_pb2 as pb
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.device_model_enums import DEVICE_MODEL_STATUSES
from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

BASE, CUSTOM, NOTIFY = "get_base_report", "get_report", "NotifyReport"
FULL = pb.REPORT_BASE_FULL_INVENTORY


def test_base_report_calls() -> None:
    for base, word in (
        (pb.REPORT_BASE_CONFIGURATION_INVENTORY, "ConfigurationInventory"),
        (FULL, "FullInventory"),
        (pb.REPORT_BASE_SUMMARY_INVENTORY, "SummaryInventory"),
    ):
        command = pb.GetBaseReportRequest(report_base=base, variable_report_id=7)
        assert helpers.to_calls(BASE, command) == [{"requestId": 7, "reportBase": word}]


def test_report_calls() -> None:
    """A field that is not given is left out; a component may be named without a variable."""
    assert helpers.to_calls(CUSTOM, pb.GetReportRequest(variable_report_id=7)) == [{"requestId": 7}]
    command = pb.GetReportRequest(
        variable_report_id=7,
        component_criteria=[pb.COMPONENT_CRITERION_PROBLEM, pb.COMPONENT_CRITERION_ACTIVE],
        variables=[
            Variable(component="EVSE", component_instance="x", evse=EvseRef(evse_id=1)),
            Variable(component="EVSE", variable="Power", variable_instance="L1", attribute_type="MaxSet"),
        ],
    )
    assert helpers.to_calls(CUSTOM, command) == [
        {
            "requestId": 7,
            "componentCriteria": ["Problem", "Active"],
            "componentVariable": [
                {"component": {"name": "EVSE", "instance": "x", "evse": {"id": 1}}},
                {"component": {"name": "EVSE"}, "variable": {"name": "Power", "instance": "L1"}},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("name", "command", "field"),
    [
        (BASE, pb.GetBaseReportRequest(), "report_base"),
        (BASE, pb.GetBaseReportRequest(report_base=FULL, variable_report_id=-1), "variable_report_id"),
        (CUSTOM, pb.GetReportRequest(component_criteria=[pb.COMPONENT_CRITERION_UNSPECIFIED]), "component_criteria[0]"),
        (CUSTOM, pb.GetReportRequest(component_criteria=[pb.COMPONENT_CRITERION_ACTIVE] * 2), "component_criteria"),
        (CUSTOM, pb.GetReportRequest(variables=[Variable(variable="V")]), "variables[0].component"),
        (CUSTOM, pb.GetReportRequest(variables=[Variable(component="C" * 51)]), "variables[0].component"),
    ],
)
def test_a_request_that_cannot_be_said_names_its_field(name: str, command: Any, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(name, command)
    assert caught.value.field == field


@pytest.mark.parametrize("name", [BASE, CUSTOM])
def test_every_answer(name: str) -> None:
    command = pb.GetBaseReportRequest(report_base=FULL) if name == BASE else pb.GetReportRequest()
    command.variable_report_id = 7
    assert helpers.statuses_told(name, command, "GenericDeviceModelStatusEnumType") == DEVICE_MODEL_STATUSES
    assert helpers.to_answer(name, command, {"status": "Accepted"}).variable_report_id == 7


def _part(payload: dict[str, Any]) -> pb.VariableReportPart:
    item = helpers.item(NOTIFY, payload, IngestRpc.REPORTS)
    assert item.origin == helpers.ORIGIN
    part: pb.VariableReportPart = item.variable_report_part
    return part


HEAD = {"requestId": 7, "generatedAt": "2026-01-01T10:00:00Z", "seqNo": 3}


def test_a_part_without_variables() -> None:
    """An empty report has one part; without `tbc` it is the last one."""
    part = _part(HEAD)
    assert (part.variable_report_id, part.seq_no, part.to_be_continued) == (7, 3, False)
    assert part.generate_time.ToJsonString() == "2026-01-01T10:00:00Z"
    assert not part.attributes
    assert _part(HEAD | {"tbc": True}).to_be_continued


REPORTED = {
    "component": {"name": "Connector", "instance": "left", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Current", "instance": "L1"},
    "variableAttribute": [
        {"value": "16", "mutability": "ReadOnly", "persistent": True, "constant": True},
        {"type": "MaxSet", "mutability": "WriteOnly"},
    ],
    "variableCharacteristics": {
        "unit": "A",
        "dataType": "decimal",
        "minLimit": 0.1,
        "maxLimit": 32,
        "valuesList": "1,2",
        "supportsMonitoring": True,
    },
}


def test_each_attribute_has_all_that_is_stated_of_its_variable() -> None:
    actual, most = _part(HEAD | {"reportData": [REPORTED]}).attributes
    characteristics = station_pb2.VariableCharacteristics(
        unit="A",
        data_type=station_pb2.VARIABLE_DATA_TYPE_DECIMAL,
        min_limit=0.1,
        max_limit=32,
        values_list="1,2",
        supports_monitoring=True,
    )
    expected = Variable(
        component="Connector",
        component_instance="left",
        evse=EvseRef(evse_id=1, connector_id=2),
        variable="Current",
        variable_instance="L1",
        attribute_type="Actual",
        value="16",
        readonly=True,
        mutability=station_pb2.MUTABILITY_READ_ONLY,
        persistent=True,
        constant=True,
        characteristics=characteristics,
    )
    assert actual == pb.ReportedAttribute(variable=expected)
    assert most.without_value
    assert (most.variable.attribute_type, most.variable.mutability) == ("MaxSet", station_pb2.MUTABILITY_WRITE_ONLY)
    assert (most.variable.readonly, most.variable.persistent, most.variable.constant) == (False, False, False)
    assert most.variable.characteristics == characteristics


def test_words_outside_the_enumerations_are_read_as_unspecified() -> None:
    """Quirk 16: the report stays readable."""
    data = {
        "component": {"name": "Connector"},
        "variable": {"name": "Current"},
        "variableAttribute": [{"value": "16", "mutability": "Sometimes"}],
        "variableCharacteristics": {"dataType": "complex", "supportsMonitoring": False},
    }
    [attribute] = _part(HEAD | {"reportData": [data]}).attributes
    assert attribute.variable.mutability == station_pb2.MUTABILITY_UNSPECIFIED
    assert attribute.variable.characteristics.data_type == station_pb2.VARIABLE_DATA_TYPE_UNSPECIFIED
    assert attribute.variable.value == "16"


def test_secrets_are_masked() -> None:
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "variableAttribute": [{"value": "s3cret"}],
    }
    [attribute] = _part(HEAD | {"reportData": [data]}).attributes
    assert attribute.variable.value == "***"
    assert not attribute.variable.HasField("characteristics")


def test_every_payload() -> None:
    """Minimal and maximal ones survive the wire."""
    for payload in helpers.request_payloads(NOTIFY):
        attributes = sum(len(one["variableAttribute"]) for one in payload.get("reportData", ()))
        assert len(_part(payload).attributes) == attributes


def test_the_acknowledgement_is_empty() -> None:
    assert helpers.to_response(NOTIFY, {}, {IngestRpc.REPORTS: ReportResult()}) == {}
