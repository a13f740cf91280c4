"""Answers to the HTTP request of a WebSocket handshake: the upgrade, and refusals."""

from collections.abc import Sequence
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.websocket.handshake import BadHandshakeError
from gateway.websocket.socket import StationSocket


def offered(request: Request) -> Sequence[str]:
    """The sub-protocols that a request offers."""
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def upgrade(socket: StationSocket, request: Request) -> Response:
    """The answer 101, where the request may have it by the protocol's own rules. Raises BadHandshakeError."""
    response = socket.protocol.accept(request)
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        names = [name for name in ("Allow", "Upgrade") if name in response.headers]
        raise BadHandshakeError(
            response.status_code,
            bytes(response.body).decode("utf-8", "replace").strip(),
            {name: response.headers[name] for name in names},
        )
    return response


def upgrade_stranger(socket: StationSocket, request: Request) -> Response:
    """The answer 101 without a sub-protocol: then the socket closes (TC_088, TC_B_58).

    No station is at its other end yet: it gets no compression, and nothing of what it sends is parsed.
    """
    socket.protocol.available_extensions = None
    response = upgrade(socket, request)
    answer_subprotocol(socket, response, "")
    return response


def answer_subprotocol(socket: StationSocket, response: Response, name: str) -> None:
    """Names a sub-protocol in an answer, or none: the chosen one may be known only once the answer is made."""
    if "Sec-WebSocket-Protocol" in response.headers:
        del response.headers["Sec-WebSocket-Protocol"]
    socket.protocol.subprotocol = Subprotocol(name) if name else None
    if name:
        response.headers["Sec-WebSocket-Protocol"] = name


def refuse(connection: ServerConnection, error: BadHandshakeError) -> Response:
    """The answer to a request that is refused."""
    response = connection.respond(HTTPStatus(error.status), f"{error}\n")
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    for name, value in error.headers.items():
        response.headers[name] = value
    return response
