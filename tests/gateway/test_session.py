"""One station's connection, with the socket and the services' ends of the lanes played by the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, IdTokenInfo
from csms.station.v1.station_ingest_service_pb2 import BootResult, MessageItem, StatusResult
from csms.station.v1.station_pb2 import (
    REGISTRATION_STATUS_ACCEPTED,
    REGISTRATION_STATUS_PENDING,
    REGISTRATION_STATUS_REJECTED,
    RegistrationStatus,
)
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult
from google.rpc.status_pb2 import Status

from gateway import session as session_module
from gateway.buffers import Buffer
from gateway.lanes import LaneUnavailableError
from gateway.recorder import Recorder
from gateway.schemas import Schemas
from gateway.session import Connection, Session, SocketClosedError
from gateway.translation import LaneName
from gateway.v16.routes import VERSION
from tests.conftest import FakeClock
from tests.waiting import until

SCHEMAS = Schemas("1.6")
BOOT = '[2,"b","BootNotification",{"chargePointModel":"M","chargePointVendor":"V"}]'
STATUS = '[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]'
START = '[2,"t","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"2026-01-01T00:00:00Z"}]'
HEARTBEAT = '[2,"h","Heartbeat",{}]'


class Wire:
    """The station's end of the socket."""

    def __init__(self) -> None:
        self._inbound: asyncio.Queue[bytes | int] = asyncio.Queue()
        self.sent: list[Any] = []
        self.closed_with: int | None = None
        self.reads = asyncio.Event()
        self.reads.set()

    def put(self, text: str) -> None:
        """The station sends."""
        self._inbound.put_nowait(text.encode())

    def hang_up(self, code: int = 1000) -> None:
        """The station closes."""
        self._inbound.put_nowait(code)

    async def receive(self) -> bytes:
        """See gateway.session.Socket."""
        item = await self._inbound.get()
        if isinstance(item, int):
            raise SocketClosedError(item)
        return item

    async def send(self, data: bytes) -> None:
        """See gateway.session.Socket."""
        await self.reads.wait()
        self.sent.append(json.loads(data))

    async def close(self, code: int, reason: str) -> None:
        """See gateway.session.Socket."""
        assert len(reason) <= 123
        self.closed_with = code
        self.hang_up(code)

    def abort(self) -> None:
        """See gateway.session.Socket."""
        self.hang_up(1006)

    async def ping(self) -> None:
        """See gateway.session.Socket."""

    @property
    def unread(self) -> int:
        """Frames that the session has not read."""
        return self._inbound.qsize()


class Service:
    """The far end of one lane: answers with `result`, or holds items back while it is None."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.items: list[Any] = []
        self.waiting: list[asyncio.Future[Any]] = []

    def submit(self, item: Any, *, deadline_s: float) -> "asyncio.Future[Any]":
        """See gateway.lanes.Lane."""
        assert deadline_s > 0
        future = asyncio.get_running_loop().create_future()
        self.items.append(item)
        if self.result is None:
            self.waiting.append(future)
        elif isinstance(self.result, Exception):
            future.set_exception(self.result)
        else:
            future.set_result(self.result)
        return future


class Rig:
    """A session with a test at both of its ends."""

    def __init__(self, status: RegistrationStatus.ValueType, *, booted: bool) -> None:
        self.wire = Wire()
        self.services: dict[LaneName, Any] = {
            LaneName.BOOTS: Service(BootResult(registration_status=REGISTRATION_STATUS_ACCEPTED, interval_s=300)),
            LaneName.STATUSES: Service(StatusResult()),
            LaneName.AUTHORIZE: Service(
                AuthorizeResult(id_token_info=IdTokenInfo(status=AUTHORIZATION_STATUS_ACCEPTED))
            ),
            LaneName.TRANSACTION_EVENTS: Service(TransactionEventResult(transaction_id="7")),
        }
        self.frames: list[MessageItem] = []
        self.counts: list[tuple[str, str]] = []
        buffer: Buffer[MessageItem] = Buffer(name="log", flush=self._keep, delay_s=0, batch=999, capacity=999)
        self.buffer = buffer
        self.session = Session(
            socket=self.wire,
            connection=Connection(
                station_id="CP1", tenant_id="default", epoch=42, registration_status=status, booted=booted
            ),
            version=VERSION,
            schemas=SCHEMAS,
            lanes=self.services,
            recorder=Recorder(buffer=buffer, tenant_id="default", station_id="CP1", epoch=42),
            clock=FakeClock(),
            count=lambda kind, label: self.counts.append((kind, label)),
        )

    async def _keep(self, items: Any) -> None:
        self.frames.extend(items)

    async def answers(self, count: int) -> list[Any]:
        """The first `count` frames to the station, once they are there."""
        await until(lambda: len(self.wire.sent) >= count)
        return self.wire.sent[:count]


@asynccontextmanager
async def _rig(
    status: RegistrationStatus.ValueType = REGISTRATION_STATUS_ACCEPTED, *, booted: bool = True
) -> AsyncIterator[Rig]:
    rig = Rig(status, booted=booted)
    running = asyncio.ensure_future(rig.session.run())
    yield rig
    rig.wire.hang_up()
    await running
    await rig.session.finish(5)


async def test_a_station_boots_and_then_may_do_its_work() -> None:
    """B01: before an accepted boot only BootNotification is served, SecurityError tells so."""
    async with _rig(booted=False) as rig:
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
    async with _rig(status) as rig:
        rig.wire.put(STATUS)
        assert (await rig.answers(1))[0][2] == "SecurityError"


async def test_a_pending_station_may_send_what_it_was_asked_for() -> None:
    """B02.FR.06: a triggered message is served while the station is pending."""
    async with _rig(REGISTRATION_STATUS_PENDING) as rig:
        call = asyncio.ensure_future(
            rig.session.call("TriggerMessage", {"requestedMessage": "StatusNotification"}, timeout_s=5)
        )
        sent = (await rig.answers(1))[0]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        assert await call == {"status": "Accepted"}
        rig.wire.put(STATUS)
        assert (await rig.answers(2))[1] == [3, "s", {}]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"x","MakeCoffee",{}]', "NotSupported"),
        ('[2,"x","FirmwareStatusNotification",{"status":"Idle"}]', "NotImplemented"),
        ('[2,"x","Heartbeat",[]]', "FormationViolation"),
        ('[2,"x","StatusNotification",{"connectorId":1}]', "OccurenceConstraintViolation"),
        (
            '[2,"x","StatusNotification",{"connectorId":"1","errorCode":"NoError","status":"Available"}]',
            "TypeConstraintViolation",
        ),
        ('[2,"x","Authorize",{"idTag":7}]', "TypeConstraintViolation"),
        ('[2,"x","Authorize"]', "FormationViolation"),
        ('[2,"x","Authorize",{"idTag":,}]', "FormationViolation"),
        ('[7,"x","Authorize",{}]', "FormationViolation"),
        (
            '[2,"x","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":99999999999999999999,"timestamp":"2026-01-01T00:00:00Z"}]',
            "PropertyConstraintViolation",
        ),
    ],
)
async def test_bad_input_has_its_exact_error_and_the_connection_goes_on(frame: str, code: str) -> None:
    """OCPP-J 1.6, 4.2.3: each kind of fault has its code."""
    async with _rig() as rig:
        rig.wire.put(frame)
        rig.wire.put(HEARTBEAT)
        answers = {answer[1]: answer for answer in await rig.answers(2)}
    assert answers["x"][0] == 4
    assert answers["x"][2] == code
    assert answers["x"][3]  # says what was wrong
    assert answers["h"][2] == {"currentTime": "2025-10-09T08:53:20.000Z"}


async def test_an_unreadable_frame_is_logged_and_counted_and_otherwise_ignored() -> None:
    """Quirk 10: 1.6 has no answer without an id."""
    async with _rig() as rig:
        rig.wire.put("what is this")
        rig.wire.put(HEARTBEAT)
        assert (await rig.answers(1))[0][1] == "h"
        assert rig.session.quirks["malformed_frame"] == 1
        await rig.buffer.drain(5)
    assert rig.frames[0].message.payload == "what is this"
    assert rig.frames[0].message.message_type == 0


async def test_calls_are_answered_in_order_and_answers_pass_them() -> None:
    """4.5: a handler that waits holds up later CALLs, never the answer to a CALL of ours."""
    async with _rig() as rig:
        events = rig.services[LaneName.TRANSACTION_EVENTS]
        events.result = None
        rig.wire.put(START)
        rig.wire.put(HEARTBEAT)
        await until(lambda: events.waiting)
        call = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=5))
        sent = (await rig.answers(1))[0]
        assert sent[2] == "ClearCache"
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        assert await call == {"status": "Accepted"}
        assert len(rig.wire.sent) == 1  # the heartbeat waits behind the start
        events.waiting[0].set_result(TransactionEventResult(transaction_id="7"))
        answers = await rig.answers(3)
    assert [answer[1] for answer in answers[1:]] == ["t", "h"]
    assert answers[1][2] == {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}


async def test_a_call_repeated_while_it_is_handled_is_one_call() -> None:
    """Quirk 19: the same frame twice before our answer gets one answer; afterwards it is a call again."""
    async with _rig() as rig:
        events = rig.services[LaneName.TRANSACTION_EVENTS]
        events.result = None
        rig.wire.put(START)
        rig.wire.put(START)
        await until(lambda: events.waiting and not rig.wire.unread)
        events.result = TransactionEventResult(transaction_id="7")
        events.waiting[0].set_result(events.result)
        assert [answer[1] for answer in await rig.answers(1)] == ["t"]
        assert len(events.items) == 1
        rig.wire.put(START)
        assert [answer[1] for answer in await rig.answers(2)] == ["t", "t"]
        assert rig.session.quirks["repeated_call"] == 1


async def test_a_flood_of_calls_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inbox is bounded: beyond it the socket is not read, and nothing is lost."""
    monkeypatch.setattr(session_module, "INBOX_SIZE", 4)
    async with _rig() as rig:
        rig.wire.reads.clear()
        for number in range(50):
            rig.wire.put(f'[2,"{number}","Heartbeat",{{}}]')
        await until(lambda: rig.wire.unread <= 45)
        for _ in range(100):
            await asyncio.sleep(0)
        assert rig.wire.unread >= 44
        rig.wire.reads.set()
        answers = await rig.answers(50)
    assert [answer[1] for answer in answers] == [str(number) for number in range(50)]


async def test_a_service_that_stays_away_closes_the_socket_instead_of_refusing() -> None:
    """Design 2: a CALLERROR would burn an attempt of the station; an offline station keeps its message."""
    async with _rig() as rig:
        rig.services[LaneName.TRANSACTION_EVENTS].result = LaneUnavailableError()
        rig.wire.put(START)
        await until(lambda: rig.wire.closed_with)
    assert rig.wire.closed_with == 1013
    assert rig.wire.sent == []


async def test_a_start_is_answered_without_auth() -> None:
    """4.6: the start is committed even if auth is away."""
    async with _rig() as rig:
        rig.services[LaneName.AUTHORIZE].result = LaneUnavailableError()
        rig.wire.put(START)
        answer = (await rig.answers(1))[0]
    assert answer == [3, "t", {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}]


async def test_a_message_of_money_that_its_service_quarantined_is_acknowledged() -> None:
    """Design 2: what fails for its own content is kept there, and the station must not send it for ever."""
    async with _rig() as rig:
        rig.services[LaneName.TRANSACTION_EVENTS].result = TransactionEventResult(error=Status(code=3))
        rig.wire.put(START)
        assert (await rig.answers(1))[0][0] == 3
        assert ("item_refused", "transaction_events") in rig.counts


async def test_other_messages_that_could_not_be_stored_are_refused() -> None:
    """What is not money may be lost, but not silently."""
    async with _rig() as rig:
        rig.services[LaneName.STATUSES].result = StatusResult(error=Status(code=13))
        rig.wire.put(STATUS)
        assert (await rig.answers(1))[0][:3] == [4, "s", "InternalError"]


async def test_every_frame_is_in_the_log_with_its_ordinal() -> None:
    """Both ways together, counted from 1, answers with their action."""
    async with _rig() as rig:
        rig.wire.put(HEARTBEAT)
        await rig.answers(1)
        call = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=5))
        sent = (await rig.answers(2))[1]
        rig.wire.put(json.dumps([3, sent[1], {"status": "Accepted"}]))
        await call
        await rig.buffer.drain(5)
    seen = [
        (item.message.ordinal, item.message.direction, item.message.message_type, item.message.action)
        for item in rig.frames
    ]
    assert seen == [(1, 1, 2, "Heartbeat"), (2, 2, 3, "Heartbeat"), (3, 2, 2, "ClearCache"), (4, 1, 3, "ClearCache")]


async def test_items_carry_where_they_came_from() -> None:
    """Design 3: tenant, station, epoch, ordinal and the time of reading."""
    async with _rig() as rig:
        rig.wire.put(HEARTBEAT)
        rig.wire.put(STATUS)
        await rig.answers(2)
        origin = rig.services[LaneName.STATUSES].items[0].origin
    assert (origin.tenant_id, origin.station_id, origin.epoch) == ("default", "CP1", 42)
    assert origin.ordinal in {2, 3}
    assert origin.receive_time.seconds == 1_760_000_000
