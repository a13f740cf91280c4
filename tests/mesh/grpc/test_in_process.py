"""Calls between two parts of one process: as over the network, without a connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    FindTransactionRequest,
    FindTransactionResponse,
)
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import (
    TransactionIngestServiceServicer,
    TransactionIngestServiceStub,
    add_TransactionIngestServiceServicer_to_server,
)

from mesh.contract.services import MESH_SERVICES
from mesh.grpc.channels import open_channel
from mesh.grpc.in_process import InProcessServers, is_in_process
from mesh.grpc.servers import GrpcServer, mesh_server
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error, unavailable
from tests.mesh_identities import identity_of
from tests.ports import held_port
from tests.waiting import PATIENCE_S, until

REQUEST = FindTransactionRequest(tenant_id="default", station_id="CP1", transaction_id="1")
present: ContextVar[str] = ContextVar("present", default="nobody's")

Behaviour = Callable[[FindTransactionRequest, Any], Awaitable[FindTransactionResponse]]


async def _find(_request: FindTransactionRequest, _context: Any) -> FindTransactionResponse:
    return FindTransactionResponse(found=True)


class Transactions(TransactionIngestServiceServicer):
    """Answers FindTransaction as a test has it."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = _find

    async def FindTransaction(self, request: FindTransactionRequest, context: Any) -> FindTransactionResponse:
        """See the contract."""
        return await self.behaviour(request, context)


@dataclass(frozen=True, kw_only=True)
class Rig:
    """transaction_svc's mesh server, and a caller in the same process."""

    servicer: Transactions
    server: GrpcServer
    channel: grpc.aio.Channel

    async def find(self, *, timeout_s: float = PATIENCE_S) -> FindTransactionResponse:
        """A call of FindTransaction. Raises MeshError."""
        return await self.find_by(self.channel, timeout_s=timeout_s)

    async def find_by(self, channel: grpc.aio.Channel, *, timeout_s: float = PATIENCE_S) -> FindTransactionResponse:
        """The same on another channel."""
        try:
            return await TransactionIngestServiceStub(channel).FindTransaction(REQUEST, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error


@pytest.fixture
def address() -> Iterator[str]:
    """Of the part that is called."""
    with held_port() as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
def servers(address: str) -> InProcessServers:
    """The servers of a process with transaction_svc."""
    return InProcessServers([address])


@pytest.fixture
async def rig(servers: InProcessServers, address: str) -> AsyncIterator[Rig]:
    """Not started."""
    with servers.shared():
        servicer = Transactions()  # type: ignore[abstract]
        server = mesh_server(address, identity=identity_of("transaction"), services=MESH_SERVICES["transaction"])
        server.add(lambda each: add_TransactionIngestServiceServicer_to_server(servicer, each))
        channel = open_channel(address, identity=identity_of("station"), to="transaction")
    yield Rig(servicer=servicer, server=server, channel=channel)
    await server.stop(0)


@pytest.fixture
async def started(rig: Rig) -> Rig:
    """Serves."""
    await rig.server.start()
    return rig


async def _error(call: Awaitable[object]) -> MeshError:
    with pytest.raises(MeshError) as failure:
        await call
    return failure.value


async def test_a_call_is_answered_without_a_connection(started: Rig) -> None:
    assert is_in_process(started.channel)
    await started.server.server.stop(None)  # its port is closed
    assert (await started.find()).found


async def test_the_part_elsewhere_is_called_over_the_network(started: Rig, address: str) -> None:
    with InProcessServers(["127.0.0.1:1"]).shared():
        async with open_channel(address, identity=identity_of("station"), to="transaction") as channel:
            assert not is_in_process(channel)
            assert (await started.find_by(channel)).found


async def test_neither_side_has_an_object_of_the_other(started: Rig) -> None:
    kept = FindTransactionResponse(found=True)

    async def change(request: FindTransactionRequest, _context: Any) -> FindTransactionResponse:
        request.station_id = "CP2"
        return kept

    started.servicer.behaviour = change
    response = await started.find()
    response.found = False
    assert (REQUEST.station_id, kept.found) == ("CP1", True)


async def test_a_part_that_the_contract_does_not_name_is_refused(
    started: Rig, servers: InProcessServers, address: str
) -> None:
    with servers.shared():
        channel = open_channel(address, identity=identity_of("notification"), to="transaction")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await TransactionIngestServiceStub(channel).FindTransaction(REQUEST, timeout=PATIENCE_S)
    assert failure.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (await _error(started.find_by(channel))).reason is Reason.CALLER_NOT_ALLOWED


async def test_an_error_keeps_its_status_and_its_reason(started: Rig) -> None:
    async def fail(_request: object, _context: Any) -> FindTransactionResponse:
        raise unavailable(Reason.DATABASE_UNAVAILABLE, "the database is unavailable; try again")

    started.servicer.behaviour = fail
    error = await _error(started.find())
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE)
    assert error.message == "the database is unavailable; try again"


async def test_an_unexpected_error_tells_its_caller_nothing(started: Rig) -> None:
    async def fail(_request: object, _context: Any) -> FindTransactionResponse:
        raise ValueError("secret")

    started.servicer.behaviour = fail
    error = await _error(started.find())
    assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert "secret" not in error.message


async def test_a_deadline_ends_the_call_on_both_sides(started: Rig) -> None:
    ended: list[str] = []

    async def wait(_request: object, context: Any) -> FindTransactionResponse:
        assert 0 < context.time_remaining() <= 0.05
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError("unreachable")

    started.servicer.behaviour = wait
    error = await _error(started.find(timeout_s=0.05))
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: ended == ["cancelled"])


async def test_a_caller_that_is_cancelled_cancels_its_call(started: Rig) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(_request: object, _context: Any) -> FindTransactionResponse:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    started.servicer.behaviour = wait
    calling = asyncio.create_task(started.find())
    await begun.wait()
    calling.cancel()
    await asyncio.wait([calling])
    assert calling.cancelled()
    await until(ended.is_set)


async def test_a_call_has_the_context_of_its_server(started: Rig) -> None:
    """The caller's credential and the fields of its log are its own."""
    seen: list[str] = []

    async def look(_request: object, _context: Any) -> FindTransactionResponse:
        seen.append(present.get())
        return FindTransactionResponse(found=True)

    started.servicer.behaviour = look
    token = present.set("the caller's")
    await started.find()
    present.reset(token)
    assert seen == ["nobody's"]


async def test_a_part_that_does_not_serve_is_unavailable_at_once(rig: Rig) -> None:
    assert (await _error(rig.find())).code is grpc.StatusCode.UNAVAILABLE
    assert rig.channel.get_state() is grpc.ChannelConnectivity.IDLE
    await rig.server.start()
    assert rig.channel.get_state() is grpc.ChannelConnectivity.READY
    assert (await rig.find()).found
    await rig.server.stop(0)
    assert (await _error(rig.find())).code is grpc.StatusCode.UNAVAILABLE


async def test_a_channel_is_ready_once_its_part_serves(rig: Rig) -> None:
    waiting = asyncio.create_task(rig.channel.channel_ready())
    await asyncio.sleep(0)
    assert not waiting.done()
    await rig.server.start()
    async with asyncio.timeout(PATIENCE_S):
        await waiting


async def test_a_server_that_stops_lets_a_call_end(started: Rig) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(_request: object, _context: Any) -> FindTransactionResponse:
        begun.set()
        await may_end.wait()
        return FindTransactionResponse(found=True)

    started.servicer.behaviour = wait
    calling = asyncio.create_task(started.find())
    await begun.wait()
    stopping = asyncio.create_task(started.server.stop(PATIENCE_S))
    await until(lambda: started.channel.get_state() is grpc.ChannelConnectivity.IDLE)
    assert not calling.done()
    may_end.set()
    assert (await calling).found
    await stopping


async def test_a_call_that_does_not_end_with_its_server_is_unavailable(started: Rig) -> None:
    begun = asyncio.Event()

    async def wait(_request: object, _context: Any) -> FindTransactionResponse:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    started.servicer.behaviour = wait
    calling = asyncio.create_task(started.find())
    await begun.wait()
    await started.server.stop(0)
    assert (await _error(calling)).code is grpc.StatusCode.UNAVAILABLE


async def test_streams_are_refused(started: Rig) -> None:
    stub = TransactionIngestServiceStub(started.channel)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        stub.StreamRecordTransactionEvents()
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
