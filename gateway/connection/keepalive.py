"""Whether the station at the other end is still there: pings, pongs, and whether it reads."""

import asyncio

from gateway.connection.frame_channel import Socket
from gateway.connection.liveness import Liveness
from gateway.connection.station_reports import StationReports
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.times import Clock


class Keepalive:
    """The keepalive of one connection. The keepalive monitor calls its checks every few seconds."""

    def __init__(self, *, socket: Socket, liveness: Liveness, reports: StationReports, clock: Clock) -> None:
        self._socket = socket
        self._liveness = liveness
        self._reports = reports
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    def ping(self) -> None:
        """Asks for a sign of life at the WebSocket level."""
        self._liveness.on_ping(self._clock())
        self._socket.ask_for_pong()

    def on_pong(self) -> None:
        """The station answered a ping."""
        self._liveness.on_pong(self._clock())

    def on_write_paused(self, paused: bool, /) -> None:
        """The far end does not read what it is sent, or reads it again."""
        if paused:
            self._liveness.on_blocked(self._loop.time())
        else:
            self._liveness.on_unblocked()

    def check_lost(self) -> bool:
        """Notices that the far end has closed a connection that is not read from; whether it is not for the moment."""
        return self._socket.check_lost()

    def check_pong(self) -> None:
        """Counts, once a connection, a station that sends messages but answers no ping (quirk 4)."""
        if self._liveness.became_mute():
            self._reports.note_quirk(QuirkName.NO_PONG)
