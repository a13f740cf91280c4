"""Sessions of tenants whose stations, transactions and id tokens have the same names."""

import asyncio
from typing import Any

from csms.auth.v1 import id_token_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S
from tests.gateway.tenant_rig import Metadata, TenantMesh

TAG = {"idToken": "TAG-1", "type": "ISO14443"}


def _event(seq_no: int, kind: str, value: float) -> dict[str, Any]:
    time = f"2026-11-21T10:0{seq_no}:00Z"
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}[kind]
    sample = {"value": value, "context": context, "unitOfMeasure": {"unit": "kWh"}}
    return {
        "eventType": kind,
        "timestamp": time,
        "triggerReason": "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "tx-1"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": TAG,
        "meterValue": [{"timestamp": time, "sampledValue": [sample]}],
    }


async def charge(url: str, *, model: str, kwh: float, together: asyncio.Barrier) -> RawStation:
    """A session of transaction tx-1; all stations begin it, and end it, at the same moment. Leaves the socket open."""
    station = RawStation(url, subprotocols=["ocpp2.0.1"])
    await station.__aenter__()
    boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": model}}
    assert (await station.call("BootNotification", boot))["status"] == "Accepted"
    await together.wait()
    started = await station.call("TransactionEvent", _event(0, "Started", 1.0))
    assert started["idTokenInfo"]["status"] == "Accepted"
    await together.wait()
    await station.call("TransactionEvent", _event(1, "Ended", 1.0 + kwh))
    return station


async def add_token(mesh: TenantMesh, metadata: Metadata) -> None:
    """TAG-1, which may hold one transaction at a time."""
    token = id_token_service_pb2.IdToken(id_token="TAG-1", max_concurrent_transactions=1)
    request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
    await IdTokenServiceStub(mesh.mesh.auth_channel).CreateIdToken(request, metadata=metadata, timeout=TIMEOUT_S)
