"""Tracked transactions: a transaction in a batch, with its state before the batch."""

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
    """A transaction before the batch. The defaults are those of an open transaction without anomalies."""

    is_ordinary: bool = True
    started: bool = True
    waiting: bool = False
    evse_position: tuple[int, int] | None = None  # EVSE and begin; None where it has none
    id_token: str = ""  # the token that holds it
    remote_start_id: int | None = None
    created_us: int = 0
    outcome: tuple[Any, ...] | None = None  # None where it is open
    at_end: ReportedReading | None = None
    refusals: int = 0
    hanging: bool = False
    fell: bool = False
    seq_gap: bool = False


_NEW = Before(is_ordinary=False, started=False, waiting=True)


class TrackedTransaction:
    """A transaction in a batch. `found` is its stored state, encoded; empty for a new one."""

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
        "may_reopen",
        "name",
        "reassessed",
        "state",
        "stored",
    )

    def __init__(self, *, key: Key, state: TransactionState, found: str = "") -> None:
        self.key = key
        self.name: Name = key[:3]  # tenant, station, transaction id
        self.state = state
        self.stored = bool(found)
        self.changed = False
        self.reassessed = False  # with other terms
        self.may_reopen = False  # a start of this batch has ended it, whose id token may be refused yet
        self.arrivals = state.event_count
        # Set by `sum_up`.
        self.is_plain = self.is_ordinary = False
        self.flags: Sequence[str] = ()
        self._found = found
        self._propagated_end: ReportedReading | msgspec.UnsetType | None = msgspec.UNSET
        self._before: Before | None = None
        if not found:
            self._before = _NEW
        elif state.is_ordinary:
            self._before = Before(
                evse_position=(state.evse_id, state.begin_us),
                id_token=state.id_token,
                remote_start_id=state.remote_start_id,
                created_us=state.created_us,
            )

    @property
    def before(self) -> Before:
        """The transaction before the batch. Decoded on first use: of most transactions it is not needed."""
        if self._before is None:
            self._before = _before(stored_form.decode_state(self._found))
        return self._before

    @property
    def propagated_end(self) -> ReportedReading | None:
        """The register that was propagated to the next transaction."""
        return self.before.at_end if self._propagated_end is msgspec.UNSET else self._propagated_end

    def note_propagated_end(self) -> None:
        """Notes that the register at the end is propagated to the next transaction."""
        self._propagated_end = self.state.meter.at_end

    @property
    def has_other_columns(self) -> bool:
        """Whether a plain transaction may change in more columns than those of its readings and its end."""
        before, state = self.before, self.state
        return (
            not before.is_ordinary
            or before.evse_position != (state.evse_id, state.begin_us)
            or before.id_token != state.id_token
            or before.created_us != state.created_us
            or before.remote_start_id != state.remote_start_id
        )

    def write_whole(self) -> None:
        """Has all columns written."""
        self._before = msgspec.structs.replace(self.before, is_ordinary=False)

    def sum_up(self) -> None:
        """Computes properties that are needed several times, once all events of the batch are applied."""
        self.is_plain = self.state.is_plain
        self.is_ordinary = self.is_plain and not self.state.stopped
        self.flags = () if self.is_plain else self.state.flags

    @property
    def ends_or_ended(self) -> bool:
        """Whether rollups change with this batch: it has ended, or was counted and is open or waiting again."""
        if self.state.waiting:
            return not self.before.waiting
        return self.state.ended or self.before.outcome is not None

    @property
    def is_unmatched_holder(self) -> bool:
        """Whether it is not a transaction, but a holder of unmatched events."""
        return not self.key[2]

    @property
    def transaction_id(self) -> str:
        """The transaction id of its name."""
        return self.key[2]

    @property
    def generation(self) -> int:
        """The number of this use of its name, from 1."""
        return self.key[3]

    @property
    def outcome(self) -> tuple[Any, ...]:
        """The result of an ended transaction after `sum_up`; its end is published again when this changes."""
        return _outcome(self.state, self.flags)


def _before(state: TransactionState) -> Before:
    flags = state.flags
    return Before(
        is_ordinary=False,
        started=state.started,
        waiting=state.waiting,
        evse_position=(state.evse_id, state.begin_us) if state.takes_evse else None,
        id_token="" if state.waiting else state.id_token,
        remote_start_id=state.remote_start_id,
        outcome=_outcome(state, flags) if state.ended else None,
        at_end=state.meter.at_end if state.ended else None,
        refusals=state.refusals,
        hanging=state.hanging,
        fell=state.meter.fell,
        seq_gap=state.seq_gap,
    )


def _outcome(state: TransactionState, flags: Sequence[str]) -> tuple[Any, ...]:
    who = (*state.held_by, state.authorization_status)
    return state.meter.energy_mwh, state.end_us, state.reason, state.evse_id, who, tuple(flags)
