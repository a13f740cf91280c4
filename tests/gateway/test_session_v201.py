"""Differences of a session that speaks 2.0.1."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_CONCURRENT_TX, IdToken
from csms.station.v1.station_pb2 import (
    BOOT_REASON_POWER_UP,
    REGISTRATION_STATUS_ACCEPTED,
    REGISTRATION_STATUS_PENDING,
    REGISTRATION_STATUS_REJECTED,
    RegistrationStatus,
)
from csms.transaction.v1.transaction_ingest_service_pb2 import AuthorizationResult, TransactionEventResult
from google.rpc.status_pb2 import Status

from gateway.batching.sinks import IngestUnavailableError
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import IngestRpc
from gateway.ocpp.v201.routes import ROUTES
from gateway.ocpp.versions import V201
from station_kit.messages import EventType, Message
from station_kit.v201 import messages as v201
from tests.gateway.session_rig import HEARTBEAT, NOT_ACCEPTED, TIME, Rig, call, session_rig
from tests.waiting import until

SCHEMAS = Schemas(V201)
BOOT = call("b", v201.boot_notification(vendor="V", model="M"))
STATUS = call("s", v201.status_notification(status="Available", timestamp=TIME))
EVENT = v201.transaction_event(
    EventType.STARTED,
    transaction_id="tx-1",
    timestamp=TIME,
    seq_no=0,
    trigger_reason="Authorized",
    idToken=v201.id_token_of("T"),
).payload


def event(**fields: Any) -> str:
    """The frame of a start with these fields."""
    return call("t", Message("TransactionEvent", EVENT | fields))


@asynccontextmanager
async def _rig(
    status: RegistrationStatus.ValueType = REGISTRATION_STATUS_ACCEPTED, *, booted: bool = True
) -> AsyncIterator[Rig]:
    async with session_rig(status, booted=booted, version=ROUTES, schemas=SCHEMAS) as rig:
        yield rig


async def test_a_station_boots_and_then_may_do_its_work() -> None:
    """B01: before an accepted boot only BootNotification is served, all others get SecurityError."""
    async with _rig(booted=False) as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = NOT_ACCEPTED
        for frame in (event(), HEARTBEAT, BOOT, STATUS):
            rig.wire.put(frame)
        start, heartbeat, booted, noted = await rig.answers(4)
        [offered] = rig.services[IngestRpc.TRANSACTION_EVENTS].items
        assert (offered.known_transaction_only, offered.raw.reason) == (True, "STATION_NOT_ACCEPTED")
        assert (offered.event.transaction_id, json.loads(offered.raw.payload)) == ("tx-1", EVENT)
        assert rig.session.reports.quirks["message_quarantined"] == 1
        assert rig.services[IngestRpc.BOOTS].items[0].reason == BOOT_REASON_POWER_UP
    assert start[:3] == [4, "t", "SecurityError"]
    assert heartbeat[:3] == [4, "h", "SecurityError"]
    assert (booted[2]["status"], booted[2]["interval"]) == ("Accepted", 300)
    assert noted == [3, "s", {}]


@pytest.mark.parametrize("status", [REGISTRATION_STATUS_PENDING, REGISTRATION_STATUS_REJECTED])
async def test_a_pending_or_rejected_station_may_not_go_on(status: RegistrationStatus.ValueType) -> None:
    """B02.FR.09, B03.FR.07: what it may not send is answered with SecurityError; the connection stays."""
    async with _rig(booted=False) as rig:
        rig.services[IngestRpc.BOOTS].result.registration_status = status
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = NOT_ACCEPTED
        for frame in (BOOT, event(), BOOT.replace('"b"', '"again"')):
            rig.wire.put(frame)
        first, refused, second = await rig.answers(3)
    assert first[2]["status"] == second[2]["status"] != "Accepted"
    assert refused[:3] == [4, "t", "SecurityError"]
    assert rig.wire.closed_with is None


async def test_a_pending_station_may_send_what_it_was_asked_for() -> None:
    """B02.FR.06: a triggered message is served while the station is pending, others are not."""
    async with _rig(REGISTRATION_STATUS_PENDING) as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = NOT_ACCEPTED
        call = asyncio.ensure_future(
            rig.session.call("TriggerMessage", {"requestedMessage": "StatusNotification"}, timeout_s=60)
        )
        sent = (await rig.answers(1))[0]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        assert (await call).payload == {"status": "Accepted"}
        rig.wire.put(STATUS)
        rig.wire.put(event())
        noted, refused = (await rig.answers(3))[1:]
    assert noted == [3, "s", {}]
    assert refused[:3] == [4, "t", "SecurityError"]


@pytest.mark.parametrize("action", ["GetBaseReport", "GetReport"])
async def test_a_pending_station_may_send_the_report_that_it_was_asked_for(action: str) -> None:
    """B02.FR.05, B02.FR.09: NotifyReport is served after a request for it, and refused before one."""
    request: dict[str, object] = {"requestId": 7}
    if action == "GetBaseReport":
        request["reportBase"] = "FullInventory"
    report = '[2,"r","NotifyReport",{"requestId":7,"generatedAt":"2026-01-01T00:00:00Z","seqNo":0}]'
    async with _rig(REGISTRATION_STATUS_PENDING) as rig:
        rig.wire.put(report.replace('"r"', '"early"'))
        early = (await rig.answers(1))[0]
        call = asyncio.ensure_future(rig.session.call(action, request, timeout_s=60))
        sent = (await rig.answers(2))[1]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        await call
        rig.wire.put(report)
        answer = (await rig.answers(3))[2]
    assert early[:3] == [4, "early", "SecurityError"]
    assert answer == [3, "r", {}]


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"x","MakeCoffee",{}]',
        '[2,"x","ClearCache",{}]',
        '[2,"x","DiagnosticsStatusNotification",{"status":"Idle"}]',
        '[2,"x","Authorize",{}]',
    ],
)
async def test_a_station_that_is_not_accepted_gets_securityerror_whatever_it_sends(frame: str) -> None:
    """B02.FR.09, B03.FR.07: acceptance is checked before the action and its schema."""
    async with _rig(REGISTRATION_STATUS_PENDING) as rig:
        rig.wire.put(frame)
        assert (await rig.answers(1))[0][:3] == [4, "x", "SecurityError"]


@pytest.mark.parametrize(
    "frame",
    ["what is this", "{}", "[]", "[2]", '[2,true,"Heartbeat",{}]', '[2,null,"Heartbeat",{}]'],
)
async def test_an_unreadable_id_is_answered_with_minus_one(frame: str) -> None:
    """OCPP-J 2.0.1, 4.2.3; and the connection goes on."""
    async with _rig() as rig:
        rig.wire.put(frame)
        rig.wire.put(HEARTBEAT)
        error, alive = await rig.answers(2)
    assert error[:3] == [4, "-1", "RpcFrameworkError"]
    assert error[3]
    assert alive[:2] == [3, "h"]


@pytest.mark.parametrize("frame", ["[3]", '[3,"x"]', "[4,5]"])
async def test_a_broken_answer_is_not_answered(frame: str) -> None:
    """There is no answer to an answer."""
    async with _rig() as rig:
        rig.wire.put(frame)
        rig.wire.put(HEARTBEAT)
        assert (await rig.answers(1))[0][1] == "h"
        assert rig.session.reports.quirks["malformed_frame"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"x","MakeCoffee",{}]', "NotImplemented"),
        ('[2,"x","ClearCache",{}]', "NotSupported"),
        ('[2,"x","Heartbeat",[]]', "FormatViolation"),
        ('[2,"x","Heartbeat"]', "RpcFrameworkError"),
        ('[2,"x","Heartbeat",{]', "RpcFrameworkError"),
        ('[6,"x","Heartbeat",{}]', "MessageTypeNotSupported"),
        ('[2,"x","Heartbeat",{"customData":{}}]', "OccurrenceConstraintViolation"),
        ('[2,"x","Authorize",{}]', "OccurrenceConstraintViolation"),
        ('[2,"x","Authorize",{"idToken":{"idToken":true,"type":"Local"}}]', "TypeConstraintViolation"),
        (
            '[2,"x","Authorize",{"idToken":{"idToken":"' + "A" * 256 + '","type":"Local"}}]',
            "PropertyConstraintViolation",
        ),
        # Shaped as 1.6 has it (quirk 3).
        (
            '[2,"x","BootNotification",{"chargePointModel":"M","chargePointVendor":"V"}]',
            "OccurrenceConstraintViolation",
        ),
        ('[2,"x","Authorize",{"idTag":"T"}]', "OccurrenceConstraintViolation"),
        (
            '[2,"x","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
            "OccurrenceConstraintViolation",
        ),
        (
            '[2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"2026-01-01T00:00:00Z"}]',
            "NotImplemented",
        ),
    ],
)
async def test_bad_input_has_its_exact_error_and_the_connection_goes_on(frame: str, code: str) -> None:
    """OCPP-J 2.0.1, 4.3: each kind of fault has its code."""
    async with _rig() as rig:
        rig.wire.put(frame)
        rig.wire.put(HEARTBEAT)
        answers = {answer[1]: answer for answer in await rig.answers(2)}
        assert rig.wire.closed_with is None
    assert answers["x"][0] == 4
    assert answers["x"][2] == code
    assert answers["x"][3]  # says what was wrong
    assert answers["h"][2] == {"currentTime": "2025-10-09T08:53:20.000Z"}


@pytest.mark.parametrize(
    ("fields", "reason", "answer"),
    [
        ({"eventType": "Paused"}, "SCHEMA_VIOLATION", {"idTokenInfo": {"status": "Accepted"}}),
        ({"seqNo": 2**40}, "VALUE_OUT_OF_RANGE", {"idTokenInfo": {"status": "Accepted"}}),
        ({"idToken": 7}, "SCHEMA_VIOLATION", {"idTokenInfo": {"status": "Invalid"}}),
    ],
)
async def test_an_event_that_cannot_be_read_is_kept_raw_and_acknowledged(
    fields: dict[str, Any], reason: str, answer: Any
) -> None:
    """ADR 8: no CALLERROR, and the id token is asked about where it can be read."""
    async with _rig() as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = TransactionEventResult(error=Status(code=3))
        rig.wire.put(event(**fields))
        assert (await rig.answers(1))[0] == [3, "t", answer]
        raw = events.items[0].raw
        assert (raw.ocpp_version, raw.action, raw.reason) == ("2.0.1", "TransactionEvent", reason)
        assert json.loads(raw.payload) == EVENT | fields
        assert len(rig.services[IngestRpc.AUTHORIZE].items) == (fields.keys() != {"idToken"})


async def test_a_whole_number_with_a_point_holds_nobody_up() -> None:
    """To JSON Schema 1.0 is a whole number."""
    async with _rig() as rig:
        rig.wire.put(event(seqNo=4.0))
        assert (await rig.answers(1))[0][0] == 3
        assert rig.services[IngestRpc.TRANSACTION_EVENTS].items[0].event.seq_no == 4


async def test_an_event_is_recorded_and_its_token_asked_about() -> None:
    """Both at once; the answer waits for both."""
    async with _rig() as rig:
        rig.wire.put(event())
        answer = (await rig.answers(1))[0]
        [recorded] = rig.services[IngestRpc.TRANSACTION_EVENTS].items
        [question] = rig.services[IngestRpc.AUTHORIZE].items
    assert answer == [3, "t", {"idTokenInfo": {"status": "Accepted"}}]
    assert recorded.event.id_token == question.id_token == IdToken(id_token="T", type="ISO14443")
    assert recorded.origin == question.origin


async def test_an_event_is_answered_without_auth() -> None:
    """docs/DESIGN.md, "Authorization of a start": it is committed even while auth_svc is unavailable."""
    async with _rig() as rig:
        rig.services[IngestRpc.AUTHORIZE].result = IngestUnavailableError()
        rig.wire.put(event())
        assert await rig.answers(1) == [[3, "t", {"idTokenInfo": {"status": "Accepted"}}]]


async def test_one_transaction_too_many_is_told_once_that_is_recorded() -> None:
    """auth_svc says how many a token may hold, transaction_svc how many it holds; the answer waits for the record."""
    async with _rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = TransactionEventResult(event_key="0.ab", concurrent_count=1)
        rig.services[IngestRpc.AUTHORIZE].result.max_concurrent_transactions = 1
        authorizations = rig.services[IngestRpc.AUTHORIZATIONS]
        authorizations.result = None
        rig.wire.put(event())
        await until(lambda: authorizations.waiting)
        assert rig.wire.sent == []
        [refusal] = authorizations.items
        assert (refusal.event_key, refusal.status) == ("0.ab", AUTHORIZATION_STATUS_CONCURRENT_TX)
        assert refusal.origin == rig.services[IngestRpc.TRANSACTION_EVENTS].items[0].origin
        authorizations.waiting[0].set_result(AuthorizationResult())
        assert (await rig.answers(1))[0][2] == {"idTokenInfo": {"status": "ConcurrentTx"}}


async def test_an_event_that_its_service_quarantined_is_acknowledged() -> None:
    """docs/DESIGN.md, "When a service is unavailable": the station need not send it again."""
    async with _rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = TransactionEventResult(error=Status(code=3))
        rig.wire.put(event())
        assert (await rig.answers(1))[0][0] == 3
        assert ("item_refused", "transaction_events") in rig.counts


async def test_a_service_that_stays_away_closes_the_socket_instead_of_refusing() -> None:
    """docs/DESIGN.md, "When a service is unavailable": a CALLERROR would cost the station one of its attempts."""
    async with _rig() as rig:
        rig.services[IngestRpc.TRANSACTION_EVENTS].result = IngestUnavailableError()
        rig.wire.put(event())
        await until(lambda: rig.wire.closed_with)
    assert rig.wire.closed_with == 1013
    assert rig.wire.sent == []


async def test_an_event_repeated_while_it_is_handled_is_one_call() -> None:
    """Quirk 19, in 2.0.1 as in 1.6."""
    async with _rig() as rig:
        events = rig.services[IngestRpc.TRANSACTION_EVENTS]
        events.result = None
        rig.wire.put(event())
        rig.wire.put(event())
        await until(lambda: events.waiting)
        events.waiting[0].set_result(TransactionEventResult(transaction_id="tx-1"))
        assert len(await rig.answers(1)) == 1
        assert len(events.items) == 1
        assert rig.session.reports.quirks["repeated_call"] == 1
