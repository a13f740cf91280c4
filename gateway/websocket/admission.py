"""The result of a handshake that admits a station."""

from dataclasses import dataclass

from gateway.connection.session import Connection
from gateway.ocpp.translation import Routes


@dataclass(frozen=True, kw_only=True)
class Admission:
    """An admitted station: its OCPP version's routes, its connection, and the lease that it was admitted under."""

    routes: Routes
    connection: Connection
    term: int  # of gateway.lease.NodeLease
