"""Whether and how long a batch waits for more items, with a clock of the test's own."""

import pytest

from gateway.batching.linger import (
    FIXED_LINGER_FROM_ITEMS,
    LINGER_FROM_ITEMS,
    LINGER_SHARE,
    LINGER_WITHIN_S,
    MAX_LINGER_S,
    LingerPolicy,
)

NOW_S = 1000.0
SOON_S = NOW_S + LINGER_WITHIN_S / 2


def _after_batch(
    items: int, *, waiting: int = 0, took_s: float = 0.002, max_linger_s: float | None = None
) -> LingerPolicy:
    policy = LingerPolicy(max_items=256, max_linger_s=max_linger_s)
    policy.on_batch(items, waiting, took_s, NOW_S)
    return policy


def test_no_batch_lingers_before_the_first() -> None:
    policy = LingerPolicy(max_items=256)
    assert not policy.is_active
    assert policy.linger_s(NOW_S) is None


def test_a_batch_lingers_after_a_large_one_for_a_share_of_its_time() -> None:
    policy = _after_batch(LINGER_FROM_ITEMS, took_s=0.002)
    assert policy.is_active
    assert policy.linger_s(SOON_S) == 0.002 * LINGER_SHARE


def test_no_batch_lingers_after_a_small_one() -> None:
    policy = _after_batch(LINGER_FROM_ITEMS - 1)
    assert not policy.is_active
    assert policy.linger_s(SOON_S) is None


def test_a_small_batch_leaves_the_decision_of_a_large_one_as_it_is() -> None:
    policy = _after_batch(LINGER_FROM_ITEMS, took_s=0.002)
    assert not policy.on_batch(1, 0, 9.0, SOON_S)
    assert policy.linger_s(SOON_S) == 0.002 * LINGER_SHARE


def test_a_linger_is_bounded_however_long_the_batch_took() -> None:
    assert _after_batch(LINGER_FROM_ITEMS, took_s=5.0).linger_s(SOON_S) == MAX_LINGER_S


def test_no_batch_lingers_once_the_large_one_is_long_gone() -> None:
    policy = _after_batch(LINGER_FROM_ITEMS)
    assert policy.linger_s(NOW_S + LINGER_WITHIN_S) is None
    assert not policy.is_active
    assert policy.linger_s(SOON_S) is None  # until the next large batch, whatever the time


def test_those_who_were_answered_and_those_who_waited_meanwhile_are_enough() -> None:
    assert _after_batch(8, waiting=3).enough_items == 11


def test_a_whole_batch_is_always_enough() -> None:
    assert _after_batch(200, waiting=100).enough_items == 256


def test_a_fixed_linger_follows_a_batch_of_several_items() -> None:
    policy = _after_batch(FIXED_LINGER_FROM_ITEMS, took_s=9.0, max_linger_s=0.02)
    assert policy.linger_s(SOON_S) == 0.02
    assert policy.enough_items == 256


def test_no_fixed_linger_follows_a_single_item() -> None:
    assert _after_batch(1, max_linger_s=0.02).linger_s(SOON_S) is None


@pytest.mark.parametrize("max_linger_s", [None, 0.02])
def test_after_a_reset_no_batch_lingers_until_the_next_large_one(max_linger_s: float | None) -> None:
    policy = _after_batch(LINGER_FROM_ITEMS, max_linger_s=max_linger_s)
    policy.reset()
    assert policy.linger_s(SOON_S) is None
    assert policy.on_batch(LINGER_FROM_ITEMS, 0, 0.002, SOON_S)
    assert policy.linger_s(SOON_S) is not None
