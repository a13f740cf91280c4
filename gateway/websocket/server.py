"""The WebSocket server: its ports, and what it gives each connection to.

`Admissions` (`admissions.py`) answers the request of a handshake; `StationSessions` (`station_sessions.py`) serves the
socket after it.
"""

import asyncio
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any

from websockets.asyncio.server import Server, serve
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gateway.lease import NodeLease
from gateway.websocket.admissions import Admissions
from gateway.websocket.compression import BoundedDeflateFactory
from gateway.websocket.entrance import Entrance, Pace, listen
from gateway.websocket.socket import StationSocket
from gateway.websocket.station_sessions import StationSessions
from mesh.runtime.startup_errors import SettingError

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
# A station on a slow line and with a slow processor has so long for its TLS handshake, before that of HTTP.
TLS_HANDSHAKE_TIMEOUT_S = 20.0
# A whole fleet may connect in the same second (quirk 25); the kernel's own limit (somaxconn) applies too.
BACKLOG = 65_535
# A StopTransaction with all the samples of a long day in it must come through: about 1,440 of some 700 bytes.
MAX_FRAME_BYTES = 1024 * 1024
# Small windows without context: compression for stations that request it, without 64 KiB a connection.
DEFLATE = BoundedDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=11,
    compress_settings={"memLevel": 4},
)
SERVICE_RESTART = 1012  # registry of RFC 6455: the server restarts, come back


class StationServer:
    """Serves stations on their ports: `start`, and `start_tls` where one has TLS, then `stop`."""

    def __init__(self, *, admissions: Admissions, sessions: StationSessions, pace: Pace) -> None:
        self._admissions = admissions
        self._pace = pace
        self._sessions = sessions
        self._servers: list[Server] = []

    async def start(self, host: str, port: int, *, lease: NodeLease, shared_port: bool = False) -> int:
        """Listens, and returns the port, which other gateways may share. Raises SettingError where it is in use."""
        self._admissions.lease = lease
        return await self._listen(host, port, setting="CSMS_OCPP_PORT", shared_port=shared_port)

    async def start_tls(self, host: str, port: int, *, context: ssl.SSLContext, shared_port: bool = False) -> int:
        """The same with TLS. Raises SettingError where the port is in use."""
        return await self._listen(
            host,
            port,
            setting="CSMS_OCPP_TLS_PORT",
            shared_port=shared_port,
            ssl=context,
            ssl_handshake_timeout=TLS_HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=CLOSE_TIMEOUT_S,
        )

    async def _listen(self, host: str, port: int, *, setting: str, shared_port: bool, **options: Any) -> int:
        try:
            sockets = await listen(host, port, backlog=BACKLOG, shared_port=shared_port)
        except OSError as error:
            raise SettingError(
                f"cannot listen on {host}:{port}: {error.strerror}; {setting} chooses another"
            ) from error
        bound: int = sockets[0].getsockname()[1]
        server = serve(
            self._sessions.serve,
            process_request=self._admissions.process_request,
            open_timeout=OPEN_TIMEOUT_S,
            server_header=None,
        )

        async def enter() -> Any:
            loop = asyncio.get_running_loop()
            return Entrance(sockets, factory=partial(self._make_socket, server), pace=self._pace, loop=loop, **options)

        # In place of the event loop's own server, which accepts all that wait at once.
        server.create_server = enter
        self._servers.append(await server)
        return bound

    def _make_socket(self, server: Server) -> StationSocket:
        """The protocol of a connection, as `serve` of websockets makes it."""

        def select_subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
            return self._admissions.select_subprotocol(made, offered)

        protocol = ServerProtocol(
            extensions=[DEFLATE], select_subprotocol=select_subprotocol, max_size=MAX_FRAME_BYTES, logger=server.logger
        )
        made = StationSocket(
            protocol,
            server,
            # Our own monitor counts any frame as life (quirk 4): connection/keepalive_monitor.py.
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_queue=4,
        )
        return made

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Takes no new stations, answers what was read, then closes every socket with 1012."""
        if not self._servers:
            return
        self._admissions.release()
        for server in self._servers:
            server.close(close_connections=False)
        await self._sessions.finish(grace_s)
        await self._sessions.close_all(SERVICE_RESTART, "the gateway restarts: connect again")
        for server in self._servers:
            await server.wait_closed()
        await self._sessions.wait_for_background(grace_s)
