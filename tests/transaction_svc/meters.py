"""Sessions for the tests of energy, the readings that meters report of them, and their event records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from mesh.runtime.times import SECOND_US
from transaction_svc import transaction_state
from transaction_svc.event_record import BEGIN, BETWEEN, ENDED, STARTED, UPDATED, EventRecord, Reading, by_event
from transaction_svc.transaction_state import TransactionState

WH = 1_000  # mWh
KWH = 1_000_000
BEGIN_US = 1_760_000_000 * SECOND_US
POWER_W = 400_000


@dataclass(frozen=True)
class Sample:
    """One reading: seconds since the begin, register in mWh, series."""

    at_s: int
    mwh: int
    series: int = 0


@dataclass(frozen=True)
class Session:
    """The readings that a meter reports of a session; begin or end may be missing."""

    begin: Sample | None
    between: Sequence[Sample]
    end: Sample | None
    more: Sequence[Sample] = ()  # of other series, each with a begin and an end

    @property
    def mwh(self) -> int:
        """End minus begin."""
        assert self.begin
        assert self.end
        return self.end.mwh - self.begin.mwh

    def with_between(self, change: Callable[[int], int]) -> "Session":
        """The session with other readings between begin and end."""
        return replace(self, between=[replace(sample, mwh=change(sample.mwh)) for sample in self.between])

    def everywhere(self, change: Callable[[int], int]) -> "Session":
        """The session with other readings everywhere."""
        assert self.begin
        assert self.end
        changed = self.with_between(change)
        return replace(
            changed,
            begin=replace(self.begin, mwh=change(self.begin.mwh)),
            end=replace(self.end, mwh=change(self.end.mwh)),
        )


@st.composite
def sessions(draw: st.DrawFn, *, least_kwh: int = 0, most_kwh: int = 2_000_000, most_samples: int = 8) -> Session:
    """A session at up to 43 kW; the register counts whole watt-hours."""
    register, at_s = draw(st.integers(least_kwh * 1000, most_kwh * 1000)), 0
    begin, between = Sample(0, register * WH), []
    for _ in range(draw(st.integers(0, most_samples))):
        step_s = draw(st.integers(1, 1800))
        at_s += step_s
        register += draw(st.integers(0, 43_000 * step_s // 3600))
        between.append(Sample(at_s, register * WH))
    step_s = draw(st.integers(1, 1800))
    register += draw(st.integers(0, 43_000 * step_s // 3600))
    return Session(begin, between, Sample(at_s + step_s, register * WH))


def records_of(session: Session, *, counted: bool = False) -> list[EventRecord]:
    """The event records of a session; `counted`: with seq_no, as in 2.x."""
    records = []
    if session.begin is not None:
        records.append(_record(STARTED, session.begin, *(sample for sample in session.more if sample.at_s == 0)))
    records.extend(_record(UPDATED, sample) for sample in session.between)
    if session.end is not None:
        records.append(_record(ENDED, session.end, *(sample for sample in session.more if sample.at_s)))
    for index, record in enumerate(records):
        record.arrival, record.seq_no = index, index if counted else None
    return records


def _record(kind: int, *samples: Sample) -> EventRecord:
    at_us = BEGIN_US + samples[0].at_s * SECOND_US
    rank = BEGIN if kind == STARTED else BETWEEN
    readings = [
        Reading(at_us=BEGIN_US + sample.at_s * SECOND_US, mwh=sample.mwh, rank=rank, series=sample.series)
        for sample in samples
    ]
    return EventRecord(
        kind=kind,
        order_us=at_us,
        time_us=at_us,
        recorded_us=BEGIN_US + 86_400 * SECOND_US,
        evse_id=1,
        readings=tuple(by_event(kind, readings)),
    )


def state_of(records: Sequence[EventRecord], state: TransactionState | None = None) -> TransactionState:
    """The state after the records in order of arrival; rebuilt where one comes out of order."""
    state = state or TransactionState()
    for count, record in enumerate(records, start=1):
        if not transaction_state.apply(state, record):
            state = transaction_state.rebuild(records[:count], state)
    return state
