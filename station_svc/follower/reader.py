"""Activities as operators read them, between protobuf and rows: for FirmwareService and LogService."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import grpc

from mesh.database.engine import Database
from mesh.database.filters import Field
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.list_store import condition_of
from station_svc.core.lists import one_or_all, page_of, storable
from station_svc.core.station_store import expect_station
from station_svc.follower import store
from station_svc.follower.rows import ActivityKind, ActivityReport, ActivityRow

MOST_REPORTS = 200
_KEY = (int, str, int)


class ActivityReader:
    """Reads activities of one kind for operators."""

    def __init__(self, *, kind: ActivityKind, database: Database, clock: Clock) -> None:
        self._kind = kind
        self._database = database
        self._clock = clock

    async def get(self, station_id: str, task_id: int) -> tuple[ActivityRow, Sequence[ActivityReport]]:
        """One activity, and the latest reports about it. Raises MeshError."""
        tenant_id, now_us = current_caller().tenant_id, self._clock()

        def read(connection: Any) -> tuple[ActivityRow, Sequence[ActivityReport]]:
            expect_station(connection, tenant_id, storable(station_id))
            activity = store.find(
                connection,
                tenant_id=tenant_id,
                station_id=station_id,
                kind=self._kind.name,
                task_id=task_id,
                now_us=now_us,
            )
            if activity is None:
                message = f"station {station_id!r} has no {self._kind.label} {task_id}"
                raise MeshError(grpc.StatusCode.NOT_FOUND, self._kind.not_found_reason, message)
            return activity, store.list_reports(connection, activity, limit=MOST_REPORTS)

        return await self._database.read(read)

    async def list(
        self, request: Any, filters: Callable[[int], Mapping[str, Field]]
    ) -> tuple[Sequence[ActivityRow], str]:
        """A page of activities, and the token of the next; `filters(now_us)` are the fields of the filter."""
        now_us, tenant_id = self._clock(), current_caller().tenant_id
        condition = condition_of(
            request.filter, filters(now_us), tenant_id=tenant_id, station_id=store.STATION_ID, scope=current_scope()
        )
        page = page_of(request, _KEY, condition=condition)
        read = partial(
            store.list_activities,
            tenant_id=tenant_id,
            station_id=one_or_all(request.station_id),
            kind=self._kind.name,
            page=page,
            now_us=now_us,
        )
        rows = await self._database.read(read)
        return page.cut(rows, lambda row: (row.create_us, row.station_id, row.task_id))


def set_times(resource: Any, activity: ActivityRow) -> None:
    """Writes create_time, update_time and end_time."""
    resource.create_time.CopyFrom(to_timestamp(activity.create_us))
    resource.update_time.CopyFrom(to_timestamp(activity.update_us))
    if activity.end_us is not None:
        resource.end_time.CopyFrom(to_timestamp(activity.end_us))
