"""Rows as JSON mean the same on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from mesh.database.engine import make_engine
from mesh.database.rowset import RowStatement, columns_of, copy, run_later, run_prepared

_ECHO = RowStatement(
    "SELECT number, words, big, flag, half FROM {rows} ORDER BY number",
    number="integer",
    words="text",
    big="bigint",
    flag="boolean",
    half="double precision",
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database."""
    engine = make_engine(database_url, "public")
    yield engine
    engine.dispose()


def _echo(engine: Engine, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        return [tuple(row) for row in _ECHO.run(connection, rows)]


def test_values_come_through(engine: Engine) -> None:
    """Text of every kind, the largest numbers, and nothing at all."""
    texts = ["", "plain", "quote ' and \" and \\", "colon :name %s {rows}", "Grüße 😀", "line\nend", "[]", "null", "1"]
    rows = [{"number": number, "words": words, "big": 2**63 - 1 - number} for number, words in enumerate(texts)]
    assert _echo(engine, *rows) == [
        (number, words, 2**63 - 1 - number, None, None) for number, words in enumerate(texts)
    ]


def test_missing_and_null_are_null(engine: Engine) -> None:
    """A key that is left out is NULL; what is false or zero is not."""
    assert _echo(engine, {"number": 1}, {"number": 2, "words": None, "flag": False, "big": 0, "half": 0.5}) == [
        (1, None, None, None, None),
        (2, None, 0, False, 0.5),
    ]


def test_plain_tuples(engine: Engine) -> None:
    """Fetched past SQLAlchemy's results, values are the same; also with a quote in them, and a colon."""
    texts = ["", "quote ' and \" and \\", "colon :name %s {rows}", "Grüße 😀", "line\nend"]
    rows = [{"number": number, "words": words, "half": 0.5} for number, words in enumerate(texts)]
    with engine.begin() as connection:
        assert _ECHO.fetch(connection, rows) == [(number, words, None, None, 0.5) for number, words in enumerate(texts)]
        assert _ECHO.fetch(connection, []) == []


def test_no_rows(engine: Engine) -> None:
    """A statement over no rows does nothing."""
    assert _echo(engine) == []


def test_rows_keep_their_order(engine: Engine) -> None:
    """They are read in the order they were given, so that sorted rows are locked in order."""
    statement = RowStatement("SELECT number FROM {rows}", number="integer")
    with engine.begin() as connection:
        assert list(statement.run(connection, ({"number": n} for n in (3, 1, 2))).scalars()) == [3, 1, 2]


def test_upsert_update_and_locks(engine: Engine) -> None:
    """The statements that ingest is made of: upsert, update from rows, rows locked in order; with parameters."""
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (name text PRIMARY KEY, count bigint NOT NULL)"))
        upsert = RowStatement(
            """
            INSERT INTO thing (name, count) SELECT name, count + :more FROM {rows} WHERE true
            ON CONFLICT (name) DO UPDATE SET count = thing.count + excluded.count RETURNING name
            """,
            name="text",
            count="bigint",
        )
        rows = [{"name": "b", "count": 1}, {"name": "a", "count": 2}]
        upsert.run(connection, rows, more=0)
        assert sorted(upsert.run(connection, rows, more=10).scalars()) == ["a", "b"]
        update = RowStatement(
            "UPDATE thing SET count = rows.count FROM {rows} WHERE thing.name = rows.name AND thing.count < rows.count",
            name="text",
            count="bigint",
        )
        assert update.run(connection, [{"name": "a", "count": 100}, {"name": "b", "count": 5}]).rowcount == 1
        lock = RowStatement(
            "SELECT thing.name, thing.count FROM {rows} JOIN thing ON thing.name = rows.name "
            "ORDER BY thing.name FOR UPDATE OF thing",
            name="text",
        )
        locked = lock.run(connection, [{"name": "b"}, {"name": "a"}, {"name": "c"}]).all()
        assert [tuple(row) for row in locked] == [("a", 100), ("b", 12)]


_ADD = RowStatement(
    "INSERT INTO thing (name) SELECT name FROM {rows} WHERE true ON CONFLICT (name) DO NOTHING RETURNING name",
    name="text",
)
_ALL = RowStatement("SELECT thing.name, rows.n FROM {rows} CROSS JOIN thing ORDER BY 1, 2", n="integer")


def test_prepared_statements_run_one_after_the_other(engine: Engine) -> None:
    """Each sees what those before it did; the rows are those of the last; the same connection, again and again."""
    texts = ["", "quote ' and \\", "100 % :rows $1 %s", "Grüße 😀"]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (name text PRIMARY KEY)"))
    for _ in range(2):
        with engine.begin() as connection:
            found = run_prepared(connection, (_ADD, [{"name": name} for name in texts]), (_ALL, [{"n": 1}]))
            assert sorted(found) == sorted((name, 1) for name in texts)
            assert run_prepared(connection, (_ADD, [{"name": name} for name in texts])) == []


_VALUES: dict[str, Any] = {
    "nothing": {},
    "zero": {"number": 0, "words": "", "big": 0, "flag": False, "half": 0.0},
    "largest": {"number": 2**31 - 1, "big": 2**63 - 1, "flag": True, "half": 1.7e308},
    "least": {"number": -(2**31), "big": -(2**63), "flag": None, "half": -5e-324},
    "quote": {"words": "quote ' and \" and \\ and ''"},
    "marks": {"words": "colon :name, 100 % %s %(x)s $1 {rows}; DROP TABLE thing"},
    "letters": {"words": "Grüße 😀\nline\ttab"},
    "looks like JSON": {"words": "[1, null]"},
    "number as text": {"words": 5},
    "list as text": {"words": ["it's", 1]},
}


@pytest.mark.parametrize("row", _VALUES.values(), ids=_VALUES)
def test_a_single_row_means_the_same_as_one_of_several(engine: Engine, row: dict[str, Any]) -> None:
    """PostgreSQL has it as parameters of their own."""
    with engine.begin() as connection:
        alone = [run_prepared(connection, (_ECHO, [row])) for _ in range(7)]  # beyond the fifth, by a generic plan
        with_another = run_prepared(connection, (_ECHO, [row, {"number": row.get("number"), "words": "another"}]))
        alone.append(_ECHO.fetch(connection, [row]))
    assert len(alone[0]) == 1
    assert alone == [alone[0]] * 8
    assert alone[0][0] in with_another


def test_a_single_row_that_is_named_twice(engine: Engine) -> None:
    statement = RowStatement(
        "SELECT a.n FROM (SELECT n FROM {rows}) AS a WHERE a.n IN (SELECT n FROM {rows})",
        n="integer",
    )
    with engine.begin() as connection:
        assert run_prepared(connection, (statement, [{"n": 7}])) == [(7,)]
        assert statement.fetch(connection, [{"n": 7}]) == [(7,)]
        assert sorted(run_prepared(connection, (statement, [{"n": 7}, {"n": 8}]))) == [(7,), (8,)]


def test_text_with_a_nul_character_is_refused(engine: Engine) -> None:
    """It would end the text of the statement; SQLite, which has no prepared form, cuts it."""
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no form for a single row")
    with engine.begin() as connection, pytest.raises(ValueError, match="NUL"):
        run_prepared(connection, (_ECHO, [{"number": 1, "words": "a\0b"}]))


def test_prepared_statements_with_further_parameters(engine: Engine) -> None:
    statement = RowStatement(
        "SELECT n + :more, :words FROM {rows} ORDER BY n LIMIT :most",
        {"more": "bigint", "most": "integer", "words": "text"},
        n="integer",
    )
    values = {"words": "it's 100 % :more", "more": 2**40, "most": 2}
    for rows in ([], [{"n": 3}], [{"n": n} for n in (3, 1, 2)]):
        with engine.begin() as connection:
            found = run_prepared(connection, (statement, rows, values))
            expected = sorted(row["n"] + 2**40 for row in rows)[:2]
            assert found == [(n, "it's 100 % :more") for n in expected]
            run_later(connection, (statement, rows, values))
            assert run_prepared(connection, (_ECHO, [{"number": 1}])) == [(1, None, None, None, None)]


def test_prepared_statements_outlive_a_rollback(engine: Engine) -> None:
    """Their changes are undone with the transaction; the next transaction can use them."""
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (name text PRIMARY KEY)"))
    with engine.connect() as connection, connection.begin() as transaction:
        assert run_prepared(connection, (_ADD, [{"name": "a"}])) == [("a",)]
        transaction.rollback()
    with engine.begin() as connection:
        assert run_prepared(connection, (_ALL, [{"n": 1}])) == []
        assert run_prepared(connection, (_ADD, [{"name": "b"}]), (_ALL, [{"n": 2}])) == [("b", 2)]


def test_prepared_statements_are_made_anew_on_a_new_connection(engine: Engine) -> None:
    """A connection that the server cut, or that was put away, takes its statements with it."""
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (name text PRIMARY KEY)"))
    for name in ("a", "b"):
        with engine.begin() as connection:
            assert run_prepared(connection, (_ADD, [{"name": name}])) == [(name,)]
        with engine.connect() as connection:
            connection.invalidate()


def test_copied_rows_come_through(engine: Engine) -> None:
    """Characters with a meaning for COPY (backslash, tab, line ends, its words for NULL and end) are plain text."""
    if engine.dialect.name != "postgresql":
        pytest.skip("COPY is PostgreSQL's")
    texts = ["", "plain", "\\", "\\N", "\\.", "a\tb", "a\nb", "a\r\nb", "\\t", "Grüße 😀 %s", "quote ' and \""]
    rows = [(number, words, words, 2**63 - 1) for number, words in enumerate(texts)]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (number integer PRIMARY KEY, a text, b text, big bigint)"))
        copy(connection, "thing", ("number", "a", "b", "big"), rows)
        copy(connection, "thing", ("number", "a", "b", "big"), [])
        assert [tuple(row) for row in connection.execute(sa.text("SELECT * FROM thing ORDER BY number"))] == rows


def test_a_row_that_cannot_be_copied_is_an_error_of_the_database(engine: Engine) -> None:
    """A row that is there already refuses all of them, as an IntegrityError like that of any statement."""
    if engine.dialect.name != "postgresql":
        pytest.skip("COPY is PostgreSQL's")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (number integer PRIMARY KEY)"))
        copy(connection, "thing", ("number",), [(1,)])
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        copy(connection, "thing", ("number",), [(2,), (1,)])
    with engine.begin() as connection:
        assert list(connection.execute(sa.text("SELECT number FROM thing")).scalars()) == [1]


def test_columns_are_those_of_the_table_with_their_types() -> None:
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    table = sa.Table(
        "thing",
        sa.MetaData(),
        sa.Column("name", key),
        sa.Column("count", sa.Integer),
        sa.Column("create_us", sa.BigInteger),
        sa.Column("open", sa.Boolean),
        sa.Column("share", sa.Double),
        sa.Column("picture", sa.LargeBinary),
    )
    assert columns_of(table, "create_us", "name") == {"create_us": "bigint", "name": "text"}
    assert columns_of(table, "open", "share", "count") == {
        "open": "boolean",
        "share": "double precision",
        "count": "integer",
    }
    with pytest.raises(TypeError, match="picture"):
        columns_of(table)
