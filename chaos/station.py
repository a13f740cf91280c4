"""One station of the fleet: charges whether it is connected or not, and keeps each message until it is acknowledged."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from chaos.dialects import Dialect, Message, Session
from chaos.ledger import Kind, Ledger
from chaos.link import Link, LinkLostError
from station_kit.backoff import Backoff

# How long a station waits for an answer; gateways give up before (20 s).
ANSWER_S = 30.0
HEARTBEAT_S = 5.0
# Messages that wait; a station whose memory is full stops charging, so that none is thrown away.
MEMORY = 40
# How often a station boots again when it connects, asks about a tag before a start, repeats with a new message id.
BOOTS, AUTHORIZES, NEW_IDS = 0.2, 0.3, 0.5
# How often its own network fails while it waits for an answer.
CUTS = 0.01


@dataclass(frozen=True, kw_only=True)
class Door:
    """A way into the mesh."""

    host: str
    port: int


class Station:
    """A station with one connector. `run` it as a task; it ends with `leave`, or when it is cancelled."""

    def __init__(
        self,
        *,
        station_id: str,
        dialect: Dialect,
        doors: Sequence[Door],
        ledger: Ledger,
        random: Random,
        pace_s: float,
    ) -> None:
        """`pace_s` is the time between two messages, in the mean."""
        self.station_id = station_id
        self._dialect = dialect
        self._doors = doors
        self._ledger = ledger
        self._random = random
        self._pace_s = pace_s
        self._backoff = Backoff(random=random, first_s=0.2, most_s=3.0)
        self._queue: deque[Message] = deque()
        self._sent: Message | None = None  # with this id, and not acknowledged yet
        self._sent_id = ""
        self._news = asyncio.Event()
        self._link: Link | None = None
        self._booted = False
        self._leaving = False
        self._finishing = asyncio.Event()
        self._charging: asyncio.Task[None] | None = None
        self._last_id = 0
        self._time_us = 0
        self._number = 0
        self._register_mwh = random.randrange(10**6) * 1000

    @property
    def connected(self) -> bool:
        """Whether it has a connection and is accepted."""
        return self._link is not None and self._booted and not self._link.ended.is_set()

    @property
    def finished(self) -> bool:
        """Whether it charges no more, and all of its messages are acknowledged."""
        return self._charging is not None and self._charging.done() and not self._queue

    @property
    def waiting(self) -> int:
        """Messages that nobody has acknowledged."""
        return len(self._queue)

    async def run(self) -> None:
        """Charges and reports."""
        charging = self._charging = asyncio.create_task(self._charge())
        try:
            while not self._leaving:
                await self._connection()
                await asyncio.sleep(self._backoff.next_s())
        finally:
            charging.cancel()
            await asyncio.gather(charging, return_exceptions=True)
            if self._link is not None:
                self._link.close()

    def finish(self) -> None:
        """Ends the session that goes on, begins no other."""
        self._finishing.set()

    def leave(self) -> None:
        """Closes the connection for good."""
        self._leaving = True
        if self._link is not None:
            self._link.close()

    # Events at the connector

    async def _charge(self) -> None:
        while not self._finishing.is_set():
            self._number += 1
            session = self._dialect.begin(id_tag=f"TAG{self.station_id}", number=self._number)
            await self._measure(session, Kind.START, 0)
            seq_no = 1
            while not self._finishing.is_set() and self._random.random() < 0.75:
                await self._measure(session, Kind.METER, seq_no)
                seq_no += 1
            await self._measure(session, Kind.STOP, seq_no)

    async def _measure(self, session: Session, kind: Kind, seq_no: int) -> None:
        while len(self._queue) >= MEMORY:  # noqa: ASYNC110 - it looks at its memory as often as at its meter
            await asyncio.sleep(self._pace_s)
        if kind is not Kind.START:
            self._register_mwh += self._random.randrange(1, 40_000)
        if kind is not Kind.METER:
            self._register_mwh += -self._register_mwh % self._dialect.step_mwh
        message = Message(
            session=session, kind=kind, seq_no=seq_no, time_us=self._now_us(), register_mwh=self._register_mwh
        )
        self._queue.append(message)
        self._news.set()
        await asyncio.sleep(self._pace_s * self._random.uniform(0.5, 1.5))

    # Messages about it

    async def _connection(self) -> None:
        """Connects, and says what there is to say until the connection is lost."""
        try:
            await self._connect()
            await self._serve()
        except LinkLostError as error:
            self._ledger.happened[f"connection: {error}"] += 1
        if self._link is not None and self._link.fault:
            self._ledger.violations.append(f"{self.station_id}: {self._link.fault}")
        self._link = None

    async def _connect(self) -> None:
        door = self._random.choice(self._doors)
        self._link = await Link.open(
            host=door.host, port=door.port, path=f"/ocpp/{self.station_id}", subprotocol=self._dialect.subprotocol
        )
        self._ledger.happened["connections"] += 1

    async def _serve(self) -> None:
        while not self._booted or self._random.random() < BOOTS:
            answer = await self._ask(*self._dialect.boot())
            self._booted = answer[0] == 3 and answer[2]["status"] == "Accepted"
            if not self._booted:
                await asyncio.sleep(self._backoff.next_s())
        await self._ask(*self._dialect.status(self._now_us()))
        self._backoff.reset()
        while True:
            if self._queue:
                await self._deliver(self._queue[0])
            elif await self._idle():
                await self._ask("Heartbeat", {})

    async def _deliver(self, message: Message) -> None:
        """Sends a message, and forgets it once it is acknowledged. A repeat has the same message id, or another."""
        if message.kind is Kind.START and self._random.random() < AUTHORIZES:
            await self._ask(*self._dialect.authorize(message.session.id_tag))
        if self._sent is message:
            self._ledger.happened["messages sent again"] += 1
        if self._sent is not message or self._random.random() < NEW_IDS:
            self._sent, self._sent_id = message, self._new_id()
        answer = await self._send(self._sent_id, *self._dialect.say(message))
        if answer[0] != 3:
            self._ledger.violations.append(f"{self.station_id}: a {message.kind} was answered with {answer!r}")
            await asyncio.sleep(self._backoff.next_s())
            return
        if wrong := self._dialect.take(message, answer[2]):
            self._ledger.violations.append(f"{self.station_id}: {wrong}")
        self._queue.popleft()
        self._ledger.acknowledged.append(message.entry(self.station_id))

    async def _ask(self, action: str, payload: Any) -> list[Any]:
        """A CALL that is not of money: a CALLERROR is a pity and no more."""
        answer = await self._send(self._new_id(), action, payload)
        if answer[0] != 3:
            self._ledger.happened[f"{action} answered with {answer[2]}"] += 1
        return answer

    async def _send(self, message_id: str, action: str, payload: Any) -> list[Any]:
        assert self._link is not None  # noqa: S101 - only while serving
        if not self._finishing.is_set() and self._random.random() < CUTS:
            asyncio.get_running_loop().call_later(
                self._random.uniform(0, 0.02), self._link.abort, "cut by the station's network"
            )
        return await self._link.call(message_id, action, payload, timeout_s=ANSWER_S)

    async def _idle(self) -> bool:
        """Waits for something to say; True where there was nothing for so long that a heartbeat is due."""
        assert self._link is not None  # noqa: S101 - only while serving
        self._news.clear()
        waits = [asyncio.create_task(self._news.wait()), asyncio.create_task(self._link.ended.wait())]
        done, rest = await asyncio.wait(waits, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()
        if self._link.ended.is_set():
            raise LinkLostError(self._link.reason)
        return not done

    def _new_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _now_us(self) -> int:
        """The station's time in whole milliseconds, never the same twice."""
        self._time_us = max(self._time_us + 1000, time.time_ns() // 1_000_000 * 1000)
        return self._time_us
