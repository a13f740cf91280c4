"""The four services on one database, with callers whose permissions cover parts of a tenant."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import grpc
import pytest
from csms.common.v1.origin_pb2 import Origin
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem, PublishEventsRequest
from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceStub
from csms.event.v1.event_service_pb2 import Event
from csms.station.v1 import rollout_service_pb2, site_pb2, site_service_pb2, station_pb2, station_service_pb2
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from csms.station.v1.station_service_pb2_grpc import StationServiceStub
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import RecordTransactionEventsRequest, TransactionEventItem
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

import auth_svc.migrations
import mesh.service
import notification_svc.migrations
import notification_svc.service
import station_svc.migrations
import station_svc.service
import transaction_svc.migrations
import transaction_svc.service
from mesh.database.engine import Database
from mesh.runtime.settings import Environment, ServiceSettings
from mesh.runtime.times import to_timestamp
from mesh.service import Parts, RunningService
from notification_svc.settings import NotificationSettings
from station_svc.placement_publisher import PlacementPublisher
from station_svc.settings import StationSettings
from tests.auth_builds import auth_build
from tests.conftest import FakeClock
from tests.fleet_rows import add_fleet_rows
from tests.mesh_identities import mesh_environment, open_callers_channel
from tests.ports import held_port
from tests.scoped_callers import WHOLE, take_words
from tests.transaction_svc.kit import start_16, stop_16, values_16
from transaction_svc.rollup_worker import Rollups
from transaction_svc.settings import TransactionSettings

Build = Callable[[Database, AsyncExitStack], Awaitable[Parts]]
BERLIN, BONN = "CP-BERLIN", "CP-BONN"
_MIGRATIONS: Mapping[str, ModuleType] = {
    "auth": auth_svc.migrations,
    "transaction": transaction_svc.migrations,
    "notification": notification_svc.migrations,
    "station": station_svc.migrations,
}


@dataclass(kw_only=True)
class ScopedMesh:
    """The running services; nothing happens in their background."""

    clock: FakeClock
    channels: Mapping[str, grpc.aio.Channel]  # to operators' ports, by service
    mesh_channels: Mapping[str, grpc.aio.Channel]
    databases: Mapping[str, Database]
    publisher: PlacementPublisher
    rollups: Rollups
    stacks: Mapping[str, AsyncExitStack]  # of each service
    sent: int = 0

    @property
    def stations(self) -> Any:
        """StationService."""
        return StationServiceStub(self.channels["station"])

    async def stop(self, name: str) -> None:
        """Stops a service, as SIGTERM does."""
        await self.stacks[name].aclose()

    async def add_site(self, site_id: str, parent: str = "", **more: Any) -> None:
        """Adds a site."""
        site = site_pb2.Site(site_id=site_id, parent_site_id=parent, **more)
        request = site_service_pb2.CreateSiteRequest(site=site)
        await SiteServiceStub(self.channels["station"]).CreateSite(request, metadata=WHOLE)

    async def add_station(self, station_id: str, site_id: str, **more: Any) -> None:
        """Adds a station."""
        request = station_service_pb2.CreateStationRequest(station_id=station_id, site_id=site_id, **more)
        await self.stations.CreateStation(request, metadata=WHOLE)

    async def move_station(self, station_id: str, site_id: str) -> None:
        """Places a station in another site, or in none."""
        station = station_pb2.Station(station_id=station_id, site_id=site_id)
        mask = FieldMask(paths=["site_id"])
        request = station_service_pb2.UpdateStationRequest(station=station, update_mask=mask)
        await self.stations.UpdateStation(request, metadata=WHOLE)

    async def charge(self, station_id: str) -> None:
        """Records a transaction, an event that belongs to none, and one that cannot be recorded, of a station."""
        stub = TransactionIngestServiceStub(self.mesh_channels["transaction"])
        number = ""
        for event in (start_16(), None, values_16("999", 10, 1010), TransactionEvent()):
            item = TransactionEventItem(origin=self._origin(station_id), event=event or stop_16(number, 600, 2000))
            response = await stub.RecordTransactionEvents(RecordTransactionEventsRequest(items=[item]))
            number = response.results[0].transaction_id or number

    def _origin(self, station_id: str) -> Origin:
        self.sent += 1
        return Origin(
            tenant_id="default",
            station_id=station_id,
            epoch=1,
            ordinal=self.sent,
            receive_time=to_timestamp(self.clock()),
        )

    async def report(self, *station_ids: str) -> None:
        """Publishes an event of each station; of none for an empty id."""
        items = []
        for station_id in station_ids:
            self.sent += 1
            event = Event(
                event_id=f"{station_id}:{self.sent}", type="station.booted", source="station", station_id=station_id
            )
            event.event_time.CopyFrom(to_timestamp(self.clock()))
            items.append(PublishEventItem(tenant_id="default", event=event))
        stub = EventIngestServiceStub(self.mesh_channels["notification"])
        await stub.PublishEvents(PublishEventsRequest(items=items))

    async def roll_out(self, wanted: str, metadata: Any = WHOLE, **more: Any) -> str:
        """Begins a rollout; its id."""
        variable = station_pb2.Variable(component="ChargingStation", variable="HeartbeatInterval", value="60")
        work = rollout_service_pb2.VariablesRollout(variables=[variable])
        request = rollout_service_pb2.CreateRolloutRequest(filter=wanted, variables=work, **more)
        response = await RolloutServiceStub(self.channels["station"]).CreateRollout(request, metadata=metadata)
        rollout_id: str = response.rollout.rollout_id
        return rollout_id


async def populate(mesh_: ScopedMesh) -> None:
    """Two towns: a station in a garage in Berlin and one in Bonn, with all that lists have of them."""
    await mesh_.add_site("berlin", labels={"region": "east"})
    await mesh_.add_site("garage", "berlin", time_zone="Europe/Berlin")
    await mesh_.add_site("bonn", labels={"region": "west"})
    await mesh_.add_station(BERLIN, "garage")
    await mesh_.add_station(BONN, "bonn", labels={"fleet": "taxis"})
    for station_id in (BERLIN, BONN):
        await mesh_.charge(station_id)
        await mesh_.databases["station"].write(partial(add_fleet_rows, station_id=station_id, now_us=mesh_.clock()))
    await mesh_.report(BERLIN, BONN, "")
    await mesh_.rollups.count_due()
    await mesh_.publisher.publish()


@asynccontextmanager
async def running(database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScopedMesh]:
    """The services, without anything in them. The words of `limited_to` are taken for access tokens."""
    take_words(monkeypatch)
    values = {"CSMS_DATABASE_URL": database_url, "CSMS_ADMIN_PASSWORD": "correct horse battery"}
    async with AsyncExitStack() as stack:
        # Known before it starts: notification_svc calls it, and is called by it.
        own = dict.fromkeys(_MIGRATIONS, "127.0.0.1:0")
        own["station"] = values["CSMS_STATION_ADDRESS"] = f"127.0.0.1:{stack.enter_context(held_port())}"
        services: dict[str, RunningService] = {}
        stacks: dict[str, AsyncExitStack] = {}
        found: dict[type, Any] = {}
        for name, migrations in _MIGRATIONS.items():
            ports = {
                f"CSMS_{name.upper()}_ADDRESS": own[name],
                f"CSMS_{name.upper()}_OPERATOR_ADDRESS": "127.0.0.1:0",
            }
            env = Environment(values | mesh_environment(name) | ports)
            build = partial(_quietly, building=_build(name, env, clock), found=found)
            stacks[name] = await stack.enter_async_context(AsyncExitStack())
            service = await mesh.service.start(stacks[name], _settings(env, name), migrations, build)
            values[f"CSMS_{name.upper()}_ADDRESS"] = f"127.0.0.1:{service.mesh_port}"
            services[name] = service
        channels, mesh_channels = {}, {}
        for name, service in services.items():
            channels[name] = grpc.aio.insecure_channel(f"127.0.0.1:{service.operator_port}")
            mesh_channels[name] = open_callers_channel(f"127.0.0.1:{service.mesh_port}", name)
            stack.push_async_callback(channels[name].close)
            stack.push_async_callback(mesh_channels[name].close)
        yield ScopedMesh(
            clock=clock,
            channels=channels,
            mesh_channels=mesh_channels,
            databases={name: service.database for name, service in services.items()},
            publisher=found[PlacementPublisher],
            rollups=found[Rollups],
            stacks=stacks,
        )


async def _quietly(database: Database, stack: AsyncExitStack, *, building: Build, found: dict[type, Any]) -> Parts:
    """The parts of a service, whose background tasks run only where a test lets them."""
    parts = await building(database, stack)
    owners = [getattr(run, "__self__", None) for run in parts.background]
    found |= {type(owner): owner for owner in owners}
    feeds = [run for run in parts.background if type(getattr(run, "__self__", None)).__name__ == "Feed"]
    return replace(parts, background=feeds)


def _build(name: str, env: Environment, clock: FakeClock) -> Build:
    if name == "station":
        return partial(station_svc.service.build, settings=StationSettings.read(env), clock=clock)
    if name == "transaction":
        return partial(transaction_svc.service.build, settings=TransactionSettings.read(env), clock=clock)
    if name == "notification":
        return partial(notification_svc.service.build, settings=NotificationSettings.read(env), clock=clock)
    return auth_build(env, clock)


def _settings(env: Environment, name: str) -> ServiceSettings:
    """The settings of a service; on SQLite with a file of its own."""
    settings = ServiceSettings.read(env, name)
    url = settings.database_url
    return replace(settings, database_url=url.replace("test.db", f"{name}.db") if "sqlite" in url else url)
