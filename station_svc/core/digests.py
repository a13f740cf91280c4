"""Per-station credentials. Generated ones are random and long, so that a fast keyed hash is enough.

See docs/DESIGN.md, "Credentials".

Those that operators give have a slow hash instead, which credentials/imported_passwords.py makes and checks.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

# In the place of a salt, beside a hash in its own notation for a digest: strength of a given password. Salts of
# generated credentials are hexadecimal digits.
WEAK, STRONG, HASH = "weak", "brought", "hash"
SLOW = (WEAK, STRONG, HASH)

_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, kw_only=True)
class StoredCredential:
    """A credential as it is stored: HMAC-SHA-256 under a salt of its own, both hexadecimal; empty: there is none.

    For a given password: WEAK, STRONG or HASH, and a slow hash.
    """

    salt: str = ""
    digest: str = field(default="", repr=False)

    @property
    def is_slow(self) -> bool:
        """Whether it has to be checked by credentials/password_checks.py."""
        return self.salt in SLOW


def make_credential() -> str:
    """A new credential: 40 hexadecimal characters.

    That is 160 bits, all that 1.6's AuthorizationKey holds, and within what OCPP 2.x allows a BasicAuthPassword.
    """
    return secrets.token_hex(20)


def store_credential(credential: bytes) -> StoredCredential:
    """The stored form of a credential."""
    salt = secrets.token_hex(16)
    return StoredCredential(salt=salt, digest=_digest(salt, decoded(credential)))


def matches(stored: StoredCredential, offered: bytes) -> bool:
    """Whether the credential offered is the one stored, as it was given out or decoded from hexadecimal.

    Stations decode an AuthorizationKey before they send it, or do not (quirk 7).
    """
    if not stored.digest or stored.is_slow:
        return False
    return any(hmac.compare_digest(_digest(stored.salt, form), stored.digest) for form in {offered, decoded(offered)})


def was_decoded(offered: bytes) -> bool:
    """Whether a generated credential that matches was sent decoded: they are given out as hexadecimal (quirk 7)."""
    return _HEX.fullmatch(offered) is None


def to_text(credentials: Iterable[StoredCredential]) -> str:
    """Several in one column."""
    return " ".join(f"{one.salt}:{one.digest}" for one in credentials)


def from_text(text: str) -> list[StoredCredential]:
    """Reads the credentials that `to_text` wrote."""
    pairs = (word.partition(":") for word in text.split())
    return [StoredCredential(salt=salt, digest=digest) for salt, _colon, digest in pairs]


def digest_of(salt: str, content: bytes) -> str:
    """HMAC-SHA-256 of anything under a salt, hexadecimal."""
    return _digest(salt, content)


def decoded(credential: bytes) -> bytes:
    """A credential of hexadecimal digits as its bytes; any other as it is."""
    return bytes.fromhex(credential.decode()) if _HEX.fullmatch(credential) else credential


def _digest(salt: str, content: bytes) -> str:
    return hmac.digest(salt.encode(), content, hashlib.sha256).hex()
