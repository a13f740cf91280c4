"""The line of a station to the central system: opens its sockets, as it should or as some stations do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from station_kit.frames import Call, encode
from station_kit.sockets import basic_credential, open_socket, station_url, stop_pongs
from station_kit.v16.messages import boot_notification
from station_kit.v201.version import V201

_OPEN_TIMEOUT_S = 20.0
_PROBE_TIMEOUT_S = 5.0
_HERD_S = 10  # quirk 25: the full seconds at which everybody connects
_OTHER_SUBPROTOCOL = V201.subprotocol


class LineLostError(OSError):
    """The station has lost its line: the socket is left as it is, and never used again."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where and as whom a station connects. `url` is without the station's own segment."""

    url: str
    password: str | None = field(repr=False)


class Line:
    """Opens the connections of a station, one at a time."""

    def __init__(
        self,
        *,
        station_id: str,
        access: Access,
        subprotocol: str,
        quirks: frozenset[int] = frozenset(),
        now_s: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        late_close_s: float = 5.0,
    ) -> None:
        self._station_id = station_id
        self._access = access
        self._subprotocol = subprotocol
        self._quirks = quirks
        self._now_s = now_s
        self._sleep = sleep
        self._late_close_s = late_close_s  # quirk 5: how long a socket that was left behind stays open
        self._turns = count()
        self._left_behind: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connection(self, *, key: str, ping_s: float | None) -> AsyncIterator[ClientConnection]:
        """An open socket, closed at the end. `key` is the station's own, which counts before the one it was given.

        Raises OSError, TimeoutError or WebSocketException where it cannot be had, or is lost.
        """
        password = key or self._access.password
        if 25 in self._quirks:
            await self._sleep(until_herd_s(self._now_s()))
        if 3 in self._quirks:
            await self._probe(password)
        connection = await self._open(self._next_url(), password, ping_s=ping_s)
        try:
            yield connection
        except LineLostError:
            self._leave_behind(connection)
            raise
        finally:
            if not self._is_left_behind(connection):
                await connection.close()

    def misbehave(self, quirks: frozenset[int]) -> None:
        """Sets the quirks, from the next connection on."""
        self._quirks = quirks

    async def close(self) -> None:
        """Closes what was left behind."""
        for task in tuple(self._left_behind):
            task.cancel()
        await asyncio.gather(*self._left_behind, return_exceptions=True)

    async def _open(
        self, url: str, password: str | None, *, ping_s: float | None, subprotocol: str | None = None
    ) -> ClientConnection:
        connection = await open_socket(
            url,
            subprotocols=[] if 1 in self._quirks else [subprotocol or self._subprotocol],
            headers=self._headers(password),
            ping_interval_s=ping_s,
            open_timeout_s=_OPEN_TIMEOUT_S,
        )
        if 4 in self._quirks:
            stop_pongs(connection)
        return connection

    async def _probe(self, password: str | None) -> None:
        """Quirk 3. How it is answered does not matter here."""
        url = self._url(self._station_id)
        with contextlib.suppress(OSError, TimeoutError, WebSocketException):
            async with asyncio.timeout(_PROBE_TIMEOUT_S), contextlib.AsyncExitStack() as stack:
                silent = await self._open(url, password, ping_s=None)
                stack.push_async_callback(silent.close)
                other = await self._open(url, password, ping_s=None, subprotocol=_OTHER_SUBPROTOCOL)
                stack.push_async_callback(other.close)
                action, payload = boot_notification(vendor="Probe", model="Probe")
                await other.send(encode(Call(message_id="probe", action=action, payload=payload)))
                await other.recv()

    def _leave_behind(self, connection: ClientConnection) -> None:
        """Quirk 5: silent from now on, and closed late."""
        stop_pongs(connection)

        async def close_late() -> None:
            try:
                await asyncio.sleep(self._late_close_s)
            finally:
                await connection.close()

        task = asyncio.create_task(close_late(), name=str(id(connection)))
        self._left_behind.add(task)
        task.add_done_callback(self._left_behind.discard)

    def _is_left_behind(self, connection: ClientConnection) -> bool:
        return any(task.get_name() == str(id(connection)) for task in self._left_behind)

    def _next_url(self) -> str:
        """The station's address; quirk 2 writes it differently each time."""
        if 2 not in self._quirks:
            return self._url(self._station_id)
        encoded = "".join(f"%{byte:02X}" for byte in self._station_id.encode())
        parts = urlsplit(self._access.url)
        forms = (
            self._url(f"/{self._station_id}"),
            f"{parts.scheme}://{parts.netloc}///{self._station_id}",
            self._url(f"{self._station_id}/"),
            self._url(encoded),
        )
        return forms[next(self._turns) % len(forms)]

    def _url(self, segment: str) -> str:
        return station_url(self._access.url, segment)

    def _headers(self, password: str | None) -> dict[str, str]:
        if password is None:
            return {}
        return basic_credential(self._station_id, other_form(password) if 7 in self._quirks else password)


def until_herd_s(now_s: float) -> float:
    """Quirk 25: the seconds until everybody connects."""
    return _HERD_S - now_s % _HERD_S


def other_form(key: str) -> bytes:
    """Quirk 7: a key that is hexadecimal as the bytes that it stands for, any other as hexadecimal."""
    try:
        return bytes.fromhex(key)
    except ValueError:
        return key.encode().hex().encode()
