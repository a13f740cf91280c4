"""Messages on displays of 2.0.1: set, requested, cleared, reported."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import display_message_pb2 as pb
from csms.station.v1.station_pb2 import Variable
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers


def _set(**more: Any) -> pb.SetDisplayMessageRequest:
    fields: dict[str, Any] = {
        "display_message_id": 3,
        "priority": pb.MESSAGE_PRIORITY_IN_FRONT,
        "format": pb.MESSAGE_FORMAT_UTF8,
        "content": "Grüezi",
    }
    return pb.SetDisplayMessageRequest(station_id="CP1", message=pb.DisplayMessage(**(fields | more)))


def test_the_least_message() -> None:
    assert helpers.to_calls("set_display_message", _set()) == [
        {"message": {"id": 3, "priority": "InFront", "message": {"format": "UTF8", "content": "Grüezi"}}}
    ]


def test_the_whole_message_comes_back_as_it_was_sent() -> None:
    """Reported by the station, it is the same."""
    command = _set(
        shown_state=pb.MESSAGE_STATE_IDLE,
        start_time=Timestamp(seconds=1_760_000_000),
        end_time=Timestamp(seconds=1_760_003_600),
        transaction_id="tx",
        display=Variable(component="Display", component_instance="left", evse=EvseRef(evse_id=2)),
        language="de-CH",
    )
    [call] = helpers.to_calls("set_display_message", command)
    payload = {"requestId": 5, "tbc": True, "messageInfo": [call["message"]]}
    item = helpers.item("NotifyDisplayMessages", payload, IngestRpc.REPORTS)
    assert list(item.display_messages.messages) == [command.message]
    assert (item.display_messages.report_id, item.display_messages.to_be_continued) == (5, True)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"display_message_id": None}, "message.display_message_id"),
        ({"display_message_id": -1}, "message.display_message_id"),
        ({"priority": pb.MESSAGE_PRIORITY_UNSPECIFIED}, "message.priority"),
        ({"shown_state": pb.MESSAGE_STATE_SUSPENDED}, "message.shown_state"),
        ({"format": pb.MESSAGE_FORMAT_QRCODE}, "message.format"),
        ({"content": "x" * 513}, "message.content"),
        ({"language": "x" * 9}, "message.language"),
        ({"transaction_id": "x" * 37}, "message.transaction_id"),
        ({"start_time": Timestamp(seconds=2), "end_time": Timestamp(seconds=2)}, "message.end_time"),
        ({"display": Variable(component="D", evse=EvseRef(connector_id=1))}, "message.display.evse.evse_id"),
    ],
)
def test_messages_that_2_0_1_cannot_express(more: dict[str, Any], field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("set_display_message", _set(**more))
    assert caught.value.field == field


def test_every_answer_of_the_station_has_its_value() -> None:
    told = helpers.statuses_told("set_display_message", _set(), "DisplayMessageStatusEnumType")
    assert len(set(told.values())) == len(told) == 6
    request = pb.GetDisplayMessagesRequest(station_id="CP1", report_id=1, display_message_ids=[2])
    assert len(helpers.statuses_told("get_display_messages", request, "GetDisplayMessagesStatusEnumType")) == 2
    clear = pb.ClearDisplayMessageRequest(station_id="CP1", display_message_id=1)
    assert len(helpers.statuses_told("clear_display_message", clear, "ClearMessageStatusEnumType")) == 2


def test_a_state_that_2_0_1_does_not_have_cannot_be_requested() -> None:
    request = pb.GetDisplayMessagesRequest(station_id="CP1", report_id=1, shown_state=pb.MESSAGE_STATE_DISCHARGING)
    with pytest.raises(UnacceptableError, match=r"Charging, Faulted, Idle, Unavailable"):
        helpers.to_calls("get_display_messages", request)
