"""A session with a test at both of its ends: the socket, and the services."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, IdTokenInfo
from csms.station.v1.station_ingest_service_pb2 import BootResult, RecordMessagesRequest, ReportResult, StatusResult
from csms.station.v1.station_pb2 import (
    REGISTRATION_STATUS_ACCEPTED,
    Message,
    RegistrationStatus,
)
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    AuthorizationResult,
    CountOpenTransactionsResult,
    StationEventResult,
    TransactionEventResult,
)

from gateway.batching.background_buffer import Buffer
from gateway.batching.sinks import IngestUnavailableError, Waiter
from gateway.connection.frame_channel import SocketClosedError
from gateway.connection.frame_linger import FrameLinger
from gateway.connection.late_turns import LateTurns
from gateway.connection.session import Connection, Session
from gateway.connection.station_budgets import StationBudgets
from gateway.message_log.message_log import MessageLog
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.ocpp.v16.routes import ROUTES
from gateway.ocpp.versions import V16
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_kit import messages
from station_kit.frames import Call, encode
from station_kit.v16 import messages as v16
from tests.conftest import FakeClock
from tests.waiting import until

SCHEMAS = Schemas(V16)
TIME = "2026-01-01T00:00:00Z"


def call(message_id: str, message: messages.Message) -> str:
    """A CALL of the station."""
    return encode(Call(message_id=message_id, action=message.action, payload=message.payload))


BOOT = call("b", v16.boot_notification(vendor="V", model="M"))
STATUS = call("s", v16.status_notification(status="Available", timestamp=TIME))
START = call("t", v16.start_transaction(id_tag="T", meter_start=0, timestamp=TIME))
HEARTBEAT = call("h", messages.HEARTBEAT)

NOT_ACCEPTED = TransactionEventResult(
    error=MeshError(
        grpc.StatusCode.INVALID_ARGUMENT, Reason.QUARANTINED, "kept", {"cause": "STATION_NOT_ACCEPTED"}
    ).to_status()
)
"""The answer of transaction_svc to an event of a station that is not accepted and has no such transaction."""


class Wire:
    """The station's end of the socket."""

    def __init__(self) -> None:
        self.receiver: Callable[[bytes], None] = lambda _data: None
        self.kept: deque[bytes] = deque()
        self.sent: list[Any] = []
        self.closed_with: int | None = None
        self.fault: Exception | None = None
        self.held = False
        self.pings = 0
        self.reads = asyncio.Event()
        self.reads.set()

    def put(self, text: str) -> None:
        """The station sends."""
        self.kept.append(text.encode())
        self._deliver()

    def write(self, data: bytes) -> bool:
        """See gateway.connection.frame_channel.Socket."""
        if self.fault is not None:
            raise self.fault
        if self.closed_with is not None:
            raise SocketClosedError(self.closed_with)
        self.sent.append(json.loads(data))
        return self.reads.is_set()

    async def drain(self) -> None:
        """See gateway.connection.frame_channel.Socket."""
        await self.reads.wait()

    def pause_reading(self) -> None:
        """See gateway.connection.frame_channel.Socket."""
        self.held = True

    def resume_reading(self) -> None:
        """See gateway.connection.frame_channel.Socket."""
        self.held = False
        self._deliver()

    async def close(self, code: int, reason: str) -> None:
        """See gateway.connection.frame_channel.Socket."""
        assert len(reason) <= 123
        self.closed_with = code

    def abort(self) -> None:
        """See gateway.connection.frame_channel.Socket."""
        self.closed_with = 1006

    def check_lost(self) -> bool:
        """See gateway.connection.frame_channel.Socket."""
        return False

    def ask_for_pong(self) -> None:
        """See gateway.connection.frame_channel.Socket."""
        self.pings += 1

    def _deliver(self) -> None:
        while self.kept and not self.held:
            self.receiver(self.kept.popleft())


class Service:
    """A service behind one ingest RPC: answers with `result`, or holds items back while it is None."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.items: list[Any] = []
        self.waiting: list[Waiter[Any]] = []
        self.deadlines: list[float] = []

    def submit(self, item: Any, waiter: Waiter[Any], *, deadline_s: float) -> None:
        """See gateway.batching.sinks.ItemSink."""
        assert deadline_s > 0
        self.items.append(item)
        self.deadlines.append(deadline_s)
        if self.result is None:
            self.waiting.append(waiter)
        elif isinstance(self.result, IngestUnavailableError):
            waiter.set_exception(self.result)
        else:
            waiter.set_result(self.result)


def _services() -> dict[IngestRpc, Any]:
    return {
        IngestRpc.BOOTS: Service(BootResult(registration_status=REGISTRATION_STATUS_ACCEPTED, interval_s=300)),
        IngestRpc.STATUSES: Service(StatusResult()),
        IngestRpc.REPORTS: Service(ReportResult()),
        IngestRpc.BACKGROUND_REPORTS: Service(ReportResult()),
        IngestRpc.STATION_EVENTS: Service(StationEventResult()),
        IngestRpc.AUTHORIZE: Service(AuthorizeResult(id_token_info=IdTokenInfo(status=AUTHORIZATION_STATUS_ACCEPTED))),
        IngestRpc.TRANSACTION_EVENTS: Service(TransactionEventResult(transaction_id="7")),
        IngestRpc.AUTHORIZATIONS: Service(AuthorizationResult()),
        IngestRpc.OPEN_TRANSACTIONS: Service(CountOpenTransactionsResult()),
    }


def _connection(status: RegistrationStatus.ValueType, *, booted: bool) -> Connection:
    return Connection(
        station_id="CP1",
        tenant_id="default",
        epoch=42,
        registration_status=status,
        booted=booted,
        heartbeat_interval_s=300,
    )


class Rig:
    """A session with a test at both of its ends."""

    def __init__(
        self,
        status: RegistrationStatus.ValueType,
        *,
        booted: bool,
        version: Routes,
        schemas: Schemas,
        clock: FakeClock,
        budgets: StationBudgets | None = None,
        late: LateTurns | None = None,
    ) -> None:
        self.wire = Wire()
        self.services = _services()
        self.frames: list[Message] = []
        self.counts: list[tuple[str, str]] = []
        buffer: Buffer[bytes] = Buffer(name="log", flush=self._keep, delay_s=0, batch=999, capacity=999)
        self.buffer = buffer
        self.budgets = budgets or StationBudgets()
        self.linger = FrameLinger(asyncio.get_running_loop().call_later)
        self.session = Session(
            socket=self.wire,
            connection=_connection(status, booted=booted),
            routes=version,
            schemas=schemas,
            sinks=self.services,
            message_log=MessageLog(
                buffer=buffer, tenant_id="default", station_id="CP1", epoch=42, allowance=self.budgets.log
            ),
            budgets=self.budgets,
            linger=self.linger,
            clock=clock,
            count=lambda kind, label: self.counts.append((kind, label)),
            late=late,
        )
        self.wire.receiver = self.session.receive

    async def _keep(self, entries: Sequence[bytes]) -> None:
        self.frames += [item.message for item in RecordMessagesRequest.FromString(b"".join(entries)).items]

    async def answers(self, count: int) -> list[Any]:
        """The first `count` frames to the station, once they are there."""
        await until(lambda: len(self.wire.sent) >= count)
        return self.wire.sent[:count]


@asynccontextmanager
async def session_rig(
    status: RegistrationStatus.ValueType = REGISTRATION_STATUS_ACCEPTED,
    *,
    booted: bool = True,
    version: Routes = ROUTES,
    schemas: Schemas = SCHEMAS,
    clock: FakeClock | None = None,
    budgets: StationBudgets | None = None,
    late: LateTurns | None = None,
) -> AsyncIterator[Rig]:
    """A session that is open; at the end its CALLs are answered, then it is closed."""
    clock = clock or FakeClock()
    rig = Rig(status, booted=booted, version=version, schemas=schemas, clock=clock, budgets=budgets, late=late)
    yield rig
    await rig.session.finish(60)
    rig.session.closed()
