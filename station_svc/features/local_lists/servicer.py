"""LocalListService: local lists as operators see them, between protobuf and rows."""

import secrets
from bisect import bisect_right
from functools import partial

from csms.station.v1 import local_list_service_pb2 as pb
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceServicer
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database import pages
from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, current_caller
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.lists import storable
from station_svc.core.station_store import not_found
from station_svc.features.local_lists import store
from station_svc.features.local_lists.hooks import to_message
from station_svc.features.local_lists.sync import new_job
from station_svc.jobs import store as job_store

_MOST_DROPPED = 100


class LocalListServicer(LocalListServiceServicer):
    """Serves operators. A station of another tenant is not there for them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def GetLocalList(self, request: pb.GetLocalListRequest, context: Context) -> pb.GetLocalListResponse:
        """Reads what is known of a station's list."""
        del context
        return pb.GetLocalListResponse(local_list=_to_message(await self._read(request.station_id)))

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
        ask = partial(_ask, caller=current_caller(), request=request, request_id=request_id, now_us=self._clock())
        row = await self._database.write(ask)
        return pb.SyncLocalListResponse(request_id=request_id, local_list=_to_message(row))

    async def _read(self, station_id: str) -> store.LocalListRow:
        read = partial(store.read, tenant_id=current_caller().tenant_id, station_id=storable(station_id))
        return await self._database.read(read)


def _ask(
    connection: Connection, *, caller: Caller, request: pb.SyncLocalListRequest, request_id: str, now_us: int
) -> store.LocalListRow:
    """Notes the request, and queues the job where none waits. The job is locked first, as its end does too."""
    station_id = storable(request.station_id)
    waiting = job_store.lock_unique_key(connection, caller.tenant_id, store.unique_key(station_id))
    row = store.lock(connection, caller.tenant_id, station_id)
    if row is None:
        raise not_found(station_id)
    if row.request_id != request_id:  # else it is repeated: it was noted the first time
        store.update(
            connection,
            row,
            request_id=request_id,
            request_us=max(now_us, (row.request_us or 0) + 1),
            full=row.full or request.full,
            sync_state=store.SYNCING,
            error=None,
        )
        if waiting is None:
            job_store.add(connection, new_job(caller.tenant_id, station_id, username=caller.username), now_us)
        audit.acted(
            connection,
            tenant_id=caller.tenant_id,
            resource_type="local_list",
            resource=station_id,
            station_id=station_id,
            details={"requestId": request_id, "full": request.full},
            time_us=now_us,
        )
    else:
        audit.unchanged()
    return store.read(connection, caller.tenant_id, station_id)


def _to_message(row: store.LocalListRow) -> pb.LocalList:
    held = row.held
    dropped = row.dropped_tokens
    message = pb.LocalList(
        station_id=row.station_id,
        version_number=row.version,
        entry_count=0 if held is None else len(held),
        sync_state=pb.LocalListSyncState.ValueType(row.sync_state),
        request_id=row.request_id,
        left_out_count=len(dropped),
        left_out_tokens=[
            pb.LeftOutToken(id_token=one.id_token, reason=pb.LeftOutReason.ValueType(one.reason))
            for one in dropped[:_MOST_DROPPED]
        ],
    )
    if row.request_us is not None:
        message.request_time.CopyFrom(to_timestamp(row.request_us))
    if row.sync_us is not None:
        message.sync_time.CopyFrom(to_timestamp(row.sync_us))
    if row.error is not None:
        message.error.CopyFrom(status_pb2.Status.FromString(row.error))
    return message
