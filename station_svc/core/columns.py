"""The columns that tables of station_svc are made of. `models.py` of each package has its tables.

Times are microseconds since 1970 in UTC (`*_us`); enums hold the contract's numbers.
`tenant_id` leads every key but those of what no tenant owns: nodes, and connections, whose epochs are one number range
for all. There are no foreign keys: what is ingested is joined with `station` as it is written, which costs less.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

# Compared by code point on both databases: pages have one order, and PostgreSQL's indexes need no locale.
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str) -> sa.Column[str]:
    """A text that is empty unless it is given."""
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def small(name: str) -> sa.Column[int]:
    """A number of 16 bits, an enum's mostly, that is 0 unless it is given."""
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def integer(name: str) -> sa.Column[int]:
    """A number of 32 bits that is 0 unless it is given."""
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def big(name: str) -> sa.Column[int]:
    """A number of 64 bits that is 0 unless it is given."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def station_key() -> tuple[sa.Column[str], sa.Column[str]]:
    """The tenant and the station, as the first columns of a key."""
    return sa.Column("tenant_id", Key, primary_key=True), sa.Column("station_id", Key, primary_key=True)


def frame_key() -> tuple[sa.Column[int], sa.Column[int]]:
    """The epoch and the ordinal of a station's frame, as the last columns of a key."""
    return (
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
    )


def partial_index(name: str, *columns: str, where: str) -> sa.Index:
    """An index of the rows for which `where` holds."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
