"""GetVariables and SetVariables of 2.0.1."""

import json
from typing import Any, cast

import msgspec
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.command_service_pb2 import (
    GetVariableResult,
    GetVariablesRequest,
    SetVariableResult,
    SetVariablesRequest,
    SetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.split_variables import no_answer
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v201.routes import ROUTES
from mesh.runtime.error_reasons import Reason
from tests.gateway.v201 import helpers

GET, SET = "get_variables", "set_variables"
READ, GET_REJECTED = command.GET_VARIABLE_STATUS_ACCEPTED, command.GET_VARIABLE_STATUS_REJECTED
TAKEN, SET_REJECTED = command.SET_VARIABLE_STATUS_ACCEPTED, command.SET_VARIABLE_STATUS_REJECTED
FULL = Variable(
    component="Connector",
    component_instance="left",
    evse=EvseRef(evse_id=1, connector_id=2),
    variable="Current",
    variable_instance="L1",
    attribute_type="MaxSet",
)
FULL_REFERENCE = {
    "component": {"name": "Connector", "instance": "left", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Current", "instance": "L1"},
    "attributeType": "MaxSet",
}
INFO = {"reasonCode": "Why", "additionalInfo": "because"}


def named(name: str, value: str = "", component: str = "C") -> Variable:
    """A variable of a component."""
    return Variable(component=component, variable=name, value=value)


def item(name: str, status: str = "Accepted", component: str = "C", **fields: Any) -> dict[str, Any]:
    """A station's entry for a variable."""
    return {"attributeStatus": status, "component": {"name": component}, "variable": {"name": name}} | fields


def test_get_calls() -> None:
    """All in one CALL; only what names a variable is sent."""
    request = GetVariablesRequest(variables=[named("A", value="ignored"), FULL])
    assert helpers.to_calls(GET, request) == [
        {"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "A"}}, FULL_REFERENCE]}
    ]


def test_set_calls() -> None:
    """All in one CALL, in the given order; a value may be empty."""
    full = Variable()
    full.CopyFrom(FULL)
    full.value = "x" * 1000
    assert helpers.to_calls(SET, SetVariablesRequest(variables=[full, named("A")])) == [
        {
            "setVariableData": [
                FULL_REFERENCE | {"attributeValue": "x" * 1000},
                {"component": {"name": "C"}, "variable": {"name": "A"}, "attributeValue": ""},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        (Variable(variable="A"), "variables[1].component"),
        (Variable(component="C"), "variables[1].variable"),
        (Variable(component="C" * 51, variable="A"), "variables[1].component"),
        (Variable(component="C", variable="A" * 51), "variables[1].variable"),
        (Variable(component="C", variable="A", attribute_type="Best"), "variables[1].attribute_type"),
        (Variable(component="C", variable="A", variable_instance="i" * 51), "variables[1].variable_instance"),
        (Variable(component="C", variable="A", component_instance="i" * 51), "variables[1].component_instance"),
        (Variable(component="C", variable="A", evse=EvseRef(connector_id=1)), "variables[1].evse.evse_id"),
    ],
)
def test_impossible_names(variable: Variable, field: str) -> None:
    """A variable that 2.0.1 cannot name is refused with the name of the field, before anything is sent."""
    for name, request in (
        (GET, GetVariablesRequest(variables=[named("A"), variable])),
        (SET, SetVariablesRequest(variables=[named("A"), variable])),
    ):
        with pytest.raises(UnacceptableError) as caught:
            helpers.to_calls(name, request)
        assert caught.value.field == field


def test_impossible() -> None:
    """2.x cannot ask for everything this way, nor set nothing; a value has its length."""
    for name, request, field in (
        (GET, GetVariablesRequest(), "variables"),
        (SET, SetVariablesRequest(), "variables"),
        (SET, SetVariablesRequest(variables=[named("A", "x" * 1001)]), "variables[0].value"),
    ):
        with pytest.raises(UnacceptableError) as caught:
            helpers.to_calls(name, request)
        assert caught.value.field == field


def test_get_answer() -> None:
    """One result per variable in the order of the request, whatever the station's order and spelling; extras last."""
    asked = GetVariablesRequest(variables=[named("Nonsense"), named("interval"), named("Silent"), FULL])
    answer = helpers.to_answer(
        GET,
        asked,
        {
            "getVariableResult": [
                item("Extra", attributeValue="x"),
                FULL_REFERENCE | {"attributeStatus": "Accepted", "attributeValue": "16"},
                item("Interval", component="c", attributeType="Actual", attributeValue="300"),
                item("Nonsense", "UnknownVariable", attributeValue="?", attributeStatusInfo=INFO),
            ]
        },
    )
    full = Variable()
    full.CopyFrom(FULL)
    full.value = "16"
    assert list(answer.results) == [
        GetVariableResult(
            status=command.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
            variable=named("Nonsense"),
            status_info=StatusInfo(reason_code="Why", additional_info="because"),
        ),
        GetVariableResult(
            status=READ, variable=Variable(component="c", variable="Interval", attribute_type="Actual", value="300")
        ),
        GetVariableResult(
            status=GET_REJECTED,
            variable=named("Silent"),
            status_info=no_answer("ItemsPerMessage of GetVariables", 4),
        ),
        GetVariableResult(status=READ, variable=full),
        GetVariableResult(status=READ, variable=named("Extra", "x")),
    ]


def test_the_same_variable_twice() -> None:
    """Each question gets an answer of its own; other attributes and places are other variables."""
    target = Variable(component="C", variable="A", attribute_type="Target")
    asked = SetVariablesRequest(variables=[named("A", "1"), target, named("A", "2")])
    items = [item("A"), item("A", "Rejected", attributeType="Target"), item("A", "RebootRequired")]
    answer = helpers.to_answer(SET, asked, {"setVariableResult": items})
    assert [(result.status, result.variable.value) for result in answer.results] == [
        (TAKEN, "1"),
        (SET_REJECTED, ""),
        (command.SET_VARIABLE_STATUS_REBOOT_REQUIRED, "2"),
    ]


def test_set_answer() -> None:
    """Every word of the station has its status; the value is shown where the station took it."""
    words = helpers.answer_words("SetVariables", "SetVariableStatusEnumType")
    asked = SetVariablesRequest(variables=[named(word, "new") for word in words])
    items = [item(word, word, attributeStatusInfo=INFO) for word in reversed(words)]
    answer = helpers.to_answer(SET, asked, {"setVariableResult": items})
    assert [result.variable.variable for result in answer.results] == words
    for result in answer.results:
        name = command.SetVariableStatus.Name(result.status).removeprefix("SET_VARIABLE_STATUS_").replace("_", "")
        assert name == result.variable.variable.upper()
        assert result.variable.value == ("new" if name in {"ACCEPTED", "REBOOTREQUIRED"} else "")
        assert result.status_info.reason_code == "Why"


def test_get_statuses() -> None:
    """Every word of the station has its status."""
    words = helpers.answer_words("GetVariables", "GetVariableStatusEnumType")
    asked = GetVariablesRequest(variables=[named(word) for word in words])
    answer = helpers.to_answer(GET, asked, {"getVariableResult": [item(word, word) for word in words]})
    for result in answer.results:
        name = command.GetVariableStatus.Name(result.status).removeprefix("GET_VARIABLE_STATUS_").replace("_", "")
        assert name == result.variable.variable.upper()


def test_set_passed_over() -> None:
    """A variable that the station's answer passes over was not set; no value is claimed."""
    asked = named("A", "1")
    asked.update_time.CopyFrom(Timestamp(seconds=1))
    answer = helpers.to_answer(SET, SetVariablesRequest(variables=[asked]), {"setVariableResult": [item("B")]})
    assert list(answer.results) == [SetVariableResult(status=SET_REJECTED, variable=named("A"))]


def test_secret() -> None:
    """A secret is sent, but not shown."""
    request = SetVariablesRequest(variables=[named("BasicAuthPassword", "topsecret")])
    [call] = helpers.to_calls(SET, request)
    assert call["setVariableData"][0]["attributeValue"] == "topsecret"
    answer = helpers.to_answer(SET, request, {"setVariableResult": [item("BasicAuthPassword")]})
    assert answer.results[0].variable.value == "***"
    told = {"getVariableResult": [item("BasicAuthPassword", attributeValue="topsecret")]}
    read = helpers.to_answer(GET, GetVariablesRequest(variables=[named("BasicAuthPassword")]), told)
    assert read.results[0].variable.value == "***"


def test_set_in_parts_of_the_stations_size() -> None:
    """B05.FR.11: no CALL has more variables, nor more bytes, than the station takes; the order stays."""
    variables = [named(name, "x" * 40) for name in "ABCDE"]
    by_number = SetVariablesRequest(variables=variables, items_per_message=2)
    assert [len(call["setVariableData"]) for call in helpers.to_calls(SET, by_number)] == [2, 2, 1]
    whole = helpers.to_calls(SET, SetVariablesRequest(variables=variables))
    limit = len(json.dumps([2, "x" * 20, "SetVariables", whole[0]]))
    for most in range(limit // 2, limit + 40, 10):
        by_size = SetVariablesRequest(variables=variables, items_per_message=4, bytes_per_message=most)
        calls = helpers.to_calls(SET, by_size)
        assert [item for call in calls for item in call["setVariableData"]] == whole[0]["setVariableData"]
        assert all(len(call["setVariableData"]) <= 4 for call in calls)
        assert all(len(msgspec.json.encode([2, "x" * 20, "SetVariables", call])) <= most for call in calls)


def test_a_variable_too_large_for_a_message_is_named() -> None:
    variables = [named("A", "1"), named("B", "x" * 500)]
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(SET, SetVariablesRequest(variables=variables, bytes_per_message=300))
    assert caught.value.field == "variables[1]"


def test_set_results_of_several_calls() -> None:
    """Joined in the order of the request; of a CALL that failed each variable has a result with the reason."""
    request = SetVariablesRequest(variables=[named(name, "1") for name in "ABCD"], items_per_message=1)
    answers: list[Payload | CallFailure] = [
        {"setVariableResult": [item("A", "RebootRequired")]},
        CallFailure(reason=Reason.CALL_ERROR, message="refused"),
        CallFailure(reason=Reason.CALL_TIMEOUT, message="silence"),
        CallFailure(reason=Reason.NOT_SENT, message="not sent"),
    ]
    route = ROUTES.outbound["set_variables"]
    assert isinstance(route, Outbound)
    assert route.to_partial_answer is not None
    results = cast("SetVariablesResponse", route.to_partial_answer(request, answers)).results
    assert [one.status for one in results] == [
        command.SET_VARIABLE_STATUS_REBOOT_REQUIRED,
        SET_REJECTED,
        command.SET_VARIABLE_STATUS_UNKNOWN,
        command.SET_VARIABLE_STATUS_NOT_SENT,
    ]
    assert [one.variable.variable for one in results] == list("ABCD")
    assert [one.status_info.reason_code for one in results[1:]] == ["CALL_ERROR", "CALL_TIMEOUT", "NOT_SENT"]


def test_get_in_parts_of_the_stations_bytes() -> None:
    """B06.FR.05: an item left out of its CALL's answer is hinted at by the size of that CALL."""
    request = GetVariablesRequest(variables=[named(name * 30) for name in "ABC"], bytes_per_message=320)
    calls = helpers.to_calls(GET, request)
    assert [len(call["getVariableData"]) for call in calls] == [2, 1]
    answers = [{"getVariableResult": [item("A" * 30, attributeValue="1")]}, {"getVariableResult": [item("C" * 30)]}]
    results = helpers.to_answer(GET, request, *answers).results
    assert [one.status for one in results] == [READ, GET_REJECTED, READ]
    assert results[1].status_info == no_answer("ItemsPerMessage of GetVariables", 2)


def test_limits_are_read_first_where_many_are_set() -> None:
    """Both of the action's own; not where they are known, nor for a few variables."""
    route = ROUTES.outbound["set_variables"]
    assert isinstance(route, Outbound)
    assert route.to_limit_read is not None
    many = SetVariablesRequest(station_id="CP1", variables=[named(name, "1") for name in "ABCD"])
    reading = route.to_limit_read(many)
    assert reading is not None
    assert [(one.variable, one.variable_instance) for one in reading.variables] == [
        ("ItemsPerMessage", "SetVariables"),
        ("BytesPerMessage", "SetVariables"),
    ]
    many.items_per_message = 3
    assert route.to_limit_read(many) is None
    assert route.to_limit_read(SetVariablesRequest(variables=[named("A", "1")])) is None
