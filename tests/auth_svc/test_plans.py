"""On PostgreSQL an id token is found by its index, whatever is known of the table when the plan is made and kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

import auth_svc.migrations
from auth_svc import id_token_store
from mesh.database.engine import make_engine
from mesh.database.migrate import upgrade

_TOKENS = """
    INSERT INTO id_token (tenant_id, token_key, match_key, id_token, type, status, group_id_token, display_name,
                          create_us, update_us)
    SELECT 'default', 'tag' || n, 'tag' || n, 'TAG' || n, '', 'Accepted', '', '', 1, 1
    FROM generate_series(1, 1000) AS n
"""
_ASKED: list[dict[str, Any]] = [{"tenant_id": "default", "match_key": f"tag{n}"} for n in (7, 8)]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with auth_svc's schema."""
    engine = make_engine(database_url, "auth")
    upgrade(engine, auth_svc.migrations, "auth")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("known", ["empty", "young", "analyzed"])
@pytest.mark.parametrize("count", [1, 2], ids=["one token", "several"])
def test_tokens_are_found_by_their_index(engine: Engine, known: str, count: int) -> None:
    """A batch of Authorize does not read all tokens, as a hash join would in a fleet of some thousand."""
    with engine.connect() as connection, connection.begin():
        if known != "empty":
            connection.exec_driver_sql(_TOKENS)
        if known == "analyzed":
            connection.exec_driver_sql("ANALYZE id_token")
        form, (values,) = id_token_store._FIND_STATUSES.prepared(connection, _ASKED[:count])
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        execute = form % values.getquoted().decode()
        (tree,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {execute}").scalar_one()
    nodes, waiting = [], [tree["Plan"]]
    while waiting:
        nodes.append(waiting.pop())
        waiting.extend(nodes[-1].get("Plans", ()))
    [scan] = [node for node in nodes if node.get("Relation Name") == "id_token"]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", "id_token_by_match")
    assert "match_key" in scan["Index Cond"]
