"""Stations of several tenants: the same ids in each, and each tenant's own rules."""

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2
from csms.station.v1.station_service_pb2 import (
    CreateStationRequest,
    GetStationRequest,
    ImportStationsRequest,
    ListMessagesRequest,
    ListStationsRequest,
)

from mesh.identity.tenants import Tenant, TenantQuotas, TenantSettings, TenantState
from station_svc.core import models
from tests.station_svc.conftest import StartSystem, StationSystem, attempt, fails_with, of_tenant, reason_of

DEFAULT = Tenant(tenant_id="default")
ACME = of_tenant("acme")


def serve(system: StationSystem, *tenants: Tenant) -> None:
    """Has station_svc know these tenants beside the default one, as if auth_svc had answered so."""
    directory = system.parts.access.tenants
    assert directory is not None
    directory.replace("test", [DEFAULT, *tenants])


def of(tenant_id: str, station_id: str = "CP1", **more: Any) -> ingest_pb2.OpenConnectionItem:
    """A connection attempt of a tenant's station."""
    item = attempt(station_id, **more)
    item.tenant_id = tenant_id
    return item


async def _ids(system: StationSystem, tenant: str) -> Sequence[str]:
    page = await system.stations.ListStations(ListStationsRequest(), metadata=of_tenant(tenant))
    return [one.station_id for one in page.stations]


async def test_two_tenants_have_a_station_of_one_id(system: StationSystem) -> None:
    """In one batch, even: each has its own connection, which the other neither supersedes nor shows."""
    serve(system, Tenant(tenant_id="acme"))
    results = await system.attempt(of("acme"), of("default"), of("acme", "CP2"), attempt("CP1"))
    assert [one.tenant_id for one in results] == ["acme", "default", "acme", "default"]
    assert [one.superseded_epoch for one in results] == [0, 0, 0, results[1].epoch]
    assert (await _ids(system, "acme"), await _ids(system, "default")) == (["CP1", "CP2"], ["CP1"])
    request = GetStationRequest(station_id="CP1")
    theirs = (await system.stations.GetStation(request, metadata=ACME)).station
    assert (theirs.connected, theirs.connection.epoch) == (True, results[0].epoch)
    with fails_with("STATION_NOT_FOUND"):
        await system.stations.GetStation(GetStationRequest(station_id="CP2"))


async def test_frames_of_one_id_stay_apart(system: StationSystem) -> None:
    serve(system, Tenant(tenant_id="acme"))
    theirs, ours = await system.attempt(of("acme"), of("default"))
    for result, text in ((theirs, "theirs"), (ours, "ours")):
        message = station_pb2.Message(station_id="CP1", epoch=result.epoch, ordinal=1, payload=text)
        item = ingest_pb2.MessageItem(tenant_id=result.tenant_id, message=message)
        await system.ingest.RecordMessages(ingest_pb2.RecordMessagesRequest(items=[item]))
    boot = system.boot_item("CP1", theirs.epoch, model="Theirs")
    boot.origin.tenant_id = "acme"
    await system.boot(boot)
    request = ListMessagesRequest(station_id="CP1")
    for metadata, text in ((ACME, "theirs"), (of_tenant("default"), "ours")):
        page = await system.stations.ListMessages(request, metadata=metadata)
        assert [one.payload for one in page.messages] == [text]
    assert (await system.station("CP1")).identity.model == ""


async def test_events_of_one_id_at_one_time_are_two(system: StationSystem) -> None:
    """Their ids follow from the same change of the same id, and the outbox keeps each id once."""
    serve(system, Tenant(tenant_id="acme"))
    await system.create("CP1")
    await system.stations.CreateStation(CreateStationRequest(station_id="CP1"), metadata=ACME)
    query = sa.select(models.outbox.c.tenant_id, models.outbox.c.event_id).order_by(models.outbox.c.outbox_id)
    rows = [tuple(row) for row in await system.database.read(lambda connection: connection.execute(query).all())]
    ours = f"station.created:CP1:{system.clock()}"
    assert rows == [("default", ours), ("acme", f"acme:{ours}")]


async def test_a_tenant_that_does_not_exist_is_as_an_unknown_station(start_system: StartSystem) -> None:
    system = await start_system(onboarding="reject")
    await system.lease()
    serve(system, Tenant(tenant_id="acme"))
    unknown_station, unknown_tenant = await system.attempt(of("acme"), of("nobody"))
    assert (reason_of(unknown_tenant), unknown_tenant.error.message) == (
        "STATION_UNKNOWN",
        unknown_station.error.message,
    )


@pytest.mark.parametrize("state", [TenantState.SUSPENDED, TenantState.REMOVING, TenantState.REMOVED])
async def test_stations_of_an_inactive_tenant_are_refused(system: StationSystem, state: TenantState) -> None:
    """And nothing of them is recorded; the default tenant's, in the same batch, come in."""
    serve(system, Tenant(tenant_id="acme", state=state))
    results = await system.attempt(of("acme"), of("default"))
    assert [reason_of(one) for one in results] == ["TENANT_SUSPENDED", ""]
    assert await _ids(system, "acme") == []


async def test_before_the_tenants_are_known_the_default_one_is_served(system: StationSystem) -> None:
    results = await system.attempt(of("acme"), of("default"))
    assert [reason_of(one) for one in results] == ["TENANTS_NOT_KNOWN", ""]


async def test_onboarding_is_a_tenants_own(start_system: StartSystem) -> None:
    """The environment's rule is for tenants without one; `accept` needs that no other machine can connect."""
    system = await start_system(onboarding="reject", admits_anyone=False)
    await system.lease()
    tenants = [
        Tenant(tenant_id="accepts", settings=TenantSettings(onboarding="accept")),
        Tenant(tenant_id="pends", settings=TenantSettings(onboarding="pending")),
        Tenant(tenant_id="rejects", settings=TenantSettings(onboarding="reject")),
        Tenant(tenant_id="unset"),
    ]
    serve(system, *tenants)
    results = await system.attempt(*(of(tenant.tenant_id) for tenant in tenants))
    assert [reason_of(one) for one in results] == ["", "", "STATION_UNKNOWN", "STATION_UNKNOWN"]
    assert [one.registration_status for one in results[:2]] == [station_pb2.REGISTRATION_STATUS_PENDING] * 2


async def test_no_more_stations_than_the_quota_come_in(system: StationSystem) -> None:
    """Stations that are there reconnect; another tenant's do not count."""
    serve(system, Tenant(tenant_id="acme", quotas=TenantQuotas(max_stations=2)))
    first = await system.attempt(of("acme", "CP1"), of("default", "CP9"), of("acme", "CP2"), of("acme", "CP3"))
    assert [reason_of(one) for one in first] == ["", "", "", "TENANT_QUOTA_REACHED"]
    again = await system.attempt(of("acme", "CP1"), of("acme", "CP3"))
    assert [reason_of(one) for one in again] == ["", "TENANT_QUOTA_REACHED"]
    with fails_with("TENANT_QUOTA_REACHED") as caught:
        await system.stations.CreateStation(CreateStationRequest(station_id="CP3"), metadata=ACME)
    assert (caught[0].metadata["quota"], caught[0].metadata["limit"]) == ("max_stations", "2")
    with fails_with("STATION_EXISTS"):
        await system.stations.CreateStation(CreateStationRequest(station_id="CP1"), metadata=ACME)


async def test_a_table_beyond_the_quota_adds_none(system: StationSystem) -> None:
    serve(system, Tenant(tenant_id="acme", quotas=TenantQuotas(max_stations=2)))
    request = ImportStationsRequest(csv="station_id\nCP1\nCP2\nCP3\n")
    with fails_with("TENANT_QUOTA_REACHED"):
        await system.stations.ImportStations(request, metadata=ACME)
    assert await _ids(system, "acme") == []


async def test_a_handshake_is_closed_by_its_name_in_its_tenant_only(system: StationSystem) -> None:
    serve(system, Tenant(tenant_id="acme"))
    item = of("acme")
    item.opening_id = "a"
    [opened] = await system.attempt(item)
    for tenant_id, is_open in (("default", True), ("acme", False)):
        closing = ingest_pb2.CloseConnectionItem(tenant_id=tenant_id, station_id="CP1", opening_id="a")
        await system.ingest.CloseConnections(ingest_pb2.CloseConnectionsRequest(items=[closing]))
        theirs = (await system.stations.GetStation(GetStationRequest(station_id="CP1"), metadata=ACME)).station
        assert (theirs.connected, theirs.connection.epoch) == (is_open, opened.epoch)


async def test_wrong_credentials_count_at_the_tenants_own_station(system: StationSystem) -> None:
    serve(system, Tenant(tenant_id="acme"))
    await system.create("CP1")
    await system.stations.CreateStation(CreateStationRequest(station_id="CP1"), metadata=ACME)
    [result] = await system.attempt(of("acme", credential=b"wrong"))
    assert reason_of(result) == "WRONG_CREDENTIALS"
    failures = next(run for task in system.parts.background if (run := _failures(task)))
    await failures.flush()
    theirs = (await system.stations.GetStation(GetStationRequest(station_id="CP1"), metadata=ACME)).station
    assert theirs.credential_failures.count == 1
    assert not (await system.station("CP1")).HasField("credential_failures")


def _failures(task: Any) -> Any:
    owner = getattr(task, "__self__", None)
    return owner if type(owner).__name__ == "CredentialFailures" else None
