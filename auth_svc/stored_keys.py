"""The private keys in the database, brought into their present form at the start: encrypted by the first key for keys.

Rows of before there was such a key are encrypted, and so are those that an earlier one of them encrypted.
"""

from functools import partial

from sqlalchemy import Connection

from auth_svc import certificate_store, key_store
from auth_svc.key_encryption import SETTING, KeyEncryptionError, KeyRing
from mesh.database.engine import Database
from mesh.runtime.logs import get_logger
from mesh.runtime.startup_errors import SettingError

log = get_logger(__name__)


async def adopt_keys(database: Database, ring: KeyRing) -> None:
    """Encrypts the private keys that are not encrypted as they should be. Safe with replicas that start together.

    Raises SettingError where one of them cannot be decrypted.
    """
    try:
        count = await database.write(partial(_adopt, ring=ring))
    except KeyEncryptionError as error:
        raise SettingError(f"private keys in the database of auth_svc: {error}") from error
    if count:
        log.info("private keys encrypted", keys=count)
    if not ring.can_encrypt:
        log.warning("private keys in the database are not encrypted", setting=SETTING)


def _adopt(connection: Connection, *, ring: KeyRing) -> int:
    """Returns how many were encrypted anew."""
    count = 0
    for key in key_store.list_signing_keys(connection):
        place = key_store.place_of(key.generation)
        text = ring.open(key.private_jwk, place)
        if not ring.is_current(key.private_jwk):
            sealed = ring.seal(text, place)
            key_store.set_private_jwk(connection, key.generation, before=key.private_jwk, after=sealed)
            count += 1
    for authority in certificate_store.list_authorities(connection):
        place = certificate_store.place_of(authority.generation)
        text = ring.open(authority.private_key, place)
        if not ring.is_current(authority.private_key):
            sealed = ring.seal(text, place)
            certificate_store.set_private_key(
                connection, authority.generation, before=authority.private_key, after=sealed
            )
            count += 1
    return count
