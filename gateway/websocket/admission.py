"""What a handshake found out about the station at the other end."""

from dataclasses import dataclass

from gateway.connection.session import Connection
from gateway.ocpp.translation import Version


@dataclass(frozen=True, kw_only=True)
class Admission:
    """A station that may speak: its OCPP version, its connection's epoch, and the lease under which it was let in."""

    version: Version
    connection: Connection
    term: int  # of gateway.lease.NodeLease
