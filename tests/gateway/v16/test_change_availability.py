"""ChangeAvailability of 1.6."""

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import ChangeAvailabilityRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "change_availability"
IN, OUT = command_service_pb2.OPERATIONAL_STATUS_OPERATIVE, command_service_pb2.OPERATIONAL_STATUS_INOPERATIVE


@pytest.mark.parametrize(
    ("command", "call"),
    [
        (ChangeAvailabilityRequest(operational_status=IN), {"connectorId": 0, "type": "Operative"}),
        (ChangeAvailabilityRequest(operational_status=OUT, evse=EvseRef()), {"connectorId": 0, "type": "Inoperative"}),
        (
            ChangeAvailabilityRequest(operational_status=OUT, evse=EvseRef(evse_id=2, connector_id=1)),
            {"connectorId": 2, "type": "Inoperative"},
        ),
    ],
)
def test_calls(command: ChangeAvailabilityRequest, call: dict[str, object]) -> None:
    """No EVSE, or EVSE 0, is the whole station."""
    assert helpers.to_calls(NAME, command) == [call]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (ChangeAvailabilityRequest(), "operational_status"),
        (
            ChangeAvailabilityRequest(operational_status=IN, evse=EvseRef(evse_id=1, connector_id=2)),
            "evse.connector_id",
        ),
    ],
)
def test_impossible(command: ChangeAvailabilityRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, ChangeAvailabilityRequest(), {"status": word}).status
        for word in helpers.answer_words("ChangeAvailability")
    }
    assert told == {
        "Accepted": command_service_pb2.CHANGE_AVAILABILITY_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.CHANGE_AVAILABILITY_STATUS_REJECTED,
        "Scheduled": command_service_pb2.CHANGE_AVAILABILITY_STATUS_SCHEDULED,
    }
