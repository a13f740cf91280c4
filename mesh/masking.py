"""Keeps secrets out of logs and out of the message log. Masked before anything is stored, never afterwards."""

import re
from typing import Any

MASK = "***"

# Configuration keys and variables whose values are secrets. 1.6 security whitepaper; OCPP 2.x BasicAuthPassword.
SECRET_VARIABLES = frozenset(
    {"authorizationkey", "basicauthpassword", "password", "vpnpassword", "apnpassword", "simpin", "cpopsk"}
)

# Fields beside the name of a secret that hold it.
_SECRET_FIELDS = frozenset({"value", "attributeValue", "variableAttribute", "data"})

_NAMES = "|".join(sorted(SECRET_VARIABLES))
_TEXT_PATTERNS = (
    # A secret told in passing: `AuthorizationKey=…`, {"AuthorizationKey": "…"} within a text. All after it goes.
    (re.compile(rf"({_NAMES})(\W+)\S.*", re.IGNORECASE | re.DOTALL), rf"\1\2{MASK}"),
    (re.compile(r"([?&](?:token|access_token)=)[^&\s\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    # Up to the last @ before the path: people do not escape one in a password.
    (re.compile(r"(://[^/\s:@\"']*:)[^/\s\"']+@"), rf"\1{MASK}@"),
)
# Cheap test that lets nearly every text through without the patterns above.
_SUSPECT = re.compile(rf"token=|basic\s|bearer\s|://[^/\s:@]*:[^/\s]+@|{_NAMES}", re.IGNORECASE)


def mask_text(text: str) -> str:
    """Text with tokens in URLs, Authorization values and passwords in URLs replaced by ***."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _TEXT_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def is_secret(variable: str) -> bool:
    """Whether the value of this configuration key or variable must not be shown; vendors prefix the known names."""
    lowered = variable.lower()
    return any(name in lowered for name in SECRET_VARIABLES)


def mask_payload(payload: Any) -> Any:
    """A JSON payload with the values of secret keys and variables replaced by ***; shares what it does not change.

    Knows the ways a payload names a variable: {"key": NAME, "value": …} (1.6), {"variable": {"name": NAME},
    "attributeValue": …} and {"variable": {"name": NAME}, "variableAttribute": [{"value": …}]} (2.x), fields that are
    called like a secret themselves, and the shared key of a VPN, which is just called "key" (2.x VPNType).
    """
    if isinstance(payload, list):
        return [mask_payload(item) for item in payload]
    if not isinstance(payload, dict):
        return mask_text(payload) if isinstance(payload, str) else payload
    masked: dict[str, Any] = {key: MASK if is_secret(key) else mask_payload(value) for key, value in payload.items()}
    if _names_secret(payload):
        masked |= {key: MASK for key in _SECRET_FIELDS if key in payload}
    if isinstance(masked.get("vpn"), dict) and "key" in masked["vpn"]:
        masked["vpn"] = masked["vpn"] | {"key": MASK}
    return masked


def _names_secret(payload: dict[str, Any]) -> bool:
    key, variable = payload.get("key"), payload.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else key
    return isinstance(name, str) and is_secret(name)


def mask_beginning(payload: Any, limit: int) -> Any:
    """The beginning of a JSON payload, about `limit` characters, masked as `mask_payload` does; None: nothing to mask.

    Nothing behind the beginning is looked at, but for the names beside a value, which may follow it.
    """
    beginning = _Beginning(limit)
    masked = beginning.mask(payload)
    return masked if beginning.has_masked else None


# A secret that begins within the limit is seen whole, if it is no longer than this.
_MARGIN = 2_048


class _Beginning:
    """Masks a payload until its budget is used up; leaves out what comes then."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.has_masked = False

    def mask(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self.left -= 1
        if isinstance(value, dict):
            return self._fields(value)
        return self._items(value) if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        seen = text[: self.left + _MARGIN]
        masked = mask_text(seen)
        if masked != seen:
            self.has_masked = True
        left, self.left = self.left, self.left - len(text) - 1
        return masked if len(seen) == len(text) else masked[:left]

    def _items(self, items: list[Any]) -> list[Any]:
        masked = []
        for item in items:
            if self.left <= 0:
                break
            masked.append(self.mask(item))
        return masked

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        hidden = _SECRET_FIELDS if _names_secret(fields) else frozenset()
        masked: dict[str, Any] = {}
        for key, value in fields.items():
            if self.left <= 0:
                break
            self.left -= len(key)
            if key in hidden or is_secret(key):
                masked[key] = MASK
                self.has_masked = True
            else:
                masked[key] = self.mask(value)
        if isinstance(masked.get("vpn"), dict) and "key" in masked["vpn"]:
            masked["vpn"] = masked["vpn"] | {"key": MASK}
            self.has_masked = True
        return masked
