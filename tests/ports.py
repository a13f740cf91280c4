"""Ports of servers that stop and start again during a test."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A free port of the loopback address that nobody else is given meanwhile, also while its server is stopped.

    It is bound and not listened on: Linux lets a server that reuses addresses in beside that, and gives the port to no
    one who asks for any. Elsewhere it is only free at first.
    """
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port: int = held.getsockname()[1]
        if sys.platform != "linux":
            held.close()
        yield port
