"""Ports: configured ones must be free, the others are chosen."""

import errno
import random
import socket
import sys

from mesh.runtime.startup_errors import SettingError

# Below the ports that systems give to outgoing connections, so that a part which is started again finds its own free.
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 200
INNER_HOST = "127.0.0.1"
# On Linux a socket that is bound and does not listen reserves a port, and still admits one that reuses addresses.
_CAN_SHARE = sys.platform == "linux"


class Reservation:
    """A free port of an address, held for the part that is to listen there.

    On Linux for as long as this process runs, so that no other process uses it while the part starts, or is started
    again. Elsewhere, and where the port is configured, until the part is started.
    """

    def __init__(self, host: str = INNER_HOST, port: int = 0, *, setting: str = "CSMS_HOST") -> None:
        """Port 0 means any free one. Raises SettingError, which names the setting, where it is not available."""
        self._shared = _CAN_SHARE and port == 0
        try:
            self._socket = _bind(host, port) if port else _bind_any(host)
            if not self._shared:
                # Two sockets that reuse an address may be bound to it as long as neither listens.
                self._socket.listen(1)
        except OSError as error:
            raise SettingError(_explain(error, host, port, setting)) from error
        self.port: int = self._socket.getsockname()[1]
        if self._shared:
            self._socket.detach()  # open until this process ends

    @property
    def address(self) -> str:
        """The port on the loopback address, as host:port."""
        return f"{INNER_HOST}:{self.port}"

    def release(self) -> None:
        """Lets the part have the port; a second call does nothing."""
        if not self._shared:
            self._socket.close()


def _explain(error: OSError, host: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: stop what is running there, or choose another with {setting}=…"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with {setting}=…"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: choose another with CSMS_HOST=…"
    return f"cannot listen on {host} port {port}: {error.strerror}"


def _bind_any(host: str) -> socket.socket:
    for port in random.sample(_RANGE, _ATTEMPTS):
        try:
            # Not reusing addresses: refused wherever anybody holds the port, listening or not.
            bound = _bind(host, port, reuse=False)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return bound
    raise SettingError(f"no free port was found between {_RANGE.start} and {_RANGE.stop}")


def _bind(host: str, port: int, *, reuse: bool = True) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As servers do it: what remains of closed connections is no reason to refuse.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
