"""Rules for user names: one form, one script, and none that looks like another's.

Otherwise an administrator could delete, promote or trust the wrong user instead of "admin": one with a
Cyrillic a, or in full-width letters.
"""
# ruff: noqa: RUF001 - letters that look alike are what this is about

import re
import unicodedata

from auth_svc.normalization import MAX_USERNAME, fold, is_plain

# A slash cannot be part of a path of the REST interface, nor a colon of a user name in HTTP Basic.
RULE = f"1 to {MAX_USERNAME} printable characters of one script are needed, without / and :, other than . and .."

# Letters of other scripts, and digits, with the Latin letter that they look like (after Unicode TR 39).
_LOOKS = str.maketrans(
    {
        **dict(zip("авекмнорстухѕіјһԁԛԝѵӏгпьзё", "abekmhopctyxsijhdqwvlrnb3ё", strict=True)),
        **dict(zip("αβγεηικνορστυχωζ", "abyenikvopotuxwz", strict=True)),
        **dict(zip("օսհոցզ", "ouhngq", strict=True)),
        **dict(zip("ıɑɡɩʋɪʏ", "iagiviy", strict=True)),
        "0": "o",
        "1": "l",
        "|": "l",
        "’": "'",
        "ʼ": "'",
    }
)
_SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")
# Characters that print nothing and that Python counts as printable: fillers, selectors, the blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Scripts of which one name may have several: as people write in East Asia.
_TOGETHER = frozenset(
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
)


def normal(username: str) -> str:
    """The form in which a name is kept: compatibility characters (full-width letters, ligatures) as the usual ones."""
    return unicodedata.normalize("NFKC", username)


def key(username: str) -> str:
    """The form in which names are compared."""
    return fold(normal(username))


def skeleton(username: str) -> str:
    """The same for names that look alike."""
    text = unicodedata.normalize("NFKC", key(username))
    text = "".join(map(_look, text)).translate(_LOOKS)
    return " ".join(text.split()).replace("i", "l").replace("rn", "m").replace("vv", "w")


def is_username(username: str) -> bool:
    """Whether this is a valid user name."""
    text = normal(username)
    if not is_plain(username, MAX_USERNAME) or not is_plain(text, MAX_USERNAME) or _INVISIBLE.search(username):
        return False
    if "/" in text or ":" in text or text in {".", ".."}:
        return False
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    return len(scripts) <= 1 or scripts <= _TOGETHER


def _look(letter: str) -> str:
    if unicodedata.category(letter) == "Pd":
        return "-"
    capital = _SMALL_CAPITAL.fullmatch(unicodedata.name(letter, ""))
    return capital[1].lower() if capital else letter
