"""A connection that keeps the result of its handshake until it is served."""

import ssl
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection

from gateway.websocket.admission import Admission


class AdmittedConnection(ServerConnection):
    """A connection with its admission, the result of the handshake.

    `on_unclaimed` is called with the admission, once, where the connection ends before `claim` was called: the
    handshake did not complete.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.admission: Admission | None = None
        self.on_unclaimed: Callable[[Admission], None] = lambda _admission: None
        self.peer = ""  # the address at the other end of the connection

    @property
    def is_lost(self) -> bool:
        """Whether the TCP connection is lost."""
        return self.connection_lost_waiter.done()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS of the socket; None where it has none."""
        found: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        return found

    def admit(self, admission: Admission) -> None:
        """Keeps the result of the handshake; where the connection is lost already, it is unclaimed at once."""
        self.admission = admission
        if self.is_lost:
            self._leave_unclaimed()

    def claim(self) -> Admission | None:
        """The admission, which from now on is the caller's to end; None where there is none."""
        admission, self.admission = self.admission, None
        return admission

    def connection_made(self, transport: Any) -> None:
        """Keeps the peer's address: a connection that was reset has none any more."""
        super().connection_made(transport)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if address else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the handshake's admission where no session does."""
        super().connection_lost(exc)
        self._leave_unclaimed()

    def _leave_unclaimed(self) -> None:
        if (admission := self.claim()) is not None:
            self.on_unclaimed(admission)
