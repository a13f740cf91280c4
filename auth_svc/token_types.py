"""Types of id tokens: whether a token that a station presents with a type is the one that is registered.

docs/adr/0038-types-of-id-tokens.md has the rule and its reasons.
"""

from functools import lru_cache

from auth_svc.normalization import TYPES, canonical

# The type that this system gives a token in a request to start; the station repeats it in its events.
_CENTRAL = "Central"


def is_of_type(presented: str, registered: str) -> bool:
    """Whether a known token may be presented with this type; an empty type is one that was not given.

    OCPP 1.6 has no types, and an operator need not name one.
    """
    if not presented or presented == registered:
        return True
    word = _word(presented)
    if word is None:
        return presented.casefold() == registered.casefold()  # a type of 2.1 that somebody added
    return word == _CENTRAL or not registered or word == _word(registered)


def is_type(presented: str) -> bool:
    """Whether an unknown token may be presented with this type: one of OCPP's, or none."""
    return not presented or _word(presented) is not None


@lru_cache(maxsize=256)  # stations send a handful of words
def _word(text: str) -> str | None:
    return canonical(text, TYPES, prefix="ID_TOKEN_TYPE")
