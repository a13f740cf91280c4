"""Effects of a command beside its own record: on the resources that it makes, moves on, or tells of."""

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.errors import MeshError
from station_svc.commands.rows import NewCommand


class Effects:
    """The effects of a command beside its own record. Each method runs in the transaction of that record.

    This one changes nothing. Where the process dies between the two, `ended` is never called: what `begun` wrote has to
    say when its outcome will stay unknown (`new.deadline_us`). `hands_over_credential`: whether the command may carry a
    station's credential, since its effects keep ours the same.
    """

    hands_over_credential = False

    def begun(self, db: Connection, new: NewCommand, now_us: int) -> None:
        """The command is about to be sent. Not called where its request id finds an earlier one."""

    def settled(self) -> None:
        """Called in the event loop once the changes of `ended` are committed, for work that only the loop can do."""

    def amend(self, db: Connection, new: NewCommand, answer: Message) -> None:
        """May change the station's answer, in place, before it is recorded. It may be called more than once."""

    def ended(self, db: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """The station answered, or not: the answer, secrets masked, or why there is none."""


NO_EFFECTS = Effects()


class _Together(Effects):
    """The effects of several, one after the other."""

    def __init__(self, parts: Sequence[Effects]) -> None:
        self._parts = parts
        self.hands_over_credential = any(part.hands_over_credential for part in parts)

    def begun(self, db: Connection, new: NewCommand, now_us: int) -> None:
        for part in self._parts:
            part.begun(db, new, now_us)

    def settled(self) -> None:
        for part in self._parts:
            part.settled()

    def amend(self, db: Connection, new: NewCommand, answer: Message) -> None:
        for part in self._parts:
            part.amend(db, new, answer)

    def ended(self, db: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        for part in self._parts:
            part.ended(db, new, outcome, now_us)


def together(effects: Iterable[Effects]) -> Effects:
    """The effects of several, one after the other; NO_EFFECTS where none has any."""
    parts = [one for one in effects if one is not NO_EFFECTS]
    if len(parts) > 1:
        return _Together(parts)
    return parts[0] if parts else NO_EFFECTS
