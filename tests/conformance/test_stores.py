"""A rule of docs/ARCHITECTURE.md that import-linter cannot hold, since it is about calls: SQL stands in stores."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "station_svc", "transaction_svc", "auth_svc", "notification_svc")
# SQLAlchemy's functions that make a statement, the methods that send one, and our own functions that do either.
_MAKING = frozenset({"delete", "insert", "select", "text", "update"})
_SENDING = frozenset({"exec_driver_sql", "execute"})
_OWN = frozenset({"RowStatement", "run_prepared"})


def _modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def _sql(tree: ast.Module) -> set[str]:
    """The calls of a module that make or send SQL: `sa.select(…)`, `connection.execute(…)`, `RowStatement(…)`."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in _OWN:
            found.add(node.func.id)
        elif isinstance(node.func, ast.Attribute):
            of, name = node.func.value, node.func.attr
            is_sqlalchemy = isinstance(of, ast.Name) and of.id in {"sa", "postgresql", "sqlite"}
            if name in _SENDING or (is_sqlalchemy and name in _MAKING):
                found.add(ast.unparse(node.func))
    return found


def _may_have_sql(path: str) -> bool:
    """Stores; and tables, whose defaults and indexes are SQL."""
    return path.endswith(("store.py", "models.py", "columns.py")) or "/migrations/" in path


@pytest.mark.parametrize("service", SERVICES)
def test_sql_stands_in_stores(service: str) -> None:
    """A query is found, and an index explained, by reading these files."""
    found = {path: _sql(tree) for path, tree in _modules(service) if not _may_have_sql(path)}
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_sql_is_found() -> None:
    """In each of the forms that the services use; a dictionary's `update` is none."""
    code = """
    sa.select(one); connection.execute(query); RowStatement(words); run_prepared(connection, one); values.update(more)
    """
    assert _sql(ast.parse(code.strip())) == {"sa.select", "connection.execute", "RowStatement", "run_prepared"}
