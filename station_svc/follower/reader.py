"""Activities as operators read them, between protobuf and rows: for FirmwareService and LogService."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import grpc

from mesh.database.engine import Database
from mesh.database.filters import Field, to_condition
from mesh.identity.callers import current_caller
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.lists import page_of, storable
from station_svc.core.station_store import expect_station
from station_svc.follower import store
from station_svc.follower.rows import ActivityKind, ActivityReport, ActivityRow

ALL_STATIONS = "-"
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
        now_us = self._clock()
        condition = to_condition(request.filter, filters(now_us))
        page = page_of(request, _KEY, condition=condition)
        station_id = None if request.station_id == ALL_STATIONS else storable(request.station_id)
        read = partial(
            store.list_activities,
            tenant_id=current_caller().tenant_id,
            station_id=station_id,
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
