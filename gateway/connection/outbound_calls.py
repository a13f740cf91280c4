"""CALLs to one station: one outstanding at a time, in the order of the requests (OCPP-J, 4.1.1).

None is sent while a boot waits for its answer: services know of the boot before the station has that, and a station may
refuse CALLs until then (1.6, 4.2; 2.0.1, B01).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import grpc

from gateway.ocpp.frames import CallError, CallResult, Payload, encode_call
from gateway.ocpp.values import shorten
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

# Most commands that wait; further ones are refused.
MAX_WAITING = 32

Send = Callable[[bytes, str, str], Awaitable[None]]
"""Sends a CALL's frame; takes the frame, its message id and its action."""


class Answer(NamedTuple):
    """The payload of a CALLRESULT, unchecked, and the text of its frame."""

    payload: Any
    source: bytes = b""


class OutgoingCalls:
    """The downward queue of one socket. `prefix` makes message ids unique among all sockets of a station."""

    def __init__(self, *, prefix: str, send: Send) -> None:
        self._prefix = f"{prefix}-"
        self._send = send
        self._turn = asyncio.Lock()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._waiting = 0
        self._count = 0
        self._pending: tuple[str, str, asyncio.Future[Answer]] | None = None
        self._closed = False
        self.unanswered: int | None = None  # CALLs in a row that had no answer in time; None before the first outcome

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Answer:
        """Sends one CALL and returns its CALLRESULT.

        Raises MeshError with the reasons of csms.station.v1.CommandService: TOO_MANY_COMMANDS and STATION_OFFLINE (not
        sent), CALL_TIMEOUT and STATION_DISCONNECTED (sent, outcome unknown), CALL_ERROR (the station refused).
        `timeout_s` seconds include the waiting in the queue and for the answer.
        """
        if self._waiting >= MAX_WAITING:
            raise MeshError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                Reason.TOO_MANY_COMMANDS,
                f"{self._waiting} commands wait for this station already; try again when some have been answered",
            )
        self._waiting += 1
        sent = False
        try:
            async with asyncio.timeout(timeout_s), self._turn:
                await self._may_send.wait()
                self._raise_if_closed()
                sent = True
                return await self._send_and_wait(action, payload)
        except TimeoutError:
            if not sent:
                raise _turn_never_came(timeout_s) from None
            self.unanswered = (self.unanswered or 0) + 1
            raise _no_answer(timeout_s) from None
        finally:
            self._waiting -= 1

    def begin_boot(self) -> None:
        """A boot waits for its answer: further CALLs are not sent before `end_boot`."""
        self._may_send.clear()

    def end_boot(self) -> None:
        """The boot is answered."""
        self._may_send.set()

    def resolve(self, frame: CallResult | CallError, source: bytes = b"") -> str | None:
        """Handles an answer from the station; returns the action that it answers, or None where no CALL waits for it.

        `source` is the text of the frame.
        """
        self._note_answer(frame.message_id)
        if self._pending is None or self._pending[0] != frame.message_id:
            return None
        _, action, answer = self._pending
        if answer.done():
            return action
        if isinstance(frame, CallResult):
            answer.set_result(Answer(frame.payload, source))
        else:
            answer.set_exception(_refused(frame))
        return action

    def fail_pending(self, message_id: str, why: str) -> None:
        """The answer to a CALL came, but cannot be read."""
        self._note_answer(message_id)
        if self._pending is not None and self._pending[0] == message_id and not self._pending[2].done():
            self._pending[2].set_exception(
                MeshError(grpc.StatusCode.ABORTED, Reason.INVALID_ANSWER, f"the station's answer cannot be read: {why}")
            )

    def _note_answer(self, message_id: str) -> None:
        if message_id.startswith(self._prefix):
            self.unanswered = 0  # late or not, readable or not: it answers

    def close(self) -> None:
        """The socket is closed: every call that waits fails."""
        self._closed = True
        self._may_send.set()
        if self._pending is not None and not self._pending[2].done():
            self._pending[2].set_exception(
                MeshError(
                    grpc.StatusCode.ABORTED,
                    Reason.STATION_DISCONNECTED,
                    "the station's connection closed before it answered; it may have acted on the command",
                )
            )

    async def _send_and_wait(self, action: str, payload: Payload) -> Answer:
        self._count += 1
        message_id = f"{self._prefix}{self._count}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending = (message_id, action, answer)
        try:
            await self._send(encode_call(message_id, action, payload), message_id, action)
            if self._closed:
                self.close()
            return await answer
        finally:
            self._pending = None
            if answer.done() and not answer.cancelled():
                answer.exception()  # retrieved: nothing may be waiting any more

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise station_offline("the station's connection closed before the command was sent")


def station_offline(message: str) -> MeshError:
    """FAILED_PRECONDITION, reason STATION_OFFLINE: nothing was sent."""
    return MeshError(grpc.StatusCode.FAILED_PRECONDITION, Reason.STATION_OFFLINE, message)


def _turn_never_came(timeout_s: float) -> MeshError:
    return MeshError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.TOO_MANY_COMMANDS,
        f"other commands, or a boot not answered yet, kept this station busy for {timeout_s:g} s; it was not sent",
    )


def _no_answer(timeout_s: float) -> MeshError:
    return MeshError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        Reason.CALL_TIMEOUT,
        f"the station did not answer within {timeout_s:g} s; it may still act on the command",
    )


def _refused(frame: CallError) -> MeshError:
    # Cut: an error travels in the trailers of a call, which gRPC limits to 8 KiB, and drops where they are larger.
    code, description = shorten(frame.code, 50), shorten(frame.description, 255)
    return MeshError(
        grpc.StatusCode.ABORTED,
        Reason.CALL_ERROR,
        f"the station refused the call: {code} {description}".strip(),
        {"ocpp_error_code": code, "ocpp_description": description},
    )
