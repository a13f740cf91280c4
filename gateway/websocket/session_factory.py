"""Makes the sessions of admitted connections."""

import asyncio
from collections.abc import Callable, Mapping

from gateway.batching.background_buffer import Buffer
from gateway.batching.sinks import ItemSink
from gateway.connection.frame_linger import FrameLinger
from gateway.connection.late_turns import LateTurns
from gateway.connection.session import Session
from gateway.connection.station_budgets import Budgets
from gateway.connection.tenant_rates import TenantRates
from gateway.message_log.message_log import MessageLog
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc
from gateway.websocket.admission import Admission
from gateway.websocket.socket import StationSocket
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.times import Clock


class SessionFactory:
    """Makes sessions. `versions` are by sub-protocol; the budgets of a station outlast its connections."""

    def __init__(
        self,
        *,
        versions: Mapping[str, ServedVersion],
        sinks: Mapping[IngestRpc, ItemSink],
        messages: Buffer[bytes],
        tenants: TenantDirectory,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> None:
        self._versions = versions
        self._sinks = sinks
        self._messages = messages
        self._clock = clock
        self._count = count
        self._budgets = Budgets()
        self._rates = TenantRates(directory=tenants)
        self._late = LateTurns()
        self._linger = FrameLinger(asyncio.get_running_loop().call_later)

    def make(self, socket: StationSocket, admission: Admission) -> Session:
        """The session of a connection; the caller attaches it to the socket."""
        connection, routes = admission.connection, admission.routes
        budgets = self._budgets.of(connection.station)
        return Session(
            socket=socket,
            connection=connection,
            routes=routes,
            schemas=self._versions[routes.ocpp.subprotocol].schemas,
            sinks=self._sinks,
            message_log=MessageLog(
                buffer=self._messages,
                tenant_id=connection.tenant_id,
                station_id=connection.station_id,
                epoch=connection.epoch,
                allowance=budgets.log,
            ),
            budgets=budgets,
            linger=self._linger,
            clock=self._clock,
            count=self._count,
            rate=self._rates.of(connection.tenant_id),
            late=self._late,
            others=[other for other in self._versions.values() if other.routes is not routes],
        )
