"""Encryption of private keys at rest, by keys from outside of the database: AES-256-GCM. Pure.

An encrypted text is `aes256gcm:<key id>:<nonce and ciphertext, base64>`; its place in the database is authenticated
along, so that a row is of no use in the place of another. Several keys may be there: the first encrypts, all decrypt.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
SETTING = "CSMS_KEY_ENCRYPTION_FILE"
_NONCE_BYTES = 12
_PREFIX = "aes256gcm:"


class KeyEncryptionError(Exception):
    """An encrypted key cannot be decrypted; the text is one line, for those who start the process."""


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """The keys for keys, the first of which encrypts. Without any, nothing is encrypted."""

    keys: Sequence[bytes] = field(default=(), repr=False)

    @property
    def can_encrypt(self) -> bool:
        """Whether it has a key."""
        return bool(self.keys)

    def seal(self, text: str, place: str) -> str:
        """A text as it is stored in a place, such as `signing_key/3`."""
        if not self.keys:
            return text
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self.keys[0]).encrypt(nonce, text.encode(), place.encode())
        return f"{_PREFIX}{key_id(self.keys[0])}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, stored: str, place: str) -> str:
        """The text of what is stored in a place, encrypted or not. Raises KeyEncryptionError."""
        if not is_sealed(stored):
            return stored
        name, _, encoded = stored.removeprefix(_PREFIX).partition(":")
        key = self._by_id().get(name)
        if key is None:
            raise KeyEncryptionError(
                f"{place} is encrypted by the key {name}, which {SETTING} does not name"
                if self.keys
                else f"{place} is encrypted, and {SETTING} is not set: its file has the key {name}"
            )
        try:
            data = base64.b64decode(encoded, validate=True)
            return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise KeyEncryptionError(f"{place} has been changed since it was encrypted") from error

    def is_current(self, stored: str) -> bool:
        """Whether it is stored as it would be now: by the first key, or plain where there is none."""
        if not self.keys:
            return True
        return stored.startswith(f"{_PREFIX}{key_id(self.keys[0])}:")

    def _by_id(self) -> Mapping[str, bytes]:
        return {key_id(key): key for key in self.keys}


def is_sealed(stored: str) -> bool:
    """Whether a stored text is encrypted."""
    return stored.startswith(_PREFIX)


def key_id(key: bytes) -> str:
    """The name of a key, by which a text says who can decrypt it: a part of its SHA-256."""
    return hashlib.sha256(b"csms key encryption\0" + key).hexdigest()[:12]


def read_keys(text: str) -> KeyRing:
    """The keys in a file: one in each line, 32 bytes in base64; empty lines and those with `#` count for nothing.

    Raises ValueError, with a text that has nothing of the keys.
    """
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key = base64.b64decode(line.strip(), validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError(f"line {number} is not {KEY_BYTES} bytes in base64")
        if key not in keys:
            keys.append(key)
    if not keys:
        raise ValueError(f"it has no key: {KEY_BYTES} random bytes in base64 are needed")
    return KeyRing(keys=keys)
