"""The share of a transaction in rollups: all of its energy, at the times at which its meter showed it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mesh.runtime.times import SECOND_US
from tests.transaction_svc.meters import BEGIN_US, KWH, WH, Sample, Session, records_of, sessions, state_of
from tests.transaction_svc.test_energy import COUNTED, EXAMPLES
from transaction_svc.event_record import VERIFIED, EventRecord, series_number
from transaction_svc.rollup_form import QUARTER_US, Share, decode_share, differences, encode_share
from transaction_svc.rollup_shares import MOST_US, share_of

HOUR_S = 3600
QUARTER_S = 900
# BEGIN_US is 13 min 20 s after a quarter hour.
OFFSET_S = BEGIN_US // SECOND_US % QUARTER_S


def share(session: Session, *, counted: bool = False) -> Share:
    """The share of a session."""
    records = records_of(session, counted=counted)
    found = share_of(state_of(records), records)
    assert found is not None
    return found


def energies(found: Share) -> list[int]:
    """Energy by quarter hour, from the first with any."""
    return list(found.energy_mwh)


def steady(hours: float, *, power_w: int = 10_000, every_s: int = 0) -> Session:
    """A session at constant power that begins at a quarter hour, with samples."""
    first_s = QUARTER_S - OFFSET_S
    length_s = int(hours * HOUR_S)

    def sample(at_s: int) -> Sample:
        return Sample(first_s + at_s, 100 * KWH + power_w * at_s * WH // HOUR_S)

    between = [sample(at_s) for at_s in range(every_s, length_s, every_s)] if every_s else []
    return Session(sample(0), between, sample(length_s))


@st.composite
def meters(draw: st.DrawFn) -> Session:
    """Sessions with readings that are wrong, start over, or are in another scale."""
    session = draw(sessions())
    kind = draw(st.sampled_from(["sound", "wrong", "restart", "scale", "no begin", "no end", "zero"]))
    between = list(session.between)
    assert session.begin
    if kind == "wrong" and between:
        index = draw(st.integers(0, len(between) - 1))
        between[index] = replace(between[index], mwh=draw(st.sampled_from([0, 7 * WH, 90_000_000 * KWH])))
    elif kind == "restart" and between:
        index = draw(st.integers(0, len(between) - 1))
        offset = between[index].mwh
        between[index:] = [replace(sample, mwh=sample.mwh - offset) for sample in between[index:]]
        assert session.end
        return replace(session, between=between, end=replace(session.end, mwh=session.end.mwh - offset))
    elif kind == "scale":
        return session.with_between(lambda mwh: mwh // 1000)
    elif kind == "no begin" and between:
        return replace(session, begin=None)
    elif kind == "no end":
        return replace(session, end=None)
    elif kind == "zero":
        return replace(session, begin=replace(session.begin, mwh=0))
    return replace(session, between=between)


@EXAMPLES
@given(meters(), COUNTED)
def test_the_sum_is_the_energy_of_the_transaction(session: Session, counted: bool) -> None:
    """For meters of all kinds; nothing is negative, or outside of the session."""
    records = records_of(session, counted=counted)
    state = state_of(records)
    found = share_of(state, records)
    if found is None:
        assert state.waiting
        return
    cells = found.cells()
    assert sum(amounts.energy_mwh for amounts in cells.values()) == state.meter.energy_mwh
    assert sum(amounts.connected_us for amounts in cells.values()) == found.until_us - found.begin_us
    assert all(min(amounts) >= 0 for amounts in cells.values())
    assert all(amounts.charging_us <= amounts.connected_us for amounts in cells.values())
    assert sum(amounts.started for amounts in cells.values()) == 1
    assert sum(amounts.ended for amounts in cells.values()) == state.ended
    assert min(cells) == found.begin_us // QUARTER_US
    assert max(cells) <= found.until_us // QUARTER_US
    assert decode_share(encode_share(found)) == found


@EXAMPLES
@given(meters(), st.data(), COUNTED)
def test_the_order_of_arrival_makes_no_difference(session: Session, data: st.DataObject, counted: bool) -> None:
    records = records_of(session, counted=counted)
    shuffled: list[EventRecord] = list(data.draw(st.permutations(records)))
    assert share_of(state_of(shuffled), shuffled) == share_of(state_of(records), records)


@EXAMPLES
@given(meters(), meters())
def test_a_difference_leads_from_one_share_to_the_other(one: Session, other: Session) -> None:
    before, after = share(one), share(other)
    cells = before.cells()
    for _connector, quarter, change in differences(before, after):
        cells[quarter] = cells.get(quarter, change.minus(change)).plus(change)
    assert {quarter: amounts for quarter, amounts in cells.items() if any(amounts)} == after.cells()


def test_energy_is_linear_between_two_readings() -> None:
    """With begin and end alone, each quarter hour has the same."""
    assert energies(share(steady(2))) == [2500 * WH] * 8
    assert energies(share(steady(2, every_s=60))) == [2500 * WH] * 8


def test_energy_counts_when_its_sample_shows_it() -> None:
    """All of it in the first hour, and then the vehicle stays connected."""
    session = steady(1, every_s=300)
    assert session.end
    stayed = replace(session, between=[*session.between, session.end], end=replace(session.end, at_s=4 * HOUR_S))
    found = share(stayed)
    assert energies(found) == [2500 * WH] * 4
    assert sum(found.charging_us) == HOUR_S * SECOND_US
    assert found.until_us == BEGIN_US + 4 * HOUR_S * SECOND_US


def test_a_wrong_reading_moves_no_energy() -> None:
    """Neither one that is too high nor one that is too low."""
    session = steady(2, every_s=300)
    for wrong in (0, 90_000_000 * KWH):
        between = list(session.between)
        between[7] = replace(between[7], mwh=wrong)
        assert energies(share(replace(session, between=between))) == [2500 * WH] * 8


def test_a_register_that_starts_over_counts_where_it_rises() -> None:
    """The step between the two registers is not known: the rest counts by its rises."""
    session = steady(2, every_s=300)
    offset = session.between[11].mwh
    assert session.end
    again = [replace(sample, mwh=sample.mwh - offset) for sample in session.between[11:]]
    over = replace(
        session, between=[*session.between[:11], *again], end=replace(session.end, mwh=session.end.mwh - offset)
    )
    found = energies(share(over))
    assert [mwh // 1000 for mwh in found] == [2500, 2500, 2500, 1666, 2500, 2500, 2500, 2500]


def test_signed_begin_and_end_are_joined_by_unsigned_samples() -> None:
    """The energy is that of the signed readings; the samples between, of the same register, show when it passed."""
    session = steady(1, every_s=300)
    assert session.begin
    assert session.end
    verified = series_number(0, 0, proof=VERIFIED)
    stay_s = 3 * HOUR_S
    late = replace(session.end, at_s=session.end.at_s + stay_s)
    more = [replace(session.begin, at_s=0, series=verified), replace(late, series=verified)]
    found = share(Session(replace(session.begin, at_s=0), [*session.between, session.end], late, more))
    assert sum(energies(found)) == 10 * KWH
    assert session.end.at_s == sum(found.charging_us) // SECOND_US


def test_a_clock_that_was_set_makes_no_session_of_years() -> None:
    """It counts as if it had begun 400 days before its end."""
    session = steady(2)
    assert session.end
    found = share(replace(session, end=replace(session.end, at_s=3 * 366 * 86_400)))
    assert found.until_us - found.begin_us == MOST_US
    assert sum(found.energy_mwh) == 20 * KWH
