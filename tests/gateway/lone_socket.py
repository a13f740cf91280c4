"""One real socket and session, without a network: bytes go in, and what the gateway does about them can be measured.

Nothing else runs in the event loop, neither services nor a client: each callback is the gateway's own.
"""

import asyncio
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.auth.v1.certificate_exchange_service_pb2 import (
    CheckContractCertificateResult,
    GetCertificateStatusResult,
    GetEvCertificateResult,
)
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED, IdTokenInfo
from csms.station.v1.station_ingest_service_pb2 import (
    BootResult,
    ReportResult,
    RequestCertificateResult,
    StatusResult,
    TransferDataResult,
)
from csms.station.v1.station_pb2 import REGISTRATION_STATUS_ACCEPTED
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesResult, TransactionEventResult
from websockets.server import ServerProtocol

from gateway.batching.background_buffer import Buffer
from gateway.connection.frame_linger import FrameLinger
from gateway.connection.session import Connection, Session
from gateway.connection.station_budgets import StationBudgets
from gateway.message_log.message_log import MessageLog
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.ocpp.v16.routes import ROUTES as V16
from gateway.ocpp.v201.routes import ROUTES as V201
from gateway.websocket.server import DEFLATE, MAX_FRAME_BYTES
from gateway.websocket.socket import StationSocket
from tests.conftest import FakeClock
from tests.cpu import Longest, longest_callback
from tests.waiting import until

VERSIONS = (V16, V201)
_SCHEMAS = {version.label: Schemas(version.ocpp) for version in VERSIONS}


class Wire:
    """The transport of a socket; it keeps nothing of what is written, but how much it was."""

    def __init__(self, protocol: StationSocket) -> None:
        self._protocol = protocol
        self._socket = sockets.socket()
        self.written = 0
        self.unread = 0  # what the far end has not read
        self.reads = True
        self.is_reading = True
        self.is_closed = False
        self.last = b""

    def write(self, data: bytes) -> None:
        """See asyncio.WriteTransport."""
        self.written += len(data)
        self.last = data
        if not self.reads:
            self.unread += len(data)
            if self.unread > 2**15 and not self._protocol.paused:
                self._protocol.pause_writing()

    def pause_reading(self) -> None:
        """See asyncio.ReadTransport."""
        self.is_reading = False

    def resume_reading(self) -> None:
        """See asyncio.ReadTransport."""
        self.is_reading = True

    def is_closing(self) -> bool:
        """See asyncio.BaseTransport."""
        return self.is_closed

    def abort(self) -> None:
        """See asyncio.WriteTransport."""
        if not self.is_closed:
            self.is_closed = True
            self._socket.close()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def can_write_eof(self) -> bool:
        """See asyncio.WriteTransport."""
        return False

    def close(self) -> None:
        """See asyncio.BaseTransport."""
        self.abort()

    def get_extra_info(self, name: str) -> Any:
        """See asyncio.BaseTransport."""
        return self._socket if name == "socket" else ("127.0.0.1", 1)

    def set_write_buffer_limits(self, high: int, low: int | None) -> None:
        """See asyncio.WriteTransport."""


class _Sink:
    """A service that answers at the next turn of the event loop."""

    def __init__(self, result: Any) -> None:
        self._result = result
        self.items = 0
        self.item_bytes = 0

    def submit(self, item: Any, waiter: Any, *, deadline_s: float) -> None:
        """See gateway.batching.sinks.ItemSink."""
        del deadline_s
        self.items += 1
        self.item_bytes += len(item.SerializeToString())
        asyncio.get_running_loop().call_soon(waiter.set_result, self._result)


class _Server:
    """The part of a server that a connection needs."""

    def __init__(self) -> None:
        self.handler_tasks: set[Any] = set()

    async def handler(self, _connection: Any) -> None:
        """The socket is served by the test."""


class LoneSocket:
    """One socket after its handshake, with its session. Used within `lone_socket`."""

    def __init__(self, version: Routes, *, compressed: bool, longest: Longest) -> None:
        self.longest = longest
        self.logged_bytes = 0
        extensions = [DEFLATE] if compressed else None
        protocol = ServerProtocol(extensions=extensions, max_size=MAX_FRAME_BYTES)
        self.socket = StationSocket(protocol, _Server())
        self.socket.close_timeout = 0.01  # nobody is at the other end to close
        self.wire = Wire(self.socket)
        self.sinks: dict[IngestRpc, Any] = {name: _Sink(result) for name, result in _RESULTS.items()}
        self.budgets = StationBudgets()
        buffer: Buffer[bytes] = Buffer(name="log", flush=self._keep, delay_s=0, batch=1024, capacity=50_000, size=len)
        self.buffer = buffer
        self._connect(compressed=compressed)
        schemas = _SCHEMAS[version.label]
        schemas.warm(version.inbound)
        self.session = Session(
            socket=self.socket,
            connection=Connection(
                station_id="CP1",
                tenant_id="default",
                epoch=1,
                registration_status=REGISTRATION_STATUS_ACCEPTED,
                booted=True,
                heartbeat_interval_s=300,
            ),
            routes=version,
            schemas=schemas,
            sinks=self.sinks,
            message_log=MessageLog(
                buffer=buffer, tenant_id="default", station_id="CP1", epoch=1, allowance=self.budgets.log
            ),
            budgets=self.budgets,
            linger=FrameLinger(asyncio.get_running_loop().call_later),
            clock=FakeClock(),
            count=lambda _kind, _label: None,
            others=[ServedVersion(other, _SCHEMAS[other.label]) for other in VERSIONS if other is not version],
        )
        self.socket.attach(self.session)

    async def feed(self, data: bytes, *, read_bytes: int = 256 * 1024) -> None:
        """Has the socket read bytes, as much at once as libuv does, and waits until all is done that follows."""
        loop = asyncio.get_running_loop()
        for at in range(0, len(data), read_bytes):
            await until(self._is_calm)
            if self.wire.is_closed or not self.wire.is_reading:
                return
            loop.call_soon(self.socket.data_received, data[at : at + read_bytes])
            await asyncio.sleep(0)
        await self.settle()

    async def settle(self) -> None:
        """Waits until the session has nothing left to do."""
        await until(self._is_calm)
        await self.session.finish(60)
        await until(lambda: not self.session._tasks or not self.wire.reads)

    def _is_calm(self) -> bool:
        """Whether the socket reads, or will not by itself."""
        return self.wire.is_reading or self.wire.is_closed or self.socket.paused

    def _connect(self, *, compressed: bool) -> None:
        self.socket.connection_made(self.wire)
        offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if compressed else b""
        self.socket.data_received(
            b"GET /ocpp/CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + offer + b"\r\n"
        )
        protocol, request = self.socket.protocol, self.socket.request
        assert request is not None
        protocol.send_response(protocol.accept(request))
        self.socket.send_data()

    async def _keep(self, entries: Any) -> None:
        self.logged_bytes += sum(map(len, entries))


_RESULTS: dict[IngestRpc, Any] = {
    IngestRpc.BOOTS: BootResult(registration_status=REGISTRATION_STATUS_ACCEPTED, interval_s=300),
    IngestRpc.STATUSES: StatusResult(),
    IngestRpc.DATA_TRANSFERS: TransferDataResult(),
    IngestRpc.CERTIFICATES: RequestCertificateResult(),
    IngestRpc.REPORTS: ReportResult(),
    IngestRpc.BACKGROUND_REPORTS: ReportResult(),
    IngestRpc.AUTHORIZE: AuthorizeResult(id_token_info=IdTokenInfo(status=AUTHORIZATION_STATUS_ACCEPTED)),
    IngestRpc.CERTIFICATE_STATUSES: GetCertificateStatusResult(),
    IngestRpc.CONTRACT_CERTIFICATES: CheckContractCertificateResult(),
    IngestRpc.EV_CERTIFICATES: GetEvCertificateResult(),
    IngestRpc.TRANSACTION_EVENTS: TransactionEventResult(transaction_id="7"),
    IngestRpc.METER_VALUES: MeterValuesResult(),
}


@contextmanager
def lone_socket(version: Routes = V16, *, compressed: bool = False) -> Iterator[LoneSocket]:
    """A socket, with its callbacks measured. Use within asyncio's own event loop."""
    with longest_callback() as longest:
        lone = LoneSocket(version, compressed=compressed, longest=longest)
        try:
            yield lone
        finally:
            lone.session.closed()
            lone.wire.abort()
