"""The result of a handshake that admits a station."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.connection.session import Connection
from gateway.ocpp.translation import Routes


@dataclass(frozen=True, kw_only=True)
class Admission:
    """An admitted station: its OCPP version's routes and its connection.

    `may_answer()` is true while the node's lease is held that the station was admitted under.
    """

    routes: Routes
    connection: Connection
    may_answer: Callable[[], bool]
