"""Hooks of several features come together in one command."""

from typing import Any

from station_svc.commands.hooks import NO_HOOKS, CommandHooks, together


class _Noted(CommandHooks):
    def __init__(self, name: str, calls: list[str]) -> None:
        self._name = name
        self._calls = calls

    def on_begin(self, connection: Any, new: Any, now_us: int) -> None:
        self._calls.append(f"{self._name} on_begin")

    def on_committed(self) -> None:
        self._calls.append(f"{self._name} on_committed")

    def amend_answer(self, connection: Any, new: Any, answer: Any) -> None:
        self._calls.append(f"{self._name} amend_answer")

    def on_outcome(self, connection: Any, new: Any, outcome: Any, now_us: int) -> None:
        self._calls.append(f"{self._name} on_outcome")


class _HandingOver(CommandHooks):
    hands_over_credential = True


def test_hooks_come_in_their_order() -> None:
    """In each step of a command: the second may build on what the first has written."""
    calls: list[str] = []
    both: Any = together([_Noted("first", calls), NO_HOOKS, _Noted("second", calls)])
    both.on_begin(None, None, 0)
    both.amend_answer(None, None, None)
    both.on_outcome(None, None, None, 0)
    both.on_committed()
    assert calls == [
        f"{name} {step}"
        for step in ("on_begin", "amend_answer", "on_outcome", "on_committed")
        for name in ("first", "second")
    ]


def test_no_hooks_are_the_same_ones() -> None:
    """A command is recorded in one statement where it has no hooks, which is asked by identity."""
    one = CommandHooks()
    assert together([]) is NO_HOOKS
    assert together([NO_HOOKS, NO_HOOKS]) is NO_HOOKS
    assert together([NO_HOOKS, one]) is one


def test_one_that_hands_over_a_credential_is_enough() -> None:
    """The guard of commands lets a credential through for it."""
    assert together([CommandHooks(), _HandingOver()]).hands_over_credential
    assert not together([CommandHooks(), CommandHooks()]).hands_over_credential
