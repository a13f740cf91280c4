"""Reset of 1.6."""

import pytest
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import ResetRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (command_service_pb2.RESET_TYPE_UNSPECIFIED, "Soft"),
        (command_service_pb2.RESET_TYPE_ON_IDLE, "Soft"),
        (command_service_pb2.RESET_TYPE_IMMEDIATE, "Hard"),
    ],
)
def test_calls(kind: command_service_pb2.ResetType.ValueType, word: str) -> None:
    """Both ways to restart, the gentle one being the default."""
    assert helpers.to_calls("reset", ResetRequest(type=kind)) == [{"type": word}]


@pytest.mark.parametrize(("command", "field"), [(ResetRequest(evse_id=1), "evse_id"), (ResetRequest(type=99), "type")])  # type: ignore[arg-type]
def test_impossible(command: ResetRequest, field: str) -> None:
    """One EVSE cannot be restarted alone; the station must not be restarted instead."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("reset", command)
    assert (caught.value.code, caught.value.field) == ("NotSupported", field)


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer("reset", ResetRequest(), {"status": word}).status
        for word in helpers.answer_words("Reset")
    }
    assert told == {
        "Accepted": command_service_pb2.RESET_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.RESET_STATUS_REJECTED,
    }
