"""Conversations over real sockets, with a CSMS of raw frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from station_kit.connection import Answerer, ConnectionEndedError, StationConnection, accept, open_connection
from station_kit.frames import Call, CallError, CallResult
from station_kit.sockets import basic_credential, open_socket, station_url, stop_pongs
from tests.ports import held_port
from tests.waiting import PATIENCE_S, until

HEARTBEAT = Call(message_id="1", action="Heartbeat", payload={})
Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def csms(handler: Handler, refuse_with: int | None = None) -> AsyncIterator[str]:
    """A CSMS; the base of its stations' URLs."""

    def refuse(socket: ServerConnection, _request: Request) -> Response | None:
        return None if refuse_with is None else socket.respond(refuse_with, "no\n")

    subprotocols = [Subprotocol("ocpp1.6")]
    async with serve(handler, "127.0.0.1", 0, subprotocols=subprotocols, process_request=refuse) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"


@asynccontextmanager
async def connected(handler: Handler, answerer: Answerer = accept) -> AsyncIterator[StationConnection]:
    """A conversation with a CSMS."""
    async with (
        csms(handler) as base,
        open_connection(
            station_url(base, "S1"), subprotocol="ocpp1.6", open_timeout_s=PATIENCE_S, answerer=answerer
        ) as connection,
    ):
        yield connection


async def call(connection: StationConnection, timeout_s: float = PATIENCE_S) -> CallResult | CallError:
    return await connection.call(HEARTBEAT, timeout_s=timeout_s)


async def test_a_call_gets_its_answer() -> None:
    async def answer(socket: ServerConnection) -> None:
        assert await socket.recv() == '[2,"1","Heartbeat",{}]'
        await socket.send('[4,"1","InternalError","",{}]')
        assert await socket.recv() == '[2,"1","Heartbeat",{}]'
        await socket.send('[3, "1", {"currentTime": "now"}]')

    async with connected(answer) as connection:
        assert await call(connection) == CallError(message_id="1", code="InternalError")
        assert await call(connection) == CallResult(message_id="1", payload={"currentTime": "now"})
        await connection.ended.wait()
        assert (connection.reason, connection.fault) == ("closed with 1000", "")


async def test_commands_are_answered_while_a_call_is_pending() -> None:
    answers = []

    async def command(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('[2,"c","ClearCache",{}]')
        answers.append(json.loads(await socket.recv()))
        await socket.send('[3,"1",{}]')

    def refuse(command: Call) -> CallError:
        return CallError(message_id=command.message_id, code="NotImplemented", description=command.action)

    for answerer in (accept, refuse):
        async with connected(command, answerer) as connection:
            await call(connection)
    assert answers == [[3, "c", {"status": "Accepted"}], [4, "c", "NotImplemented", "ClearCache", {}]]


async def test_a_call_fails_when_the_csms_closes() -> None:
    async def close(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.close(1013)

    async with connected(close) as connection:
        with pytest.raises(ConnectionEndedError, match="closed with 1013"):
            await call(connection)
        with pytest.raises(ConnectionEndedError, match="closed with 1013"):
            await call(connection)


async def test_a_call_fails_when_the_network_does() -> None:
    async def cut(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    async with connected(cut) as connection:
        with pytest.raises(ConnectionEndedError, match="lost"):
            await call(connection)


async def test_without_an_answer_in_time_the_connection_is_given_up() -> None:
    closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def ignore(socket: ServerConnection) -> None:
        await socket.wait_closed()
        closed.set_result(socket.close_code or 0)

    async with connected(ignore) as connection:
        with pytest.raises(ConnectionEndedError, match="no answer in time"):
            await call(connection, timeout_s=0.05)
        assert connection.ended.is_set()
        assert await asyncio.wait_for(closed, PATIENCE_S) == 1006


async def test_an_answer_after_the_end_is_no_fault() -> None:
    """It belongs to a CALL that was given up."""
    received, given_up = asyncio.Event(), asyncio.Event()

    async def answer_late(socket: ServerConnection) -> None:
        await socket.recv()
        received.set()
        await given_up.wait()
        await socket.send('[3,"1",{}]')

    async with connected(answer_late) as connection:
        calling = asyncio.create_task(call(connection))
        await asyncio.wait_for(received.wait(), PATIENCE_S)
        connection.end("cut")
        given_up.set()
        with pytest.raises(ConnectionEndedError, match="cut"):
            await calling
        await connection._socket.wait_closed()
    assert (connection.reason, connection.fault) == ("cut", "")


@pytest.mark.parametrize(("text", "fault"), [('[3,"other",{}]', "an answer to no CALL"), ("nothing", "no JSON")])
async def test_a_frame_that_no_csms_sends_is_a_fault(text: str, fault: str) -> None:
    async def misbehave(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(text)

    async with connected(misbehave) as connection:
        with pytest.raises(ConnectionEndedError):
            await call(connection)
        assert connection.fault.startswith(fault)


async def test_at_the_end_the_socket_is_closed_properly() -> None:
    codes = []

    async def listen(socket: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        codes.append(socket.close_code)

    async with connected(listen) as connection:
        pass
    assert connection.reason == "closed by the station"
    await until(lambda: codes)
    assert codes == [1000]


async def test_a_refused_handshake_names_its_status() -> None:
    async with csms(lambda socket: socket.wait_closed(), refuse_with=401) as base:
        with pytest.raises(ConnectionEndedError, match="refused with 401"):
            async with open_connection(base, subprotocol="ocpp1.6", open_timeout_s=PATIENCE_S):
                pass


async def test_a_port_that_nobody_listens_on_is_no_connection() -> None:
    with held_port() as port, pytest.raises(ConnectionEndedError, match="no connection: ConnectionRefusedError"):
        async with open_connection(f"ws://127.0.0.1:{port}", subprotocol="ocpp1.6", open_timeout_s=PATIENCE_S):
            pass


async def test_the_handshake_has_path_sub_protocol_and_credential() -> None:
    requests = []

    async def note(socket: ServerConnection) -> None:
        requests.append(socket.request)

    async with csms(note) as base:
        for password in ("secret", b"\xff\x00"):
            headers = basic_credential("S1", password)
            socket = await open_socket(
                station_url(base + "/", "S1"), subprotocols=["ocpp1.6"], headers=headers, open_timeout_s=PATIENCE_S
            )
            assert socket.subprotocol == "ocpp1.6"
            await socket.close()
    assert [request.path for request in requests if request] == ["/ocpp/S1"] * 2
    assert [request.headers["Authorization"] for request in requests if request] == [
        "Basic UzE6c2VjcmV0",
        "Basic UzE6/wA=",
    ]


async def test_a_socket_can_stop_answering_pings() -> None:
    unanswered = []

    async def ping(socket: ServerConnection) -> None:
        await (await socket.ping())
        await socket.send("answered")
        await socket.recv()
        pong = await socket.ping()
        await socket.send("after the ping")
        with pytest.raises(ConnectionClosed):
            await pong
        unanswered.append(pong)

    async with csms(ping) as base:
        socket = await open_socket(base, subprotocols=["ocpp1.6"], open_timeout_s=PATIENCE_S)
        assert await socket.recv() == "answered"
        stop_pongs(socket)
        await socket.send("from now on")
        assert await socket.recv() == "after the ping"
        await socket.close()
        await until(lambda: unanswered)
