"""Hooks of a command: they change the resources that it makes, updates or reports, beside its own record."""

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from station_svc.commands.rows import NewCommand


class CommandHooks:
    """Changes that a command makes beside its own record. Each method runs in the transaction of that record.

    This one changes nothing. Where the process dies between the two, `on_outcome` is never called: the rows that
    `on_begin` writes must have the time from which their outcome stays unknown (`new.deadline_us`).
    `hands_over_credential`: whether the command may contain a station's credential, since its hooks change the stored
    one too.
    """

    hands_over_credential = False

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """The command is about to be sent. Not called where its request id finds an earlier one."""

    def on_committed(self) -> None:
        """Called in the event loop once the changes of `on_outcome` are committed, for work of the loop."""

    def amend_answer(self, connection: Connection, new: NewCommand, answer: Message) -> None:
        """May change the station's answer, in place, before it is recorded. It may be called more than once."""

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """The station answered, or not: the answer, secrets masked, or why there is none."""


NO_HOOKS = CommandHooks()


class _Together(CommandHooks):
    """The hooks of several features, one after the other."""

    def __init__(self, parts: Sequence[CommandHooks]) -> None:
        self._parts = parts
        self.hands_over_credential = any(part.hands_over_credential for part in parts)

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        for part in self._parts:
            part.on_begin(connection, new, now_us)

    def on_committed(self) -> None:
        for part in self._parts:
            part.on_committed()

    def amend_answer(self, connection: Connection, new: NewCommand, answer: Message) -> None:
        for part in self._parts:
            part.amend_answer(connection, new, answer)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        for part in self._parts:
            part.on_outcome(connection, new, outcome, now_us)


def together(hooks: Iterable[CommandHooks]) -> CommandHooks:
    """The hooks of several features, one after the other; NO_HOOKS where none has any."""
    parts = [one for one in hooks if one is not NO_HOOKS]
    if len(parts) > 1:
        return _Together(parts)
    return parts[0] if parts else NO_HOOKS
