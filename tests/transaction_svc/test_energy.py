"""The energy of meters of all kinds is right or flagged: hypothesis makes sessions, as each kind of meter reports them.

`make properties` runs each with 10,000 examples.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from csms.transaction.v1.transaction_service_pb2 import EnergyBasis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.transaction_svc.meters import BEGIN_US, KWH, POWER_W, WH, Sample, Session, records_of, sessions, state_of
from transaction_svc.energy import Basis, EnergyFlag
from transaction_svc.event_record import BEGIN, BETWEEN, END, SIGNED, series_number
from transaction_svc.register import SLACK_US, Moment, Register
from transaction_svc.transaction_state import TransactionState

EXAMPLES = settings(
    max_examples=int(os.environ.get("CSMS_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
COUNTED = st.booleans()


def reported_state(session: Session, *, counted: bool = False) -> TransactionState:
    """The assessment of the session."""
    return state_of(records_of(session, counted=counted))


def result(state: TransactionState) -> tuple[int, list[str]]:
    """Energy and flags of it."""
    return state.meter.energy_mwh, list(state.meter.flags)


@EXAMPLES
@given(sessions(), COUNTED)
def test_a_sound_meter(session: Session, counted: bool) -> None:
    """End minus begin, without a flag."""
    assert result(reported_state(session, counted=counted)) == (session.mwh, [])


@EXAMPLES
@given(sessions(), st.integers(0, 999), COUNTED)
def test_rounding(session: Session, tremor: int, counted: bool) -> None:
    """Samples have parts of a watt-hour, begin and end whole ones."""
    assert result(reported_state(session.with_between(lambda mwh: mwh + tremor), counted=counted)) == (session.mwh, [])


@EXAMPLES
@given(sessions(), st.integers(0, 3))
def test_a_coarse_register(session: Session, digits: int) -> None:
    """Its steps are up to 1 kWh, every few seconds."""
    step = WH * 10**digits
    coarse = session.everywhere(lambda mwh: mwh // step * step)
    assert result(reported_state(coarse)) == (coarse.mwh, [])


@EXAMPLES
@given(sessions(least_kwh=100, most_kwh=900_000), st.integers(1, 6), COUNTED)
def test_readings_between_in_a_smaller_scale(session: Session, power: int, counted: bool) -> None:
    """Samples in kWh are labelled Wh: begin and end count."""
    assume(session.between)
    small = session.with_between(lambda mwh: mwh // 10**power // WH * WH)
    assume(small.between[0].mwh > 100 * WH)
    energy, flags = result(reported_state(small, counted=counted))
    assert energy == session.mwh
    assert EnergyFlag.SCALE_MISMATCH in flags


@EXAMPLES
@given(sessions(least_kwh=100, most_kwh=900_000), COUNTED)
def test_begin_and_end_in_kilowatt_hours(session: Session, counted: bool) -> None:
    """936 stands for 936 kWh: they are brought to the scale of the others, exact to the last full kilowatt-hour."""
    assume(len(session.between) > 1)
    assert session.begin
    assert session.end
    coarse = session.everywhere(lambda mwh: mwh // KWH * KWH)
    assert coarse.begin
    assert coarse.end
    small = replace(
        session,
        begin=replace(coarse.begin, mwh=coarse.begin.mwh // 1000),
        end=replace(coarse.end, mwh=coarse.end.mwh // 1000),
    )
    state = reported_state(small, counted=counted)
    energy, flags = result(state)
    assert abs(energy - session.mwh) <= KWH
    assert EnergyFlag.SCALE_MISMATCH in flags
    assert small.begin
    assert small.end
    assert (state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (small.begin.mwh, small.end.mwh)


@EXAMPLES
@given(sessions(least_kwh=2000), COUNTED)
def test_a_placeholder_at_the_begin(session: Session, counted: bool) -> None:
    """The first reading counts in its place; with the end alone there is no energy."""
    assert session.begin
    assert session.end
    state = reported_state(replace(session, begin=replace(session.begin, mwh=0)), counted=counted)
    first = session.between[0].mwh if session.between else session.end.mwh
    assert result(state) == (session.end.mwh - first, [EnergyFlag.BEGIN_PLACEHOLDER])
    assert state.meter.meter_start_mwh == 0


@EXAMPLES
@given(sessions(least_kwh=1), COUNTED)
def test_a_placeholder_after_another_transaction(session: Session, counted: bool) -> None:
    """The begin is the register at the end of the other one, for any power."""
    assert session.begin
    state = reported_state(replace(session, begin=replace(session.begin, mwh=0)), counted=counted)
    state.meter.follow((0, session.begin.mwh))
    energy, flags = result(state)
    assert energy == session.mwh
    assert EnergyFlag.BEGIN_PLACEHOLDER in flags or not session.mwh


@EXAMPLES
@given(sessions(least_kwh=1000), st.data(), COUNTED)
def test_a_register_that_starts_over(session: Session, data: st.DataObject, counted: bool) -> None:
    """The rises before and after count, with a flag; the step between is not known."""
    assume(len(session.between) > 1)
    index = data.draw(st.integers(1, len(session.between) - 1))
    offset = session.between[index].mwh - data.draw(st.integers(0, 50)) * WH
    again = [replace(sample, mwh=sample.mwh - offset) for sample in session.between[index:]]
    assert session.begin
    assert session.end
    end = replace(session.end, mwh=session.end.mwh - offset)
    energy, flags = result(
        reported_state(replace(session, between=[*session.between[:index], *again], end=end), counted=counted)
    )
    known = session.between[index - 1].mwh - session.begin.mwh + session.end.mwh - session.between[index].mwh
    assert energy == known
    assert EnergyFlag.METER_RESTART in flags


@EXAMPLES
@given(sessions(least_kwh=1000), st.data(), COUNTED)
def test_one_wrong_reading(session: Session, data: st.DataObject, counted: bool) -> None:
    """It does not change the energy."""
    assume(session.between)
    index = data.draw(st.integers(0, len(session.between) - 1))
    between = list(session.between)
    wrong = data.draw(st.sampled_from([0, 7 * WH, 90_000_000 * KWH]))
    between[index] = replace(between[index], mwh=wrong)
    energy, flags = result(reported_state(replace(session, between=between), counted=counted))
    assert energy == session.mwh
    assert flags


@EXAMPLES
@given(sessions(), st.data())
def test_times_that_are_equal_or_go_back(session: Session, data: st.DataObject) -> None:
    """2.x has seq_no, and in 1.6 all readings lie between begin and end: the energy is complete."""
    assume(session.between)
    assert session.end
    end_s = session.end.at_s
    times = data.draw(st.lists(st.integers(0, end_s), min_size=len(session.between), max_size=len(session.between)))
    between = [replace(sample, at_s=at_s) for sample, at_s in zip(session.between, times, strict=True)]
    for counted in (False, True):
        assert reported_state(replace(session, between=between), counted=counted).meter.energy_mwh == session.mwh


@EXAMPLES
@given(sessions(), st.integers(0, 20_000), COUNTED)
def test_two_locations(session: Session, loss: int, counted: bool) -> None:
    """The outlet counts, and not the inlet, which includes losses."""
    assert session.end
    inlet = series_number(1, 0)
    more = [Sample(0, 5 * KWH, inlet), Sample(session.end.at_s, 5 * KWH + session.mwh + loss * WH, inlet)]
    assert result(reported_state(replace(session, more=more), counted=counted)) == (session.mwh, [])


@EXAMPLES
@given(sessions(least_kwh=100), st.sampled_from([0, 1, 3]), COUNTED)
def test_signed_beside_unsigned(session: Session, power: int, counted: bool) -> None:
    """The unsigned readings count while no signature is verified; a difference is flagged."""
    assert session.begin
    assert session.end
    signed = series_number(0, 0, proof=SIGNED)
    more = [
        Sample(0, session.begin.mwh // 10**power, signed),
        Sample(session.end.at_s, session.end.mwh // 10**power, signed),
    ]
    energy, flags = result(reported_state(replace(session, more=more), counted=counted))
    assert energy == session.mwh
    differs = abs(session.mwh - (more[1].mwh - more[0].mwh)) >= WH
    assert flags == ([EnergyFlag.SCALE_MISMATCH] if differs and power else [])


@EXAMPLES
@given(sessions(), st.data(), COUNTED)
def test_lost_repeated_and_late_messages(session: Session, data: st.DataObject, counted: bool) -> None:
    """Any order gives the result of the right one, in every field that operators read."""
    records = records_of(session, counted=counted)
    kept = [records[0], *data.draw(st.lists(st.sampled_from(records), unique_by=id)), records[-1]]
    kept = sorted({id(record): record for record in kept}.values(), key=lambda record: record.arrival)
    straight, shuffled = state_of(kept), state_of(data.draw(st.permutations(kept)))
    assert result(straight)[0] == session.mwh
    assert result(shuffled) == result(straight)
    assert shuffled.meter.energy == straight.meter.energy


@EXAMPLES
@given(sessions(), COUNTED)
def test_a_session_without_its_end(session: Session, counted: bool) -> None:
    """The last reading counts."""
    assert session.begin
    last = session.between[-1] if session.between else session.begin
    state = reported_state(replace(session, end=None), counted=counted)
    assert result(state) == (last.mwh - session.begin.mwh, [])
    assert state.meter.energy.end_mwh == last.mwh


@EXAMPLES
@given(sessions(), COUNTED)
def test_a_session_without_its_begin(session: Session, counted: bool) -> None:
    """The first reading counts."""
    assert session.end
    first = session.between[0] if session.between else session.end
    state = reported_state(replace(session, begin=None), counted=counted)
    assert result(state) == (session.end.mwh - first.mwh, [EnergyFlag.BEGIN_PLACEHOLDER])


@st.composite
def any_sessions(draw: st.DrawFn) -> Session:
    """Readings of any kind at any time."""
    values = st.one_of(
        st.integers(-2, 3_000_000).map(lambda wh: wh * WH),
        st.sampled_from([0, 5 * WH, 936_000 * WH, 936 * WH, 936_500 * WH, 10**18]),
    )
    samples = st.builds(Sample, st.integers(0, 7200), values, st.sampled_from([0, 0, 0, 1, 32]))
    begin = draw(st.none() | st.builds(Sample, st.just(0), values))
    end = draw(st.none() | st.builds(Sample, st.just(7200), values))
    between = draw(st.lists(samples, max_size=8, min_size=begin is None and end is None))
    return Session(begin, between, end)


def test_a_scale_makes_no_more_energy_than_can_have_passed() -> None:
    """Readings of one moment, of which two are a power of ten apart: they are flagged, and not converted."""
    session = Session(None, [Sample(0, 0), Sample(0, 936_000), Sample(0, 936_000_000)], None)
    energy, flags = result(state_of(records_of(session, counted=False)))
    assert energy == 936_000
    assert "scale_mismatch" in flags


def test_an_end_below_the_begin_is_flagged_however_coarse_the_readings_between() -> None:
    """A reading of 0 between looks like a register that counts in kWh."""
    session = Session(Sample(0, 1000), [Sample(0, 0)], Sample(7200, 0))
    assert result(state_of(records_of(session, counted=False))) == (0, ["meter_rollback"])


@EXAMPLES
@given(any_sessions(), st.data(), COUNTED)
def test_any_readings(session: Session, data: st.DataObject, counted: bool) -> None:
    """Energy is never negative, never more than power and time allow, and flagged where it is not end minus begin."""
    records = records_of(session, counted=counted)
    state = state_of(records)
    energy, flags = result(state)
    most = POWER_W * (7200 * 1_000_000 + SLACK_US) // 3_600_000 + KWH
    assert 0 <= energy <= most
    reported: Any = state.meter.meter_start_mwh, state.meter.meter_stop_mwh
    if None not in reported and state.meter.energy.series == 0 and energy != reported[1] - reported[0]:
        assert flags or abs(energy - (reported[1] - reported[0])) < WH
    if state.meter.energy.basis == Basis.NONE:
        assert (energy, state.meter.energy.end_mwh) == (0, None)
    shuffled = state_of(data.draw(st.permutations(records)))
    assert shuffled.meter.energy == state.meter.energy
    assert shuffled.meter.flags == state.meter.flags


def test_the_clock_with_more_time_counts() -> None:
    """A station's clock that stands still does not make a session implausible."""
    first, last = Moment(BEGIN_US, 0), Moment(BEGIN_US, 3600 * 1_000_000)
    register = Register()
    register.push(1000 * KWH, first, begins=True, ends=False, power_w=POWER_W)
    register.push(1350 * KWH, last, begins=False, ends=True, power_w=POWER_W)
    assert len(register.runs) == 1


@EXAMPLES
@given(any_sessions())
def test_the_short_way_of_a_reading_comes_to_the_same(session: Session) -> None:
    """`begin` and `go_on` take a reading only where `push` would do the same with it."""
    begin = session.begin if session.begin and session.begin.mwh > 0 else Sample(0, 1000 * WH)
    short, full = Register.begin(begin.mwh, Moment(BEGIN_US, BEGIN_US)), Register()
    between = sorted(session.between, key=lambda sample: (sample.at_s, sample.mwh))
    ranked = [(BEGIN, begin), *((BETWEEN, sample) for sample in between)]
    if session.end is not None:
        ranked.append((END, session.end))
    for rank, sample in ranked:
        mwh, at = max(sample.mwh, 0), Moment(BEGIN_US + sample.at_s * 1_000_000, BEGIN_US)
        full.push(mwh, at, begins=rank == BEGIN, ends=rank == END, power_w=POWER_W)
        if rank != BEGIN and not short.go_on(mwh, at, POWER_W, ends=rank == END):
            short.push(mwh, at, begins=False, ends=rank == END, power_w=POWER_W)
        short.rank = full.rank = rank
        assert short == full


def test_the_document_explains_every_flag_and_basis() -> None:
    text = (Path(__file__).parents[2] / "docs" / "ENERGY.md").read_text()
    for flag in EnergyFlag:
        assert f"| `{flag}` |" in text
    for basis in Basis:
        assert not basis or f"| `{basis.name}` |" in text
        assert EnergyBasis.Name(EnergyBasis.ValueType(basis)) == f"ENERGY_BASIS_{basis.name}"
