"""One station's connection, with the socket and the services played by the test."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_BLOCKED
from csms.station.v1.station_ingest_service_pb2 import BootResult, ReportResult, StatusResult
from csms.station.v1.station_pb2 import (
    REGISTRATION_STATUS_PENDING,
    REGISTRATION_STATUS_REJECTED,
    RegistrationStatus,
)
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    AuthorizationResult,
    CountOpenTransactionsResult,
    TransactionEventResult,
)
from google.rpc.status_pb2 import Status

from gateway.batching.sinks import IngestUnavailableError
from gateway.connection import inbound_call_queue
from gateway.connection.station_budgets import MALFORMED_FRAMES_PER_MINUTE, StationBudgets
from gateway.ocpp.translation import IngestRpc
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock
from tests.gateway.session_rig import BOOT, HEARTBEAT, START, STATUS, Rig, session_rig
from tests.waiting import until


async def test_a_station_boots_and_then_may_do_its_work() -> None:
    """B01: before an accepted boot only BootNotification is served, all others get SecurityError."""
    async with session_rig(booted=False) as rig:
        for frame in (STATUS.replace('"s"', '"early"'), BOOT, STATUS):
            rig.wire.put(frame)
        refused, booted, noted = await rig.answers(3)
    assert refused[:3] == [4, "early", "SecurityError"]
    assert booted[:2] == [3, "b"]
    assert booted[2]["status"] == "Accepted"
    assert booted[2]["interval"] == 300
    assert noted == [3, "s", {}]


@pytest.mark.parametrize("status", [REGISTRATION_STATUS_PENDING, REGISTRATION_STATUS_REJECTED])
async def test_a_pending_or_rejected_station_does_not_go_on_after_a_reconnect(
    status: RegistrationStatus.ValueType,
) -> None:
    """Quirk 8, B02, B03: only a station that was accepted goes on without booting."""
    async with session_rig(status) as rig:
        rig.wire.put(STATUS)
        assert (await rig.answers(1))[0][2] == "SecurityError"


@pytest.mark.parametrize(("reason", "quirks"), [(Reason.QUARANTINED, 1), (Reason.QUARANTINE_FULL, 0)])
async def test_a_refused_start_is_counted_where_it_is_kept(reason: Reason, quirks: int) -> None:
    """A start beyond the bound gets the same SecurityError, and no person has to look for it."""
    error = MeshError(grpc.StatusCode.INVALID_ARGUMENT, reason, "not accepted", {"cause": "STATION_NOT_ACCEPTED"})
    async with session_rig(REGISTRATION_STATUS_PENDING) as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = TransactionEventResult(error=error.to_status())
        rig.wire.put(START.replace('"timestamp"', '"reservationId":7,"timestamp"'))
        assert (await rig.answers(1))[0][:3] == [4, "t", "SecurityError"]
        assert rig.session.reports.quirks["message_quarantined"] == quirks
        assert events.items[0].known_transaction_only
        assert not rig.services[IngestRpc.REPORTS].items  # the reservation is not used


async def test_a_pending_station_is_not_answered_before_its_message_is_kept() -> None:
    """While transaction_svc is unavailable the socket is closed, as for any message about a transaction."""
    async with session_rig(REGISTRATION_STATUS_PENDING) as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = IngestUnavailableError()
        rig.wire.put(START)
        await until(lambda: rig.wire.closed_with)
    assert (rig.wire.closed_with, rig.wire.sent) == (1013, [])


async def test_a_pending_station_may_send_what_it_was_asked_for() -> None:
    """B02.FR.06: a triggered message is served while the station is pending."""
    async with session_rig(REGISTRATION_STATUS_PENDING) as rig:
        call = asyncio.ensure_future(
            rig.session.call("TriggerMessage", {"requestedMessage": "StatusNotification"}, timeout_s=60)
        )
        sent = (await rig.answers(1))[0]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        assert (await call).payload == {"status": "Accepted"}
        rig.wire.put(STATUS)
        assert (await rig.answers(2))[1] == [3, "s", {}]


@pytest.mark.parametrize(
    ("action", "word", "allowed"),
    [
        ("ExtendedTriggerMessage", "StatusNotification", {"StatusNotification"}),
        ("ExtendedTriggerMessage", "SignChargePointCertificate", {"SignCertificate"}),
        (
            "ExtendedTriggerMessage",
            "FirmwareStatusNotification",
            {"FirmwareStatusNotification", "SignedFirmwareStatusNotification"},
        ),
        ("TriggerMessage", "SignChargingStationCertificate", {"SignCertificate"}),
        ("GetConfiguration", "StatusNotification", set()),
    ],
)
async def test_a_trigger_allows_what_it_asks_for(action: str, word: str, allowed: set[str]) -> None:
    """Messages that are called otherwise than what asks for them are let through, and no others."""
    asking = {"StatusNotification", "SignCertificate", "FirmwareStatusNotification", "SignedFirmwareStatusNotification"}
    async with session_rig(REGISTRATION_STATUS_PENDING) as rig:
        call = asyncio.ensure_future(rig.session.call(action, {"requestedMessage": word}, timeout_s=60))
        sent = (await rig.answers(1))[0]
        rig.wire.put(json.dumps([3, sent[1], {}]))
        await call
        for number, name in enumerate(sorted(asking & rig.session.routes.inbound.keys()), 2):
            rig.wire.put(json.dumps([2, name, name, {}]))
            answer = (await rig.answers(number))[-1]
            assert (answer[2] != "SecurityError") == (name in allowed), answer


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"x","MakeCoffee",{}]', "NotImplemented"),
        ('[2,"x","Reset",{"type":"Soft"}]', "NotSupported"),
        ('[2,"x","Heartbeat",[]]', "FormationViolation"),
        ('[2,"x","StatusNotification",{"connectorId":1}]', "OccurenceConstraintViolation"),
        (
            '[2,"x","StatusNotification",{"connectorId":"one","errorCode":"NoError","status":"Available"}]',
            "TypeConstraintViolation",
        ),
        ('[2,"x","Authorize",{"idTag":true}]', "TypeConstraintViolation"),
        ('[2,"x","Authorize"]', "FormationViolation"),
        ('[2,"x","Authorize",{"idTag":,}]', "FormationViolation"),
        ('[7,"x","Authorize",{}]', "FormationViolation"),
        (
            '[2,"x","StatusNotification",{"connectorId":-1,"errorCode":"NoError","status":"Available"}]',
            "PropertyConstraintViolation",
        ),
    ],
)
async def test_bad_input_has_its_exact_error_and_the_connection_goes_on(frame: str, code: str) -> None:
    """OCPP-J 1.6, 4.2.3: each kind of fault has its code."""
    async with session_rig() as rig:
        rig.wire.put(frame)
        rig.wire.put(HEARTBEAT)
        answers = {answer[1]: answer for answer in await rig.answers(2)}
    assert answers["x"][0] == 4
    assert answers["x"][2] == code
    assert answers["x"][3]  # says what was wrong
    assert answers["h"][2] == {"currentTime": "2025-10-09T08:53:20.000Z"}


async def test_an_unreadable_frame_is_logged_and_counted_and_otherwise_ignored() -> None:
    """Quirk 10: 1.6 has no answer without an id."""
    async with session_rig() as rig:
        rig.wire.put("what is this")
        rig.wire.put(HEARTBEAT)
        assert (await rig.answers(1))[0][1] == "h"
        assert rig.session.reports.quirks["malformed_frame"] == 1
        await rig.buffer.drain(5)
    assert rig.frames[0].payload == "what is this"
    assert rig.frames[0].message_type == 0


async def test_calls_are_answered_in_order_and_answers_pass_them() -> None:
    """4.5: a handler that waits holds up later CALLs, never the answer to a CALL of ours."""
    async with session_rig() as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = None
        rig.wire.put(START)
        rig.wire.put(HEARTBEAT)
        await until(lambda: events.waiting)
        call = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=60))
        sent = (await rig.answers(1))[0]
        assert sent[2] == "ClearCache"
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        assert (await call).payload == {"status": "Accepted"}
        assert len(rig.wire.sent) == 1  # the heartbeat waits behind the start
        events.waiting[0].set_result(TransactionEventResult(transaction_id="7"))
        answers = await rig.answers(3)
    assert [answer[1] for answer in answers[1:]] == ["t", "h"]
    assert answers[1][2] == {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}


async def test_a_call_repeated_while_it_is_handled_is_one_call() -> None:
    """Quirk 19: the same frame twice before our answer gets one answer; afterwards it is a call again."""
    async with session_rig() as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = None
        rig.wire.put(START)
        rig.wire.put(START)
        await until(lambda: events.waiting)
        events.result = TransactionEventResult(transaction_id="7")
        events.waiting[0].set_result(events.result)
        assert [answer[1] for answer in await rig.answers(1)] == ["t"]
        assert len(events.items) == 1
        rig.wire.put(START)
        assert [answer[1] for answer in await rig.answers(2)] == ["t", "t"]
        assert rig.session.reports.quirks["repeated_call"] == 1


@pytest.mark.parametrize(("bound", "value"), [("MAX_WAITING_CALLS", 4), ("MAX_WAITING_BYTES", 400)])
async def test_a_flood_of_calls_stops_the_reading(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    """The queue is bounded, in CALLs and in bytes: beyond it the socket is not read, and no CALL is lost."""
    monkeypatch.setattr(inbound_call_queue, bound, value)
    async with session_rig() as rig:
        statuses = rig.services[IngestRpc.STATUSES]
        statuses.result = None
        for number in range(50):
            rig.wire.put(STATUS.replace('"s"', f'"{number}"'))
        await until(lambda: statuses.waiting)
        assert len(rig.wire.kept) >= 44
        statuses.result = StatusResult()
        statuses.waiting[0].set_result(StatusResult())
        answers = await rig.answers(50)
    assert [answer[1] for answer in answers] == [str(number) for number in range(50)]


async def test_answers_wait_for_the_message_log() -> None:
    """Where frames come faster than the log takes them, all are a little later, and none is lost."""
    async with session_rig() as rig:
        for _ in range(500):
            rig.buffer.add(b"")
        rig.wire.put(HEARTBEAT)
        await asyncio.sleep(0)
        assert not rig.wire.sent
        await rig.buffer.drain(5)
        assert [answer[1] for answer in await rig.answers(1)] == ["h"]


async def test_a_station_that_does_not_read_is_not_read_from() -> None:
    """Answers that the gateway gives itself cannot pile up either."""
    async with session_rig() as rig:
        rig.wire.reads.clear()
        for number in range(50):
            rig.wire.put(f'[2,"{number}","Heartbeat",{{}}]')
        await until(lambda: rig.session.liveness.blocked_since_s is not None)
        assert len(rig.wire.sent) == 1
        rig.wire.reads.set()
        answers = await rig.answers(50)
        assert rig.session.liveness.blocked_since_s is None
    assert [answer[1] for answer in answers] == [str(number) for number in range(50)]


async def test_a_service_that_stays_away_closes_the_socket_instead_of_refusing() -> None:
    """docs/DESIGN.md, "When a service is unavailable": a CALLERROR would cost the station one of its attempts."""
    async with session_rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = IngestUnavailableError()
        rig.wire.put(START)
        await until(lambda: rig.wire.closed_with)
    assert rig.wire.closed_with == 1013
    assert rig.wire.sent == []


async def test_a_start_is_answered_without_auth() -> None:
    """docs/DESIGN.md, "Authorization of a start": it is committed even while auth_svc is unavailable."""
    async with session_rig() as rig:
        rig.services[IngestRpc.AUTHORIZE].result = IngestUnavailableError()
        rig.wire.put(START)
        answer = (await rig.answers(1))[0]
    assert answer == [3, "t", {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}]


def _refuse(rig: Rig) -> None:
    """auth_svc refuses the tag of a start."""
    rig.services[IngestRpc.TRANSACTION_EVENTS].result = TransactionEventResult(transaction_id="7", event_key="0.ab")
    rig.services[IngestRpc.AUTHORIZE].result.id_token_info.status = AUTHORIZATION_STATUS_BLOCKED


async def test_a_refused_start_is_not_answered_before_its_refusal_is_recorded() -> None:
    """Where it cannot be, the station keeps its start and sends it again."""
    async with session_rig() as rig:
        _refuse(rig)
        rig.services[IngestRpc.AUTHORIZATIONS].result = IngestUnavailableError()
        rig.wire.put(START)
        await until(lambda: rig.wire.closed_with)
        assert len(rig.services[IngestRpc.AUTHORIZATIONS].items) == 1
    assert rig.wire.closed_with == 1013
    assert rig.wire.sent == []


async def test_a_refusal_that_fails_for_its_content_keeps_no_answer_back() -> None:
    """It would fail again, and the station would send its start for ever."""
    async with session_rig() as rig:
        _refuse(rig)
        rig.services[IngestRpc.AUTHORIZATIONS].result = AuthorizationResult(error=Status(code=5))
        rig.wire.put(START)
        answer = (await rig.answers(1))[0]
        assert ("item_refused", "authorizations") in rig.counts
        assert not rig.session.reports.quirks["message_quarantined"]
    assert answer == [3, "t", {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}]


async def test_all_that_one_call_sends_has_one_budget() -> None:
    """The second round ends when the station gives up, not 20 s after the first one."""
    async with session_rig() as rig:
        _refuse(rig)
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = None
        rig.wire.put(START)
        events, refusals = rig.services[IngestRpc.TRANSACTION_EVENTS], rig.services[IngestRpc.AUTHORIZATIONS]
        await until(lambda: events.waiting)
        events.waiting[0].set_result(TransactionEventResult(transaction_id="7", event_key="0.ab"))
        await rig.answers(1)
        assert refusals.deadlines == events.deadlines


@pytest.mark.parametrize(
    ("held", "status"),
    [
        (CountOpenTransactionsResult(count=1), "ConcurrentTx"),
        (CountOpenTransactionsResult(count=1, held_by_station=True), "Accepted"),
        (CountOpenTransactionsResult(), "Accepted"),
        (CountOpenTransactionsResult(error=Status(code=13)), "Accepted"),
        (IngestUnavailableError(), "Accepted"),
    ],
)
async def test_authorize_asks_what_a_tag_holds_where_the_setting_says_so(held: Any, status: str) -> None:
    """Else nothing is asked, and never is a driver kept from stopping."""
    authorize = '[2,"a","Authorize",{"idTag":"T"}]'
    async with session_rig() as rig:
        service = rig.services[IngestRpc.OPEN_TRANSACTIONS]
        service.result = held
        told = rig.services[IngestRpc.AUTHORIZE].result
        told.max_concurrent_transactions = 1
        rig.wire.put(authorize)
        assert (await rig.answers(1))[0][2] == {"idTagInfo": {"status": "Accepted"}}
        assert not service.items
        told.limit_authorize = True
        rig.wire.put(authorize)
        assert (await rig.answers(2))[1][2] == {"idTagInfo": {"status": status}}
        assert [item.id_token.id_token for item in service.items] == ["T"]


@pytest.mark.parametrize("result", [IngestUnavailableError(), ReportResult(error=Status(code=13))])
async def test_money_does_not_wait_for_reports(result: Any) -> None:
    """The report to station_svc beside a start may be lost; the transaction is committed and answered."""
    async with session_rig() as rig:
        rig.services[IngestRpc.REPORTS].result = result
        rig.wire.put(START.replace('"idTag"', '"reservationId":3,"idTag"'))
        answer = (await rig.answers(1))[0]
        assert len(rig.services[IngestRpc.REPORTS].items) == 1
        assert len(rig.services[IngestRpc.TRANSACTION_EVENTS].items) == 1
    assert answer[:2] == [3, "t"]


async def test_a_message_of_money_that_its_service_quarantined_is_acknowledged() -> None:
    """docs/DESIGN.md, "When a service is unavailable": transaction_svc keeps it."""
    async with session_rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = TransactionEventResult(error=Status(code=3))
        rig.wire.put(START)
        assert (await rig.answers(1))[0][0] == 3
        assert ("item_refused", "transaction_events") in rig.counts


@pytest.mark.parametrize(
    ("payload", "reason", "answer"),
    [
        (
            {"connectorId": 1, "idTag": "T", "meterStart": 10**20, "timestamp": "2026-01-01T00:00:00Z"},
            "VALUE_OUT_OF_RANGE",
            {"transactionId": 0, "idTagInfo": {"status": "Accepted"}},
        ),
        (
            {"connectorId": -1, "idTag": "T", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"},
            "VALUE_OUT_OF_RANGE",
            {"transactionId": 0, "idTagInfo": {"status": "Accepted"}},
        ),
        ({"idTag": "T"}, "SCHEMA_VIOLATION", {"transactionId": 0, "idTagInfo": {"status": "Accepted"}}),
        ({"idTag": 7}, "SCHEMA_VIOLATION", {"transactionId": 0, "idTagInfo": {"status": "Invalid"}}),
        ([], "SCHEMA_VIOLATION", {"transactionId": 0, "idTagInfo": {"status": "Invalid"}}),
    ],
)
async def test_a_message_of_money_that_cannot_be_read_is_kept_raw_and_acknowledged(
    payload: object, reason: str, answer: object
) -> None:
    """ADR 8: a CALLERROR would burn one of the station's attempts, and the message would be lost with the last."""
    async with session_rig() as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = TransactionEventResult(error=Status(code=3))
        rig.wire.put(json.dumps([2, "x", "StartTransaction", payload]))
        assert (await rig.answers(1))[0] == [3, "x", answer]
        raw = events.items[0].raw
        assert (raw.ocpp_version, raw.action, raw.reason) == ("1.6", "StartTransaction", reason)
        assert json.loads(raw.payload) == payload
        assert raw.message
        assert events.items[0].origin.ordinal == 1
        asked = [item.id_token.id_token for item in rig.services[IngestRpc.AUTHORIZE].items]
        assert asked == (["T"] if answer["idTagInfo"]["status"] == "Accepted" else [])  # type: ignore[index]
        assert rig.session.reports.quirks["message_quarantined"] == 1


async def test_a_message_of_money_that_cannot_be_read_waits_for_its_service() -> None:
    """It is acknowledged only once it is kept."""
    async with session_rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = IngestUnavailableError()
        rig.wire.put('[2,"x","StopTransaction",{}]')
        await until(lambda: rig.wire.closed_with)
    assert rig.wire.closed_with == 1013
    assert rig.wire.sent == []


async def test_other_messages_that_could_not_be_stored_are_refused() -> None:
    """A message that is not about a transaction may be lost, but not silently."""
    async with session_rig() as rig:
        rig.services[IngestRpc.STATUSES].result = StatusResult(error=Status(code=13))
        rig.wire.put(STATUS)
        assert (await rig.answers(1))[0][:3] == [4, "s", "InternalError"]


async def test_a_boot_that_its_certificate_denies_has_the_reason() -> None:
    """B01.FR.12 of 2.0.1: the engineer at the station reads why the socket is closed next."""
    wrong = MeshError(grpc.StatusCode.PERMISSION_DENIED, Reason.SERIAL_NUMBER_WRONG, "the serial number is not 'SN-1'")
    async with session_rig() as rig:
        rig.services[IngestRpc.BOOTS].result = BootResult(error=wrong.to_status())
        rig.wire.put(BOOT)
        assert (await rig.answers(1))[0][:4] == [4, "b", "SecurityError", "the serial number is not 'SN-1'"]


async def test_every_frame_is_in_the_log_with_its_ordinal() -> None:
    """Both ways together, counted from 1, answers with their action."""
    async with session_rig() as rig:
        rig.wire.put(HEARTBEAT)
        await rig.answers(1)
        call = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=60))
        sent = (await rig.answers(2))[1]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        await call
        await rig.buffer.drain(5)
    seen = [(frame.ordinal, frame.direction, frame.message_type, frame.action) for frame in rig.frames]
    assert seen == [(1, 1, 2, "Heartbeat"), (2, 2, 3, "Heartbeat"), (3, 2, 2, "ClearCache"), (4, 1, 3, "ClearCache")]


async def test_items_carry_where_they_came_from() -> None:
    """docs/DESIGN.md, "Contracts": tenant, station, epoch, ordinal and receive time."""
    async with session_rig() as rig:
        rig.wire.put(HEARTBEAT)
        rig.wire.put(STATUS)
        await rig.answers(2)
        origin = rig.services[IngestRpc.STATUSES].items[0].origin
    assert (origin.tenant_id, origin.station_id, origin.epoch) == ("default", "CP1", 42)
    assert origin.ordinal in {2, 3}
    assert origin.receive_time.seconds == 1_760_000_000


async def test_an_answer_that_cannot_be_sent_harms_no_other_station() -> None:
    """A fault of one socket ends that connection; the batcher, which delivers results to others, is not affected."""
    async with session_rig() as rig:
        statuses = rig.services[IngestRpc.STATUSES]
        statuses.result = None
        rig.wire.put(STATUS)
        rig.wire.fault = RuntimeError("broken")
        statuses.waiting[0].set_result(StatusResult())
        assert rig.wire.closed_with == 1006


async def test_a_fault_while_a_station_does_not_read_ends_its_connection() -> None:
    """It comes back, and sends again what has no answer; what was read is done with."""

    async def drain() -> None:
        raise RuntimeError("broken")

    async with session_rig() as rig:
        rig.wire.reads.clear()
        rig.wire.drain = drain  # type: ignore[method-assign]
        rig.wire.put(HEARTBEAT)
        await until(lambda: rig.wire.closed_with)
        assert rig.wire.closed_with == 1006


async def test_a_fault_while_the_next_call_is_taken_harms_no_other_station() -> None:
    """The batcher that delivers a result is not affected, and the connection that cannot go on is ended."""
    async with session_rig() as rig:
        statuses = rig.services[IngestRpc.STATUSES]
        statuses.result = None
        rig.wire.put(STATUS)

        def answered() -> None:
            raise RuntimeError("broken")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rig.session._inbound_queue, "answered", answered)
            statuses.waiting[0].set_result(StatusResult())
        assert rig.wire.closed_with == 1006
        rig.session._inbound_queue.answered()


async def test_a_numeric_or_empty_message_id_is_answered_as_it_came() -> None:
    """Digit for digit, also above 2^53; a start is recorded under it like any other."""
    async with session_rig() as rig:
        rig.wire.put(START.replace('"t"', "98765432109876543210"))
        rig.wire.put(HEARTBEAT.replace('"h"', '""'))
        started, alive = await rig.answers(2)
        quirks = rig.session.take_quirks()
    assert started[:2] == [3, 98765432109876543210]
    assert started[2]["transactionId"] == 7
    assert alive[:2] == [3, ""]
    assert quirks == {"message_id_number": 1, "message_id_empty": 1, "clock_skew": 1}


async def test_a_flood_of_frames_that_are_no_messages_is_turned_away() -> None:
    """So many a minute, and so much: the socket closes with 1008, and a reconnect renews nothing."""
    budgets, clock = StationBudgets(), FakeClock()
    async with session_rig(budgets=budgets, clock=clock) as rig:
        for _ in range(MALFORMED_FRAMES_PER_MINUTE + 10):
            rig.wire.put("x" * 8_000)
        await until(lambda: rig.wire.closed_with)
        assert rig.wire.closed_with == 1008
        assert ("refused", "TooManyMalformedFrames") in rig.counts
        rig.wire.put(HEARTBEAT)
        assert rig.wire.sent == []
    async with session_rig(budgets=budgets, clock=clock) as rig:
        rig.wire.put("x")
        await until(lambda: rig.wire.closed_with == 1008)
    clock.advance(120)
    async with session_rig(budgets=budgets, clock=clock) as rig:
        rig.wire.put("x")
        rig.wire.put(HEARTBEAT)
        assert (await rig.answers(1))[0][1] == "h"
        assert rig.wire.closed_with is None


@pytest.mark.parametrize(
    ("count", "size", "apart_s"), [(2_000, 60, 0), (50, 8_000, 0), (200, 8_000, 60), (200, 8_000, 2)]
)
async def test_bad_frames_that_are_few_or_small_cost_no_connection(count: int, size: int, apart_s: int) -> None:
    """Quirk 10: many small ones, some large ones, or one each minute."""
    clock = FakeClock()
    async with session_rig(clock=clock) as rig:
        for _ in range(count):
            rig.wire.put("x" * size)
            clock.advance(apart_s)
        rig.wire.put(HEARTBEAT)
        assert (await rig.answers(1))[0][1] == "h"
        assert rig.wire.closed_with is None
        assert rig.session.reports.quirks["malformed_frame"] == count


async def test_messages_in_quarantine_are_no_malformed_frames() -> None:
    """They are kept and acknowledged, however many there are and however large."""
    async with session_rig() as rig:
        payload = {"connectorId": "x", "idTag": "T", "meterStart": 0, "timestamp": "", "x": "x" * 8_000}
        for number in range(200):
            rig.wire.put(json.dumps([2, f"{number}", "StartTransaction", payload]))
        answers = await rig.answers(200)
        assert {answer[0] for answer in answers} == {3}
        assert rig.wire.closed_with is None


async def test_a_large_frame_keeps_its_place() -> None:
    """It is worked on beside the event loop; what was sent after it is answered after it."""
    async with session_rig() as rig:
        large = json.dumps(
            [2, "large", "BootNotification", {"chargePointModel": "M", "chargePointVendor": "V" * 50_000}]
        )
        for frame in (HEARTBEAT, large, STATUS, large.replace("large", "again"), BOOT):
            rig.wire.put(frame)
        assert [answer[1] for answer in await rig.answers(5)] == ["h", "large", "s", "again", "b"]
