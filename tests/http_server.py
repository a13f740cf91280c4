"""A small HTTP server on this machine, for what services request of other parties."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Handler = Callable[["HttpRequest"], Awaitable[bytes]]
"""Makes the whole answer, head and body, of a request."""


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A request as it came."""

    head: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class HttpServer:
    """The server, and the requests that came."""

    port: int
    requests: list[HttpRequest] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"


def ok(body: bytes) -> bytes:
    """An answer of status 200."""
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@asynccontextmanager
async def http_server(handler: Handler) -> AsyncIterator[HttpServer]:
    """Serves for the length of a `with`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = HttpRequest(head=head, headers=headers, body=body)
            server.requests.append(request)
            writer.write(await handler(request))
            await writer.drain()
        except (OSError, EOFError):
            pass  # the client has gone, as some tests have it
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = HttpServer(port=listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
