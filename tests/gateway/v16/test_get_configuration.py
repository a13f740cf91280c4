"""GetConfiguration of 1.6, which is GetVariables."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import GetVariableResult, GetVariablesRequest
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.translation import CallFailure, UnacceptableError
from gateway.ocpp.v16 import get_configuration
from mesh.runtime.error_reasons import Reason
from tests.gateway import payloads
from tests.gateway.v16 import helpers

NAME = "get_variables"
ACCEPTED = command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED
UNKNOWN = command_service_pb2.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE
REJECTED = command_service_pb2.GET_VARIABLE_STATUS_REJECTED


def ask(*keys: str) -> GetVariablesRequest:
    """A command for these keys."""
    return GetVariablesRequest(variables=[Variable(component="ChargingStation", variable=key) for key in keys])


def result(status: Any, key: str, value: str = "", *, readonly: bool | None = None) -> GetVariableResult:
    """A result for a key."""
    variable = Variable(component="ChargingStation", variable=key, value=value, readonly=readonly)
    return GetVariableResult(status=status, variable=variable)


def test_calls() -> None:
    """Variables are keys; no variables are all keys; the only component may be left out."""
    assert helpers.to_calls(NAME, ask("A", "B")) == [{"key": ["A", "B"]}]
    assert helpers.to_calls(NAME, GetVariablesRequest()) == [{}]
    loose = GetVariablesRequest(variables=[Variable(variable="K" * 50, attribute_type="Actual")])
    assert helpers.to_calls(NAME, loose) == [{"key": ["K" * 50]}]


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        (Variable(), "variables[1].variable"),
        (Variable(variable="K" * 51), "variables[1].variable"),
        (Variable(variable="K", component="EVSE"), "variables[1].component"),
        (Variable(variable="K", attribute_type="Target"), "variables[1].attribute_type"),
        (Variable(variable="K", variable_instance="i"), "variables[1]"),
        (Variable(variable="K", component_instance="i"), "variables[1]"),
        (Variable(variable="K", evse=EvseRef(evse_id=1)), "variables[1]"),
    ],
)
def test_impossible(variable: Variable, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, GetVariablesRequest(variables=[Variable(variable="A"), variable]))
    assert caught.value.field == field


def test_answer_to_some() -> None:
    """One result per key in the order of the request, whatever the station's order and spelling; extras last."""
    payload = {
        "configurationKey": [
            {"key": "Extra", "readonly": True, "value": "x"},
            {"key": "HEARTBEATINTERVAL", "readonly": False, "value": "300"},
            {"key": "NoValue", "readonly": True},
        ],
        "unknownKey": ["Nonsense"],
    }
    answer = helpers.to_answer(NAME, ask("Nonsense", "HeartbeatInterval", "Silent", "NoValue", "Silent"), payload)
    silent = answer.results[2]
    assert (silent.status, silent.variable.variable, silent.status_info.reason_code) == (REJECTED, "Silent", "NoAnswer")
    assert "GetConfigurationMaxKeys" in silent.status_info.additional_info
    assert list(answer.results) == [
        result(UNKNOWN, "Nonsense"),
        result(ACCEPTED, "HEARTBEATINTERVAL", "300", readonly=False),
        silent,
        result(ACCEPTED, "NoValue", readonly=True),
        result(ACCEPTED, "Extra", "x", readonly=True),
    ]


def test_answer_to_all() -> None:
    """Asked for everything, the station's order is kept; secrets are not shown."""
    keys = [
        {"key": "B", "readonly": False, "value": "2"},
        {"key": "AuthorizationKey", "readonly": False, "value": "topsecret"},
        {"key": "A", "readonly": False, "value": "1"},
    ]
    answer = helpers.to_answer(NAME, GetVariablesRequest(), {"configurationKey": keys})
    shown = [(entry.variable.variable, entry.variable.value) for entry in answer.results]
    assert shown == [("B", "2"), ("AuthorizationKey", "***"), ("A", "1")]
    assert not helpers.to_answer(NAME, GetVariablesRequest(), {}).results


def test_keys_are_split() -> None:
    """As many in each CALL as the command says; each result is in the place of its key, whichever CALL told it."""
    command = ask("A", "B", "C", "D", "E")
    command.items_per_message = 2
    assert helpers.to_calls(NAME, command) == [{"key": ["A", "B"]}, {"key": ["C", "D"]}, {"key": ["E"]}]
    payloads_of: list[Any] = [
        {"configurationKey": [{"key": "B", "readonly": True, "value": "2"}], "unknownKey": ["A"]},
        CallFailure(reason=Reason.CALL_ERROR, message="the station refused the call"),
        {"unknownKey": []},
    ]
    partial = get_configuration.OUTBOUND.to_partial_answer
    assert partial is not None
    results = partial(command, payloads_of).results  # type: ignore[attr-defined]
    assert [(one.status, one.variable.variable, one.status_info.reason_code) for one in results] == [
        (UNKNOWN, "A", ""),
        (ACCEPTED, "B", ""),
        (REJECTED, "C", "CALL_ERROR"),
        (REJECTED, "D", "CALL_ERROR"),
        (REJECTED, "E", "NoAnswer"),
    ]
    assert "GetConfigurationMaxKeys" not in results[4].status_info.additional_info  # it was asked for alone


def test_made_from_the_schema() -> None:
    """The most that the schema allows can be answered with."""
    payload = payloads.maximal(helpers.SCHEMAS.schema("GetConfiguration", "response"))
    assert helpers.to_answer(NAME, GetVariablesRequest(), payload).results
