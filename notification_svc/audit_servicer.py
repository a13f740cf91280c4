"""AuditService: administrators list, export and verify the audit of all services."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from csms.audit.v1 import audit_service_pb2 as pb
from csms.audit.v1.audit_service_pb2_grpc import AuditServiceServicer
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToJson
from google.protobuf.struct_pb2 import Struct

from mesh.audit.chain import Verifier
from mesh.audit.entries import decode
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import to_timestamp
from notification_svc import audit_store

_PAGE_KEY = (int, str, int)
_EXPORT_CHUNK = 200
_LINES = "application/x-ndjson"
# Before the first record: times are positive.
_FROM_THE_START = (0, "", 0)


class AuditServicer(AuditServiceServicer):
    """AuditService. An entry of another tenant does not exist for a caller."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        """Lists entries, newest first."""
        del context
        tenant_id = current_caller().tenant_id
        condition = to_condition(request.filter, _FILTERS)
        page = page_of(request, _PAGE_KEY, binding=request.filter, condition=condition)
        rows = await self._database.read(lambda connection: audit_store.list_records(connection, tenant_id, page))
        rows, token = page.cut(
            rows, lambda row: (row.time_us, row.source, row.sequence), text=lambda row: str(row.content)
        )
        return pb.ListAuditEntriesResponse(audit_entries=map(_to_message, rows), next_page_token=token)

    async def ExportAuditEntries(
        self, request: pb.ExportAuditEntriesRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams entries, oldest first, some hundred lines in a message."""
        del context
        tenant_id = current_caller().tenant_id
        condition = to_condition(request.filter, _FILTERS)
        after = _FROM_THE_START
        while True:
            read = partial(
                audit_store.export_records,
                tenant_id=tenant_id,
                after=after,
                condition=condition,
                limit=_EXPORT_CHUNK,
            )
            rows = await self._database.read(read)
            if rows:
                lines = "".join(f"{_to_line(row)}\n" for row in rows)
                yield HttpBody(content_type=_LINES, data=lines.encode())
                after = (rows[-1].time_us, rows[-1].source, rows[-1].sequence)
            elif after == _FROM_THE_START:  # else the front door takes the answer of an empty export as JSON
                yield HttpBody(content_type=_LINES)
            if len(rows) < _EXPORT_CHUNK:
                return

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: Context) -> pb.VerifyAuditResponse:
        """Verifies the copies of the tenant's chains."""
        del request, context
        tenant_id = current_caller().tenant_id
        found = await self._database.read(lambda connection: audit_store.verify(connection, tenant_id))
        return pb.VerifyAuditResponse(chains=map(_to_chain, found))


def _word(names: Mapping[str, int], prefix: str) -> Callable[[str], str]:
    """Reads the name of an enumeration's value as it is stored: without the prefix, and nothing for UNSPECIFIED."""

    def convert(text: str) -> str:
        word = text.upper().removeprefix(prefix)
        if prefix + word not in names:
            raise ValueError(f"one of {', '.join(name.removeprefix(prefix) for name in names)} is needed")
        return "" if word == "UNSPECIFIED" else word

    return convert


_FILTERS = audit_store.record_filters(
    actor_kind=_word(dict(pb.ActorKind.items()), "ACTOR_KIND_"),
    change=_word(dict(pb.AuditChange.items()), "AUDIT_CHANGE_"),
)


def _to_message(row: Any) -> pb.AuditEntry:
    content = decode(row.content)
    entry = pb.AuditEntry(
        source=row.source,
        sequence=row.sequence,
        time=to_timestamp(row.time_us),
        actor_kind=_number(pb.ActorKind, "ACTOR_KIND_", content.actor_kind),
        change=_number(pb.AuditChange, "AUDIT_CHANGE_", content.change),
        count=content.count,
        previous_hash=row.previous_hash,
        hash=row.hash,
        **{name: getattr(content, name) for name in _TEXTS},
    )
    for name in ("before", "after", "details"):
        values = getattr(content, name)
        if values is not None:
            struct: Struct = getattr(entry, name)
            struct.SetInParent()
            struct.update(values)
    return entry


_TEXTS = (
    "actor",
    "credential_id",
    "on_behalf_of",
    "address",
    "request_id",
    "user_agent",
    "action",
    "resource_type",
    "resource",
    "station_id",
    "outcome",
)


def _number(enum: Any, prefix: str, word: str) -> Any:
    """The value of a stored word; UNSPECIFIED for one of a later release."""
    return dict(enum.items()).get(prefix + word, 0)


def _to_line(row: Any) -> str:
    entry = _to_message(row)
    entry.content = row.content
    return MessageToJson(entry, indent=None, ensure_ascii=False)


def _to_chain(verified: Verifier) -> pb.AuditChain:
    faults = [
        pb.AuditFault(
            kind=_number(pb.AuditFaultKind, "AUDIT_FAULT_KIND_", fault.kind),
            sequence=fault.sequence,
            message=fault.message,
        )
        for fault in verified.faults
    ]
    return pb.AuditChain(
        source=verified.source,
        entry_count=verified.count,
        first_sequence=verified.first_sequence,
        last_sequence=verified.sequence,
        last_hash=verified.hash,
        faults=faults,
    )
