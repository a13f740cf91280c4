"""Keeps secrets out of logs and out of the message log. Masked before anything is stored, never afterwards."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

MASK = "***"

# Configuration keys and variables whose values are secrets. 1.6 security whitepaper; OCPP 2.x BasicAuthPassword.
SECRET_VARIABLES = frozenset(
    {"authorizationkey", "basicauthpassword", "password", "vpnpassword", "apnpassword", "simpin", "cpopsk"}
)

# Fields beside the name of a secret that hold it.
_SECRET_FIELDS = frozenset({"value", "attributeValue", "variableAttribute", "data"})
# Names of further fields whose values are secrets: in payloads, and in texts of vendors' own messages.
# Compared without regard to case and punctuation. An id token is no secret here: operators work with them.
_SECRET_NAMES = SECRET_VARIABLES | {
    "secret",
    "passwd",
    "passphrase",
    "passcode",
    "credential",
    "privatekey",
    "apikey",
    "accesskey",
    "sharedkey",
    "accesstoken",
    "authtoken",
    "apitoken",
    "refreshtoken",
    "sessiontoken",
    "securitytoken",
    "bearertoken",
}
_WHOLE_NAMES = frozenset({"token", "pwd", "pin", "psk", "jwt"})
_PUNCTUATION = re.compile(r"[^0-9a-z]+")

_NAMES = "|".join(sorted(SECRET_VARIABLES))
# Parameters of a URL that give its holder the rights of its maker: signatures (S3, GCS, Azure, ...), tokens, keys.
# The characters of a name exclude those before one, so that no text costs more than a pass over it.
_PARAMETER = (
    r"(?:[\w.%~-]{0,40}(?:signature|token|secret|password|passwd|pwd|credential|hmac|api[-_]?key)"
    r"|(?:[\w.%~-]{0,40}[-_.])?(?:sig|sign|auth|key|pass))"
)
_TEXT_PATTERNS = (
    # A secret mentioned in passing: `AuthorizationKey=…`, {"AuthorizationKey": "…"} within a text. All after it goes.
    (re.compile(rf"({_NAMES})(\W+)\S.*", re.IGNORECASE | re.DOTALL), rf"\1\2{MASK}"),
    (re.compile(rf"([?&;#]{_PARAMETER}=)[^&\s\"'<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    # Up to the last @ before the path: people do not escape one in a password.
    (re.compile(r"(://[^/\s:@\"']*:)[^/\s\"']+@"), rf"\1{MASK}@"),
)
# Cheap test that lets nearly every text through without the patterns above.
_SUSPECT = re.compile(rf"[?&;#][\w.%~-]{{1,60}}=|basic\s|bearer\s|://[^/\s:@]*:[^/\s]+@|{_NAMES}", re.IGNORECASE)


def mask_text(text: str) -> str:
    """Text with tokens and signatures in URLs, Authorization values and passwords in URLs replaced by ***."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _TEXT_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def is_secret(variable: str) -> bool:
    """Whether the value of this configuration key or variable must not be shown; vendors prefix the known names."""
    bare = _PUNCTUATION.sub("", variable.lower())
    return bare in _WHOLE_NAMES or any(name in bare for name in _SECRET_NAMES)


def mask_payload(payload: Any, *, mask: Callable[[str], str] = mask_text) -> Any:
    """A JSON payload with the values of secret keys and variables replaced by ***; unchanged parts are shared.

    `mask` is applied to other texts.

    A payload names a variable in these ways: {"key": NAME, "value": …} (1.6), {"variable": {"name": NAME},
    "attributeValue": …} and {"variable": {"name": NAME}, "variableAttribute": [{"value": …}]} (2.x), {"variable": NAME,
    "value": …} (this system's own contract). Fields with the
    name of a secret are masked too, so is the shared key of a VPN, whose name is just "key" (2.x VPNType), and the data
    of a vendor-specific message (DataTransfer), which may be JSON within a text.
    """
    if isinstance(payload, list):
        return [mask_payload(item, mask=mask) for item in payload]
    if not isinstance(payload, dict):
        return mask(payload) if isinstance(payload, str) else payload
    masked: dict[str, Any] = {
        key: MASK if is_secret(key) else mask_payload(value, mask=mask) for key, value in payload.items()
    }
    if _names_secret(payload):
        masked |= {key: MASK for key in _SECRET_FIELDS if key in payload}
    if isinstance(masked.get("vpn"), dict) and "key" in masked["vpn"]:
        masked["vpn"] = masked["vpn"] | {"key": MASK}
    if "vendorId" in payload and isinstance(payload.get("data"), str):
        masked["data"] = mask_data(payload["data"])
    return masked


# `apiKey=…`, `"token": "…"`, `PIN: …` in a text that is no JSON, up to the end of the value. The characters before a
# name cannot be part of one, so that a text needs only one pass.
_ASSIGNMENT = re.compile(r"(?<![\w.-])([A-Za-z][\w.-]{0,60})([\"']?\s{0,4}[=:]\s{0,4}[\"']?)[^\s\"',;&]+")
_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z ]{0,30}PRIVATE KEY)-----.*", re.DOTALL)
# A signed token (RFC 7519): base64url of a JSON object, twice, and the signature.
_SIGNED_TOKEN = re.compile(r"(?<![\w.-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")


def mask_data(data: str) -> str:
    """The data of a vendor-specific message with apparent secrets replaced by ***; JSON stays JSON."""
    if data.lstrip()[:1] in {"{", "["}:
        try:
            payload = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return _mask_loose_text(data)
        masked = mask_payload(payload, mask=_mask_loose_text)
        return data if masked == payload else msgspec.json.encode(masked).decode()
    return _mask_loose_text(data)


def _mask_loose_text(text: str) -> str:
    masked = mask_text(text)
    if "=" in masked or ":" in masked:
        masked = _ASSIGNMENT.sub(_mask_assignment, masked)
    if "PRIVATE KEY" in masked:
        masked = _KEY_BLOCK.sub(rf"-----BEGIN \1----- {MASK}", masked)
    return _SIGNED_TOKEN.sub(MASK, masked) if "eyJ" in masked else masked


def _mask_assignment(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{MASK}" if is_secret(found[1]) else found[0]


def _names_secret(payload: dict[str, Any]) -> bool:
    key, variable = payload.get("key"), payload.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else variable or key
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

    def __init__(self, limit: int, mask: Callable[[str], str] = mask_text) -> None:
        self.left = limit
        self.has_masked = False
        self._mask_text = mask

    def mask(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self.left -= 1
        if isinstance(value, dict):
            return self._fields(value)
        return self._items(value) if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        seen = text[: self.left + _MARGIN]
        masked = self._mask_text(seen)
        if masked != seen:
            self.has_masked = True
        left, self.left = self.left, self.left - len(text) - 1
        return masked if len(seen) == len(text) else masked[:left]

    def _data(self, data: str) -> str:
        """The data of a vendor's own message, as `mask_data` has it."""
        beginning = _Beginning(self.left, mask=_mask_loose_text)
        masked = data
        try:
            payload = msgspec.json.decode(data) if data.lstrip()[:1] in {"{", "["} else data
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            payload = data
        found = beginning.mask(payload)
        if beginning.has_masked:
            self.has_masked = True
            masked = found if isinstance(payload, str) else msgspec.json.encode(found).decode()
        masked = masked[: self.left] if len(data) > self.left else masked
        self.left -= len(data) + 1
        return masked

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
            elif key == "data" and "vendorId" in fields and isinstance(value, str):
                masked[key] = self._data(value)
            else:
                masked[key] = self.mask(value)
        if isinstance(masked.get("vpn"), dict) and "key" in masked["vpn"]:
            masked["vpn"] = masked["vpn"] | {"key": MASK}
            self.has_masked = True
        return masked
