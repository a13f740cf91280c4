"""A driver, by the id token that names them, and the places where rows name them. Pure.

An id token is found in fields of its own, in any form that is the same token (`id_tokens.py`), and within text:
payloads as they came, messages for people. There a token of fewer than LEAST_LENGTH characters is found only where it
stands between quotation marks, because "12" is in nearly everything.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from google.protobuf.message import Message

from mesh.contract.id_tokens import match_key

LEAST_LENGTH = 6

_URL_SAFE = str.maketrans("-_", "+/")
_IN_WORDS = r"[0-9A-Za-z]"
# JSON writes a line break before a word as \n.
_BEFORE = rf"(?:(?<!{_IN_WORDS})|(?<=\\[nrtbf]))"
_AFTER = rf"(?!{_IN_WORDS})"
_EMAID = re.compile(r"[a-z]{2}[a-z0-9]{3}c[a-z0-9]{8,9}")
_ENCODED = re.compile(r"[0-9A-Za-z+/_-]{24,}=*")
# Values of these names are of other things, though a token may be written in the same way.
_OTHER_NAMES = frozenset(
    {"stationId", "transactionId", "tenantId", "eventId", "commandId", "jobId", "requestId", "station_id", "tenant_id"}
    | {"transaction_id", "value", "unit", "timestamp"}
)
# Where an object names a driver, these are of the same driver.
_OF_DRIVER = frozenset({"displayName", "groupIdToken"})


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A driver of a tenant; `pseudonym` is the text in the place of the id tokens."""

    tenant_id: str
    id_tokens: tuple[str, ...] = field(repr=False)
    pseudonym: str = field(default="", repr=False)

    def is_token(self, text: str) -> bool:
        """Whether a text is one of the id tokens, in any form."""
        return match_key(text) in self._keys

    def mentions(self, text: str) -> bool:
        """Whether a text, which may be JSON, is or has one of the id tokens."""
        return self._pattern.search(text) is not None or self.is_token(text)

    def mentions_payload(self, text: str) -> bool:
        """The same for a payload as it came, which may also have one in what it encodes, as in signed meter values."""
        return self.mentions(text) or any(self.encodes(run) for run in _ENCODED.findall(text))

    def without(self, text: str) -> str:
        """A text with the pseudonym in the place of the id tokens."""
        return self.pseudonym if self.is_token(text) else self._pattern.sub(self.pseudonym, text)

    def mentions_data(self, data: bytes) -> bool:
        """Whether serialized data has one of the id tokens."""
        return self._data_pattern.search(data) is not None

    def replaced(self, value: Any) -> Any:
        """A value of JSON with the pseudonym in the place of the id tokens, and without other words for the driver."""
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, list):
            return [self.replaced(one) for one in value]
        if not isinstance(value, dict):
            return value
        is_about = any(isinstance(one, str) and self.is_token(one) for one in value.values())
        return {
            name: self._replaced_field(name, one, is_about=is_about and name in _OF_DRIVER)
            for name, one in value.items()
        }

    def is_in(self, message: Message) -> bool:
        """Whether a message names the driver, in any of its texts or in what a text encodes."""
        return any(self.mentions(text) or self.encodes(text) for text in _texts(message))

    def encodes(self, text: str) -> bool:
        """Whether a text has one of the id tokens in base64 or in hexadecimal, as signed meter values do."""
        return any(self.mentions_data(data) for data in _decoded(text))

    def _replaced_field(self, name: str, value: Any, *, is_about: bool) -> Any:
        if is_about:
            return ""
        return value if name in _OTHER_NAMES and isinstance(value, str) else self.replaced(value)

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(match_key(text) for text in self.id_tokens)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(_in_text(key) for key in sorted(self._keys)), re.IGNORECASE | re.ASCII)

    @cached_property
    def _data_pattern(self) -> re.Pattern[bytes]:
        forms = (form for key in sorted(self._keys) for form in _in_data(key))
        return re.compile(b"|".join(forms), re.IGNORECASE)


def _in_text(key: str) -> str:
    form = _form(key)
    if len(key) < LEAST_LENGTH:
        return rf'(?<=")\s*{form}\s*(?=")'
    return f"{_BEFORE}{form}{_AFTER}"


def _form(key: str) -> str:
    """A pattern of a token in plain text and in JSON: an eMAID with and without its hyphens."""
    return ("-?" if _EMAID.fullmatch(key) else "").join(_character(one) for one in key)


def _character(one: str) -> str:
    escaped = {re.escape(one), re.escape(msgspec.json.encode(one).decode()[1:-1])}
    if not one.isascii():
        units = one.encode("utf-16-be")
        escaped.add(re.escape("".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))))
    if one == "/":
        escaped.add(re.escape("\\/"))
    return escaped.pop() if len(escaped) == 1 else f"(?:{'|'.join(sorted(escaped))})"


def _in_data(key: str) -> Iterable[bytes]:
    """Patterns of a token in serialized data. A short one counts with its length before it, as protobuf writes it."""
    form = _form(key).encode()
    if len(key) >= LEAST_LENGTH:
        yield form
    else:
        size = len(key.encode())
        yield re.escape(bytes([size])) + form + rb"(?![0-9A-Za-z])"
        yield rb'(?<=")' + form + rb'(?=")'


def _texts(message: Message) -> Iterable[str]:
    for descriptor, value in message.ListFields():
        for one in value if descriptor.is_repeated else [value]:
            if isinstance(one, Message):
                yield from _texts(one)
            elif isinstance(one, str) and _may_name(descriptor.name, one):
                yield one


def _may_name(name: str, text: str) -> bool:
    return name not in _OTHER_NAMES or (name == "value" and not _is_number(text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _decoded(text: str) -> Sequence[bytes]:
    """The bytes of a text in hexadecimal or in base64: both, where it may be either."""
    found: list[bytes] = []
    if len(text) >= 2 * LEAST_LENGTH:
        with suppress(ValueError):
            found.append(bytes.fromhex(text))
        with suppress(ValueError):  # binascii's own error is one
            found.append(a2b_base64(text.translate(_URL_SAFE) + "=="))
    return found
