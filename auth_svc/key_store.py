"""The SQL of the keys that access tokens are signed with.

Functions run inside a transaction that Database opens around them.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models
from auth_svc.common_store import insert


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key that access tokens are signed with, from `active_us` on until a newer generation is active.

    `private_jwk` is as it is stored, encrypted or not, unless its user has decrypted it.
    """

    generation: int
    key_id: str
    private_jwk: str = field(repr=False)
    create_us: int
    active_us: int


def list_signing_keys(connection: Connection) -> list[SigningKey]:
    """All keys that are published, oldest generation first."""
    table = models.signing_key
    rows = connection.execute(sa.select(table).order_by(table.c.generation)).mappings()
    return [SigningKey(**row) for row in rows]


def add_signing_key(connection: Connection, key: SigningKey) -> bool:
    """Adds a key; False where its generation exists, made by a replica at the same time."""
    return insert(connection, models.signing_key, asdict(key))


def place_of(generation: int) -> str:
    """The place of a key, for its encryption."""
    return f"signing_key/{generation}"


def set_private_jwk(connection: Connection, generation: int, *, before: str, after: str) -> None:
    """Stores a key in another form, unless another replica has done so."""
    table = models.signing_key.c
    is_it = sa.and_(table.generation == generation, table.private_jwk == before)
    connection.execute(sa.update(models.signing_key).where(is_it).values(private_jwk=after))


def delete_signing_keys(connection: Connection, generations: Iterable[int]) -> None:
    """Removes keys for good."""
    table = models.signing_key
    connection.execute(sa.delete(table).where(table.c.generation.in_(list(generations))))
