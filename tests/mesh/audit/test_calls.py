"""Calls that leave no entry in a transaction: counted together, bounded, stored at once and at the end."""

from typing import Any

import grpc
import pytest
from csms.options.v1 import options_pb2

from mesh.audit import calls, chain_store
from mesh.audit.calls import CallAudit
from mesh.audit.entries import Content, decode
from mesh.audit.linker import Linker
from mesh.database.engine import Database
from mesh.identity.acting import Acting, begin_acting, note_resource
from mesh.identity.callers import Caller, Role, set_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

ADA = Caller(username="ada", tenant_id="t", role=Role.VIEWER, session_id="s1", expires_s=2**31)
DENIED = MeshError(grpc.StatusCode.PERMISSION_DENIED, Reason.ROLE_TOO_LOW, "no")
WRONG = MeshError(grpc.StatusCode.UNAUTHENTICATED, Reason.WRONG_CREDENTIALS, "no")
AWAY = MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")


async def _entries(database: Database, audit: CallAudit, tenant_id: str = "t") -> list[Content]:
    await audit.refused.flush()
    await audit.reads.flush()
    await Linker(database=database, source="notification", pass_on=lambda *_given: None).link_all()
    chain = await database.read(lambda connection: list(chain_store.read_chain(connection, tenant_id)))
    return [decode(entry.content) for entry in chain]


def _call(**fields: Any) -> Acting:
    acting = Acting(action="csms.auth.v1.UserService/DeleteUser", address="192.0.2.1", **fields)
    begin_acting(acting)
    return acting


async def test_equal_refusals_are_one_entry_with_their_number(database: Database) -> None:
    audit = CallAudit(database=database)
    set_caller(ADA)
    for number in range(5):
        audit.ended(_call(request_id=f"r{number}"), options_pb2.AUDIT_NONE, DENIED)
    [entry] = await _entries(database, audit)
    assert (entry.actor, entry.credential_id, entry.address) == ("ada", "s1", "192.0.2.1")
    assert (entry.outcome, entry.count, entry.request_id) == ("ROLE_TOO_LOW", 5, "r0")


async def test_a_failed_login_names_the_user_where_there_is_one(database: Database) -> None:
    audit = CallAudit(database=database)
    set_caller(None)
    acting = _call()
    note_resource("user", "ada", tenant_id="t")
    audit.ended(acting, options_pb2.AUDIT_CHANGE, WRONG)
    audit.ended(_call(), options_pb2.AUDIT_CHANGE, WRONG)
    [known] = await _entries(database, audit)
    assert (known.actor_kind, known.resource_type, known.resource) == ("ANONYMOUS", "user", "ada")
    [unknown] = await _entries(database, audit, calls.DEFAULT_TENANT)
    assert (unknown.actor_kind, unknown.resource, unknown.outcome) == ("ANONYMOUS", "", "WRONG_CREDENTIALS")


async def test_calls_that_say_nothing_leave_nothing(database: Database) -> None:
    """Successful ones have their own entries, reads of the usual kind none, and an outage is nobody's refusal."""
    audit = CallAudit(database=database)
    set_caller(ADA)
    audit.ended(_call(), options_pb2.AUDIT_CHANGE, None)
    audit.ended(_call(), options_pb2.AUDIT_NONE, None)
    audit.ended(_call(), options_pb2.AUDIT_NONE, WRONG)
    audit.ended(_call(), options_pb2.AUDIT_CHANGE, AWAY)
    failed_later = _call()
    failed_later.entries = 2
    audit.ended(failed_later, options_pb2.AUDIT_CHANGE, WRONG)
    assert await _entries(database, audit) == []


async def test_sensitive_reads_are_counted_by_caller(database: Database) -> None:
    audit = CallAudit(database=database)
    set_caller(ADA)
    for _ in range(3):
        audit.ended(_call(), options_pb2.AUDIT_SENSITIVE_READ, None)
    [entry] = await _entries(database, audit)
    assert (entry.actor, entry.outcome, entry.count) == ("ada", "OK", 3)


async def test_an_attack_fills_neither_memory_nor_table(database: Database) -> None:
    audit = CallAudit(database=database)
    set_caller(ADA)
    for number in range(10 * calls.MOST_KEYS):
        acting = _call()
        acting.address = f"2001:db8::{number}"
        audit.ended(acting, options_pb2.AUDIT_NONE, DENIED)
    found = await _entries(database, audit)
    assert len(found) == calls.MOST_KEYS + 1
    assert sum(entry.count for entry in found) == 10 * calls.MOST_KEYS
    assert {entry.action for entry in found if entry.count > 1} == {calls.OTHERS}


async def test_counts_wait_for_the_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = CallAudit(database=database)
    set_caller(ADA)
    audit.ended(_call(), options_pb2.AUDIT_NONE, DENIED)

    async def unavailable(_work: object) -> None:
        audit.ended(_call(), options_pb2.AUDIT_NONE, DENIED)
        raise AWAY

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", unavailable)
        with pytest.raises(MeshError):
            await audit.refused.flush()
    [entry] = await _entries(database, audit)
    assert entry.count == 2
