"""The erasure of a driver in a whole mesh: no row of any table names the driver, and energy stays what it was."""

import base64
import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from csms.auth.v1 import data_export_service_pb2 as auth_export
from csms.auth.v1 import driver_erasure_pb2, driver_erasure_service_pb2, id_token_service_pb2
from csms.auth.v1.data_export_service_pb2_grpc import DataExportServiceStub as AuthExportStub
from csms.auth.v1.driver_erasure_service_pb2_grpc import DriverErasureServiceStub
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.event.v1 import data_export_service_pb2 as event_export
from csms.event.v1.data_export_service_pb2_grpc import DataExportServiceStub as EventExportStub
from csms.station.v1 import data_export_service_pb2 as station_export
from csms.station.v1.data_export_service_pb2_grpc import DataExportServiceStub as StationExportStub
from csms.transaction.v1 import data_export_service_pb2 as transaction_export
from csms.transaction.v1 import transaction_service_pb2
from csms.transaction.v1.data_export_service_pb2_grpc import DataExportServiceStub as TransactionExportStub

from mesh import driver_erasure
from mesh.database.engine import make_engine
from mesh.database.tenant_rows import tables_of_tenants
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S
from tests.gateway.tenant_rig import Metadata, TenantMesh, running_tenants
from tests.gateway.test_whole_tenant_removal import MODELS
from tests.waiting import eventually

TAG = "DE-ABC-C12345678-9"
# As other readers write it.
FORM = "deabcc123456789"
OTHER = "04A1B2C3D4E5F6"
NAME = "Erika Mustermann"
FORMS = (TAG.lower().encode(), FORM.encode(), NAME.lower().encode())
# A signed reading, as OCMF has it: the meter signs who charged.
_OCMF = 'OCMF|{"ID":"%s","RD":[{"RV":2935.6}]}|{"SD":"887FABF4"}'
_ENCODED = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
# The audit keeps names, and is erased with its tenant (docs/PRIVACY.md).
EXEMPT = {"audit_entry", "audit_record"}
# Columns that name the driver after a session; frames are logged, and events relayed, a little later.
TRACED = {
    "auth.id_token.id_token",
    "transaction.tx.fold",
    "transaction.tx_event.event",
    "station.message.payload",
    "station.data_transfer.data",
    "station.status_report.info",
    "notification.event.data",
}


@pytest.fixture
async def tenants(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TenantMesh]:
    """A mesh whose erasures do not wait for what may be on its way."""
    monkeypatch.setattr(driver_erasure, "EVERY_S", 0.2)
    monkeypatch.setattr(driver_erasure, "GRACE_S", 1.5)
    monkeypatch.setattr(driver_erasure, "WAIT_S", 0.5)
    async with running_tenants(database_url) as found:
        yield found


def _signed(tag: str) -> str:
    return base64.b64encode((_OCMF % tag).encode()).decode()


def _layers(data: bytes, depth: int = 4) -> Iterator[bytes]:
    """Data, and what it encodes: base64 and zlib, in each other."""
    yield data
    if depth == 0:
        return
    with suppress(zlib.error):
        yield from _layers(zlib.decompress(data), depth - 1)
    for run in _ENCODED.findall(data):
        yield from _layers(base64.b64decode(run[: len(run) // 4 * 4]), depth - 1)


def _rows(database_url: str, service: str, tenant_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    engine = make_engine(database_url.replace("test.db", f"{service}.db"), service)
    with engine.connect() as connection:
        for table in tables_of_tenants(MODELS[service]):
            query = sa.select(table).where(table.c.tenant_id == tenant_id)
            for row in connection.execute(query).mappings():
                yield table.name, dict(row)
    engine.dispose()


def _traces(database_url: str, tenant_id: str) -> set[str]:
    """The columns, by service and table, in which a row of the tenant names the driver."""
    found = set()
    for service in MODELS:
        for table, row in _rows(database_url, service, tenant_id):
            for column, value in row.items():
                if isinstance(value, str | bytes | memoryview) and table not in EXEMPT:
                    data = value.encode() if isinstance(value, str) else bytes(value)
                    if any(form in layer.lower() for layer in _layers(data) for form in FORMS):
                        found.add(f"{service}.{table}.{column}")
    return found


async def _session_16(url: str, tag: str, meter_start: int) -> None:
    async with RawStation(url) as station:
        await station.boot()
        report = {"connectorId": 1, "errorCode": "OtherError", "status": "Available", "info": f"card {tag} refused"}
        await station.call("StatusNotification", report)
        await station.call("Authorize", {"idTag": tag})
        start = {"connectorId": 1, "idTag": tag, "meterStart": meter_start, "timestamp": "2026-11-21T10:00:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        await station.call("DataTransfer", {"vendorId": "v", "data": json.dumps({"card": tag})})
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [
                {
                    "timestamp": "2026-11-21T10:30:00Z",
                    "sampledValue": [
                        {"value": str(meter_start + 1500)},
                        {"value": _signed(tag), "format": "SignedData", "context": "Transaction.Begin"},
                    ],
                }
            ],
        }
        await station.call("MeterValues", values)
        stop = {"transactionId": number, "idTag": tag, "meterStop": meter_start + 4000, "reason": "Local"}
        await station.call("StopTransaction", {**stop, "timestamp": "2026-11-21T11:00:00Z"})


def _event(seq_no: int, kind: str, tag: str) -> dict[str, Any]:
    time = f"2026-11-21T1{seq_no}:00:00Z"
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}[kind]
    proof = {"signedMeterData": _signed(tag), "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    sample = {
        "value": 100.0 + 3.5 * seq_no,
        "context": context,
        "unitOfMeasure": {"unit": "kWh"},
        "signedMeterValue": proof,
    }
    return {
        "eventType": kind,
        "timestamp": time,
        "triggerReason": "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "tx-1"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": tag, "type": "eMAID"},
        "meterValue": [{"timestamp": time, "sampledValue": [sample]}],
    }


async def _session_201(url: str, tag: str) -> None:
    async with RawStation(url, subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        await station.call("TransactionEvent", _event(0, "Started", tag))
        await station.call("TransactionEvent", _event(1, "Ended", tag))


async def _add_token(mesh: TenantMesh, metadata: Metadata, text: str, name: str) -> None:
    token = id_token_service_pb2.IdToken(id_token=text, display_name=name, group_id_token=f"GROUP-{name}")
    request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
    await IdTokenServiceStub(mesh.mesh.auth_channel).CreateIdToken(request, metadata=metadata, timeout=TIMEOUT_S)


async def _charge(mesh: TenantMesh, metadata: Metadata, prefix: str) -> None:
    """Sessions of the driver in both versions, and of another driver, until all is stored and published."""
    await _add_token(mesh, metadata, TAG, NAME)
    await _add_token(mesh, metadata, OTHER, "Otto")
    await _session_16(mesh.mesh.url(f"{prefix}/CP1"), TAG, 1000)
    await _session_16(mesh.mesh.url(f"{prefix}/CP3"), OTHER, 7000)
    await _session_201(mesh.mesh.url(f"{prefix}/CP2"), FORM)
    await eventually(partial(_is_published, mesh, metadata))


async def _is_published(mesh: TenantMesh, metadata: Metadata) -> bool:
    kinds = [event.type for event in await mesh.events(metadata)]
    return kinds.count("transaction.ended") >= 3 and kinds.count("id_token.created") >= 2


def _billing(database_url: str, tenant_id: str) -> Sequence[tuple[Any, ...]]:
    """The base of bills: energy and times of all transactions, their flags, and the rollups."""
    names = (
        "station_id",
        "transaction_id",
        "generation",
        "energy_mwh",
        "start_us",
        "end_us",
        "flags",
        "ended",
        "update_us",
    )
    found = []
    for table, row in _rows(database_url, "transaction", tenant_id):
        if table == "tx":
            found.append(tuple(row[name] for name in names))
        elif table == "rollup":
            found.append((row["station_id"], row["evse_id"], row["connector_id"], row["day"], row["cells"]))
    return sorted(found, key=str)


def _keys(database_url: str, tenant_id: str, token: str) -> set[str]:
    """The content keys of a station's events."""
    rows = _rows(database_url, "transaction", tenant_id)
    return {row["content_key"] for table, row in rows if table == "tx_event" and row["station_id"] == token}


async def _erase(mesh: TenantMesh, metadata: Metadata) -> str:
    stub = DriverErasureServiceStub(mesh.mesh.auth_channel)
    request = driver_erasure_service_pb2.CreateDriverErasureRequest(id_token=TAG)
    begun = await stub.CreateDriverErasure(request, metadata=metadata, timeout=TIMEOUT_S)
    again = await stub.CreateDriverErasure(request, metadata=metadata, timeout=TIMEOUT_S)
    erasure_id: str = begun.driver_erasure.erasure_id
    assert again.driver_erasure.erasure_id == erasure_id
    return erasure_id


async def _get(mesh: TenantMesh, metadata: Metadata, erasure_id: str) -> driver_erasure_pb2.DriverErasure:
    request = driver_erasure_service_pb2.GetDriverErasureRequest(erasure_id=erasure_id)
    stub = DriverErasureServiceStub(mesh.mesh.auth_channel)
    return (await stub.GetDriverErasure(request, metadata=metadata, timeout=TIMEOUT_S)).driver_erasure


async def _is_finished(mesh: TenantMesh, metadata: Metadata, erasure_id: str) -> bool:
    found = await _get(mesh, metadata, erasure_id)
    return bool(found.state == driver_erasure_pb2.DRIVER_ERASURE_STATE_FINISHED)


async def test_an_erased_driver_is_in_no_row_and_energy_stays(tenants: TenantMesh, database_url: str) -> None:
    mesh = tenants
    acme = await mesh.add("acme")
    await _charge(mesh, acme, "/ocpp/acme")
    await _charge(mesh, mesh.mesh.metadata, "/ocpp")
    await eventually(partial(_has_rollups, database_url))
    for tenant_id in ("acme", "default"):
        await eventually(partial(_has_all_traces, database_url, tenant_id))
    before, theirs = _billing(database_url, "acme"), _traces(database_url, "default")
    keys = {station: _keys(database_url, "acme", station) for station in ("CP1", "CP2", "CP3")}
    erasure_id = await _erase(mesh, acme)
    await eventually(partial(_is_finished, mesh, acme, erasure_id))
    assert _traces(database_url, "acme") == set()
    assert _billing(database_url, "acme") == before
    after = {station: _keys(database_url, "acme", station) for station in keys}
    assert not after["CP1"] >= keys["CP1"]  # a digest of token, time and meter would tell who it was
    assert (after["CP2"], after["CP3"]) == (keys["CP2"], keys["CP3"])
    reports = {one.service: one for one in (await _get(mesh, acme, erasure_id)).reports}
    assert all(one.HasField("finish_time") and not one.waiting_rows for one in reports.values())
    assert reports["transaction"].changed_rows >= 6
    assert reports["station"].changed_rows >= 4
    await _check_transactions(mesh, acme)
    # The same id token of another tenant is another driver.
    assert _traces(database_url, "default") >= theirs - {"auth.outbox.data", "transaction.outbox.data"}
    await _check_reassessed(mesh, acme, database_url, before)


async def _has_all_traces(database_url: str, tenant_id: str) -> bool:
    return _traces(database_url, tenant_id) >= TRACED


async def _has_rollups(database_url: str) -> bool:
    return (
        len([table for table, _row in _rows(database_url, "transaction", "acme") if table == "rollup_connector"]) >= 3
    )


async def _check_transactions(mesh: TenantMesh, metadata: Metadata) -> None:
    """Both sessions of the driver have one pseudonym, the other driver's session has its id token."""
    request = transaction_service_pb2.ListTransactionsRequest(page_size=50)
    page = await mesh.mesh.transactions.ListTransactions(request, metadata=metadata, timeout=TIMEOUT_S)
    tokens = {one.station_id: one.id_token.id_token for one in page.transactions}
    assert tokens["CP1"] == tokens["CP2"]
    assert re.fullmatch(r"erased-[0-9a-f]{16}", tokens["CP1"])
    assert tokens["CP3"] == OTHER
    energy = {one.station_id: one.energy_wh for one in page.transactions}
    assert (energy["CP1"], energy["CP3"]) == (4000, 4000)


async def _check_reassessed(
    mesh: TenantMesh, metadata: Metadata, database_url: str, before: Sequence[tuple[Any, ...]]
) -> None:
    """Transactions that are made again from their event records have the same energy, and no trace either."""
    page = await mesh.mesh.transactions.ListTransactions(
        transaction_service_pb2.ListTransactionsRequest(page_size=50), metadata=metadata, timeout=TIMEOUT_S
    )
    for one in page.transactions:
        request = transaction_service_pb2.ReassessTransactionRequest(
            station_id=one.station_id, transaction_id=one.transaction_id
        )
        await mesh.mesh.transactions.ReassessTransaction(request, metadata=metadata, timeout=TIMEOUT_S)
    assert _billing(database_url, "acme") == before
    assert {one for one in _traces(database_url, "acme") if "outbox" not in one} == set()


async def test_an_open_transaction_of_the_driver_is_waited_for(tenants: TenantMesh, database_url: str) -> None:
    mesh = tenants
    acme = await mesh.add("acme")
    await _add_token(mesh, acme, TAG, NAME)
    async with RawStation(mesh.mesh.url("/ocpp/acme/CP1")) as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": "2026-11-21T10:00:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        erasure_id = await _erase(mesh, acme)
        await eventually(partial(_is_waiting, mesh, acme, erasure_id))
        stop = {"transactionId": number, "idTag": TAG, "meterStop": 2000, "timestamp": "2026-11-21T11:00:00Z"}
        await station.call("StopTransaction", stop)
    await eventually(partial(_is_finished, mesh, acme, erasure_id))
    assert _traces(database_url, "acme") == set()


async def _is_waiting(mesh: TenantMesh, metadata: Metadata, erasure_id: str) -> bool:
    found = await _get(mesh, metadata, erasure_id)
    return any(one.service == "transaction" and one.waiting_rows >= 2 for one in found.reports)


EXPORTS = {
    "auth": (AuthExportStub, auth_export),
    "station": (StationExportStub, station_export),
    "transaction": (TransactionExportStub, transaction_export),
    "notification": (EventExportStub, event_export),
}


async def _export(mesh: TenantMesh, service: str, metadata: Metadata, id_token: str = "") -> list[Any]:
    make, pb = EXPORTS[service]
    channels = {
        "auth": mesh.mesh.auth_channel,
        "station": mesh.mesh.station_channel,
        "transaction": mesh.mesh.transaction_channel,
        "notification": mesh.notifications,
    }
    stub: Any = make(channels[service])
    call = (
        stub.ExportDriverData(pb.ExportDriverDataRequest(id_token=id_token), metadata=metadata, timeout=TIMEOUT_S)
        if id_token
        else stub.ExportTenantData(pb.ExportTenantDataRequest(), metadata=metadata, timeout=TIMEOUT_S)
    )
    return [json.loads(line) for body in [body async for body in call] for line in body.data.splitlines()]


async def test_exports_have_all_of_a_tenant_or_of_a_driver_and_no_more(tenants: TenantMesh, database_url: str) -> None:
    mesh = tenants
    acme = await mesh.add("acme")
    await _charge(mesh, acme, "/ocpp/acme")
    await _charge(mesh, mesh.mesh.metadata, "/ocpp")
    for tenant_id in ("acme", "default"):
        await eventually(partial(_has_all_traces, database_url, tenant_id))
    for service in EXPORTS:
        stored = {table for table, _row in _rows(database_url, service, "acme")}
        lines = await _export(mesh, service, acme)
        assert {line["row"]["tenant_id"] for line in lines} == {"acme"}
        exported = {line["table"] for line in lines}
        assert stored - exported <= {"outbox", "job", "session", "stream", "fanout", "driver_erasure_progress"}
        assert not re.search(r"password_hash|secret_hash|credential_digest|credential_salt", json.dumps(lines))
    found = {service: await _export(mesh, service, acme, FORM.upper()) for service in EXPORTS}
    assert {(line["table"], line["row"]["display_name"]) for line in found["auth"]} == {("id_token", NAME)}
    assert {line["table"] for line in found["transaction"]} == {"tx", "tx_event"}
    assert {line["row"]["station_id"] for line in found["transaction"]} == {"CP1", "CP2"}
    assert {"message", "data_transfer", "status_report"} <= {line["table"] for line in found["station"]}
    assert {line["table"] for line in found["notification"]} == {"event"}
    text = json.dumps(found)
    assert OTHER not in text
    assert "default" not in {line["row"]["tenant_id"] for lines in found.values() for line in lines}
