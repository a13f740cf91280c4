"""Texts that are stored. PostgreSQL stores and compares no NUL (U+0000), and SQLite cuts a text at it.

Where a caller can be refused, the text is refused (mesh/contract/requests.py). Where it cannot, since a station's
message has to be recorded, the NUL goes.
"""

MAX_REQUEST_ID = 64
"""The characters of a request_id (AIP-155) at the most."""

_NUL = "\0"


def is_storable(text: str) -> bool:
    """Whether a database takes the text: nothing that it stores has a name that it does not take."""
    return _NUL not in text


def without_nul(text: str) -> str:
    """A text that is compared with others, without its NULs: some stations leave one at the end of an id token."""
    return text.replace(_NUL, "") if _NUL in text else text


def replace_nul(text: str) -> str:
    """A text for people, with U+FFFD for each NUL: they see that a character was there."""
    return text.replace(_NUL, "\N{REPLACEMENT CHARACTER}") if _NUL in text else text
