"""Passwords that are easily guessed: common ones, the user's own name, the product's, runs of neighbouring keys.

Length is no measure of that: "Password2026!" is long enough, and among the first guesses.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

LIST = Path(__file__).resolve().parent / "wordlists" / "common_passwords.txt"

# Words that people guess first here, beside those that they guess anywhere.
_LOCAL_WORDS = (
    *("administrator", "centralsystem", "changeme", "chargepoint", "chargingstation", "correcthorsebatterystaple"),
    *("evcharger", "evcharging", "initialpassword", "newpassword", "operator", "passphrase", "superuser", "temporary"),
    *("troubador", "troubadour", "viewer", "wallbox"),
)
_PRODUCT = ("ocppmesh", "ocpp", "csms")
# A name of fewer characters is part of other words too: it is only removed before the rest is checked.
_LEAST_NAME = 5
_LEAST_REST = 8
# So much of digits and signs around a common word makes nothing better of it.
_MOST_AROUND = 6
# From this length on even a single repeated character is not what anybody tries.
_LONG = 24
_MOST_DIGITS = 12
_LEAST_DIFFERENT = 4
_RUNS = (
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1234567890",
    "1qaz2wsx3edc4rfv5tgb",
)

# 1, ! and | are used for an i or for an l.
_LEET = (str.maketrans("013457@$!|", "oieastasii"), str.maketrans("013457@$!|", "oleastasll"))
_SIGNS = re.compile(r"[\W_]+")
_BEFORE, _AFTER = re.compile(r"\A[\W\d_]*"), re.compile(r"[\W\d_]*\Z")


def why_guessable(password: str, *, username: str) -> str | None:
    """Why a password is among those that people guess first; None where it is not."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    if name := _contained(folded, _name_parts(username), whole=_LEAST_NAME):
        return f"the user name ({name}) must not be part of it"
    if name := _contained(folded, _PRODUCT, whole=1):
        return f"the product's name ({name}) must not be part of it"
    if len(folded) < _LONG and _is_run(folded):
        return "neighbouring keys, repeated or few characters, or digits alone are guessed first"
    if _is_common(folded):
        return "it is among the passwords that people guess first"
    return None


def _contained(folded: str, names: Iterable[str], *, whole: int) -> str | None:
    """The first name in a password, either way round; one below `whole` characters only where the rest is short."""
    forms = {_SIGNS.sub("", form) for form in _forms(folded)}
    for name in names:
        for form in forms:
            rest = form.replace(name, "").replace(name[::-1], "")
            if rest != form and (len(name) >= whole or len(rest) < _LEAST_REST):
                return name
    return None


def _name_parts(username: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", username).casefold()
    parts = {_SIGNS.sub("", folded), *_SIGNS.split(folded)}
    return sorted((part for part in parts if len(part) >= 2), key=len, reverse=True)


def _forms(folded: str) -> set[str]:
    """A password as it was written, and with the characters that replace letters as these letters."""
    return {folded, *(folded.translate(table) for table in _LEET)}


def _is_common(folded: str) -> bool:
    """Whether it is a common word, once or twice, with a few digits and signs before or after it."""
    ends = {_AFTER.sub("", folded), folded}
    cores = {core for end in ends for core in (_BEFORE.sub("", end), end) if len(folded) - len(core) <= _MOST_AROUND}
    forms = {form for core in cores for form in _forms(core)}
    candidates = forms | {_SIGNS.sub("", form) for form in forms}
    halves = {text[: len(text) // 2] for text in candidates if text[: len(text) // 2] * 2 == text}
    return not _common_words().isdisjoint(candidates | halves)


def _is_run(folded: str) -> bool:
    if len(set(folded)) < _LEAST_DIFFERENT:
        return True
    if len(folded) < _MOST_DIGITS and not any(letter.isalpha() for letter in folded):
        return True
    steps = sum(_is_step(one, other) for one, other in pairwise(folded))
    return steps * 4 >= (len(folded) - 1) * 3


def _is_step(one: str, other: str) -> bool:
    """Whether two characters are neighbours in the alphabet, among the digits, or on a keyboard."""
    if abs(ord(one) - ord(other)) <= 1:
        return True
    return any(pair in run for run in _RUNS for pair in (one + other, other + one))


@cache
def _common_words() -> frozenset[str]:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset([*(line.casefold() for line in lines if line and not line.startswith("#")), *_LOCAL_WORDS])
