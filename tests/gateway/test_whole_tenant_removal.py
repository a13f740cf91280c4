"""The removal of a tenant in a whole mesh: every row of it goes, in every schema, and no other."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from csms.auth.v1 import tenant_pb2, tenant_service_pb2
from csms.station.v1 import station_service_pb2
from sqlalchemy import Connection, MetaData

import auth_svc.export
import auth_svc.models
import notification_svc.export
import notification_svc.models
import station_svc.catalogue
import station_svc.export
import station_svc.models
import transaction_svc.export
import transaction_svc.models
from auth_svc.tenant_directory import KEPT_TABLES
from mesh import tenant_erasure
from mesh.database.engine import make_engine
from mesh.database.tenant_rows import tables_of_tenants
from mesh.tenant_export import export_tenant
from tests.gateway.raw_station import RawStation
from tests.gateway.tenant_rig import Metadata, TenantMesh, running_tenants
from tests.waiting import eventually

MODELS: Mapping[str, MetaData] = {
    "auth": auth_svc.models.metadata,
    "station": station_svc.models.metadata,
    "transaction": transaction_svc.models.metadata,
    "notification": notification_svc.models.metadata,
}
# Rows of nobody's: each is decided about when it is added.
KEPT = (*KEPT_TABLES, "audit_entry", "audit_head", "audit_record", "audit_record_start")  # the audit outlives it
WITHOUT_TENANT = {
    "auth": {"signing_key", "certificate_authority", "caller_version"},
    "station": {"node", "placement_version"},
    "transaction": {"tx_counter"},
    "notification": set[str](),
}


@pytest.fixture
async def tenants(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TenantMesh]:
    """A mesh whose erasures do not wait for what may be on its way."""
    monkeypatch.setattr(tenant_erasure, "EVERY_S", 0.2)
    monkeypatch.setattr(tenant_erasure, "GRACE_S", 3.0)
    async with running_tenants(database_url) as found:
        yield found


def _counts(database_url: str, tenant_id: str) -> dict[str, int]:
    """The rows of a tenant, by schema and table, where there are any."""
    found = {}
    for service, metadata in MODELS.items():
        url = database_url.replace("test.db", f"{service}.db")
        engine = make_engine(url, service)
        with engine.connect() as connection:
            for table in tables_of_tenants(metadata, keep=KEPT):
                if count := _count(connection, table, tenant_id):
                    found[f"{service}.{table.name}"] = count
        engine.dispose()
    return found


def _count(connection: Connection, table: sa.Table, tenant_id: str) -> int:
    if not sa.inspect(connection).has_table(table.name):
        return 0
    query = sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
    return connection.execute(query).scalar_one()


async def _use(mesh: TenantMesh, path: str) -> None:
    async with RawStation(mesh.mesh.url(path)) as station:
        await station.boot()
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        await station.call("Authorize", {"idTag": "TAG-1"})
        start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 1, "timestamp": "2026-11-21T10:00:00Z"}
        await station.call("StartTransaction", start)
        await station.call("DataTransfer", {"vendorId": "v", "data": "d"})


async def _has_events(mesh: TenantMesh, metadata: Metadata) -> bool:
    """Whether the session's last event and its last frame are stored."""
    request = station_service_pb2.ListMessagesRequest(station_id="CP1")
    page = await mesh.mesh.stations.ListMessages(request, metadata=metadata)
    is_logged = "DataTransfer" in {message.action for message in page.messages}
    return is_logged and "transaction.started" in {event.type for event in await mesh.events(metadata)}


async def test_every_row_of_a_removed_tenant_goes_and_no_other(tenants: TenantMesh, database_url: str) -> None:
    mesh = tenants
    acme = await mesh.add("acme")
    for path in ("/ocpp/acme/CP1", "/ocpp/CP1"):
        await _use(mesh, path)
    for metadata in (acme, mesh.mesh.metadata):
        await eventually(partial(_has_events, mesh, metadata))
    before, ours = _counts(database_url, "acme"), _counts(database_url, "default")
    _check_export(database_url)
    assert {"station.station", "transaction.tx", "auth.user_account", "notification.event"} <= set(before)
    request = tenant_service_pb2.DeleteTenantRequest(tenant_id="acme")
    await mesh.tenants.DeleteTenant(request, metadata=mesh.platform)
    await eventually(lambda: _is_removed(mesh))
    assert _counts(database_url, "acme") == {}
    left = _counts(database_url, "default")
    assert {name: left.get(name, 0) >= count for name, count in ours.items() if "outbox" not in name} == {
        name: True for name in ours if "outbox" not in name
    }


EXPORTED = {
    "auth": auth_svc.export.EXPORTED,
    "station": station_svc.export.EXPORTED,
    "transaction": transaction_svc.export.EXPORTED,
    "notification": notification_svc.export.EXPORTED,
}


def _export(database_url: str, service: str) -> list[dict[str, Any]]:
    engine = make_engine(database_url.replace("test.db", f"{service}.db"), service)
    lines = list(export_tenant(engine, EXPORTED[service], "acme"))
    engine.dispose()
    return [msgspec.json.decode(line) for line in lines]


def _check_export(database_url: str) -> None:
    """The readable part of the session, in the words of the contract; no other tenant's rows, and no secret."""
    rows = {service: _export(database_url, service) for service in EXPORTED}
    found = [one for lines in rows.values() for one in lines]
    assert {one["row"]["tenant_id"] for one in found} == {"acme"}
    events = [one["row"]["event"] for one in rows["transaction"] if one["table"] == "tx_event"]
    assert [(event["eventType"], event["idToken"]["idToken"]) for event in events] == [
        ("TRANSACTION_EVENT_TYPE_STARTED", "TAG-1")
    ]
    frames = [one["row"]["payload"] for one in rows["station"] if one["table"] == "message"]
    assert any("StartTransaction" in frame for frame in frames)
    assert "station.booted" in {one["row"]["type"] for one in rows["notification"] if one["table"] == "event"}
    assert not {"password_hash", "credential_digest", "credential_salt"} & {
        name for one in found for name in one["row"]
    }


async def _is_removed(mesh: TenantMesh) -> bool:
    request = tenant_service_pb2.GetTenantRequest(tenant_id="acme")
    tenant = (await mesh.tenants.GetTenant(request, metadata=mesh.platform)).tenant
    return bool(tenant.state == tenant_pb2.TENANT_STATE_REMOVED)


@pytest.mark.parametrize("service", MODELS)
def test_every_table_has_a_tenant_or_is_known_to_have_none(service: str) -> None:
    assert station_svc.catalogue.STORAGE  # the features' tables are among the models once they are registered
    metadata = MODELS[service]
    erased = {table.name for table in tables_of_tenants(metadata)}
    assert set(metadata.tables) - erased == WITHOUT_TENANT[service]
