"""Keeps one station alive: its life goes on whether it is connected or not; its socket comes back after every loss."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Protocol

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
SWITCH_OFF_S = 3.0  # how long a fleet that is switched off may take to say so
RESTART_S = 20.0  # of the station's life


class Session(Protocol):
    """One connection's conversation in one OCPP version."""

    async def run(self) -> None:
        """Talks until the station wants to end it. Raises websockets' ConnectionClosed when the socket closes."""


class Dialect(Protocol):
    """An OCPP version, as far as a runner needs it: its sub-protocol, and how to talk it over an open socket."""

    subprotocol: str

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
        boots_once: bool = False,
    ) -> None:
        self.station = station
        self.memory = Memory()
        self._dialect = dialect
        self._line = line
        self._clock = clock
        self._backoff = backoff
        self._failures = 0  # to connect, or to stay connected, in a row
        self._boots_once = boots_once  # quirk 8 of simulator.misbehaviour
        self._online = False
        self._alive = True

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

    @property
    def has_to_say(self) -> bool:
        """Whether transaction messages wait that a central system could have now."""
        return self._online and self.memory.accepted and bool(self.memory.transactions)

    async def _live(self) -> None:
        """Moves the station on, and collects what it has to say."""
        while self._alive:
            if self.station.restart_wanted is None:
                self.station.advance(self._clock.life_ms())
            self.collect()
            await asyncio.sleep(TICK_S)

    def collect(self) -> None:
        """Takes what happened into memory. While offline the station answers its own questions."""
        self.memory.take(self.station.drain())
        if self._online and self.memory.accepted:
            return
        while self.memory.questions:
            question = self.memory.questions.popleft()
            if self.station.tags.may_start_unasked(question.id_tag, datetime.now(UTC), online=False):
                self.station.authorized(question.connector_id, question.id_tag, profile=question.profile)

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect_once()
            except (OSError, WebSocketException, TimeoutError) as error:
                self._online = False
                self._failures += 1
                wait_s = self._backoff.after(self._failures)
                log.info("offline", station_id=self._id, reason=_explain(error), again_in_s=round(wait_s, 1))
                await asyncio.sleep(wait_s)
            else:
                await self._come_back()

    async def _connect_once(self) -> None:
        configuration = self.station.configuration
        ping_s = configuration.number("WebSocketPingInterval") or None
        async with self._line.connection(key=configuration.text("AuthorizationKey"), ping_s=ping_s) as connection:
            self._failures = 0
            self._online = True
            session = self._dialect.open(
                station=self.station, memory=self.memory, clock=self._clock, connection=connection
            )
            await session.run()

    async def _come_back(self) -> None:
        """Goes down and comes up again, as a reset asked for; a new key needs no more than a new connection."""
        self._online = False
        self.station.reconnect_wanted = False
        if self.station.restart_wanted is None:
            return
        self.memory.accepted = self._boots_once and self.memory.accepted
        log.info("restarting", station_id=self._id, how=self.station.restart_wanted)
        await asyncio.sleep(max(0.5, self._clock.real_seconds(RESTART_S)))
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


async def run_all(runners: list[Runner], stop: asyncio.Event) -> None:
    """Runs stations until `stop` is set, then switches them off and closes their sockets.

    A station that leaves in the middle of a transaction ends it first, so that none stays open for ever. Raises what a
    station failed of.
    """
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        await _switch_off(runners)
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _switch_off(runners: list[Runner]) -> None:
    for runner in runners:
        runner.switch_off()
    until_s = time.monotonic() + SWITCH_OFF_S
    while time.monotonic() < until_s and any(runner.has_to_say for runner in runners):  # noqa: ASYNC110 - seconds
        await asyncio.sleep(0.02)
