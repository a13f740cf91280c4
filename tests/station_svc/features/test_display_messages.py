"""The messages on displays, by the station's answers, its reports, and the time."""

from typing import Any

from csms.station.v1 import display_message_pb2 as pb
from csms.station.v1 import display_message_service_pb2 as service
from csms.station.v1 import partial_report_pb2 as reports
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.display_message_service_pb2_grpc import DisplayMessageServiceStub

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc.answers import TIMEOUT, answering, failing
from tests.station_svc.conftest import StationSystem, fails_with

ACCEPTED, REJECTED = pb.DISPLAY_MESSAGE_STATUS_ACCEPTED, pb.DISPLAY_MESSAGE_STATUS_REJECTED


def _message(content: str, **more: Any) -> pb.DisplayMessage:
    fields: dict[str, Any] = {"priority": pb.MESSAGE_PRIORITY_NORMAL_CYCLE, "format": pb.MESSAGE_FORMAT_UTF8}
    return pb.DisplayMessage(content=content, **(fields | more))


async def _set(
    system: StationSystem, message: pb.DisplayMessage, status: pb.DisplayMessageStatus.ValueType = ACCEPTED
) -> int:
    """Sets a message, which the station answers; returns the number that it was sent."""
    answer = pb.SetDisplayMessageResponse(status=status)
    system.gateway.behave = answering(lambda _sent: answer)
    await system.commands.SetDisplayMessage(pb.SetDisplayMessageRequest(station_id="CP1", message=message))
    return system.gateway.calls[-1].set_display_message.message.display_message_id


async def _states(system: StationSystem, **wanted: Any) -> dict[str, str]:
    stub = DisplayMessageServiceStub(system.operators)
    found = await stub.ListDisplayMessages(service.ListDisplayMessagesRequest(station_id="CP1", **wanted))
    prefix = "DISPLAY_MESSAGE_STATE_"
    return {
        one.message.content: service.DisplayMessageState.Name(one.state).removeprefix(prefix)
        for one in found.display_messages
    }


async def test_a_message_takes_the_place_of_one_of_its_number(system: StationSystem) -> None:
    """Only where the station accepts it."""
    await system.open("CP1")
    number = await _set(system, _message("first"))
    await _set(system, _message("refused", display_message_id=number), REJECTED)
    assert await _states(system) == {"first": "ACTIVE", "refused": "REJECTED"}
    await _set(system, _message("second", display_message_id=number))
    assert await _states(system) == {"first": "REPLACED", "refused": "REJECTED", "second": "ACTIVE"}
    assert await _states(system, filter="state = ACTIVE") == {"second": "ACTIVE"}


async def test_one_message_is_always_in_front(system: StationSystem) -> None:
    """A newer one replaces it; others stay."""
    await system.open("CP1")
    front = {"priority": pb.MESSAGE_PRIORITY_ALWAYS_FRONT}
    first = await _set(system, _message("old front", **front))
    await _set(system, _message("behind"))
    assert await _set(system, _message("new front", **front)) != first
    assert await _states(system) == {"old front": "REPLACED", "behind": "ACTIVE", "new front": "ACTIVE"}


async def test_numbers_that_the_station_may_hold_are_not_given_again(system: StationSystem) -> None:
    await system.open("CP1")
    await _set(system, _message("given", display_message_id=1))
    assert await _set(system, _message("made up")) == 2


async def test_a_message_without_an_answer_is_not_known(system: StationSystem) -> None:
    await system.open("CP1")
    system.gateway.behave = failing(TIMEOUT)
    with fails_with("CALL_TIMEOUT"):
        request = pb.SetDisplayMessageRequest(station_id="CP1", message=_message("lost"))
        await system.commands.SetDisplayMessage(request)
    assert await _states(system) == {"lost": "UNKNOWN"}


async def test_a_message_that_was_not_sent_leaves_nothing(system: StationSystem) -> None:
    await system.create("CP1")
    with fails_with("STATION_OFFLINE"):
        request = pb.SetDisplayMessageRequest(station_id="CP1", message=_message("unsent"))
        await system.commands.SetDisplayMessage(request)
    assert await _states(system) == {}


async def test_a_message_ends_with_its_time(system: StationSystem, clock: FakeClock) -> None:
    await system.open("CP1")
    await _set(system, _message("today", end_time=to_timestamp(clock() + 10_000_000)))
    assert await _states(system) == {"today": "ACTIVE"}
    clock.advance(10)
    assert await _states(system) == {"today": "EXPIRED"}
    assert await _states(system, filter="state = ACTIVE") == {}


async def test_each_change_is_an_event(system: StationSystem) -> None:
    await system.open("CP1")
    number = await _set(system, _message("short"))
    answer = pb.ClearDisplayMessageResponse(status=pb.CLEAR_MESSAGE_STATUS_ACCEPTED)
    system.gateway.behave = answering(lambda _sent: answer)
    request = pb.ClearDisplayMessageRequest(station_id="CP1", display_message_id=number)
    await system.commands.ClearDisplayMessage(request)
    assert await _states(system) == {"short": "CLEARED"}
    told = [data["state"] for _kind, _station, data in await system.events("display_message.changed")]
    assert told == ["DISPLAY_MESSAGE_STATE_ACTIVE", "DISPLAY_MESSAGE_STATE_CLEARED"]


async def _request_report(system: StationSystem) -> int:
    """Has the station report all its messages; the number of the report."""
    system.gateway.behave = answering(
        lambda sent: pb.GetDisplayMessagesResponse(
            status=pb.GET_DISPLAY_MESSAGES_STATUS_ACCEPTED, report_id=sent.report_id
        )
    )
    answer = await system.commands.GetDisplayMessages(pb.GetDisplayMessagesRequest(station_id="CP1"))
    return answer.report_id


async def _part(system: StationSystem, epoch: int, report_id: int, content: str, *, last: bool = False) -> None:
    """The station sends a part, with one message whose number follows from its content."""
    message = _message(content, display_message_id=100 + len(content))
    part = pb.DisplayMessagesPart(report_id=report_id, to_be_continued=not last, messages=[message])
    [result] = await system.notify(ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), display_messages=part))
    assert not result.HasField("error"), result.error


async def _latest_report(system: StationSystem) -> tuple[str, int, int]:
    stub = DisplayMessageServiceStub(system.operators)
    found = await stub.ListDisplayMessages(service.ListDisplayMessagesRequest(station_id="CP1"))
    report = found.latest_report
    state = reports.PartialReportState.Name(report.state).removeprefix("PARTIAL_REPORT_STATE_")
    return state, report.parts, report.doubled_parts


async def test_a_part_that_comes_twice_changes_no_message(system: StationSystem) -> None:
    """Its answer was lost with the connection: parts have no numbers, so one before the last counts once more."""
    epoch = await system.open("CP1")
    report_id = await _request_report(system)
    await _part(system, epoch, report_id, "a")
    epoch = await system.open("CP1")
    await _part(system, epoch, report_id, "a")
    await _part(system, epoch, report_id, "bb", last=True)
    assert await _latest_report(system) == ("COMPLETE", 3, 0)
    epoch = await system.open("CP1")
    await _part(system, epoch, report_id, "bb", last=True)
    await _part(system, epoch, report_id, "a")
    assert await _latest_report(system) == ("COMPLETE", 3, 2)
    assert await _states(system) == {"a": "ACTIVE", "bb": "ACTIVE"}
    ended = [data["state"] for _kind, _station, data in await system.events("station.report_received")]
    assert ended == ["PARTIAL_REPORT_STATE_COMPLETE"]


async def test_a_part_that_comes_after_the_last_is_recorded(system: StationSystem) -> None:
    """Its message is listed again, beside the one that the complete report ended; the report stays complete."""
    epoch = await system.open("CP1")
    for _round in range(2):
        report_id = await _request_report(system)
        await _part(system, epoch, report_id, "bb", last=True)
        await _part(system, epoch, report_id, "a")
    assert await _latest_report(system) == ("COMPLETE", 1, 1)
    assert await _states(system, filter="state = ACTIVE") == {"a": "ACTIVE", "bb": "ACTIVE"}
