"""Names: which a station may have, and which numbers of the contract have."""

import re
from collections.abc import Callable
from typing import Any

from mesh.grpc.station_scopes import ALL_STATIONS

MOST = 255
ID_RULE = (
    "1 to 255 printable characters are needed, without a slash, other than ., .. and -, and without a colon and a word "
    "at the end, such as CP1:reset"
)
# What a REST path has at its end for a method of its own (AIP-136). A MAC address, aa:bb:cc, has none.
_VERB = re.compile(r":[A-Za-z]{3,}\Z")


def is_station_id(text: str) -> bool:
    """Whether a station of this identity may exist: 1 to 255 characters, none of which is a control character."""
    return 0 < len(text) <= MOST and text.isprintable()


def is_new_station_id(text: str) -> bool:
    """Whether a station may be added under this identity: it can also be named in a path of the REST interface.

    Stations that were added before this rule existed keep their identity.
    """
    return (
        is_station_id(text) and "/" not in text and text not in {".", "..", ALL_STATIONS} and _VERB.search(text) is None
    )


def name_of(to_name: Callable[[Any], str], number: int) -> str:
    """The contract's name of a number of an enumeration, whose own Name is `to_name`.

    Enumerations are open: a number that this build does not have, from a newer gateway, stays a number.
    """
    try:
        return to_name(number)
    except ValueError:
        return str(number)
