"""A transaction while a batch works on it: as it is, and as the batch found it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from transaction_svc import stored_form
from transaction_svc.metering import ReportedReading
from transaction_svc.transaction_state import TransactionState

Name = tuple[str, str, str]
"""Tenant, station, transaction id."""

Key = tuple[str, str, str, int]
"""The same with the generation."""


class Before(msgspec.Struct, frozen=True):
    """A transaction as the batch found it. The defaults are those of one that goes on, with nothing odd about it."""

    is_ordinary: bool = True
    started: bool = True
    waiting: bool = False
    evse_position: tuple[int, int] | None = None  # EVSE and begin; None where it takes none
    id_token: str = ""  # that holds it
    created_us: int = 0
    outcome: tuple[Any, ...] | None = None  # None where it goes on
    at_end: ReportedReading | None = None
    refusals: int = 0
    hanging: bool = False
    fell: bool = False
    seq_gap: bool = False


_NEW = Before(is_ordinary=False, started=False, waiting=True)


class TrackedTransaction:
    """A transaction while a batch works on it. `found` is its fold as stored, empty for a new one."""

    __slots__ = (
        "_before",
        "_found",
        "_propagated_end",
        "arrivals",
        "changed",
        "flags",
        "is_ordinary",
        "is_plain",
        "key",
        "name",
        "reassessed",
        "state",
        "stored",
    )

    def __init__(self, *, key: Key, state: TransactionState, found: str = "") -> None:
        self.key = key
        self.name: Name = key[:3]  # what the station calls it
        self.state = state
        self.stored = bool(found)
        self.changed = False
        self.reassessed = False  # by other terms
        self.arrivals = state.event_count
        # What `sum_up` finds.
        self.is_plain = self.is_ordinary = False
        self.flags: Sequence[str] = ()
        self._found = found
        self._propagated_end: ReportedReading | msgspec.UnsetType | None = msgspec.UNSET
        self._before: Before | None = None
        if not found:
            self._before = _NEW
        elif state.is_ordinary:
            self._before = Before(
                evse_position=(state.evse_id, state.begin_us), id_token=state.id_token, created_us=state.created_us
            )

    @property
    def before(self) -> Before:
        """The transaction as the batch found it. Most that are not ordinary are only looked at: nobody asks."""
        if self._before is None:
            self._before = _before(stored_form.decode_state(self._found))
        return self._before

    @property
    def propagated_end(self) -> ReportedReading | None:
        """The register that the next transaction was given as the one this leaves."""
        return self.before.at_end if self._propagated_end is msgspec.UNSET else self._propagated_end

    def note_propagated_end(self) -> None:
        """Notes that the next transaction was given the register that this one leaves now."""
        self._propagated_end = self.state.meter.at_end

    @property
    def has_other_columns(self) -> bool:
        """Whether a plain one changes in more than in its readings and its end, or may do so."""
        before, state = self.before, self.state
        return (
            not before.is_ordinary
            or before.evse_position != (state.evse_id, state.begin_us)
            or before.id_token != state.id_token
            or before.created_us != state.created_us
        )

    def write_whole(self) -> None:
        """Has all columns written, changed or not."""
        self._before = msgspec.structs.replace(self.before, is_ordinary=False)

    def sum_up(self) -> None:
        """Asks the fold once, when all of the batch is folded in, for what is needed several times."""
        self.is_plain = self.state.is_plain
        self.is_ordinary = self.is_plain and not self.state.stopped
        self.flags = () if self.is_plain else self.state.flags

    @property
    def is_unmatched_piece(self) -> bool:
        """Whether it is no transaction, but holds a station's events that belong to none."""
        return not self.key[2]

    @property
    def transaction_id(self) -> str:
        """The last part of its name."""
        return self.key[2]

    @property
    def generation(self) -> int:
        """Which use of its name it is, from 1."""
        return self.key[3]

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What it comes to once it has ended, as summed up; a change of it is told again."""
        return _outcome(self.state, self.flags)


def _before(state: TransactionState) -> Before:
    flags = state.flags
    return Before(
        is_ordinary=False,
        started=state.started,
        waiting=state.waiting,
        evse_position=(state.evse_id, state.begin_us) if state.counts else None,
        id_token="" if state.waiting else state.id_token,
        outcome=_outcome(state, flags) if state.ended else None,
        at_end=state.meter.at_end if state.ended else None,
        refusals=state.refusals,
        hanging=state.hanging,
        fell=state.meter.fell,
        seq_gap=state.seq_gap,
    )


def _outcome(state: TransactionState, flags: Sequence[str]) -> tuple[Any, ...]:
    who = (*state.holder, state.authorization_status)
    return state.meter.energy_mwh, state.end_us, state.reason, state.evse_id, who, tuple(flags)
