"""Serves the metrics of a process for Prometheus, from threads: a busy event loop cannot keep them back."""

import socket
import threading
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    make_wsgi_app,
)
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from mesh.runtime.startup_errors import SettingError


def serve_metrics(stack: AsyncExitStack, address: str, collectors: Iterable[Collector] = ()) -> int:
    """Serves `/metrics` for Prometheus at host:port until `stack` unwinds, and returns the port.

    Beside `collectors`, it has metrics of the process itself. Raises SettingError where the port is in use.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    host, _, port = address.rpartition(":")
    try:
        server = _MetricsServer(host, int(port), registry)
    except OSError as error:
        raise SettingError(f"cannot serve metrics on {address}: {error.strerror}") from error
    stack.callback(server.stop)
    return server.port


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Logs no request."""


class _MetricsServer:
    """The server, in a thread that sleeps until a request comes; the library's own wakes up twice a second."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Binds and starts it. Raises OSError."""
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]

        class _Server(ThreadingWSGIServer):
            address_family = family

        self._server = make_server(host, port, make_wsgi_app(registry), _Server, _SilentHandler)
        self._stopping = False
        self.port = int(self._server.server_port)
        threading.Thread(target=self._serve, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread: a listening socket that is shut down wakes up who waits for its requests."""
        self._stopping = True
        with suppress(OSError):  # it has just served a request, and ended
            self._server.socket.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with self._server as server:
            while not self._stopping:
                server.handle_request()
