"""TriggerMessage of 1.6."""

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import MessageTrigger, TriggerMessageRequest

from gateway.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "trigger_message"
METER_VALUES = command_service_pb2.MESSAGE_TRIGGER_METER_VALUES
KNOWN = {
    command_service_pb2.MESSAGE_TRIGGER_BOOT_NOTIFICATION,
    command_service_pb2.MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION,
    command_service_pb2.MESSAGE_TRIGGER_FIRMWARE_STATUS_NOTIFICATION,
    command_service_pb2.MESSAGE_TRIGGER_HEARTBEAT,
    command_service_pb2.MESSAGE_TRIGGER_METER_VALUES,
    command_service_pb2.MESSAGE_TRIGGER_STATUS_NOTIFICATION,
}


def test_words() -> None:
    """Each of 1.6's six messages can be asked for."""
    calls = [helpers.to_calls(NAME, TriggerMessageRequest(requested_message=trigger)) for trigger in KNOWN]
    sent = {payload["requestedMessage"] for [payload] in calls}
    assert sent == set(helpers.SCHEMAS.schema("TriggerMessage", "request")["properties"]["requestedMessage"]["enum"])


@pytest.mark.parametrize("trigger", sorted(set(MessageTrigger.values()) - KNOWN))
def test_impossible(trigger: MessageTrigger.ValueType) -> None:
    """Nothing else can."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, TriggerMessageRequest(requested_message=trigger))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "requested_message")


@pytest.mark.parametrize(("evse", "connector"), [(EvseRef(evse_id=2, connector_id=1), 2), (EvseRef(evse_id=2), 2)])
def test_for_a_connector(evse: EvseRef, connector: int) -> None:
    """One connector can be named."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, evse=evse)
    assert helpers.to_calls(NAME, command) == [{"requestedMessage": "MeterValues", "connectorId": connector}]


def test_for_the_station() -> None:
    """EVSE 0 is the station as a whole, which 1.6 says by naming none."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, evse=EvseRef())
    assert helpers.to_calls(NAME, command) == [{"requestedMessage": "MeterValues"}]


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, TriggerMessageRequest(), {"status": word}).status
        for word in helpers.answer_words("TriggerMessage")
    }
    assert told == {
        "Accepted": command_service_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.TRIGGER_MESSAGE_STATUS_REJECTED,
        "NotImplemented": command_service_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED,
    }
