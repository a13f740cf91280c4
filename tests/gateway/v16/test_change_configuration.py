"""ChangeConfiguration of 1.6, which is SetVariables."""

import pytest
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import SetVariablesRequest
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.translation import CallFailure, Payload, UnacceptableError
from gateway.ocpp.v16 import change_configuration
from mesh.contract.standard_variables import KEYS
from mesh.runtime.error_reasons import Reason
from tests.gateway.v16 import helpers

NAME = "set_variables"


def put(*pairs: tuple[str, str]) -> SetVariablesRequest:
    """A command for these keys and values."""
    return SetVariablesRequest(variables=[Variable(variable=key, value=value) for key, value in pairs])


def test_names_of_2() -> None:
    """Variables that 2.x names otherwise have their key."""
    security = [("BasicAuthPassword", "0" * 40), ("SecurityProfile", "2"), ("OrganizationName", "ACME")]
    variables = [Variable(component="SecurityCtrlr", variable=name, value=value) for name, value in security]
    calls = helpers.to_calls(NAME, SetVariablesRequest(variables=variables))
    assert [call["key"] for call in calls] == ["AuthorizationKey", "SecurityProfile", "CpoName"]
    answer = helpers.to_answer(NAME, SetVariablesRequest(variables=variables[:1]), {"status": "Accepted"})
    assert (answer.results[0].variable.variable, answer.results[0].variable.value) == ("AuthorizationKey", "***")


def test_each_standard_variable_is_its_key() -> None:
    """The standard mapping, instances included."""
    variables = [
        Variable(component=one.component, variable=one.variable, variable_instance=one.instance, value="0" * 16)
        for one in KEYS
    ]
    calls = helpers.to_calls(NAME, SetVariablesRequest(variables=variables))
    assert [call["key"] for call in calls] == list(KEYS.values())


@pytest.mark.parametrize(("length", "allowed"), [(15, False), (16, True), (32, True), (40, True), (41, False)])
def test_length_of_a_key(length: int, allowed: bool) -> None:
    """16 to 20 bytes, as they are or in hexadecimal."""
    command = put(("AuthorizationKey", "a" * length))
    if allowed:
        helpers.to_calls(NAME, command)
        return
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == "variables[0].value"


def test_calls() -> None:
    """One CALL each, in the given order; a value may be empty."""
    assert helpers.to_calls(NAME, put(("B", "2"), ("A", ""), ("C", "x" * 500))) == [
        {"key": "B", "value": "2"},
        {"key": "A", "value": ""},
        {"key": "C", "value": "x" * 500},
    ]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (SetVariablesRequest(), "variables"),
        (put(("A", "1"), ("", "2")), "variables[1].variable"),
        (put(("K" * 51, "1")), "variables[0].variable"),
        (put(("A", "x" * 501)), "variables[0].value"),
        (SetVariablesRequest(variables=[Variable(component="EVSE", variable="A")]), "variables[0].component"),
    ],
)
def test_impossible(command: SetVariablesRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field, before anything is sent."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status; the value is shown where the station took it."""
    words = helpers.answer_words("ChangeConfiguration")
    answers = [{"status": word} for word in words]
    answer = helpers.to_answer(NAME, put(*((word, "new") for word in words)), *answers)
    told = {result.variable.variable: (result.status, result.variable.value) for result in answer.results}
    assert told == {
        "Accepted": (command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, "new"),
        "Rejected": (command_service_pb2.SET_VARIABLE_STATUS_REJECTED, ""),
        "RebootRequired": (command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED, "new"),
        "NotSupported": (command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN_VARIABLE, ""),
    }
    assert {result.variable.component for result in answer.results} == {"ChargingStation"}


def test_failures() -> None:
    """The answer lists the keys set before a CALL that failed, the failed one, and those that were not sent."""
    answers: list[Payload | CallFailure] = [
        {"status": "Accepted"},
        CallFailure(reason=Reason.CALL_ERROR, message="the station refused the call"),
        CallFailure(reason=Reason.CALL_TIMEOUT, message="no answer"),
        CallFailure(reason=Reason.NOT_SENT, message="not sent"),
    ]
    answer = change_configuration.to_answer(put(("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")), answers)
    assert [(result.status, result.variable.value, result.status_info.reason_code) for result in answer.results] == [
        (command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, "1", ""),
        (command_service_pb2.SET_VARIABLE_STATUS_REJECTED, "", "CALL_ERROR"),
        (command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN, "", "CALL_TIMEOUT"),
        (command_service_pb2.SET_VARIABLE_STATUS_NOT_SENT, "", "NOT_SENT"),
    ]


def test_secret() -> None:
    """A secret is sent, but not shown."""
    command = put(("AuthorizationKey", "topsecret-topsecret"))
    assert helpers.to_calls(NAME, command) == [{"key": "AuthorizationKey", "value": "topsecret-topsecret"}]
    answer = helpers.to_answer(NAME, command, {"status": "Accepted"})
    assert answer.results[0].variable.value == "***"


def test_missing_answer() -> None:
    """As many answers as calls, or the outcome is an error."""
    with pytest.raises(ValueError, match="shorter"):
        helpers.to_answer(NAME, put(("A", "1"), ("B", "2")), {"status": "Accepted"})
