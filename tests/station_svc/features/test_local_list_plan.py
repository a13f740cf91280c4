"""Parts of a local list: whatever a station holds, they lead to what it should hold, and none is too large."""

from hypothesis import given, settings
from hypothesis import strategies as st

from station_svc.features.local_lists.parts import (
    ACCEPTED,
    MOST_VERSION,
    Entry,
    apply,
    choose,
    next_version,
    pack,
    plan,
    unpack,
)

_ENTRIES = st.lists(
    st.builds(
        Entry,
        id_token=st.text("abcABC", min_size=1, max_size=3),
        type=st.just(""),
        status=st.sampled_from([ACCEPTED, 2]),
        expire_us=st.sampled_from([None, 5]),
        group=st.sampled_from(["", "G"]),
    ),
    max_size=30,
    unique_by=lambda entry: entry.key,
)


@settings(max_examples=300)
@given(_ENTRIES, st.none() | _ENTRIES, st.integers(1, 7))
def test_a_plan_leads_there(chosen: list[Entry], before: list[Entry] | None, part: int) -> None:
    """From any list, or an unknown one; the list is never longer on the way than before or after."""
    held = None if before is None else {entry.key: entry for entry in before}
    parts = plan(chosen, held, part)
    now = held or {}
    for one in parts:
        assert 0 <= len(one.put) + len(one.removed) <= part
        now = apply(one, now)
        assert len(now) <= max(len(chosen), len(held or {}))
    assert now == {entry.key: entry for entry in chosen}
    assert held is not None or parts[0].full
    assert not any(one.full for one in parts[1:])


@given(_ENTRIES)
def test_nothing_is_sent_where_nothing_changed(entries: list[Entry]) -> None:
    """The order of the entries does not matter."""
    assert plan(list(reversed(entries)), {entry.key: entry for entry in entries}, 5) == []


@given(_ENTRIES, st.integers(0, 30))
def test_who_may_charge_goes_first(entries: list[Entry], total: int) -> None:
    chosen, left = choose(entries, total)
    assert len(chosen) == min(total, len(entries))
    assert not (any(entry.status != ACCEPTED for entry in chosen) and any(entry.status == ACCEPTED for entry in left))


@given(_ENTRIES)
def test_what_is_stored_comes_back(entries: list[Entry]) -> None:
    """Sorted by key."""
    assert unpack(pack(entries)) == sorted(entries, key=lambda entry: entry.key)


def test_versions_rise() -> None:
    """And begin again at the end of 32 bits."""
    assert [next_version(version) for version in (0, 1, MOST_VERSION - 1, MOST_VERSION)] == [1, 2, MOST_VERSION, 1]
