"""LocalListService: local lists as operators see them, between protobuf and rows."""

import secrets
from bisect import bisect_right
from functools import partial

from csms.station.v1 import local_list_service_pb2 as pb
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceServicer
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.database import pages
from mesh.database.engine import Database
from mesh.database.filters import choice
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.list_store import condition_of
from station_svc.core.lists import storable
from station_svc.features.local_lists import store
from station_svc.features.local_lists.hooks import to_message
from station_svc.features.local_lists.sync import SyncRequest, request_sync

_MOST_DROPPED = 100
_SYNC_STATE = choice(dict(pb.LocalListSyncState.items()), "LOCAL_LIST_SYNC_STATE_")


class LocalListServicer(LocalListServiceServicer):
    """Serves operators. A station of another tenant is not there for them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def GetLocalList(self, request: pb.GetLocalListRequest, context: Context) -> pb.GetLocalListResponse:
        """Reads what is known of a station's list."""
        del context
        row = await self._read(request.station_id)
        message = _to_message(row)
        message.left_out_tokens.extend(
            pb.LeftOutToken(id_token=one.id_token, reason=pb.LeftOutReason.ValueType(one.reason))
            for one in row.dropped_tokens[:_MOST_DROPPED]
        )
        return pb.GetLocalListResponse(local_list=message)

    async def ListLocalLists(self, request: pb.ListLocalListsRequest, context: Context) -> pb.ListLocalListsResponse:
        """Lists what is known of stations' lists, by station."""
        del context
        tenant_id = current_caller().tenant_id
        condition = condition_of(
            request.filter,
            store.filters(_SYNC_STATE),
            tenant_id=tenant_id,
            station_id=store.STATION_ID,
            scope=current_scope(),
        )
        page = pages.page_of(request, (str,), binding=request.filter, condition=condition)
        found = await self._database.read(partial(store.list_lists, tenant_id=tenant_id, page=page))
        rows, token = page.cut(found, lambda row: (row.station_id,))
        return pb.ListLocalListsResponse(local_lists=map(_to_message, rows), next_page_token=token)

    async def ListLocalListEntries(
        self, request: pb.ListLocalListEntriesRequest, context: Context
    ) -> pb.ListLocalListEntriesResponse:
        """Lists what a station is believed to hold, by token."""
        del context
        page = pages.page_of(request, (str,), binding=request.station_id, default=200)
        held = (await self._read(request.station_id)).held or {}
        entries = sorted(held.values(), key=lambda entry: entry.key)
        start = 0 if page.after is None else bisect_right(entries, page.after[0], key=lambda entry: entry.key)
        rows, token = page.cut(entries[start : start + page.limit], lambda entry: (entry.key,))
        return pb.ListLocalListEntriesResponse(entries=map(to_message, rows), next_page_token=token)

    async def SyncLocalList(self, request: pb.SyncLocalListRequest, context: Context) -> pb.SyncLocalListResponse:
        """Queues the job that sends the list."""
        del context
        request_id = request.request_id or secrets.token_hex(16)
        caller = current_caller()
        asked = SyncRequest(
            tenant_id=caller.tenant_id,
            station_id=storable(request.station_id),
            username=caller.username,
            request_id=request_id,
            full=request.full,
        )
        row = await self._database.write(partial(_ask, asked=asked, now_us=self._clock()))
        return pb.SyncLocalListResponse(request_id=request_id, local_list=_to_message(row))

    async def _read(self, station_id: str) -> store.LocalListRow:
        read = partial(store.read, tenant_id=current_caller().tenant_id, station_id=storable(station_id))
        return await self._database.read(read)


def _ask(connection: Connection, *, asked: SyncRequest, now_us: int) -> store.LocalListRow:
    request_sync(connection, asked, now_us)
    return store.read(connection, asked.tenant_id, asked.station_id)


def _to_message(row: store.LocalListRow) -> pb.LocalList:
    message = pb.LocalList(
        station_id=row.station_id,
        version_number=row.version,
        entry_count=row.known_count,
        sync_state=pb.LocalListSyncState.ValueType(row.sync_state),
        request_id=row.request_id,
        left_out_count=len(row.dropped_tokens),
    )
    if row.request_us is not None:
        message.request_time.CopyFrom(to_timestamp(row.request_us))
    if row.sync_us is not None:
        message.sync_time.CopyFrom(to_timestamp(row.sync_us))
    if row.error is not None:
        message.error.CopyFrom(status_pb2.Status.FromString(row.error))
    return message
