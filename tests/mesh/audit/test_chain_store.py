"""Audit entries in a database: appended with the change, linked by one writer, guarded, removed by age."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mesh.audit import chain_store, entries
from mesh.audit.chain import ChainEntry, Verifier
from mesh.audit.linker import Linker
from mesh.database.engine import Database
from mesh.identity.acting import Acting, Actor, ActorKind, acting_as
from mesh.runtime.times import DAY_US

NOW_US = 1_760_000_000_000_000


def _nothing(_connection: Connection, _source: str, _linked: Sequence[ChainEntry]) -> None:
    pass


def _linker(database: Database) -> Linker:
    return Linker(database=database, source="notification", pass_on=_nothing)


def _act(connection: Connection, *, tenant_id: str = "default", resource: str = "ada", time_us: int = NOW_US) -> None:
    entries.acted(connection, tenant_id=tenant_id, resource_type="user", resource=resource, time_us=time_us)


async def _verify(database: Database) -> Sequence[Verifier]:
    return await database.read(partial(chain_store.verify_all, source="notification"))


async def _without_guards(database: Database, statement: str) -> None:
    """Changes what the triggers guard, as an owner of the database may."""

    def change(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        else:
            for name in ("audit_entry_no_update", "audit_entry_no_delete"):
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        connection.execute(sa.text(statement))

    await database.write(change)


async def test_an_entry_is_there_with_its_change_or_not_at_all(database: Database) -> None:
    def fail(connection: Connection) -> None:
        _act(connection)
        raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError, match="the change fails"):
        await database.write(fail)
    assert await _linker(database).link_all() == 0
    await database.write(_act)
    assert await _linker(database).link_all() == 1


async def test_entries_have_a_chain_for_each_tenant(database: Database) -> None:
    for tenant_id in ("a", "b", "a", "a"):
        await database.write(partial(_act, tenant_id=tenant_id))
    assert await _linker(database).link_all() == 4
    assert [(one.tenant_id, one.sequence, one.faults) for one in await _verify(database)] == [
        ("a", 3, []),
        ("b", 1, []),
    ]
    await database.write(partial(_act, tenant_id="b"))
    assert await _linker(database).link_all() == 1
    assert [(one.tenant_id, one.sequence, one.faults) for one in await _verify(database)] == [
        ("a", 3, []),
        ("b", 2, []),
    ]


async def test_two_linkers_give_no_place_twice(database: Database) -> None:
    for _ in range(20):
        await database.write(_act)
    linked = [await _linker(database).link_all(), await _linker(database).link_all()]
    assert sum(linked) == 20
    [verified] = await _verify(database)
    assert (verified.count, verified.faults) == (20, [])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET content = '{}'",
        "UPDATE audit_entry SET time_us = 1",
        "UPDATE audit_entry SET tenant_id = 'other'",
        "UPDATE audit_entry SET hash = 'x' WHERE sequence IS NOT NULL",
        "UPDATE audit_entry SET sequence = NULL WHERE sequence IS NOT NULL",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE sequence IS NULL",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET sequence = 0 WHERE tenant_id = 'default'",
        "UPDATE audit_head SET removed_through = 9 WHERE tenant_id = 'default'",
    ],
)
async def test_the_database_refuses_to_change_or_remove_entries(database: Database, statement: str) -> None:
    await database.write(_act)
    await _linker(database).link_all()
    await database.write(_act)
    with pytest.raises(DBAPIError, match="audit entries are only appended"):
        await database.write(lambda connection: connection.execute(sa.text(statement)))


async def test_postgresql_refuses_to_empty_the_table(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DBAPIError, match="audit entries are only appended"):
        await database.write(lambda connection: connection.execute(sa.text("TRUNCATE audit_entry")))


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        ("UPDATE audit_entry SET content = replace(content, 'ada', 'bob') WHERE sequence = 3", [("CHANGED", 3)]),
        ("DELETE FROM audit_entry WHERE sequence IN (2, 3)", [("MISSING", 2)]),
        ("DELETE FROM audit_entry WHERE sequence = 5", [("CUT", 5)]),
        ("DELETE FROM audit_entry", [("CUT", 1)]),
    ],
)
async def test_the_verification_finds_what_an_owner_of_the_database_did(
    database: Database, statement: str, faults: list[tuple[str, int]]
) -> None:
    for _ in range(5):
        await database.write(_act)
    await _linker(database).link_all()
    await _without_guards(database, statement)
    [verified] = await _verify(database)
    found = [(fault.kind, fault.sequence) for fault in verified.faults]
    assert [one for one in found if one[0] != "REORDERED"] == faults


async def test_old_entries_are_removed_and_the_rest_is_a_chain(database: Database) -> None:
    for day in range(6):
        await database.write(partial(_act, time_us=NOW_US + day * DAY_US))
    await _linker(database).link_all()
    remove: Callable[[Connection], int] = partial(chain_store.remove_old, before_us=NOW_US + 3 * DAY_US, limit=2)
    assert [await database.write(remove) for _ in range(3)] == [2, 1, 0]
    [verified] = await _verify(database)
    assert (verified.first_sequence, verified.sequence, verified.faults) == (4, 6, [])


async def test_a_tenant_is_erased_and_its_chain_goes_on(database: Database) -> None:
    for tenant_id in ("a", "b", "a"):
        await database.write(partial(_act, tenant_id=tenant_id))
    await _linker(database).link_all()
    assert await database.write(partial(chain_store.erase_tenant, tenant_id="a")) == 2
    assert await database.write(partial(chain_store.erase_tenant, tenant_id="a")) == 0
    await database.write(partial(_act, tenant_id="a"))
    await _linker(database).link_all()
    verified = {one.tenant_id: (one.count, one.sequence, one.faults) for one in await _verify(database)}
    assert verified == {"a": (1, 3, []), "b": (1, 1, [])}


async def test_an_entry_names_who_acts_from_where_and_on_whose_behalf(database: Database) -> None:
    actor = Actor(kind=ActorKind.JOB, name="rollout", credential_id="j1", on_behalf_of="ada")
    acting = Acting(action="rollout", actor=actor, address="192.0.2.1", request_id="r1", user_agent="curl")
    with acting_as(acting):
        await database.write(_act)
    assert acting.entries == 1
    await _linker(database).link_all()
    [entry] = await database.read(lambda connection: list(chain_store.read_chain(connection, "default")))
    content = entries.decode(entry.content)
    assert (content.actor_kind, content.actor, content.credential_id) == ("JOB", "rollout", "j1")
    assert (content.on_behalf_of, content.address, content.request_id) == ("ada", "192.0.2.1", "r1")
    assert (content.user_agent, content.action, content.outcome) == ("curl", "rollout", "OK")


async def test_secrets_in_details_are_masked_and_long_details_cut(database: Database) -> None:
    secret = "s3cr3t-of-the-tests"
    details = {
        "variables": [{"variable": "AuthorizationKey", "value": secret}],
        "location": f"ftp://user:{secret}@example.org/x",
        "payload": {"key": "AuthorizationKey", "value": secret},
    }

    def act(connection: Connection) -> None:
        entries.acted(connection, tenant_id="a", resource_type="command", resource="1", details=details)
        entries.acted(
            connection, tenant_id="a", resource_type="command", resource="2", details={"payload": "x" * 10_000}
        )

    await database.write(act)
    texts = await database.read(
        lambda connection: (
            connection.execute(sa.text("SELECT content FROM audit_entry ORDER BY entry_id")).scalars().all()
        )
    )
    assert secret not in texts[0]
    assert entries.decode(texts[1]).details == {"truncatedFields": ["payload"]}
