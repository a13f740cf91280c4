"""Passwords of stations that operators give, and hashes of them that another system made.

They may be short, so that a fast hash would reveal them to a reader of the database: passwords are stored as
argon2id. A hash is stored as it came until the station first connects with its password, which is then stored likewise.
"""

import base64
import binascii
import hashlib
import hmac
import math
import re
from collections.abc import Callable

import argon2
import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mesh.runtime.errors import invalid_field
from station_svc.core.digests import HASH, STRONG, WEAK, StoredCredential, decoded

MOST_PASSWORD = 128
# OWASP's for argon2id with little memory: some 20 ms, and as hard to guess by as the larger ones.
HASHER = PasswordHasher(time_cost=5, memory_cost=7168, parallelism=1)

# Below these, or of fewer bits by the characters it is made of, a password is weak.
_STRONG_LENGTH, _STRONG_KINDS, _STRONG_BITS = 16, 10, 80
_ALPHABETS = ((r"[0-9a-f]*|[0-9A-F]*", 16), (r"[a-z]*|[A-Z]*", 26), (r"[a-z0-9]*|[A-Z0-9]*", 36), (r"\w*", 62))
_PUNCTUATED = 94

# What a hash may cost to check: beyond it, it could be used to keep this system busy.
_MOST_MEMORY_KIB, _MOST_TURNS, _MOST_LANES = 65_536, 20, 16
_MOST_BCRYPT, _BCRYPT_BYTES = 14, 72
_MOST_ITERATIONS = 2_000_000

_BCRYPT = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}")
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]+)\$([A-Za-z0-9+/=]+)")
_PASSLIB = re.compile(r"\$pbkdf2-(sha256|sha512)\$(\d{1,8})\$([A-Za-z0-9./]+)\$([A-Za-z0-9./]+)")


def check_password(field: str, password: str) -> None:
    """Raises MeshError INVALID_FIELD for what no station can be given as a password."""
    if not 1 <= len(password.encode()) <= MOST_PASSWORD or not password.isprintable():
        raise invalid_field(field, f"1 to {MOST_PASSWORD} printable characters are needed")


def store_password(password: str, station_id: str) -> StoredCredential:
    """The stored form of a password that a station has already. Takes its time."""
    kind = STRONG if is_strong(password, station_id) else WEAK
    return StoredCredential(salt=kind, digest=HASHER.hash(decoded(password.encode())))


def store_hash(field: str, text: str) -> StoredCredential:
    """The stored form of a hash that another system made. Raises MeshError INVALID_FIELD where it cannot be checked."""
    if _checker(text) is None:
        raise invalid_field(
            field,
            "a hash of argon2, bcrypt ($2b$...) or pbkdf2 (pbkdf2_sha256$..., $pbkdf2-sha256$...) is needed, of up to "
            f"{_MOST_MEMORY_KIB} KiB and {_MOST_TURNS} passes, cost {_MOST_BCRYPT}, {_MOST_ITERATIONS} iterations",
        )
    return StoredCredential(salt=HASH, digest=text)


def is_strong(password: str, station_id: str) -> bool:
    """Whether a password is long and varied enough to pass for a random one of 80 bits."""
    if len(password) < _STRONG_LENGTH or len(set(password)) < _STRONG_KINDS:
        return False
    if station_id and station_id.casefold() in password.casefold():
        return False
    size = next((size for form, size in _ALPHABETS if re.fullmatch(form, password, re.ASCII)), _PUNCTUATED)
    return len(password) * math.log2(size) >= _STRONG_BITS


def proves(stored: StoredCredential, offered: bytes) -> bytes | None:
    """The password that was stored, where the one offered is that; None where it is not. Takes its time.

    Stations decode a password of hexadecimal digits before they send it, or do not (quirk 7).
    """
    check = _checker(stored.digest)
    if check is None or not offered:
        return None
    return next((form for form in _forms(stored, offered) if check(form)), None)


def _forms(stored: StoredCredential, offered: bytes) -> list[bytes]:
    if stored.salt != HASH:
        return list(dict.fromkeys((decoded(offered), offered)))
    if offered.isascii() and offered.decode().isprintable():
        return [offered]
    return [offered, offered.hex().encode(), offered.hex().upper().encode()]


def _checker(text: str) -> Callable[[bytes], bool] | None:
    """The check of a password against a hash; None for an unsupported form or cost."""
    if text.startswith("$argon2"):
        return _argon2(text)
    if found := _BCRYPT.fullmatch(text):
        return _bcrypt(text) if 4 <= int(found[1]) <= _MOST_BCRYPT else None
    if found := _DJANGO.fullmatch(text):
        return _pbkdf2(found[1], int(found[2]), found[3].encode(), _base64(found[4]))
    if found := _PASSLIB.fullmatch(text):
        return _pbkdf2(found[1], int(found[2]), _base64(found[3]), _base64(found[4]))
    return None


def _argon2(text: str) -> Callable[[bytes], bool] | None:
    try:
        cost = argon2.extract_parameters(text)
    except InvalidHashError:
        return None
    if cost.memory_cost > _MOST_MEMORY_KIB or cost.time_cost > _MOST_TURNS or cost.parallelism > _MOST_LANES:
        return None

    def check(password: bytes) -> bool:
        try:
            return HASHER.verify(text, password)
        except (VerificationError, InvalidHashError):
            return False

    return check


def _bcrypt(text: str) -> Callable[[bytes], bool]:
    # "y" and "x" are crypt_blowfish's letters for what others call "b" and "a".
    hashed = re.sub(r"^\$2[xy]", lambda letter: "$2b" if letter[0].endswith("y") else "$2a", text).encode()

    def check(password: bytes) -> bool:
        return b"\0" not in password and bcrypt.checkpw(password[:_BCRYPT_BYTES], hashed)

    return check


def _pbkdf2(name: str, iterations: int, salt: bytes | None, expected: bytes | None) -> Callable[[bytes], bool] | None:
    if not salt or not expected or not 1 <= iterations <= _MOST_ITERATIONS or len(expected) > 64:
        return None

    def check(password: bytes) -> bool:
        made = hashlib.pbkdf2_hmac(name, password, salt, iterations, len(expected))
        return hmac.compare_digest(made, expected)

    return check


def _base64(text: str) -> bytes | None:
    """Decodes base64, passlib's too, which has no padding and a dot for the plus."""
    plain = text.replace(".", "+").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return None
