"""The acknowledgements of conditions follow from the audit of notification_svc alone."""

from typing import Any

import pytest
import sqlalchemy as sa

from mesh.audit.replay import Key, replay
from notification_svc import condition_store
from notification_svc.models import condition_acknowledgement
from tests.audited import contents, linked_entries
from tests.replayed import expect_actions, expect_each_fault_found, expect_each_method
from tests.scopes.rig import ScopedMesh
from tests.scopes.test_conditions import Conditions

METHODS = ("ConditionService/AcknowledgeCondition", "ConditionService/UnacknowledgeCondition")


def test_each_method_that_changes_something_is_replayed() -> None:
    expect_each_method("notification", METHODS, {})


async def test_acknowledgements_follow_from_the_audit_alone(
    scoped_mesh: ScopedMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that are forgotten, since there are too many or they are old, and are made again."""
    conditions = Conditions(scoped_mesh)
    first, second = await conditions.all()
    await conditions.acknowledge(first, comment="mine")
    await conditions.unacknowledge(first)
    await _expect_same_state(scoped_mesh)
    monkeypatch.setattr(condition_store, "MOST", 1)
    for one in (first, second, first):
        scoped_mesh.clock.advance(1)
        await conditions.acknowledge(one)
        await _expect_same_state(scoped_mesh)
    database, now_us = scoped_mesh.databases["notification"], scoped_mesh.clock()
    await database.write(lambda connection: condition_store.remove_old(connection, before_us=now_us + 1, limit=10))
    await conditions.acknowledge(first)
    chain = await _expect_same_state(scoped_mesh)
    expect_actions(chain, METHODS)
    expect_each_fault_found("notification", chain, "default")


async def _expect_same_state(mesh: ScopedMesh) -> Any:
    database = mesh.databases["notification"]
    chain = await linked_entries(database, "notification")
    query = sa.select(condition_acknowledgement)
    rows = await database.read(lambda connection: connection.execute(query).all())
    state: dict[Key, dict[str, Any]] = {
        ("condition", row.condition_id): {
            "actor": row.actor,
            "comment": row.comment,
            "acknowledgeUs": row.acknowledge_us,
        }
        for row in rows
    }
    assert replay(contents(chain)) == state
    return chain
