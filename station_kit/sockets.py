"""Opens the WebSocket of a station: its URL, sub-protocol and credential (OCPP-J 1.6, section 3; security profile 1).

`tls.py` has the context for profiles 2 and 3.
"""

import base64
import ssl
from collections.abc import Mapping, Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol


def station_url(base: str, segment: str) -> str:
    """The address of a station; `segment` is its id, percent-encoded where that is needed."""
    return f"{base.rstrip('/')}/{segment}"


def basic_credential(username: str, password: str | bytes) -> dict[str, str]:
    """The header of HTTP Basic (RFC 7617)."""
    secret = password.encode() if isinstance(password, str) else password
    return {"Authorization": f"Basic {base64.b64encode(username.encode() + b':' + secret).decode()}"}


async def open_socket(
    url: str,
    *,
    subprotocols: Sequence[str],
    open_timeout_s: float,
    headers: Mapping[str, str] | None = None,
    compression: str | None = None,
    ping_interval_s: float | None = None,
    close_timeout_s: float = 10.0,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> ClientConnection:
    """Connects; no sub-protocol is offered where `subprotocols` is empty, and messages may have any size.

    A URL of wss:// needs `tls`. `server_name` is named in the TLS handshake in place of the URL's host; empty: none is.
    Raises OSError, TimeoutError, or WebSocketException where the handshake is refused.
    """
    if tls is not None:
        options = {"ssl": tls} if server_name is None else {"ssl": tls, "server_hostname": server_name}
    else:
        options = {}
    return await connect(
        url,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers=headers,
        compression=compression,
        ping_interval=ping_interval_s,
        open_timeout=open_timeout_s,
        close_timeout=close_timeout_s,
        max_size=None,
        proxy=None,
        **options,
    )


def stop_pongs(socket: ClientConnection) -> None:
    """Keeps a socket from answering pings, which the library does by itself."""
    send_frame = socket.protocol.send_frame

    def send_but_pongs(frame: Frame) -> None:
        if frame.opcode is not Opcode.PONG:
            send_frame(frame)

    setattr(socket.protocol, "send_frame", send_but_pongs)  # noqa: B010 - a method of this one object
