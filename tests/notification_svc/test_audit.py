"""The audit of all services in one list: gathered once, filtered, exported, verified; for administrators alone."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
import sqlalchemy as sa
from csms.audit.v1 import audit_service_pb2 as pb
from csms.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem
from google.protobuf.struct_pb2 import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mesh.audit.chain import FIRST_HASH, ChainEntry, hash_of
from mesh.audit.entries import Content, change_of
from mesh.audit.linker import EVENT_TYPE
from mesh.runtime.times import SECOND_US, to_timestamp
from notification_svc import audit_store
from tests.notification_svc.rig import Notifications, item, refused, token
from tests.waiting import eventually

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

NOW_US = 1_760_000_000_000_000


def _content(number: int, **fields: Any) -> Content:
    given: dict[str, Any] = {
        "action": "csms.auth.v1.UserService/DeleteUser",
        "actor_kind": "USER",
        "actor": "ada",
        "resource_type": "user",
        "resource": f"u{number}",
    }
    return Content(**(given | fields))


def _chain(contents: Sequence[Content], *, source: str = "auth", tenant_id: str = "default") -> list[ChainEntry]:
    entries, previous_hash = [], FIRST_HASH
    for sequence, content in enumerate(contents, start=1):
        text, time_us = msgspec.json.encode(content).decode(), NOW_US + sequence * SECOND_US
        digest = hash_of(
            source=source,
            tenant_id=tenant_id,
            sequence=sequence,
            previous_hash=previous_hash,
            time_us=time_us,
            content=text,
        )
        entries.append(
            ChainEntry(
                entry_id=sequence,
                tenant_id=tenant_id,
                time_us=time_us,
                content=text,
                sequence=sequence,
                previous_hash=previous_hash,
                hash=digest,
            )
        )
        previous_hash = digest
    return entries


def _to_item(source: str, entry: ChainEntry) -> PublishEventItem:
    data = Struct()
    data.update(
        {
            "sequence": str(entry.sequence),
            "timeUs": str(entry.time_us),
            "previousHash": entry.previous_hash,
            "hash": entry.hash,
            "content": entry.content,
        }
    )
    return item(
        f"audit:{source}:{entry.sequence}", tenant_id=entry.tenant_id, type=EVENT_TYPE, source=source, data=data
    )


async def _gather(notifications: Notifications, chain: Sequence[ChainEntry], *, source: str = "auth") -> None:
    await notifications.publish(*(_to_item(source, entry) for entry in chain))


@pytest.fixture
async def audit(notifications: Notifications, stack: AsyncExitStack) -> "AuditServiceAsyncStub":
    """A stub for AuditService."""
    address = f"127.0.0.1:{notifications.service.operator_port}"
    return AuditServiceStub(await stack.enter_async_context(grpc.aio.insecure_channel(address)))


ADMIN = token(role="ADMINISTRATOR")


async def _list(audit: Any, **fields: Any) -> list[pb.AuditEntry]:
    response = await audit.ListAuditEntries(pb.ListAuditEntriesRequest(**fields), metadata=ADMIN)
    return list(response.audit_entries)


async def test_an_entry_is_gathered_once_and_is_no_event(notifications: Notifications, audit: Any) -> None:
    update = change_of(resource_type="user", resource="bob", before={"role": "VIEWER"}, after={"role": "OPERATOR"})
    assert update is not None
    chain = _chain([_by_ada(update), _content(2, outcome="LAST_ADMINISTRATOR", count=3)])
    await _gather(notifications, chain)
    await _gather(notifications, chain)
    await notifications.publish(item("e"))
    second, first = await _list(audit)
    assert (first.source, first.sequence, first.actor, first.credential_id) == ("auth", 1, "ada", "s1")
    assert (first.actor_kind, first.change) == (pb.ACTOR_KIND_USER, pb.AUDIT_CHANGE_UPDATE)
    assert (dict(first.before), dict(first.after)) == ({"role": "VIEWER"}, {"role": "OPERATOR"})
    assert first.time == to_timestamp(NOW_US + SECOND_US)
    assert (second.outcome, second.count, second.previous_hash) == ("LAST_ADMINISTRATOR", 3, first.hash)
    assert [event.event_id for event in await notifications.all()] == ["e"]


def _by_ada(content: Content) -> Content:
    """A content as a call of ada would leave it."""
    return msgspec.structs.replace(
        content, action="csms.auth.v1.UserService/X", actor_kind="USER", actor="ada", credential_id="s1"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('actor = "ada"', [3, 1]),
        ('actor_kind = "JOB"', [2]),
        ('on_behalf_of = "ada" OR outcome = "OK"', [3, 2, 1]),
        ('station_id = "CP1"', [2]),
        ('action = "csms.auth.v1.UserService/DeleteUser" AND resource = "u3"', [3]),
        ('change = "CREATE"', [3]),
        ('change = "UNSPECIFIED"', [2, 1]),
        ('time > "2025-10-09T08:53:21Z"', [3, 2]),
        ('source = "station"', []),
    ],
)
async def test_filters_select(notifications: Notifications, audit: Any, text: str, expected: list[int]) -> None:
    job = _content(2, action="rollout", actor_kind="JOB", actor="rollout", on_behalf_of="ada", station_id="CP1")
    await _gather(notifications, _chain([_content(1), job, _content(3, change="CREATE", after={})]))
    assert [entry.sequence for entry in await _list(audit, filter=text)] == expected


async def test_pages_hold_each_entry_once(notifications: Notifications, audit: Any) -> None:
    await _gather(notifications, _chain([_content(number) for number in range(5)]))
    await _gather(notifications, _chain([_content(9)], source="station"), source="station")
    found: list[tuple[str, int]] = []
    page_token = ""
    while True:
        request = pb.ListAuditEntriesRequest(page_size=2, page_token=page_token)
        page = await audit.ListAuditEntries(request, metadata=ADMIN)
        found += [(entry.source, entry.sequence) for entry in page.audit_entries]
        page_token = page.next_page_token
        if not page_token:
            break
    assert sorted(found) == [*(("auth", number) for number in range(1, 6)), ("station", 1)]


@pytest.mark.parametrize("role", ["VIEWER", "OPERATOR"])
async def test_only_administrators_read_the_audit(audit: Any, role: str) -> None:
    for method, request in (
        (audit.ListAuditEntries, pb.ListAuditEntriesRequest()),
        (audit.VerifyAudit, pb.VerifyAuditRequest()),
    ):
        with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
            await method(request, metadata=token(role=role))
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await audit.ExportAuditEntries(pb.ExportAuditEntriesRequest(), metadata=token(role=role)).read()


async def test_another_tenant_s_audit_is_not_there(notifications: Notifications, audit: Any) -> None:
    await _gather(notifications, _chain([_content(1)], tenant_id="other"))
    assert await _list(audit) == []
    verified = await audit.VerifyAudit(pb.VerifyAuditRequest(), metadata=ADMIN)
    # The chain of notification_svc has that this audit was read.
    assert {chain.source for chain in verified.chains} <= {"notification"}


async def test_an_export_has_a_line_for_each_entry_with_the_text_that_was_hashed(
    notifications: Notifications, audit: Any
) -> None:
    chain = _chain([_content(number) for number in range(1, 4)])
    await _gather(notifications, chain)
    call = audit.ExportAuditEntries(pb.ExportAuditEntriesRequest(filter='actor = "ada"'), metadata=ADMIN)
    bodies = [body async for body in call]
    assert {body.content_type for body in bodies} == {"application/x-ndjson"}
    lines = [json.loads(line) for line in b"".join(body.data for body in bodies).splitlines()]
    assert [(int(line["sequence"]), line["content"], line["hash"]) for line in lines] == [
        (entry.sequence, entry.content, entry.hash) for entry in chain
    ]


async def test_a_verification_names_what_is_wrong(notifications: Notifications, audit: Any) -> None:
    chain = _chain([_content(number) for number in range(1, 6)])
    changed = replace(chain[2], content=chain[2].content.replace("u3", "u4"))
    await _gather(notifications, [chain[0], chain[1], changed, chain[4]])
    await _gather(notifications, _chain([_content(1)], source="station"), source="station")
    response = await audit.VerifyAudit(pb.VerifyAuditRequest(), metadata=ADMIN)
    auth, station = response.chains
    assert (auth.source, auth.entry_count, auth.last_sequence, auth.last_hash) == ("auth", 4, 5, chain[4].hash)
    assert [(fault.kind, fault.sequence) for fault in auth.faults] == [
        (pb.AUDIT_FAULT_KIND_CHANGED, 3),
        (pb.AUDIT_FAULT_KIND_MISSING, 4),
    ]
    assert not station.faults


async def test_copies_are_guarded_and_removed_by_age(notifications: Notifications, audit: Any) -> None:
    await _gather(notifications, _chain([_content(number) for number in range(1, 5)]))
    for statement in ("UPDATE audit_record SET actor = 'x'", "DELETE FROM audit_record"):
        with pytest.raises(DBAPIError, match="audit entries are only appended"):
            await notifications.database.write(partial(_execute, statement=statement))
    before_us = NOW_US + 3 * SECOND_US
    removed = await notifications.database.write(
        lambda connection: audit_store.remove_old(connection, before_us=before_us, limit=100)
    )
    assert removed == 2
    [chain] = (await audit.VerifyAudit(pb.VerifyAuditRequest(), metadata=ADMIN)).chains
    assert (chain.first_sequence, chain.last_sequence, list(chain.faults)) == (3, 4, [])


async def test_a_tenant_s_records_are_erased_and_its_chains_go_on(notifications: Notifications, audit: Any) -> None:
    chain = _chain([_content(number) for number in range(1, 4)])
    await _gather(notifications, chain[:2])
    await _gather(notifications, _chain([_content(1)], tenant_id="other"))
    for left in (2, 0):
        erased = await notifications.database.write(partial(audit_store.erase_tenant, tenant_id="default"))
        assert erased == left
    await _gather(notifications, chain[2:])
    [verified] = (await audit.VerifyAudit(pb.VerifyAuditRequest(), metadata=ADMIN)).chains
    assert (verified.first_sequence, verified.last_sequence, list(verified.faults)) == (3, 3, [])


def _execute(connection: Connection, *, statement: str) -> None:
    connection.execute(sa.text(statement))


async def test_refused_calls_and_reads_of_the_audit_are_audited_here(notifications: Notifications, audit: Any) -> None:
    """Counted, so that a caller who repeats a call does not fill the table."""
    for _ in range(3):
        with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
            await audit.ListAuditEntries(pb.ListAuditEntriesRequest(), metadata=token())

    async def found() -> list[pb.AuditEntry]:
        return await _list(audit, filter='source = "notification" AND outcome = "ROLE_TOO_LOW"')

    [*_, first] = await eventually(found)
    assert (first.action, first.actor) == ("csms.audit.v1.AuditService/ListAuditEntries", "someone")
    reads = await eventually(lambda: _list(audit, filter='source = "notification" AND outcome = "OK"'))
    assert reads[0].resource_type == ""


async def test_something_else_than_an_entry_is_refused(notifications: Notifications) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await notifications.publish(item("x", type=EVENT_TYPE))


async def test_events_have_their_actor(notifications: Notifications) -> None:
    await notifications.publish(item("a", actor="user:ada"), item("b"))
    assert [(event.event_id, event.actor) for event in await notifications.all()] == [("a", "user:ada"), ("b", "")]
    assert [event.event_id for event in await notifications.all(filter='actor = "user:ada"')] == ["a"]
