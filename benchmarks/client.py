"""A raw OCPP-J client: one socket, one CALL at a time, as little work a message as possible.

It does not stand on the connection of the station kit, whose cost would be measured with that of the mesh.
"""

import asyncio
import ssl
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import cast

from benchmarks.frames import CLOSE, PING, PONG, TEXT, FrameError, decode, encode, handshake, handshake_end
from benchmarks.tls import ClientTls, ssl_options
from benchmarks.workloads import Script


@dataclass(kw_only=True)
class Tally:
    """Counts of all connections of a process. `latencies_s` is kept only while `recording`."""

    answered: int = 0
    errors: list[str] = field(default_factory=list)
    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    recording: bool = False
    only: bytes | None = None  # the beginning of the CALLs whose latency counts; None: all
    apart: bytes | None = None  # the beginning of the CALLs whose latency is kept apart
    apart_s: "array[float]" = field(default_factory=lambda: array("d"))

    def latencies_of(self, call: bytes) -> "array[float] | None":
        """Where the latency of a CALL goes; None where it does not count."""
        if self.only is not None and not call.startswith(self.only):
            return None
        return self.apart_s if self.apart is not None and call.startswith(self.apart) else self.latencies_s


class Connection(asyncio.Protocol):
    """One station's socket. `run(script)` plays a script; a script without an end stops after `halt()`.

    In an open loop the script waits instead: `pace(script)`, and then `send_due(due_s)` for each CALL.
    """

    def __init__(self, *, tally: Tally, opening: bytes) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self._opening = opening
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._script: Script | None = None
        self._played: asyncio.Future[None] | None = None
        self._held: bytes | None = None  # what the script says next
        self._last_id = 0
        self._sent_s = 0.0
        self._latencies: array[float] | None = None  # where the latency of the present CALL goes
        self._halted = False
        self._due_s: deque[float] | None = None  # when CALLs that wait for the present one were due; None: closed loop

    def run(self, script: Script) -> asyncio.Future[None]:
        """Plays a script from its beginning; the future is done when it has ended."""
        self._script, self._due_s = script, None
        self._held = next(script, None)
        return self.resume()

    def resume(self) -> asyncio.Future[None]:
        """Goes on with the script that `halt` held."""
        self._halted = False
        self._played = asyncio.get_running_loop().create_future()
        if self._held is None:
            self._done()
        else:
            self._send(self._held)
        return self._played

    @property
    def held(self) -> bytes | None:
        """The rest of the CALL that comes next, or is not answered yet; None at the end of the script."""
        return self._held

    def take_over(self, script: Script, held: bytes | None) -> asyncio.Future[None]:
        """Goes on with a script of a connection that was lost: with the CALL that it `held`, which goes out again."""
        self._script, self._due_s, self._held = script, None, held
        return self.resume()

    def pace(self, script: Script) -> None:
        """Takes a script of which `send_due` says each CALL."""
        self._script, self._held = script, next(script, None)
        self._due_s = deque()
        self._played = None

    def send_due(self, due_s: float) -> None:
        """Says what comes next; its latency counts from `due_s`, of time.perf_counter().

        Where the CALL before is not answered yet, this one waits (OCPP-J 4.1.1), and its latency with it.
        """
        assert self._due_s is not None  # noqa: S101 - pace comes first
        if self._played is not None and not self._played.done():
            self._due_s.append(due_s)
            return
        assert self._held is not None  # noqa: S101 - the scripts of open loops have no end
        self._played = asyncio.get_running_loop().create_future()
        self._send(self._held, due_s)

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS of the socket; None where it has none, or is closed."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object") if self._transport else None
        return found

    async def quiet(self) -> None:
        """Waits until all that was due is answered. Raises ConnectionError where the socket closed."""
        if self._played is not None:
            await self._played

    def halt(self) -> None:
        """Sends nothing more once the present CALL is answered."""
        self._halted = True

    def close(self) -> None:
        """Closes the socket properly."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(b"\x03\xe8", CLOSE))
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not derive from it
        self._transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        """Takes the handshake's answer first, then frames."""
        self._buffer += data
        try:
            if not self.opened.done():
                self._take_handshake()
            else:
                self._take_frames()
        except (FrameError, RuntimeError, ValueError, KeyError) as error:
            self._fail(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails what was under way."""
        if not self.closed.done():
            self.closed.set_result(None)
        self._fail(f"the socket closed: {exc or 'by the server'}")

    def _take_handshake(self) -> None:
        end = handshake_end(self._buffer)
        if end is not None:
            del self._buffer[:end]
            self.opened.set_result(None)
            self._take_frames()

    def _take_frames(self) -> None:
        start = 0
        while (frame := decode(self._buffer, start)) is not None:
            opcode, begin, start = frame
            if opcode == TEXT:
                self._take_text(bytes(self._buffer[begin:start]))
            elif opcode == PING:
                self._write(encode(bytes(self._buffer[begin:start]), PONG))
            elif opcode == CLOSE:
                raise FrameError(f"the server closes: {bytes(self._buffer[begin:start])!r}")
        del self._buffer[:start]

    def _take_text(self, text: bytes) -> None:
        prefix = b'[3,"%d",' % self._last_id
        if not text.startswith(prefix):
            # An echo server sends the CALL itself back.
            if text.startswith(b'[2,"%d",' % self._last_id):
                self._answered(b"{}")
                return
            if text.startswith(b'[2,"'):
                self._accept(text)
                return
            raise FrameError(f"not the answer to CALL {self._last_id}: {text[:200].decode(errors='replace')}")
        self._answered(text[len(prefix) : -1])

    def _accept(self, text: bytes) -> None:
        """Answers a command, whatever it is, with status Accepted."""
        self._write(encode(b'[3,"%s",{"status":"Accepted"}]' % text[4 : text.index(b'"', 4)]))

    def _answered(self, payload: bytes) -> None:
        tally = self._tally
        tally.answered += 1
        if tally.recording and self._latencies is not None:
            self._latencies.append(time.perf_counter() - self._sent_s)
        assert self._script is not None  # noqa: S101
        try:
            self._held = self._script.send(payload)
        except StopIteration:
            self._held = None
        if self._held is None or self._halted:
            self._done()
        elif self._due_s is None:
            self._send(self._held)
        elif self._due_s:
            self._send(self._held, self._due_s.popleft())
        else:
            self._done()

    def _send(self, rest: bytes, due_s: float | None = None) -> None:
        self._last_id += 1
        self._latencies = self._tally.latencies_of(rest)
        self._sent_s = time.perf_counter() if due_s is None else due_s
        self._write(encode(b'[2,"%d",%s]' % (self._last_id, rest)))

    def _write(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def _done(self) -> None:
        if self._played is not None and not self._played.done():
            self._played.set_result(None)

    def _fail(self, reason: str) -> None:
        for future in (self.opened, self._played):
            if future is not None and not future.done():
                self._tally.errors.append(reason)
                future.set_exception(ConnectionError(reason))
        self.close()


async def open_station(
    *,
    host: str,
    port: int,
    path: str,
    tally: Tally,
    subprotocol: str = "ocpp1.6",
    tls: ClientTls | None = None,
) -> Connection:
    """Opens one station's socket, with TLS where there is `tls`. Raises ConnectionError, OSError or ssl.SSLError."""
    opening = handshake(host, port, path, subprotocol)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(tally=tally, opening=opening), host, port, **ssl_options(tls)
    )
    await connection.opened
    return connection
