"""Reading what strict JSON readers refuse, where its meaning is clear; and numbers as they were written. Pure.

Only for frames and payloads that the strict, fast way has refused already.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# A string, also one without an end, or a comma before a closing bracket. Possessive, so that each text is read only
# once.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|,(?=[ \t\r\n]*+[}\]])', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_SURROGATE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def mended(data: bytes) -> bytes:
    """A frame's text with its known faults mended, where there are any; the rest of it as it came.

    A byte order mark and NULs around it are left out, as is a comma before a closing bracket. Control characters within
    strings (a raw line feed) are escaped, half surrogate pairs are replaced by U+FFFD. What is missing is never
    added.
    """
    data = data.removeprefix(BYTE_ORDER_MARK).rstrip(b"\0 \t\r\n")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        try:
            # UTF-8 of a surrogate: of a pair, it makes one character; by itself, none.
            text = data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        except UnicodeDecodeError:
            return data
    return _TOKEN.sub(_mended_token, text).encode()


def _mended_token(match: re.Match[str]) -> str:
    token = match[0]
    if token == ",":  # noqa: S105 - of JSON
        return ""
    if "\\u" in token:
        token = _SURROGATE.sub(lambda found: "\\ufffd" if found["lone"] else found[0], token)
    return token if token.isprintable() else _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", token)


class _Written(str):
    """A number as its text."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=_Written, parse_float=_Written)


class WrittenNumbers:
    """The numbers of a message as the station wrote them: 1.50 and 12345678901234567890 keep all their characters."""

    def __init__(self, source: bytes) -> None:
        """`source` is the text of a frame, or of a payload alone; an empty one has no numbers."""
        self._source = source
        self._payload: Any = None
        self._is_read = False

    def text(self, path: Sequence[str | int]) -> str:
        """The number at a path of the payload, in the characters of the source; empty where there is none."""
        if not self._is_read:
            self._is_read = True
            self._payload = _read_numbers(self._source)
        value = self._payload
        try:
            for step in path:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
        return str(value) if isinstance(value, _Written) else ""


def _read_numbers(source: bytes) -> Any:
    """The payload, which is the last element of a frame, with its numbers as text; None where it cannot be read."""
    try:
        whole = _DECODER.decode(source.decode())
    except (ValueError, RecursionError):
        try:
            whole = _DECODER.decode(mended(source).decode())
        except (ValueError, RecursionError):
            return None
    return whole[-1] if isinstance(whole, list) and whole else whole
