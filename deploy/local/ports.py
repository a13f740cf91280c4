"""Ports: those that were asked for must be free, the others are chosen."""

import errno
import random
import socket
from contextlib import closing

from mesh.errors import SettingError

# Below the ports that systems give to outgoing connections, so that a part which is started again finds its own free.
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 200
_INNER = "127.0.0.1"


class Reservation:
    """A free port of the loopback address, held until the part that is to listen there is started."""

    def __init__(self) -> None:
        self._socket, self.port = _bind_any()

    @property
    def address(self) -> str:
        """host:port."""
        return f"{_INNER}:{self.port}"

    def release(self) -> None:
        """Lets the port go; a second call does nothing."""
        self._socket.close()


def choose(host: str, port: int, setting: str) -> int:
    """The port that was asked for, or a free one for 0. Raises SettingError where it cannot be had."""
    if port == 0:
        with closing(_bind_any(host)[0]) as free:
            chosen: int = free.getsockname()[1]
            return chosen
    try:
        _bind(host, port).close()
    except OSError as error:
        raise SettingError(_explain(error, host, port, setting)) from error
    return port


def _explain(error: OSError, host: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: stop what is running there, or choose another with {setting}=…"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with {setting}=…"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: choose another with CSMS_HOST=…"
    return f"cannot listen on {host} port {port}: {error.strerror}"


def _bind_any(host: str = _INNER) -> tuple[socket.socket, int]:
    for port in random.sample(_RANGE, _ATTEMPTS):
        try:
            return _bind(host, port), port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingError(_explain(error, host, port, "CSMS_HOST")) from error
    raise SettingError(f"no free port was found between {_RANGE.start} and {_RANGE.stop}")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As servers do it: what remains of closed connections is no reason to refuse.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Two sockets may be bound with that option as long as neither listens.
        bound.listen(1)
    except OSError:
        bound.close()
        raise
    return bound
