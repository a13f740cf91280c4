"""Streams of callers that are open, and end when their caller may not have them any more."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from mesh.identity.caller_directory import Credential
from mesh.identity.callers import Scope
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.permissions import MethodRule
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable


@dataclass(kw_only=True, eq=False)
class OpenStream:
    """A stream that is being served, by the task that made it."""

    credential: Credential | None  # None: of a public method, which goes on
    rule: MethodRule
    scope: Scope | None
    _task: "asyncio.Task[object]"
    _error: MeshError | None = None
    _waits: bool = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around each wait for a response. Raises the error that `end` was given."""
        self._raise_if_ended()
        self._waits = True
        try:
            yield
        except asyncio.CancelledError:
            if self._error is not None:
                self._task.uncancel()
            self._raise_if_ended()
            raise
        finally:
            self._waits = False

    def _raise_if_ended(self) -> None:
        if self._error is not None:
            raise self._error from None

    def end(self, error: MeshError) -> None:
        """Ends it with an error: at once where it waits for a response, else instead of the next one."""
        if self._error is None:
            self._error = error
            if self._waits:
                self._task.cancel()


@dataclass(kw_only=True)
class OpenStreams:
    """The open streams of a server."""

    access: OperatorAccess
    _streams: set[OpenStream] = field(default_factory=set)
    _check: "asyncio.Task[None] | None" = None
    _is_due: bool = False

    def __post_init__(self) -> None:
        self.access.on_change(self._changed)

    @contextmanager
    def open(self, credential: Credential | None, rule: MethodRule, scope: Scope | None) -> Iterator[OpenStream]:
        """A stream, for as long as it is served."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC runs each handler as one
        stream = OpenStream(credential=credential, rule=rule, scope=scope, _task=task)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    def _changed(self) -> None:
        self._is_due = bool(self._streams)
        if self._is_due and self._check is None:
            self._check = asyncio.get_running_loop().create_task(self._check_all())

    async def _check_all(self) -> None:
        try:
            while self._is_due:
                self._is_due = False
                for stream in list(self._streams):
                    if (error := await self._objection(stream)) is not None:
                        stream.end(error)
        finally:
            self._check = None

    async def _objection(self, stream: OpenStream) -> MeshError | None:
        """Why a stream may not go on; None where it may."""
        if not self.access.is_current():
            return unavailable(Reason.CALLER_UNKNOWN, "who may call cannot be looked up at this moment: call again")
        if stream.credential is None:
            return None
        try:
            caller = await self.access.caller(stream.credential)
        except MeshError as error:
            return error
        if stream.rule.permission is None or caller.scope(stream.rule.permission) == stream.scope:
            return None
        return MeshError(
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.GRANTS_CHANGED,
            "what you may see has changed since this call began: call again, from where you were",
        )
