"""Orders of lists (AIP-132), run against a real table."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.orders import MAX_LENGTH, SortField, Term, read_order
from mesh.database.pages import Page
from mesh.runtime.errors import MeshError

TABLE = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
)
FIELDS = {
    "name": SortField(TABLE.c.name),
    "size": SortField(TABLE.c.size, int),
    "place": SortField(TABLE.c.place),
}
KEY = [Term(name="name", field=FIELDS["name"])]
ROWS = [("a", 3, "x"), ("b", 1, "y"), ("c", 3, "y"), ("d", 2, "x"), ("e", 1, "x")]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A table with five rows."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        TABLE.metadata.create_all(connection)
        connection.execute(sa.insert(TABLE), [dict(zip(("name", "size", "place"), row, strict=True)) for row in ROWS])
        yield connection
    engine.dispose()


def _pages(connection: Connection, text: str, size: int) -> str:
    """The names of all pages, one after the other."""
    order = read_order(text, FIELDS, KEY)
    names, after = "", None
    while True:
        page = Page(limit=size, after=after)
        rows = connection.execute(order.paged(sa.select(TABLE.c.name), page)).all()
        names += "".join(row.name for row in rows)
        if len(rows) < size:
            return names
        after = order.place(rows[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "abcde"),
        ("name desc", "edcba"),
        ("size", "bedac"),
        ("size desc", "cadeb"),
        ("size desc, name", "acdbe"),
        ("  place   desc ,size asc , name desc", "bceda"),
        ("place, size desc", "adecb"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 10])
def test_each_row_is_on_one_page_in_the_order_that_was_asked_for(
    connection: Connection, text: str, expected: str, size: int
) -> None:
    """One way or both, however many rows a page has; rows that are equal go by the key, the way of the last field."""
    assert _pages(connection, text, size) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("size", "bedac"), ("size desc", "cadeb"), ("size desc, place desc", "cadbe")]
)
@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_windows_have_each_row_once_and_end(connection: Connection, text: str, expected: str, rows: int) -> None:
    """Rows of the same first term, which may be more than a window has, are in one."""
    order = read_order(text, FIELDS, KEY)
    seen, after, count = "", None, 0
    while True:
        window = order.window(connection, sa.true(), after=after, rows=rows)
        page = Page(limit=10, after=after, condition=window.condition if window else None)
        seen += "".join(row.name for row in connection.execute(order.paged(sa.select(TABLE.c.name), page)))
        count += 1
        if window is None:
            break
        after = window.end
    assert seen == expected
    assert count == {1: 4 if "desc" in text else 3, 2: 3, 3: 2, 4: 2}[rows]


def test_there_is_no_window_where_directions_differ(connection: Connection) -> None:
    order = read_order("size desc, name", FIELDS, KEY)
    assert order.window(connection, sa.true(), after=None, rows=1) is None


@pytest.mark.parametrize(
    "text", ["color", "size up", "size desc desc", "size, size desc", "size,,name", ",", "size; name", "x" * 501]
)
def test_what_is_no_order_is_refused(text: str) -> None:
    """A field that the list does not have or has twice, a word that is no direction, and more than anyone needs."""
    assert MAX_LENGTH == 500
    with pytest.raises(MeshError) as caught:
        read_order(text, FIELDS, KEY)
    assert (caught.value.reason, caught.value.metadata["field"]) == ("INVALID_FIELD", "order_by")
