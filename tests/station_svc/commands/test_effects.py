"""Effects of several features come together in one command."""

from typing import Any

from station_svc.commands.effects import NO_EFFECTS, Effects, together


class _Noted(Effects):
    def __init__(self, name: str, calls: list[str]) -> None:
        self._name = name
        self._calls = calls

    def begun(self, db: Any, new: Any, now_us: int) -> None:
        self._calls.append(f"{self._name} begun")

    def settled(self) -> None:
        self._calls.append(f"{self._name} settled")

    def amend(self, db: Any, new: Any, answer: Any) -> None:
        self._calls.append(f"{self._name} amend")

    def ended(self, db: Any, new: Any, outcome: Any, now_us: int) -> None:
        self._calls.append(f"{self._name} ended")


class _HandingOver(Effects):
    hands_over_credential = True


def test_effects_come_in_their_order() -> None:
    """In each step of a command: the second may build on what the first has written."""
    calls: list[str] = []
    both: Any = together([_Noted("first", calls), NO_EFFECTS, _Noted("second", calls)])
    both.begun(None, None, 0)
    both.amend(None, None, None)
    both.ended(None, None, None, 0)
    both.settled()
    assert calls == [
        f"{name} {step}" for step in ("begun", "amend", "ended", "settled") for name in ("first", "second")
    ]


def test_no_effects_are_the_same_ones() -> None:
    """A command is recorded in one statement where its effects are none, which is asked by identity."""
    one = Effects()
    assert together([]) is NO_EFFECTS
    assert together([NO_EFFECTS, NO_EFFECTS]) is NO_EFFECTS
    assert together([NO_EFFECTS, one]) is one


def test_one_that_hands_over_a_credential_is_enough() -> None:
    """The guard of commands lets a credential through for it."""
    assert together([Effects(), _HandingOver()]).hands_over_credential
    assert not together([Effects(), Effects()]).hands_over_credential
