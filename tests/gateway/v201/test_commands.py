"""The short commands of 2.0.1: requests for starts and stops, resets, locks, availability, cache, triggers."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.command_service_pb2 import (
    ChangeAvailabilityRequest,
    ClearCacheRequest,
    MessageTrigger,
    RequestStartTransactionRequest,
    RequestStopTransactionRequest,
    ResetRequest,
    TriggerMessageRequest,
    UnlockConnectorRequest,
)

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v2 import parts
from tests.gateway.v201 import helpers

START, STOP = "request_start_transaction", "request_stop_transaction"
TAG = IdToken(id_token="TAG", type="ISO14443")
HEARTBEAT = command.MESSAGE_TRIGGER_HEARTBEAT
IN, OUT = command.OPERATIONAL_STATUS_OPERATIVE, command.OPERATIONAL_STATUS_INOPERATIVE


@pytest.mark.parametrize(
    ("name", "request_", "call"),
    [
        (
            START,
            RequestStartTransactionRequest(id_token=TAG, remote_start_id=5),
            {"idToken": {"idToken": "TAG", "type": "ISO14443"}, "remoteStartId": 5},
        ),
        (
            START,
            RequestStartTransactionRequest(id_token=IdToken(id_token="T" * 36), remote_start_id=0, evse_id=2),
            {"idToken": {"idToken": "T" * 36, "type": "Central"}, "remoteStartId": 0, "evseId": 2},
        ),
        (STOP, RequestStopTransactionRequest(transaction_id="t" * 36), {"transactionId": "t" * 36}),
        ("reset", ResetRequest(), {"type": "OnIdle"}),
        ("reset", ResetRequest(type=command.RESET_TYPE_ON_IDLE), {"type": "OnIdle"}),
        ("reset", ResetRequest(type=command.RESET_TYPE_IMMEDIATE, evse_id=2), {"type": "Immediate", "evseId": 2}),
        ("unlock_connector", UnlockConnectorRequest(evse=EvseRef(evse_id=2)), {"evseId": 2, "connectorId": 1}),
        (
            "unlock_connector",
            UnlockConnectorRequest(evse=EvseRef(evse_id=2, connector_id=3)),
            {"evseId": 2, "connectorId": 3},
        ),
        ("change_availability", ChangeAvailabilityRequest(operational_status=IN), {"operationalStatus": "Operative"}),
        (
            "change_availability",
            ChangeAvailabilityRequest(operational_status=OUT, evse=EvseRef(evse_id=2)),
            {"operationalStatus": "Inoperative", "evse": {"id": 2}},
        ),
        (
            "change_availability",
            ChangeAvailabilityRequest(operational_status=OUT, evse=EvseRef(evse_id=2, connector_id=1)),
            {"operationalStatus": "Inoperative", "evse": {"id": 2, "connectorId": 1}},
        ),
        ("clear_cache", ClearCacheRequest(station_id="CP1"), {}),
        ("trigger_message", TriggerMessageRequest(requested_message=HEARTBEAT), {"requestedMessage": "Heartbeat"}),
        (
            "trigger_message",
            TriggerMessageRequest(requested_message=HEARTBEAT, evse=EvseRef(evse_id=1, connector_id=2)),
            {"requestedMessage": "Heartbeat", "evse": {"id": 1, "connectorId": 2}},
        ),
    ],
)
def test_calls(name: str, request_: Any, call: dict[str, Any]) -> None:
    """The command in the words of 2.0.1; absent fields stay absent."""
    assert helpers.to_calls(name, request_) == [call]


@pytest.mark.parametrize(
    ("name", "request_", "field"),
    [
        (START, RequestStartTransactionRequest(id_token=TAG), "remote_start_id"),
        (START, RequestStartTransactionRequest(remote_start_id=1), "id_token.id_token"),
        (
            START,
            RequestStartTransactionRequest(id_token=IdToken(id_token="T" * 37), remote_start_id=1),
            "id_token.id_token",
        ),
        (
            START,
            RequestStartTransactionRequest(id_token=IdToken(id_token="T", type="Card"), remote_start_id=1),
            "id_token.type",
        ),
        (START, RequestStartTransactionRequest(id_token=TAG, remote_start_id=1, evse_id=-1), "evse_id"),
        (STOP, RequestStopTransactionRequest(), "transaction_id"),
        (STOP, RequestStopTransactionRequest(transaction_id="t" * 37), "transaction_id"),
        ("reset", ResetRequest(type=99), "type"),  # type: ignore[arg-type]
        ("reset", ResetRequest(evse_id=-1), "evse_id"),
        ("unlock_connector", UnlockConnectorRequest(), "evse.evse_id"),
        ("unlock_connector", UnlockConnectorRequest(evse=EvseRef(connector_id=1)), "evse.evse_id"),
        ("change_availability", ChangeAvailabilityRequest(), "operational_status"),
        (
            "change_availability",
            ChangeAvailabilityRequest(operational_status=IN, evse=EvseRef(connector_id=1)),
            "evse.evse_id",
        ),
        (
            "trigger_message",
            TriggerMessageRequest(requested_message=HEARTBEAT, evse=EvseRef(evse_id=-1)),
            "evse.evse_id",
        ),
        (
            "trigger_message",
            TriggerMessageRequest(requested_message=HEARTBEAT, whole_station=True),
            "whole_station",
        ),
    ],
)
def test_impossible(name: str, request_: Any, field: str) -> None:
    """A command that 2.0.1 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(name, request_)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "request_", "enumeration", "prefix"),
    [
        (START, RequestStartTransactionRequest(), "RequestStartStopStatusEnumType", "REQUEST_START_STOP_STATUS_"),
        (STOP, RequestStopTransactionRequest(), "RequestStartStopStatusEnumType", "REQUEST_START_STOP_STATUS_"),
        ("reset", ResetRequest(), "ResetStatusEnumType", "RESET_STATUS_"),
        ("unlock_connector", UnlockConnectorRequest(), "UnlockStatusEnumType", "UNLOCK_STATUS_"),
        (
            "change_availability",
            ChangeAvailabilityRequest(),
            "ChangeAvailabilityStatusEnumType",
            "CHANGE_AVAILABILITY_STATUS_",
        ),
        ("clear_cache", ClearCacheRequest(), "ClearCacheStatusEnumType", "CLEAR_CACHE_STATUS_"),
        ("trigger_message", TriggerMessageRequest(), "TriggerMessageStatusEnumType", "TRIGGER_MESSAGE_STATUS_"),
    ],
)
def test_answers(name: str, request_: Any, enumeration: str, prefix: str) -> None:
    """Every word of the station has the status of its own name, and what it says beside it is carried over."""
    names = {value: key for key, value in vars(command).items() if key.startswith(prefix)}
    for word, status in helpers.statuses_told(name, request_, enumeration).items():
        assert names[status].removeprefix(prefix).replace("_", "") == word.upper()


def test_start_names_its_transaction() -> None:
    """F02: one that was under way already is in the answer."""
    request = RequestStartTransactionRequest(remote_start_id=5)
    answer = helpers.to_answer(START, request, {"status": "Accepted", "transactionId": "tx-1"})
    assert answer.remote_start_id == 5
    assert answer.transaction_id == "tx-1"


def test_token_types() -> None:
    """Every type of token can be asked to start."""
    for kind in parts.ID_TOKEN_TYPES:
        request = RequestStartTransactionRequest(id_token=IdToken(id_token="T", type=kind), remote_start_id=1)
        assert helpers.to_calls(START, request)[0]["idToken"]["type"] == kind


NOT_TRIGGERS = {command.MESSAGE_TRIGGER_UNSPECIFIED, command.MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION}


def test_triggers() -> None:
    """Each of 2.0.1's messages can be asked for."""
    told = set()
    for trigger in set(MessageTrigger.values()) - NOT_TRIGGERS:
        [call] = helpers.to_calls("trigger_message", TriggerMessageRequest(requested_message=trigger))
        told.add(call["requestedMessage"])
    assert told == set(helpers.enumeration("TriggerMessage", "MessageTriggerEnumType"))


@pytest.mark.parametrize("trigger", sorted(NOT_TRIGGERS))
def test_impossible_triggers(trigger: MessageTrigger.ValueType) -> None:
    """Nothing else can."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("trigger_message", TriggerMessageRequest(requested_message=trigger))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "requested_message")
