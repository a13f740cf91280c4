"""One station of the fleet: charges whether it is connected or not, and keeps each message until it is acknowledged."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any

from chaos.entrance import Entrance
from chaos.ledger import Kind, Ledger
from chaos.sessions import Session, SessionMessage
from mesh.runtime.backoff import Backoff
from station_kit.connection import Answer, ConnectionEndedError, StationConnection, accept, open_connection
from station_kit.frames import Call, CallResult
from station_kit.messages import HEARTBEAT, EventType, Message, TransactionEvent
from station_kit.sockets import station_url
from station_kit.versions import OcppVersion

# How long a station waits for a connection. A gateway waits for station_svc for ten seconds before it answers 503, and
# Envoy sets it no shorter limit.
OPEN_S = 25.0
# How long a station waits for an answer; gateways give up before (20 s).
ANSWER_S = 30.0
HEARTBEAT_S = 5.0
# Messages that wait; a station whose memory is full stops charging, so that none is thrown away.
MEMORY = 40
# How often a station boots again when it connects, asks about a tag before a start, repeats with a new message id.
BOOTS, AUTHORIZES, NEW_IDS = 0.2, 0.3, 0.5
# How often its own network fails while it waits for an answer.
CUTS = 0.01
# How long it waits for the certificate that it requested, before it requests it again (CertSigningWaitMinimum).
SIGN_AGAIN_S = 10.0
# The ends of connections that are the station's own doing.
CUT, LEFT, RENEWED = "cut by the station's network", "closed by the station", "closed for the station's new certificate"


class Station:
    """A station with one connector. `run` it as a task; it ends with `leave`, or when it is cancelled."""

    def __init__(
        self,
        *,
        station_id: str,
        version: OcppVersion,
        entrance: Entrance,
        ledger: Ledger,
        random: Random,
        pace_s: float,
    ) -> None:
        """`pace_s` is the mean time between two messages."""
        self.station_id = station_id
        self.entrance = entrance
        self.opened = 0  # sockets
        self.lost = 0  # sockets that ended, and not by the station's own doing
        self.cut_off = False  # whether the mesh has ended its last connection, or refused it, and gave it no other yet
        self._version = version
        self._ledger = ledger
        self._random = random
        self._pace_s = pace_s
        self._backoff = Backoff(first_s=0.2, most_s=3.0, uniform=random.uniform)
        self._failures = 0  # in a row
        self._queue: deque[SessionMessage] = deque()
        self._sent: SessionMessage | None = None  # with this id, and not acknowledged yet
        self._sent_id = ""
        self._news = asyncio.Event()
        self._connection: StationConnection | None = None
        self._booted = False
        self._leaving = False
        self._finishing = asyncio.Event()
        self._charging: asyncio.Task[None] | None = None
        self._shown = ""  # the fingerprint of the certificate that its connection was opened with
        self._sign_s = 0.0  # when it requests its certificate, if it wants one
        self._last_id = 0
        self._time_us = 0
        self._number = 0
        self._register_mwh = random.randrange(10**6) * 1000

    @property
    def connected(self) -> bool:
        """Whether it has a connection and is accepted."""
        return self._connection is not None and self._booted and not self._connection.ended.is_set()

    @property
    def finished(self) -> bool:
        """Whether it charges no more, and all of its messages are acknowledged."""
        return self._charging is not None and self._charging.done() and not self._queue

    @property
    def waiting(self) -> int:
        """Messages that nobody has acknowledged."""
        return len(self._queue)

    @property
    def renewing(self) -> bool:
        """Whether it waits for a certificate that it requested, or has not come back with it yet."""
        certificate = self.entrance.certificate
        return certificate is not None and (certificate.request is not None or certificate.fingerprint != self._shown)

    async def run(self) -> None:
        """Charges and reports."""
        charging = self._charging = asyncio.create_task(self._charge())
        try:
            while not self._leaving:
                await self._stay_connected()
                await self._back_off()
        finally:
            charging.cancel()
            await asyncio.gather(charging, return_exceptions=True)

    def finish(self) -> None:
        """Ends the session that goes on, begins no other."""
        self._finishing.set()

    def leave(self) -> None:
        """Closes the connection for good."""
        self._leaving = True
        if self._connection is not None:
            self._connection.end(LEFT)

    def renew_certificate(self) -> None:
        """Requests another certificate, and comes back with it once it has it. Only a station that has one."""
        assert self.entrance.certificate is not None  # noqa: S101 - see above
        self.entrance.certificate.renew()
        self._news.set()

    # Events at the connector

    async def _charge(self) -> None:
        while not self._finishing.is_set():
            self._number += 1
            id_token = f"TAG{self.station_id}"
            transaction_id = self._version.own_transaction_id(f"{id_token}-{self._number}")
            session = Session(id_token=id_token, transaction_id=transaction_id)
            await self._measure(session, EventType.STARTED, 0)
            seq_no = 1
            while not self._finishing.is_set() and self._random.random() < 0.75:
                await self._measure(session, EventType.UPDATED, seq_no)
                seq_no += 1
            await self._measure(session, EventType.ENDED, seq_no)

    async def _measure(self, session: Session, event_type: EventType, seq_no: int) -> None:
        while len(self._queue) >= MEMORY:  # noqa: ASYNC110 - it looks at its memory as often as at its meter
            await asyncio.sleep(self._pace_s)
        if event_type is not EventType.STARTED:
            self._register_mwh += self._random.randrange(1, 40_000)
        if event_type is not EventType.UPDATED:
            self._register_mwh += -self._register_mwh % self._version.register_step_mwh
        event = TransactionEvent(
            event_type=event_type,
            id_token=session.id_token,
            seq_no=seq_no,
            time_us=self._now_us(),
            register_mwh=self._register_mwh,
        )
        self._queue.append(SessionMessage(session=session, event=event))
        self._news.set()
        await asyncio.sleep(self._pace_s * self._random.uniform(0.5, 1.5))

    # Messages about it

    async def _stay_connected(self) -> None:
        """Connects, and sends what there is to send until the connection has ended."""
        url = station_url(self._random.choice(self.entrance.urls), self.station_id)
        self._shown = self.entrance.certificate.fingerprint if self.entrance.certificate else ""
        try:
            async with open_connection(
                url,
                subprotocol=self._version.subprotocol,
                open_timeout_s=OPEN_S,
                headers=self.entrance.headers,
                answerer=self._answer,
                tls=self.entrance.context(),
            ) as connection:
                self._connection = connection
                self.opened += 1
                self._ledger.happened["connections"] += 1
                await self._serve(connection)
        except ConnectionEndedError as error:
            self._ledger.happened[f"connection: {error}"] += 1
        self.cut_off = self._connection is None or self._connection.reason not in (CUT, LEFT, RENEWED)
        if self._connection is not None:
            self.lost += self.cut_off
            if self._connection.fault:
                self._ledger.violations.append(f"{self.station_id}: {self._connection.fault}")
        self._connection = None

    async def _serve(self, connection: StationConnection) -> None:
        while not self._booted or self._random.random() < BOOTS:
            answer = await self._ask(connection, self._version.boot(vendor="Chaos", model="Raw"))
            self._booted = isinstance(answer, CallResult) and answer.payload["status"] == "Accepted"
            if not self._booted:
                await self._back_off()
        await self._ask(connection, self._version.available(self._now_us()))
        self._failures, self.cut_off = 0, False
        while True:
            await self._renew(connection)
            if self._queue:
                await self._deliver(connection, self._queue[0])
            elif await self._idle(connection):
                await self._ask(connection, HEARTBEAT)

    async def _deliver(self, connection: StationConnection, message: SessionMessage) -> None:
        """Sends a message, and forgets it once it is acknowledged. A repeat has the same message id, or another."""
        if message.kind is Kind.START and self._random.random() < AUTHORIZES:
            await self._ask(connection, self._version.authorize(message.session.id_token))
        if self._sent is message:
            self._ledger.happened["messages sent again"] += 1
        if self._sent is not message or self._random.random() < NEW_IDS:
            self._sent, self._sent_id = message, self._new_id()
        reported = self._version.transaction_event(message.event, message.session.transaction_id)
        answer = await self._send(connection, self._sent_id, reported)
        if not isinstance(answer, CallResult):
            self._ledger.violations.append(f"{self.station_id}: a {message.kind} was answered with {answer!r}")
            await self._back_off()
            return
        if message.kind is Kind.START:
            self._take_start(message.session, answer.payload)
        self._queue.popleft()
        self._ledger.acknowledged.append(message.entry(self.station_id))

    async def _renew(self, connection: StationConnection) -> None:
        """Requests a certificate where one is due, and ends a connection that was opened with the one before."""
        certificate = self.entrance.certificate
        if certificate is None:
            return
        if certificate.fingerprint != self._shown:
            connection.end(RENEWED)
            raise ConnectionEndedError(RENEWED)
        if certificate.request is not None and time.monotonic() >= self._sign_s:
            self._sign_s = time.monotonic() + SIGN_AGAIN_S
            await self._ask(connection, self._version.sign_certificate(certificate.request))

    def _answer(self, call: Call) -> Answer:
        """Takes the certificates that it requested; accepts every other command."""
        certificate = self.entrance.certificate
        if call.action != "CertificateSigned" or certificate is None:
            return accept(call)
        taken = certificate.take(call.payload["certificateChain"])
        self._ledger.happened["certificates taken" if taken else "certificates for a former key"] += 1
        self._sign_s = 0.0
        self._news.set()
        return CallResult(message_id=call.message_id, payload={"status": "Accepted" if taken else "Rejected"})

    def _take_start(self, session: Session, answer: Mapping[str, Any]) -> None:
        """Takes the CALLRESULT of a start: the fleet's are all accepted, and recorded under a name."""
        start = self._version.read_start(answer)
        if start.transaction_id is not None:
            session.transaction_id = start.transaction_id
            if int(start.transaction_id) <= 0:
                self._ledger.violations.append(
                    f"{self.station_id}: a start was given the number {start.transaction_id}"
                )
        if start.status != "Accepted":
            self._ledger.violations.append(f"{self.station_id}: the token of a start was answered with {start.status}")

    async def _ask(self, connection: StationConnection, message: Message) -> Answer:
        """A CALL that is not about a transaction: a CALLERROR is counted and no more."""
        answer = await self._send(connection, self._new_id(), message)
        if not isinstance(answer, CallResult):
            self._ledger.happened[f"{message.action} answered with {answer.code}"] += 1
        return answer

    async def _send(self, connection: StationConnection, message_id: str, message: Message) -> Answer:
        if not self._finishing.is_set() and self._random.random() < CUTS:
            asyncio.get_running_loop().call_later(self._random.uniform(0, 0.02), connection.abort, CUT)
        call = Call(message_id=message_id, action=message.action, payload=message.payload)
        return await connection.call(call, timeout_s=ANSWER_S)

    async def _idle(self, connection: StationConnection) -> bool:
        """Waits for something to send; True where there was nothing for so long that a heartbeat is due."""
        self._news.clear()
        waits = [asyncio.create_task(self._news.wait()), asyncio.create_task(connection.ended.wait())]
        done, rest = await asyncio.wait(waits, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()
        if connection.ended.is_set():
            raise ConnectionEndedError(connection.reason)
        return not done

    async def _back_off(self) -> None:
        self._failures += 1
        await asyncio.sleep(self._backoff.after(self._failures))

    def _new_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _now_us(self) -> int:
        """The station's time in whole milliseconds, never the same twice."""
        self._time_us = max(self._time_us + 1000, time.time_ns() // 1_000_000 * 1000)
        return self._time_us
