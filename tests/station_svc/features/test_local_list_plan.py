"""Parts of a local list: whatever a station holds, they lead to what it should hold, and none is too large."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.v201 import send_local_list
from station_svc.features.local_lists.hooks import to_request
from station_svc.features.local_lists.parts import (
    ACCEPTED,
    MOST_VERSION,
    Entry,
    Limits,
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
        type=st.sampled_from(["", "ISO14443"]),
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
    parts = plan(chosen, held, Limits(part=part))
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
    assert plan(list(reversed(entries)), {entry.key: entry for entry in entries}, Limits(part=5)) == []


@given(_ENTRIES, st.integers(0, 3_000))
def test_no_part_has_more_bytes_than_the_station_takes(entries: list[Entry], most: int) -> None:
    """As 2.0.1 writes a message; an entry that is too large by itself is sent all the same, alone."""
    for one in plan(entries, None, Limits(part=7, part_bytes=most)):
        [payload] = send_local_list.to_calls(to_request("CP1", 1, one))
        assert len(one.put) <= 1 or len(json.dumps([2, "0" * 36, "SendLocalList", payload]).encode()) <= most


def test_a_token_of_another_type_replaces_the_one_before() -> None:
    """For 2.x they are two tokens: the one before has to go, by its type."""
    before, after = (Entry("A", kind, ACCEPTED, None, "") for kind in ("KeyCode", "ISO14443"))
    others = {entry.key: entry for entry in (Entry(text, "", ACCEPTED, None, "") for text in "BCD")}
    parts = plan([after, *others.values()], {before.key: before, **others}, Limits())
    assert [(list(one.removed), list(one.put)) for one in parts] == [([before], []), ([], [after])]


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
