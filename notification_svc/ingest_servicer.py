"""EventIngestService: the services' relays deliver events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem, PublishEventsRequest, PublishEventsResponse
from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceServicer
from sqlalchemy import Connection

from mesh.audit.chain import ChainEntry
from mesh.audit.entries import decode
from mesh.audit.linker import EVENT_TYPE as AUDIT_TYPE
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock, from_timestamp
from notification_svc import audit_store, store

MAX_ITEMS = 256
# In bytes of UTF-8. On PostgreSQL what an index holds of a row must stay below 2,704 of them.
MAX_TENANT_ID = 255
MAX_EVENT_ID = 2000
MAX_STATION_ID = 1100
MAX_WORD = 255


Announce = Callable[[Mapping[str, int]], None]
"""Is called after a commit with the latest cursors of streams."""


class IngestServicer(EventIngestServiceServicer):
    """EventIngestService. Each of `announce` is called after each commit."""

    def __init__(self, *, database: Database, clock: Clock, announce: Sequence[Announce]) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce

    async def PublishEvents(self, request: PublishEventsRequest, context: Context) -> PublishEventsResponse:
        """Stores events, with two statements for any number of them, and audit entries, which are none."""
        if len(request.items) > MAX_ITEMS:
            raise invalid_field("items", f"there are {len(request.items)}, and {MAX_ITEMS} are the most")
        items = [(item, f"items[{index}]") for index, item in enumerate(request.items)]
        await self._keep_audit([pair for pair in items if pair[0].event.type == AUDIT_TYPE])
        events = _distinct(_read(item, path) for item, path in items if item.event.type != AUDIT_TYPE)
        if events:
            now_us = self._clock()
            heads = await self._database.write(lambda connection: store.add(connection, events, now_us=now_us))
            for announce in self._announce:
                announce(heads)
        return PublishEventsResponse()

    async def _keep_audit(self, items: Sequence[tuple[PublishEventItem, str]]) -> None:
        """Stores audit entries, which the linkers of services put into their outboxes (mesh/audit/linker.py)."""
        by_source: dict[str, list[ChainEntry]] = {}
        for item, path in items:
            by_source.setdefault(item.event.source, []).append(_read_entry(item, path))
        if by_source:
            await self._database.write(partial(_add_entries, by_source=by_source))


def _distinct(events: Iterable[store.NewEvent]) -> Sequence[store.NewEvent]:
    """Without what comes twice in one batch: the first of the same id counts."""
    by_id: dict[tuple[str, str], store.NewEvent] = {}
    for event in events:
        by_id.setdefault((event.tenant_id, event.event_id), event)
    return tuple(by_id.values())


def _read(item: PublishEventItem, path: str) -> store.NewEvent:
    event = item.event
    _check_text(item.tenant_id, f"{path}.tenant_id", most=MAX_TENANT_ID)
    _check_text(event.event_id, f"{path}.event.event_id", most=MAX_EVENT_ID)
    _check_text(event.type, f"{path}.event.type", most=MAX_WORD)
    _check_text(event.source, f"{path}.event.source", most=MAX_WORD)
    _check_text(event.station_id, f"{path}.event.station_id", least=0, most=MAX_STATION_ID)
    _check_text(event.actor, f"{path}.event.actor", least=0, most=MAX_STATION_ID)
    return store.NewEvent(
        tenant_id=item.tenant_id,
        event_id=event.event_id,
        type=event.type,
        source=event.source,
        station_id=event.station_id,
        event_time_us=from_timestamp(event.event_time),
        data=event.data.SerializeToString(),
        actor=event.actor,
    )


def _add_entries(connection: Connection, *, by_source: Mapping[str, Sequence[ChainEntry]]) -> None:
    for source, entries in sorted(by_source.items()):
        audit_store.add(connection, source, entries)


def _read_entry(item: PublishEventItem, path: str) -> ChainEntry:
    """A linked audit entry. Raises MeshError INVALID_FIELD where it is none."""
    _check_text(item.tenant_id, f"{path}.tenant_id", most=MAX_TENANT_ID)
    _check_text(item.event.source, f"{path}.event.source", most=MAX_WORD)
    fields = item.event.data.fields
    try:
        decode(fields["content"].string_value)
        return ChainEntry(
            entry_id=0,
            tenant_id=item.tenant_id,
            time_us=int(fields["timeUs"].string_value),
            content=fields["content"].string_value,
            sequence=int(fields["sequence"].string_value),
            previous_hash=fields["previousHash"].string_value,
            hash=fields["hash"].string_value,
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise invalid_field(f"{path}.event.data", "is no audit entry") from error


def _check_text(text: str, path: str, *, most: int, least: int = 1) -> None:
    if not least <= len(text.encode()) <= most or not is_storable(text):
        raise invalid_field(path, f"{least} to {most} bytes are needed, and no NUL")
