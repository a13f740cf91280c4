"""TriggerMessage and ExtendedTriggerMessage of 1.6."""

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import MessageTrigger, TriggerMessageRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "trigger_message"
METER_VALUES = command_service_pb2.MESSAGE_TRIGGER_METER_VALUES
FIRMWARE = command_service_pb2.MESSAGE_TRIGGER_FIRMWARE_STATUS_NOTIFICATION
DIAGNOSTICS = command_service_pb2.MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION
ONLY_EXTENDED = {
    command_service_pb2.MESSAGE_TRIGGER_LOG_STATUS_NOTIFICATION,
    command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE,
}
KNOWN = {
    command_service_pb2.MESSAGE_TRIGGER_BOOT_NOTIFICATION,
    DIAGNOSTICS,
    FIRMWARE,
    command_service_pb2.MESSAGE_TRIGGER_HEARTBEAT,
    METER_VALUES,
    command_service_pb2.MESSAGE_TRIGGER_STATUS_NOTIFICATION,
} | ONLY_EXTENDED


def _action(command: TriggerMessageRequest) -> str:
    route = helpers.TRANSLATORS.version.outbound_for(NAME, command)
    assert route is not None
    return route.action


def test_words() -> None:
    """Each of 1.6's six messages can be asked for, as the standard has it."""
    plain = [TriggerMessageRequest(requested_message=trigger) for trigger in KNOWN - ONLY_EXTENDED]
    assert {_action(command) for command in plain} == {"TriggerMessage"}
    sent = {payload["requestedMessage"] for command in plain for payload in helpers.to_calls(NAME, command)}
    assert sent == set(helpers.SCHEMAS.schema("TriggerMessage", "request")["properties"]["requestedMessage"]["enum"])


def test_words_of_the_extension() -> None:
    """Each of its seven can be asked for where the operator says so; two of them take it by themselves."""
    for trigger in ONLY_EXTENDED:
        assert _action(TriggerMessageRequest(requested_message=trigger)) == "ExtendedTriggerMessage"
    extended = [
        TriggerMessageRequest(requested_message=trigger, security_extension=True) for trigger in KNOWN - {DIAGNOSTICS}
    ]
    assert {_action(command) for command in extended} == {"ExtendedTriggerMessage"}
    sent = {payload["requestedMessage"] for command in extended for payload in helpers.to_calls(NAME, command)}
    schema = helpers.SCHEMAS.schema("ExtendedTriggerMessage", "request")
    assert sent == set(schema["definitions"]["MessageTriggerEnumType"]["enum"])


def test_the_extension_knows_no_diagnostics() -> None:
    """It has logs instead: told, not sent as something else."""
    with pytest.raises(UnacceptableError, match="LogStatusNotification"):
        helpers.to_calls(NAME, TriggerMessageRequest(requested_message=DIAGNOSTICS, security_extension=True))


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("trigger", sorted(set(MessageTrigger.values()) - KNOWN))
def test_impossible(trigger: MessageTrigger.ValueType, extended: bool) -> None:
    """Nothing else can."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, TriggerMessageRequest(requested_message=trigger, security_extension=extended))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "requested_message")


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("evse", "connector"), [(EvseRef(evse_id=2, connector_id=1), 2), (EvseRef(evse_id=2), 2)])
def test_for_a_connector(evse: EvseRef, connector: int, extended: bool) -> None:
    """One connector can be named."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, evse=evse, security_extension=extended)
    assert helpers.to_calls(NAME, command) == [{"requestedMessage": "MeterValues", "connectorId": connector}]


def test_for_the_station() -> None:
    """EVSE 0 is the station as a whole, which 1.6 says by naming none."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, evse=EvseRef())
    assert helpers.to_calls(NAME, command) == [{"requestedMessage": "MeterValues"}]


def test_answers() -> None:
    """Every word of the station has its status, by both ways."""
    words = helpers.answer_words("TriggerMessage")
    schema = helpers.SCHEMAS.schema("ExtendedTriggerMessage", "response")
    assert words == schema["definitions"]["TriggerMessageStatusEnumType"]["enum"]
    for extended in (False, True):
        command = TriggerMessageRequest(security_extension=extended)
        told = {word: helpers.to_answer(NAME, command, {"status": word}).status for word in words}
        assert told == {
            "Accepted": command_service_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED,
            "Rejected": command_service_pb2.TRIGGER_MESSAGE_STATUS_REJECTED,
            "NotImplemented": command_service_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED,
        }


@pytest.mark.parametrize("extended", [False, True])
def test_for_the_station_alone(extended: bool) -> None:
    """Connector 0 is named where the operator asks for it, and only there."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, whole_station=True, security_extension=extended)
    assert helpers.to_calls(NAME, command) == [{"requestedMessage": "MeterValues", "connectorId": 0}]


def test_for_the_station_alone_and_a_connector() -> None:
    """One of them: refused, not chosen between."""
    command = TriggerMessageRequest(requested_message=METER_VALUES, whole_station=True, evse=EvseRef(evse_id=1))
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == "whole_station"
