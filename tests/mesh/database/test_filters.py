"""Filters (AIP-160), run against a real table."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.filters import MAX_LENGTH, SEARCH, Field, choice, is_search, moment, search, switch, to_condition
from mesh.runtime.errors import MeshError

TABLE = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("name", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("on", sa.Boolean),
)
FIELDS = {
    "name": Field(TABLE.c.name),
    "size": Field(TABLE.c.size, int),
    "on": Field(TABLE.c.on, switch),
    "letters": Field(TABLE.c.name, has=lambda letter: TABLE.c.name.contains(letter, autoescape=True)),
}
ROWS = [("a", 1, True), ("b", 2, False), ('q"(', 3, True), ("AND", 4, False)]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A table with four rows."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        TABLE.metadata.create_all(connection)
        connection.execute(sa.insert(TABLE), [dict(zip(("name", "size", "on"), row, strict=True)) for row in ROWS])
        yield connection
    engine.dispose()


def _found(connection: Connection, text: str) -> list[int]:
    condition = to_condition(text, FIELDS)
    assert condition is not None
    return list(connection.execute(sa.select(TABLE.c.size).where(condition).order_by(TABLE.c.size)).scalars())


def test_comparisons_and_their_combinations(connection: Connection) -> None:
    """Each operator, quotes of both kinds, escapes, parentheses, NOT, and OR that binds tighter than AND."""
    expected = {
        "name = a": [1],
        "name = 'a'": [1],
        'name != "a"': [2, 3, 4],
        "size<2": [1],
        "size <= 2": [1, 2],
        "size > 3": [4],
        "size>=3": [3, 4],
        "on = true": [1, 3],
        "on != TRUE": [2, 4],
        r'name = "q\"("': [3],
        'name = "AND"': [4],
        "NOT size > 1": [1],
        "size = 1 OR size = 2 AND on = false": [2],
        "(size = 1) OR (size = 2 AND on = false)": [1, 2],
        "NOT (size = 1 OR size = 2)": [3, 4],
        "  size = 1  ": [1],
        "letters:N": [4],
        'letters:"q"': [3],
        "letters : D AND size>1": [4],
        "letters :N OR letters: b": [2, 4],
        "NOT letters:'q'": [1, 2, 4],
        "(letters:b)": [2],
    }
    assert {text: _found(connection, text) for text in expected} == expected


def test_empty_filter_is_no_condition() -> None:
    """Blanks count as nothing."""
    assert to_condition("", FIELDS) is None
    assert to_condition("  \n", FIELDS) is None


@pytest.mark.parametrize(
    "text",
    [
        "colour = red",
        "name",
        "name =",
        "= a",
        "name ~ a",
        "name = a b",
        "name = a AND",
        "name = a name = b",
        "(name = a",
        "name = a)",
        "name = )",
        "name = =",
        "name:a",
        "letters = a",
        "letters:",
        ":a",
        "letters:(",
        "size = x",
        "size = 99999999999999999999999",
        "on = 1",
        'name = "a',
        'name = "nul\0"',
        "NOT",
        "()",
        "name = a AND OR name = b",
        "(" * 50 + "name = a" + ")" * 50,
        "name = " + "x" * MAX_LENGTH,
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    """INVALID_FILTER, never an error of ours or the database's."""
    with pytest.raises(MeshError) as caught:
        to_condition(text, FIELDS)
    assert caught.value.reason == "INVALID_FILTER"


def test_refusal_names_the_fields_there_are() -> None:
    with pytest.raises(MeshError, match="letters, name, on, size"):
        to_condition("colour = red", FIELDS)


def test_refusal_says_that_a_number_is_needed() -> None:
    for text in ("size = x", "size > 1.5", 'size = ""'):
        with pytest.raises(MeshError, match="a whole number is needed"):
            to_condition(text, FIELDS)


def test_longest_filters_run(connection: Connection) -> None:
    terms = " OR ".join(["size = 1"] * 80)
    assert _found(connection, terms[:MAX_LENGTH].rpartition(" OR ")[0]) == [1]
    assert _found(connection, "NOT " * 240 + "size = 1") == [1]


def test_choices() -> None:
    """A value goes by its name, short or long, in any case."""
    read = choice({"COLOUR_RED": 1, "COLOUR_BLUE": 2}, "COLOUR_")
    assert [read(text) for text in ("RED", "blue", "COLOUR_BLUE", "colour_red")] == [1, 2, 2, 1]
    for text in ("GREEN", "", "COLOUR_", "1"):
        with pytest.raises(ValueError, match="RED, BLUE"):
            read(text)


def test_moments() -> None:
    """A time needs its zone."""
    assert moment("1970-01-01T00:00:01.000002Z") == 1_000_002
    assert moment("1970-01-01T01:00:00+01:00") == 0
    for text in ("1970-01-01", "noon", ""):
        with pytest.raises(ValueError, match=r"zone|isoformat"):
            moment(text)


def test_a_text_that_stands_alone_is_looked_for_anywhere(connection: Connection) -> None:
    """In any case of letters, between other terms too; its signs stand for themselves. Elsewhere it is an error."""
    fields = {**FIELDS, SEARCH: search(TABLE.c.name, sa.cast(TABLE.c.size, sa.Text))}
    expected = {
        '"A"': [1, 4],
        "'2'": [2],
        '"a" AND size > 1': [4],
        'size = 2 OR "nd"': [2, 4],
        'NOT "a"': [2, 3],
        '("a" OR "b") AND on = true': [1],
        '"%"': [],
        '"_"': [],
        r'"\""': [3],
        'name = "b"': [2],
    }
    for text, sizes in expected.items():
        condition = to_condition(text, fields)
        assert condition is not None
        query = sa.select(TABLE.c.size).where(condition).order_by(TABLE.c.size)
        assert list(connection.execute(query).scalars()) == sizes, text
        assert is_search(text) == (text != 'name = "b"'), text
    for text, known in (('"a"', FIELDS), ('"a" "b"', fields), ("a", fields), ('"a" = 1', fields)):
        with pytest.raises(MeshError) as caught:
            to_condition(text, known)
        assert caught.value.reason == "INVALID_FILTER", text


@pytest.mark.parametrize(
    "text", ["", 'a = "b"', 'a != "b" OR a >= "c"', 'a:"b"', 'a: "b"', 'a : "b"', "a = b", "NOT a = 'b'"]
)
def test_a_text_in_quotes_behind_a_field_is_no_search(text: str) -> None:
    assert not is_search(text)
