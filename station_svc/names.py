"""What a station may be called, and what numbers of the contract are."""

from collections.abc import Callable
from typing import Any

MOST = 255


def is_station_id(text: str) -> bool:
    """Whether this can be a station's identity: 1 to 255 characters, none of which is a control character."""
    return 0 < len(text) <= MOST and text.isprintable()


def enum_name(to_name: Callable[[Any], str]) -> Callable[[int], str]:
    """Gives a number of an enumeration its name; `to_name` is the enumeration's own Name.

    Enumerations are open: a number that this build does not know, from a newer gateway, stays a number.
    """

    def name(number: int) -> str:
        try:
            return to_name(number)
        except ValueError:
            return str(number)

    return name
