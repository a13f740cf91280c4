"""The load client's frames are WebSocket frames, as another implementation reads and writes them."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SERVER, State
from websockets.server import ServerProtocol

from benchmarks.frames import CLOSE, PING, TEXT, FrameError, decode, encode, handshake, handshake_end

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536)


@pytest.mark.parametrize("size", SIZES)
def test_websockets_reads_our_frames(size: int) -> None:
    """Every form of the length field, masked as a client must."""
    server = ServerProtocol(state=State.OPEN, max_size=2**20)
    server.receive_data(encode(b"x" * size))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, len(frame.data), frame.fin) == (Opcode.TEXT, size, True)


@pytest.mark.parametrize("size", SIZES)
def test_we_read_the_frames_of_websockets(size: int) -> None:
    """Every form of the length field, cut anywhere near its head."""
    text = Frame(Opcode.TEXT, b"y" * size).serialize(mask=False)
    opcode, begin, end = decode(text, 0) or pytest.fail("a whole frame was not seen")
    assert (opcode, text[begin:end]) == (TEXT, b"y" * size)
    for cut in range(min(len(text), 12)):
        assert decode(text[:cut], 0) is None
    assert decode(text[:-1], 0) is None


def test_several_frames_in_one_buffer() -> None:
    """Each begins where the one before ended."""
    buffer = Frame(Opcode.PING, b"p").serialize(mask=False) + Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False)
    first = decode(buffer, 0)
    assert first is not None
    second = decode(buffer, first[2])
    assert second is not None
    assert (first[0], second[0], second[2]) == (PING, CLOSE, len(buffer))


def test_what_nobody_asked_for_is_an_error() -> None:
    """Fragments, compressed frames and masked ones are not of a server that was offered nothing."""
    for first in (0x01, 0x00, 0xC1):
        with pytest.raises(FrameError):
            decode(bytes((first, 0)), 0)
    with pytest.raises(FrameError):
        decode(encode(b"masked"), 0)


def test_handshake_is_accepted_and_its_end_found() -> None:
    """`websockets` takes the request; the frames after its answer are not part of it."""
    server = ServerProtocol(subprotocols=["ocpp1.6"])  # type: ignore[list-item]
    server.receive_data(handshake("127.0.0.1", 9000, "/ocpp/CP1", "ocpp1.6"))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    assert request.path == "/ocpp/CP1"
    server.send_response(server.accept(request))
    answer = b"".join(server.data_to_send())
    assert server.side is SERVER
    assert handshake_end(answer[:-1]) is None
    assert handshake_end(answer + b"\x81\x00") == len(answer)
    with pytest.raises(FrameError, match="503"):
        handshake_end(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
