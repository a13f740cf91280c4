"""Keeps one station alive: its life goes on whether it is connected or not; its socket comes back after every loss."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from mesh.runtime.backoff import Backoff
from mesh.runtime.logs import get_logger
from simulator.certificates import CertificateUse
from simulator.clocks import StationClock
from simulator.line import Line
from simulator.memory import Memory
from simulator.notices import DownloadWanted, UploadWanted
from simulator.station import Station
from simulator.transfers import fetch, upload

log = get_logger(__name__)

TICK_S = 0.25
RESTART_S = 20.0  # of the station's life


class Session(Protocol):
    """One connection's conversation in one OCPP version."""

    async def run(self) -> None:
        """Talks until the station wants to end it. Raises websockets' ConnectionClosed when the socket closes."""


class Dialect(Protocol):
    """An OCPP version, as far as a runner needs it: its sub-protocol, and how to talk it over an open socket."""

    ocpp_version: str
    subprotocol: str
    has_charging_states: bool  # in messages of their own

    def open(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> Session:
        """A session over an open socket."""


class Runner:
    """One station with its life and its socket."""

    def __init__(
        self,
        *,
        station: Station,
        dialect: Dialect,
        line: Line,
        clock: StationClock,
        backoff: Backoff,
        quirks: frozenset[int] = frozenset(),
    ) -> None:
        self.station = station
        self.memory = Memory(has_charging_states=dialect.has_charging_states)
        self._dialect = dialect
        self._line = line
        self.clock = clock
        self._backoff = backoff
        self._failures = 0  # to connect, or to stay connected, in a row
        self.quirks = quirks  # of simulator.misbehaviour
        self._online = False
        self._alive = True
        self._line_up = asyncio.Event()  # unset: the line is cut
        self._line_up.set()
        self._at_once = asyncio.Event()  # the next attempt to connect does not wait
        self._attempt: asyncio.Task[None] | None = None
        self._connection: ClientConnection | None = None

    async def run(self) -> None:
        """Runs until it is cancelled; the socket is closed properly then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._live())
                tasks.create_task(self._stay_connected())
                tasks.create_task(self._move_files())
        finally:
            await self._line.close()

    async def _move_files(self) -> None:
        """Downloads firmware and uploads logs, one after the other, as long as the station is up."""
        maintenance = self.station.maintenance
        while self._alive:
            while self.memory.transfers:
                wanted = self.memory.transfers.popleft()
                roots = maintenance.trust.pems(CertificateUse.CENTRAL_SYSTEM)
                match wanted:
                    case DownloadWanted():
                        maintenance.firmware.fetched(wanted.job, await fetch(wanted.location, roots=roots))
                    case UploadWanted():
                        outcome = await upload(wanted.location, wanted.file_name, wanted.text, roots=roots)
                        maintenance.uploads.sent(wanted.job, outcome)
            await asyncio.sleep(TICK_S)

    def switch_off(self) -> None:
        """Ends the station's life: its transactions stop. What it has to say is said while `run` goes on."""
        self._alive = False
        self.station.switch_off()
        self.collect()

    def switch_on(self) -> None:
        """Begins another life after `switch_off`: `run` is to be called again."""
        self._alive = True
        self._failures = 0
        self._line_up.set()
        self.memory.accepted = self._boots_once and self.memory.accepted
        self.station.switch_on(self.clock.life_ms())

    def cut_line(self) -> None:
        """Ends the connection without a closing handshake; there is no other one until `mend_line`."""
        self._line_up.clear()
        self._drop()

    def mend_line(self) -> None:
        """Connects again, at once."""
        self._line_up.set()
        self._at_once.set()

    def misbehave(self, quirks: frozenset[int], dialect: Dialect) -> None:
        """Sets the quirks of line and dialect, and connects anew where they are others."""
        if quirks == self.quirks:
            return
        self.quirks = quirks
        self._dialect = dialect
        self._line.misbehave(quirks)
        self._at_once.set()
        self._drop()

    @property
    def ocpp_version(self) -> str:
        """The version that it speaks: 1.6, 2.0.1."""
        return self._dialect.ocpp_version

    @property
    def is_on(self) -> bool:
        """Whether the station is switched on."""
        return self._alive

    @property
    def is_cut(self) -> bool:
        """Whether its line is cut."""
        return not self._line_up.is_set()

    @property
    def is_online(self) -> bool:
        """Whether it is connected."""
        return self._online

    @property
    def _boots_once(self) -> bool:
        return 8 in self.quirks

    @property
    def has_to_say(self) -> bool:
        """Whether transaction messages wait that a central system could have now."""
        return self._online and self.memory.accepted and bool(self.memory.transactions)

    async def _live(self) -> None:
        """Moves the station on, and collects what it has to say."""
        while self._alive:
            if self.station.restart_wanted is None:
                self.station.advance(self.clock.life_ms())
            self.collect()
            if self.station.restart_wanted is not None:
                self.memory.changed.set()
            await asyncio.sleep(TICK_S)

    def collect(self) -> None:
        """Takes what happened into memory. While offline the station answers its own questions."""
        self.memory.take(self.station.drain())
        if self._online and self.memory.accepted:
            return
        while self.memory.questions:
            question = self.memory.questions.popleft()
            if self.station.tags.may_start_unasked(question.id_tag, datetime.now(UTC), online=False):
                self.station.authorized(
                    question.connector_id,
                    question.id_tag,
                    profile=question.profile,
                    remote_start_id=question.remote_start_id,
                )

    async def _stay_connected(self) -> None:
        while True:
            await self._line_up.wait()
            self._attempt = asyncio.create_task(self._connect_once())
            try:
                await asyncio.wait((self._attempt,))
            finally:
                self._attempt.cancel()  # where this task is cancelled: its socket is closed properly
                await asyncio.gather(self._attempt, return_exceptions=True)
                self._online = False
            if self._attempt.cancelled():  # by `_drop`
                continue
            error = self._attempt.exception()
            if error is None:
                await self._come_back()
            elif isinstance(error, OSError | WebSocketException | TimeoutError):
                await self._wait_to_connect(error)
            else:
                raise error

    async def _wait_to_connect(self, error: Exception) -> None:
        self._failures += 1
        wait_s = 0.0 if self.is_cut else self._backoff.after(self._failures)
        log.info("offline", station_id=self._id, reason=_explain(error), again_in_s=round(wait_s, 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._at_once.wait()
        self._at_once.clear()

    def _drop(self) -> None:
        """Ends the connection as a line that breaks does, or the attempt to get one."""
        if self._connection is not None:
            self._connection.transport.abort()
        elif self._attempt is not None:
            self._attempt.cancel()

    async def _connect_once(self) -> None:
        configuration = self.station.configuration
        ping_s = configuration.number("WebSocketPingInterval") or None
        async with self._line.connection(key=configuration.text("AuthorizationKey"), ping_s=ping_s) as connection:
            self._failures = 0
            self._at_once.clear()
            self._online = True
            self._connection = connection
            try:
                session = self._dialect.open(
                    station=self.station, memory=self.memory, clock=self.clock, connection=connection
                )
                await session.run()
            finally:
                self._connection = None

    async def _come_back(self) -> None:
        """Goes down and comes up again, as a reset asked for; a new key needs no more than a new connection."""
        self.station.reconnect_wanted = False
        if self.station.restart_wanted is None:
            return
        self.memory.accepted = self._boots_once and self.memory.accepted
        log.info("restarting", station_id=self._id, how=self.station.restart_wanted)
        await asyncio.sleep(max(0.5, self.clock.real_seconds(RESTART_S)))
        self.station.restarted()

    @property
    def _id(self) -> str:
        return self.station.identity.station_id


def _explain(error: Exception) -> str:
    """Why there is no connection, in one line."""
    if isinstance(error, InvalidHandshake):
        return f"refused: {error}"
    if isinstance(error, ConnectionClosed):
        return f"closed: {error}"
    return str(error) or type(error).__name__
