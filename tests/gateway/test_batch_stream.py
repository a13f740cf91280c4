"""Streams of batches between two processes, over a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    RecordTransactionEventsRequest,
    RecordTransactionEventsResponse,
    TransactionEventItem,
    TransactionEventResult,
)
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import (
    TransactionIngestServiceServicer,
    add_TransactionIngestServiceServicer_to_server,
)

from deploy.mesh_keys import MeshKeys
from gateway.batching.batch_stream import BatchStream
from mesh.contract.services import MESH_SERVICES
from mesh.grpc.batch_streams import served_by_twin
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import GrpcServer, mesh_server
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.mesh_tokens import LIFETIME_S
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from mesh.runtime.settings import Environment, MeshSettings
from mesh.runtime.times import SECOND_US
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of
from tests.waiting import PATIENCE_S, eventually, until

SERVICE = "csms.transaction.v1.TransactionIngestService"
REQUEST = RecordTransactionEventsRequest(items=[TransactionEventItem()]).SerializeToString()


class Transactions(TransactionIngestServiceServicer):
    """Answers each batch with the number of the stream that it came on, unless it is held or fails."""

    CountOpenTransactions = FindTransaction = FindEvseTransactions = NotifyStationEvents = None  # type: ignore[assignment]
    RecordAuthorizations = RecordMeterValues = StreamRecordMeterValues = None  # type: ignore[assignment]
    StreamRecordTransactionEvents = served_by_twin

    def __init__(self) -> None:
        self.peers: list[Any] = []
        self.batches = 0
        self.error: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def RecordTransactionEvents(self, request: RecordTransactionEventsRequest, context: Any) -> Any:
        """See the contract."""
        self.batches += 1
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        if context not in self.peers:
            self.peers.append(context)
        results = [TransactionEventResult(transaction_id=str(self.peers.index(context)))] * len(request.items)
        return RecordTransactionEventsResponse(results=results)


@asynccontextmanager
async def _served(
    servicer: Transactions, *, port: int = 0, identity: MeshIdentity | None = None
) -> AsyncIterator[GrpcServer]:
    own = identity or identity_of("transaction")
    server = mesh_server(f"127.0.0.1:{port}", identity=own, services=MESH_SERVICES["transaction"])
    add_TransactionIngestServiceServicer_to_server(servicer, server.server)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


@asynccontextmanager
async def _stream(
    port: int, *, timeout_s: float = PATIENCE_S, max_age_s: float = 60.0, identity: MeshIdentity | None = None
) -> AsyncIterator[BatchStream]:
    own = identity or identity_of("gateway")
    async with open_channel(f"127.0.0.1:{port}", identity=own, to="transaction") as channel:
        parse = RecordTransactionEventsResponse.FromString
        streaming = channel.stream_stream(
            f"/{SERVICE}/StreamRecordTransactionEvents", request_serializer=bytes, response_deserializer=parse
        )
        single = channel.unary_unary(
            f"/{SERVICE}/RecordTransactionEvents", request_serializer=bytes, response_deserializer=parse
        )

        async def unary(request: bytes) -> Any:
            return await single(request, timeout=timeout_s)

        stream = BatchStream(
            open_stream=lambda: streaming(metadata=own.proofs("transaction")()),
            unary=unary,
            timeout_s=timeout_s,
            max_age_s=max_age_s,
        )
        try:
            yield stream
        finally:
            stream.close()


async def _name_of_stream(call: Callable[[bytes], Awaitable[Any]]) -> str:
    [result] = (await call(REQUEST)).results
    return str(result.transaction_id)


@pytest.fixture
def servicer() -> Transactions:
    return Transactions()


async def test_one_stream_takes_batch_after_batch(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port) as stream:
        assert [await _name_of_stream(stream.call) for _ in range(5)] == ["0"] * 5


async def test_batches_at_the_same_time_have_a_stream_each(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port) as stream:
        names = await asyncio.gather(*(_name_of_stream(stream.call) for _ in range(2)))
        assert sorted(names) == ["0", "1"]
        assert await _name_of_stream(stream.call) in names


async def test_a_batch_that_fails_has_the_status_of_its_error(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port) as stream:
        servicer.error = unavailable(Reason.DATABASE_UNAVAILABLE, "not now")
        with pytest.raises(MeshError, match="DATABASE_UNAVAILABLE") as caught:
            await stream.call(REQUEST)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        servicer.error = MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "items: too many")
        with pytest.raises(MeshError, match="INVALID_FIELD"):
            await stream.call(REQUEST)
        servicer.error = None
        assert await _name_of_stream(stream.call)


async def test_a_service_that_restarts_has_the_next_batch_on_a_new_stream(servicer: Transactions) -> None:
    async with _served(servicer) as first:
        port = first.port
        async with _stream(port) as stream:
            await stream.call(REQUEST)
            await first.stop(0)
            async with _served(servicer, port=port):

                async def is_answered() -> bool:
                    try:
                        return await _name_of_stream(stream.call) == "1"
                    except MeshError as error:  # the channel takes a moment to connect again, as the batcher knows
                        if error.code is not grpc.StatusCode.UNAVAILABLE:
                            raise
                        return False

                await eventually(is_answered)


async def test_a_stream_that_waits_for_a_batch_does_not_keep_a_service_from_stopping(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port) as stream:
        await stream.call(REQUEST)
        async with asyncio.timeout(PATIENCE_S):
            await server.stop(grace_s=2 * PATIENCE_S)


async def test_a_batch_under_way_is_answered_before_its_service_stops(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port) as stream:
        servicer.may_answer.clear()
        answer = asyncio.create_task(_name_of_stream(stream.call))
        await until(lambda: servicer.batches == 1)
        stopping = asyncio.create_task(server.stop(PATIENCE_S))
        await until(lambda: server.streams._is_stopping)
        servicer.may_answer.set()
        assert await answer == "0"
        await stopping


async def test_a_batch_without_an_answer_times_out_and_leaves_no_stream_behind(servicer: Transactions) -> None:
    async with _served(servicer) as server, _stream(server.port, timeout_s=0.05) as stream:
        servicer.may_answer.clear()
        with pytest.raises(MeshError) as caught:
            await stream.call(REQUEST)
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        servicer.may_answer.set()
        await until(lambda: servicer.batches == 1)


async def test_an_old_stream_gives_way_to_a_new_one(servicer: Transactions) -> None:
    """Otherwise a gateway stays with one replica for good."""
    async with _served(servicer) as server, _stream(server.port, max_age_s=-1.0) as stream:
        assert [await _name_of_stream(stream.call) for _ in range(3)] == ["0", "1", "2"]


async def test_a_service_of_the_release_before_is_called_without_a_stream() -> None:
    servicer = Transactions()
    server = mesh_server("127.0.0.1:0", identity=identity_of("transaction"), services=MESH_SERVICES["transaction"])
    handler = grpc.unary_unary_rpc_method_handler(
        servicer.RecordTransactionEvents,
        RecordTransactionEventsRequest.FromString,
        RecordTransactionEventsResponse.SerializeToString,
    )
    server.server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(SERVICE, {"RecordTransactionEvents": handler})]
    )
    await server.start()
    async with _stream(server.port) as stream:
        for _ in range(3):
            await stream.call(REQUEST)
    await server.stop(0)
    assert servicer.batches == len(servicer.peers) == 3


async def test_a_caller_without_a_proof_is_refused(servicer: Transactions) -> None:
    async with _served(servicer) as server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call: Any = channel.stream_stream(f"/{SERVICE}/StreamRecordTransactionEvents", request_serializer=bytes)()
        await call.write(REQUEST)
        assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert servicer.batches == 0


@dataclass
class TimedMesh:
    """A gateway and transaction_svc with keys of their own, and a clock that both read."""

    keys: MeshKeys
    clock: FakeClock

    def identity(self, part: str) -> MeshIdentity:
        """A process of a part."""
        settings = MeshSettings.read(Environment(self.keys.settings(part)), part)
        return MeshIdentity(settings, clock_s=lambda: self.clock() / SECOND_US)


@pytest.fixture
def timed(tmp_path: Path, clock: FakeClock) -> TimedMesh:
    keys = MeshKeys(tmp_path)
    keys.make()
    return TimedMesh(keys=keys, clock=clock)


async def test_a_stream_ends_with_its_token_and_the_batch_goes_on_with_the_next(
    servicer: Transactions, timed: TimedMesh
) -> None:
    """No batch is lost or done twice, and none on a stream whose proof has expired."""
    gateway = timed.identity("gateway")
    async with (
        _served(servicer, identity=timed.identity("transaction")) as server,
        _stream(server.port, identity=gateway) as stream,
    ):
        assert await _name_of_stream(stream.call) == "0"
        timed.clock.advance(LIFETIME_S - 1)
        assert await _name_of_stream(stream.call) == "0"
        timed.clock.advance(1)
        assert await _name_of_stream(stream.call) == "1"
        assert servicer.batches == 3


async def test_a_stream_ends_when_its_key_is_taken_away(servicer: Transactions, timed: TimedMesh) -> None:
    """Within a second, though its token was valid for minutes; with the part's present key a new one begins."""
    gateway = timed.identity("gateway")
    proofs = gateway.proofs("transaction")()
    async with _served(servicer, identity=timed.identity("transaction")) as server:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            method: Any = channel.stream_stream(f"/{SERVICE}/StreamRecordTransactionEvents", request_serializer=bytes)
            call: Any = method(metadata=proofs)
            await call.write(REQUEST)
            assert await call.read() is not grpc.aio.EOF
            timed.keys.rotate("gateway")
            timed.keys.retire("gateway")
            timed.clock.advance(1)
            await call.write(REQUEST)
            assert await call.read() is grpc.aio.EOF
            again: Any = method(metadata=proofs)
            await again.write(REQUEST)
            assert await again.code() is grpc.StatusCode.UNAUTHENTICATED
        assert servicer.batches == 1
        async with _stream(server.port, identity=gateway) as stream:
            await stream.call(REQUEST)
        assert servicer.batches == 2


async def test_a_refused_proof_counts_as_a_service_that_is_unavailable(servicer: Transactions) -> None:
    """Neither a station nor an operator is refused for it, and no batch is dropped: it is sent again."""
    wrong = identity_of("station")
    async with _served(servicer) as server, _stream(server.port, identity=wrong) as stream:
        with pytest.raises(MeshError, match="CALLER_NOT_ALLOWED") as caught:
            await stream.call(REQUEST)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert servicer.batches == 0
