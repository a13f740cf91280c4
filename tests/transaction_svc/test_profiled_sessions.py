"""Properties: the energy of any session under a profile is that of its meter."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.transaction_svc.meters import KWH, Sample, Session, records_of, sessions, state_of
from tests.transaction_svc.test_energy import COUNTED, EXAMPLES
from transaction_svc.energy import Basis, Terms
from transaction_svc.event_record import SIGNED, VERIFIED, series_number
from transaction_svc.metering import Metering
from transaction_svc.reading_selection import BEGIN_AND_END, SAMPLED, Pins
from transaction_svc.transaction_state import TransactionState

# Any order


def reported_state(
    session: Session, pins: Pins, *, counted: bool, order: Sequence[int] | None = None
) -> TransactionState:
    """The assessment of a session with a profile."""
    records = records_of(session, counted=counted)
    state = TransactionState(meter=Metering(terms=Terms(pins=pins)))
    return state_of(records if order is None else [records[index] for index in order], state)


@EXAMPLES
@given(sessions(least_kwh=1), st.integers(-3, 3), st.integers(-3, 3), COUNTED)
def test_pinned_scales(session: Session, begin_end: int, between: int, counted: bool) -> None:
    """With any two scales the energy is that of the meter, without a flag."""

    def reported(mwh: int, exponent: int) -> int:
        factor: int = 10 ** abs(exponent)
        return mwh * factor if exponent < 0 else mwh // factor

    assert session.begin
    assert session.end
    coarse = session.everywhere(lambda mwh: mwh // 1000 * 1000)
    assert coarse.begin
    assert coarse.end
    changed = replace(
        coarse.with_between(lambda mwh: reported(mwh, between)),
        begin=replace(coarse.begin, mwh=reported(coarse.begin.mwh, begin_end)),
        end=replace(coarse.end, mwh=reported(coarse.end.mwh, begin_end)),
    )
    state = reported_state(changed, Pins(begin_end_exponent=begin_end, sampled_exponent=between), counted=counted)
    assert (state.meter.energy_mwh, list(state.meter.flags)) == (coarse.mwh, [])


@EXAMPLES
@given(sessions(least_kwh=1), st.sampled_from([BEGIN_AND_END, SAMPLED]), st.data(), COUNTED)
def test_a_pinned_source(session: Session, source: int, data: st.DataObject, counted: bool) -> None:
    """Readings that do not count may have any value, and events come in any order."""
    wrong = st.sampled_from([-1, 0, 7, 10**18])
    assert session.begin
    assert session.end
    if source == SAMPLED:
        begin, end = replace(session.begin, mwh=data.draw(wrong)), replace(session.end, mwh=data.draw(wrong))
        changed = replace(session, begin=begin, end=end)
        values = [sample.mwh for sample in session.between]
        expected = values[-1] - values[0] if values else 0
    else:
        changed = session.with_between(lambda _mwh: data.draw(wrong))
        expected = session.mwh
    count = len(records_of(changed))
    order = data.draw(st.permutations(range(count)))
    for state in (
        reported_state(changed, Pins(source=source), counted=counted),
        reported_state(changed, Pins(source=source), counted=counted, order=order),
    ):
        assert (state.meter.energy_mwh, list(state.meter.flags)) == (expected, [])
        assert (state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (
            changed.begin and changed.begin.mwh,
            changed.end and changed.end.mwh,
        )


@EXAMPLES
@given(sessions(least_kwh=100), COUNTED)
def test_signed_readings_in_another_scale(session: Session, counted: bool) -> None:
    """They do not differ where the scale of the others is pinned; a true difference is flagged."""
    assert session.begin
    assert session.end
    signed = series_number(0, 0, proof=SIGNED)
    pins = Pins(begin_end_exponent=0, sampled_exponent=0)
    for surplus, flags in ((0, []), (50 * KWH, ["signed_differs"])):
        more = [
            Sample(0, session.begin.mwh // 1000, signed),
            Sample(session.end.at_s, (session.end.mwh + surplus) // 1000, signed),
        ]
        state = reported_state(replace(session, more=more), pins, counted=counted)
        if abs(session.mwh - (more[1].mwh - more[0].mwh)) >= 1000:
            assert (state.meter.energy_mwh, list(state.meter.flags)) == (session.mwh, flags)


@EXAMPLES
@given(sessions(least_kwh=100), st.sampled_from([BEGIN_AND_END, SAMPLED]), COUNTED)
def test_proven_readings_count_whatever_is_pinned(session: Session, source: int, counted: bool) -> None:
    """Valid signatures at begin and end win over every pin."""
    assert session.begin
    assert session.end
    signed = series_number(0, 0, proof=VERIFIED)
    wrong = session.everywhere(lambda mwh: mwh // 2)
    more = [Sample(0, session.begin.mwh, signed), Sample(session.end.at_s, session.end.mwh, signed)]
    pins = Pins(begin_end_exponent=3, sampled_exponent=3, source=source, location=1)
    state = reported_state(replace(wrong, more=more), pins, counted=counted)
    assert (state.meter.energy_mwh, state.meter.basis) == (session.mwh, Basis.SIGNED_REGISTER)
