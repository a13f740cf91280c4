"""WebSocket frames and handshakes as a load client needs them (RFC 6455): text out, text in, nothing negotiated."""

import base64
import secrets
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
# Masking with zeros is masking (RFC 6455, 5.3 asks for unpredictable keys to protect proxies; there is none here), and
# leaves the payload as it is, so that messages can be made once. The server unmasks all the same.
_NO_MASK = b"\x00\x00\x00\x00"


class FrameError(Exception):
    """The server sent what this client does not expect."""


def encode(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole frame from a client."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + _NO_MASK + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size) + _NO_MASK + payload
    return struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size) + _NO_MASK + payload


def decode(buffer: bytes | bytearray, start: int) -> tuple[int, int, int] | None:
    """The frame at `start` as (opcode, begin of payload, end of payload), or None where it is not all there yet.

    Raises FrameError for fragments, masks and extensions: no server here has a reason to send them.
    """
    available = len(buffer) - start
    if available < 2:
        return None
    first, size, begin = buffer[start], buffer[start + 1], start + 2
    if first & 0xF0 != 0x80 or size > 127:
        raise FrameError(f"a frame that begins with {first:#04x} {size:#04x}")
    if size == 126:
        if available < 4:
            return None
        size, begin = int.from_bytes(buffer[begin : begin + 2], "big"), begin + 2
    elif size == 127:
        if available < 10:
            return None
        size, begin = int.from_bytes(buffer[begin : begin + 8], "big"), begin + 8
    end = begin + size
    return None if end > len(buffer) else (first & 0x0F, begin, end)


def handshake(host: str, port: int, path: str, subprotocol: str) -> bytes:
    """The request that opens a socket."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
    ).encode()


def handshake_end(buffer: bytes | bytearray) -> int | None:
    """Where the answer to the handshake ends, or None where it is not all there. Raises FrameError for a refusal."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    status = bytes(buffer[: buffer.find(b"\r\n")]).decode("latin-1")
    if " 101 " not in f"{status} ":
        raise FrameError(f"the handshake was refused: {status}")
    return end + 4
