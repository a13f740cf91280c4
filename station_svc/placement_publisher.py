"""Publishes where stations stand to the services that have a copy of it: lists, scopes and rollups there need it.

A receiver has all changes up to a version, and is sent those that follow, in order; it answers with its version. So a
lost answer, a restored database and a second replica that publishes too do no harm. A change wakes the publisher of its
own process at once; those of other processes look every few seconds. When idle that is one query of an index.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
from csms.station.v1 import placement_ingest_service_pb2 as pb
from csms.station.v1.placement_ingest_service_pb2_grpc import PlacementIngestServiceStub
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.placements.store import Placement, latest_version
from mesh.runtime.background import wait_until_beat
from mesh.runtime.errors import MeshError, from_rpc_error
from mesh.runtime.logs import get_logger
from station_svc.core import placement_store
from station_svc.core.models import PLACEMENTS

log = get_logger(__name__)

BATCH = 500
POLL_S = 3.0
TIMEOUT_S = 10.0
# Turns after which a receiver is asked for its version although nothing changed: its database may have been restored.
ASK_EVERY = 20


class _Receiver:
    """A service with a copy, and the latest version that it is known to have."""

    def __init__(self, name: str, channel: grpc.aio.Channel) -> None:
        self.name = name
        self.version: int | None = None
        self.failed = False
        self._stub = PlacementIngestServiceStub(channel)
        self._idle_turns = 0

    def is_due(self, latest: int) -> bool:
        """Whether it is to be called: something changed, or it was not asked for its version in a while."""
        self._idle_turns += 1
        if self.version == latest and self._idle_turns < ASK_EVERY:
            return False
        self._idle_turns = 0
        return True

    async def send(self, placements: list[Placement], *, reset: bool = False) -> None:
        """Sends changes that follow its version. Raises MeshError."""
        request = pb.RecordPlacementsRequest(
            after_version=self.version or 0, placements=map(_to_message, placements), reset=reset
        )
        try:
            response = await self._stub.RecordPlacements(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        self.version = response.version


class PlacementPublisher:
    """Publishes to `targets`, channels by the names of services. `run` is a background task of station_svc."""

    def __init__(self, *, database: Database, targets: Mapping[str, grpc.aio.Channel], poll_s: float = POLL_S) -> None:
        self._database = database
        self._receivers = [_Receiver(name, channel) for name, channel in targets.items()]
        self._poll_s = poll_s
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publishes until it is cancelled."""
        loop = asyncio.get_running_loop()

        def committed(notes: dict[Any, Any]) -> None:
            if placement_store.take_changed(notes) and not self._wake.is_set():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.on_commit(committed)
        try:
            while True:
                self._wake.clear()
                await self.publish()
                await wait_until_beat(self._wake, self._poll_s)
        finally:
            self._database.remove_listener(committed)

    async def publish(self) -> None:
        """One turn: brings each receiver up to date that can be reached."""
        try:
            latest = await self._database.read(lambda connection: latest_version(connection, PLACEMENTS))
        except MeshError as error:
            log.warning("placements cannot be read", error=error.message)
            return
        await asyncio.gather(*(self._bring_up(one, latest) for one in self._receivers if one.is_due(latest)))

    async def _bring_up(self, receiver: _Receiver, latest: int) -> None:
        try:
            await receiver.send([])
            if (receiver.version or 0) > latest:
                log.warning("placements are published anew: the receiver has later ones", receiver=receiver.name)
                await receiver.send([], reset=True)
            while placements := await self._next(receiver.version or 0):
                await receiver.send(list(placements))
        except MeshError as error:
            receiver.version = None
            if not receiver.failed:
                log.warning("placements wait to be published", receiver=receiver.name, error=error.message)
            receiver.failed = True
            return
        receiver.failed = False

    async def _next(self, version: int) -> list[Placement]:
        def work(connection: Connection) -> list[Placement]:
            return list(placement_store.changed_after(connection, version, BATCH))

        return await self._database.read(work)


def _to_message(placement: Placement) -> pb.PlacedStation:
    return pb.PlacedStation(
        tenant_id=placement.tenant_id,
        station_id=placement.station_id,
        site_id=placement.site_id,
        path=placement.path,
        time_zone=placement.time_zone,
        version=placement.version,
        labels=[pb.StationLabel(key=key, value=value) for key, value in placement.labels],
    )
