"""Block O, display messages. Of these cases only the names are public: the steps are our reading of the use cases."""

from collections.abc import Mapping
from typing import Any

import pytest
from csms.station.v1 import display_message_pb2 as pb
from csms.station.v1 import display_message_service_pb2 as service
from csms.station.v1 import partial_report_pb2 as reports
from csms.station.v1.display_message_service_pb2_grpc import DisplayMessageServiceStub

from mesh.runtime.times import now_us, to_timestamp
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
HOUR_US = 3_600_000_000


def _message(content: str = "Welcome", **more: Any) -> pb.DisplayMessage:
    fields: dict[str, Any] = {
        "priority": pb.MESSAGE_PRIORITY_NORMAL_CYCLE,
        "format": pb.MESSAGE_FORMAT_UTF8,
        "language": "en",
        "content": content,
    }
    return pb.DisplayMessage(**(fields | more))


async def _listed(station: ChargingStation) -> service.ListDisplayMessagesResponse:
    stub = DisplayMessageServiceStub(station.mesh.station_channel)
    request = service.ListDisplayMessagesRequest(station_id=station.station_id)
    found: service.ListDisplayMessagesResponse = await stub.ListDisplayMessages(
        request, metadata=station.mesh.metadata, timeout=TIMEOUT_S
    )
    return found


async def _states(station: ChargingStation) -> Mapping[str, str]:
    """The state of each message, by its content."""
    found = (await _listed(station)).display_messages
    prefix = "DISPLAY_MESSAGE_STATE_"
    return {one.message.content: service.DisplayMessageState.Name(one.state).removeprefix(prefix) for one in found}


async def _set(station: ChargingStation, message: pb.DisplayMessage, answer: str = "Accepted") -> dict[str, Any]:
    """An operator sets a message; returns what the station was sent."""
    action, payload, told = await station.told("SetDisplayMessage", {"status": answer}, message=message)
    assert action == "SetDisplayMessage"
    sent: dict[str, Any] = payload["message"]
    assert told.display_message_id == sent["id"]
    assert pb.DisplayMessageStatus.Name(told.status).replace("_", "") == f"DISPLAYMESSAGESTATUS{answer.upper()}"
    return sent


async def _refused(station: ChargingStation, message: pb.DisplayMessage, answer: str) -> None:
    await _set(station, message, answer)
    [found] = (await _listed(station)).display_messages
    assert found.state == service.DISPLAY_MESSAGE_STATE_REJECTED
    assert pb.DisplayMessageStatus.Name(found.answer).replace("_", "") == f"DISPLAYMESSAGESTATUS{answer.upper()}"


async def test_tc_o_01_csms(station: ChargingStation) -> None:
    """O01: a message, whose number is made up here."""
    sent = await _set(station, _message())
    assert sent["message"] == {"format": "UTF8", "language": "en", "content": "Welcome"}
    assert sent["priority"] == "NormalCycle"
    assert await _states(station) == {"Welcome": "ACTIVE"}
    assert (await _set(station, _message("Another")))["id"] != sent["id"]


async def _get(station: ChargingStation, answer: str = "Accepted", **wanted: Any) -> dict[str, Any]:
    action, payload, _told = await station.told("GetDisplayMessages", {"status": answer}, **wanted)
    assert action == "GetDisplayMessages"
    sent: dict[str, Any] = payload
    return sent


def _info(number: int, content: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "priority": "InFront", "message": {"format": "ASCII", "content": content}} | more


async def _tell(station: ChargingStation, request_id: int, *parts: list[dict[str, Any]]) -> None:
    for index, part in enumerate(parts):
        tbc = index < len(parts) - 1
        assert await station.call("NotifyDisplayMessages", requestId=request_id, tbc=tbc, messageInfo=part) == {}


async def test_tc_o_02_csms(station: ChargingStation) -> None:
    """O03: all messages, in two parts; one that was set here and is not among them is gone."""
    await _set(station, _message("Forgotten"))
    sent = await _get(station)
    assert set(sent) == {"requestId"}
    await _tell(station, sent["requestId"], [_info(71, "One")], [_info(72, "Two", state="Idle")])
    assert await _states(station) == {"One": "ACTIVE", "Two": "ACTIVE", "Forgotten": "CLEARED"}
    report = (await _listed(station)).latest_report
    assert (report.state, report.parts) == (reports.PARTIAL_REPORT_STATE_COMPLETE, 2)


async def test_tc_o_03_csms(station: ChargingStation) -> None:
    """O03: the station has none, so that those that were set here are gone."""
    await _set(station, _message())
    await _get(station, "Unknown")
    assert await _states(station) == {"Welcome": "CLEARED"}
    assert (await _listed(station)).latest_report.state == reports.PARTIAL_REPORT_STATE_EMPTY


async def test_tc_o_04_csms(station: ChargingStation) -> None:
    """O05: a message is cleared."""
    sent = await _set(station, _message())
    _action, payload, told = await station.told("ClearDisplayMessage", ACCEPTED, display_message_id=sent["id"])
    assert payload == {"id": sent["id"]}
    assert told.status == pb.CLEAR_MESSAGE_STATUS_ACCEPTED
    assert await _states(station) == {"Welcome": "CLEARED"}


async def test_tc_o_05_csms(station: ChargingStation) -> None:
    """O05: the station has no such message."""
    _action, payload, told = await station.told("ClearDisplayMessage", {"status": "Unknown"}, display_message_id=404)
    assert payload == {"id": 404}
    assert told.status == pb.CLEAR_MESSAGE_STATUS_UNKNOWN


async def test_tc_o_06_csms(station: ChargingStation) -> None:
    """O02: a message for the running transaction."""
    await station.charge()
    sent = await _set(station, _message(transaction_id=station.transaction_id))
    assert sent["transactionId"] == station.transaction_id


async def test_tc_o_07_csms(station: ChargingStation) -> None:
    """O04: by number. Others that are known stay."""
    await _set(station, _message("Other"))
    sent = await _get(station, display_message_ids=[71])
    assert sent["id"] == [71]
    await _tell(station, sent["requestId"], [_info(71, "One")])
    assert await _states(station) == {"Other": "ACTIVE", "One": "ACTIVE"}


async def test_tc_o_08_csms(station: ChargingStation) -> None:
    """O04: by priority."""
    sent = await _get(station, priority=pb.MESSAGE_PRIORITY_IN_FRONT)
    assert sent["priority"] == "InFront"
    await _tell(station, sent["requestId"], [_info(1, "One")])
    assert await _states(station) == {"One": "ACTIVE"}


async def test_tc_o_09_csms(station: ChargingStation) -> None:
    """O04: by state."""
    sent = await _get(station, shown_state=pb.MESSAGE_STATE_CHARGING)
    assert sent["state"] == "Charging"
    await _tell(station, sent["requestId"], [_info(1, "One", state="Charging")])
    [found] = (await _listed(station)).display_messages
    assert (found.message.shown_state, found.station_made) == (pb.MESSAGE_STATE_CHARGING, True)


async def test_tc_o_10_csms(station: ChargingStation) -> None:
    """O02: of a transaction that the station does not know."""
    await _refused(station, _message(transaction_id="none"), "UnknownTransaction")


async def test_tc_o_11_csms(station: ChargingStation) -> None:
    """O04: the station has none such; what is known beside it stays."""
    await _set(station, _message())
    await _get(station, "Unknown", display_message_ids=[404])
    assert await _states(station) == {"Welcome": "ACTIVE"}


async def test_tc_o_12_csms(station: ChargingStation) -> None:
    """O06: another message in the place of one, by its number."""
    sent = await _set(station, _message("Before"))
    again = await _set(station, _message("After", display_message_id=sent["id"]))
    assert again["id"] == sent["id"]
    assert await _states(station) == {"Before": "REPLACED", "After": "ACTIVE"}


async def test_tc_o_13_csms(station: ChargingStation) -> None:
    """O01: from a time on."""
    start = to_timestamp(now_us() + HOUR_US)
    sent = await _set(station, _message(start_time=start))
    assert sent["startDateTime"][:19] == start.ToJsonString()[:19]


async def test_tc_o_14_csms(station: ChargingStation) -> None:
    """O01: until a time; it counts as expired once that has come."""
    sent = await _set(station, _message(end_time=to_timestamp(now_us() + 100_000)))
    assert "endDateTime" in sent

    async def expired() -> bool:
        return await _states(station) == {"Welcome": "EXPIRED"}

    await eventually(expired)


async def test_tc_o_17_csms(station: ChargingStation) -> None:
    """O01: the station does not know the priority."""
    await _refused(station, _message(priority=pb.MESSAGE_PRIORITY_ALWAYS_FRONT), "NotSupportedPriority")


async def test_tc_o_18_csms(station: ChargingStation) -> None:
    """O01: the station does not know the state."""
    await _refused(station, _message(shown_state=pb.MESSAGE_STATE_FAULTED), "NotSupportedState")


async def test_tc_o_19_csms(station: ChargingStation) -> None:
    """O01: the station does not know the format."""
    await _refused(station, _message("<b>Hi</b>", format=pb.MESSAGE_FORMAT_HTML), "NotSupportedMessageFormat")


async def test_tc_o_25_csms(station: ChargingStation) -> None:
    """O01: each state in which a message is shown."""
    for state, word in (
        (pb.MESSAGE_STATE_CHARGING, "Charging"),
        (pb.MESSAGE_STATE_FAULTED, "Faulted"),
        (pb.MESSAGE_STATE_IDLE, "Idle"),
        (pb.MESSAGE_STATE_UNAVAILABLE, "Unavailable"),
    ):
        assert (await _set(station, _message(shown_state=state)))["state"] == word


async def test_tc_o_26_csms(station: ChargingStation) -> None:
    """O01: the station refuses."""
    await _refused(station, _message(), "Rejected")


async def test_tc_o_27_csms(station: ChargingStation) -> None:
    """O02: of a transaction, from a time on."""
    await station.charge()
    start = to_timestamp(now_us() + HOUR_US)
    sent = await _set(station, _message(transaction_id=station.transaction_id, start_time=start))
    assert {"transactionId", "startDateTime"} <= set(sent)


async def test_tc_o_28_csms(station: ChargingStation) -> None:
    """O02: of a transaction, until a time."""
    await station.charge()
    end = to_timestamp(now_us() + HOUR_US)
    sent = await _set(station, _message(transaction_id=station.transaction_id, end_time=end))
    assert {"transactionId", "endDateTime"} <= set(sent)
