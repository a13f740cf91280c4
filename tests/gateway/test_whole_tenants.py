"""Tenants in a whole mesh: with the same station ids and id tokens, none finds another anywhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import grpc
import pytest
from csms.auth.v1 import id_token_service_pb2, tenant_service_pb2, user_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub
from csms.station.v1 import command_service_pb2, station_service_pb2
from csms.transaction.v1 import transaction_service_pb2
from google.protobuf import json_format
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from mesh.runtime.errors import from_rpc_error
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S
from tests.gateway.tenant_rig import Metadata, TenantMesh, running_tenants
from tests.gateway.tenant_sessions import add_token, charge
from tests.waiting import eventually

DAY = datetime(2026, 11, 21, tzinfo=UTC)  # of the sessions
# What each tenant's station has of its own, beside the names that all have.
MARKS = {"acme": "Anvil", "bolt": "Bolzen", "default": "Dflt"}


@pytest.fixture
async def tenants(database_url: str) -> AsyncIterator[TenantMesh]:
    """A mesh with tenants, on both databases."""
    async with running_tenants(database_url) as found:
        yield found


async def _fails(call: Awaitable[Any]) -> tuple[str, str]:
    """The reason and the message of a call's error."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = from_rpc_error(caught.value)
    return str(error.reason), error.message


async def _sees(mesh: TenantMesh, metadata: Metadata) -> str:
    """All that an operator may list, as one text."""
    rig = mesh.mesh
    calls = (
        rig.stations.ListStations(station_service_pb2.ListStationsRequest(), metadata=metadata),
        rig.stations.ListMessages(station_service_pb2.ListMessagesRequest(station_id="CP1"), metadata=metadata),
        rig.transactions.ListTransactions(transaction_service_pb2.ListTransactionsRequest(), metadata=metadata),
        IdTokenServiceStub(rig.auth_channel).ListIdTokens(
            id_token_service_pb2.ListIdTokensRequest(), metadata=metadata
        ),
        UserServiceStub(rig.auth_channel).ListUsers(user_service_pb2.ListUsersRequest(), metadata=metadata),
    )
    answers = [json_format.MessageToJson(await call) for call in calls]
    answers += [json_format.MessageToJson(event) for event in await mesh.events(metadata)]
    answers += [json_format.MessageToJson(entry) for entry in await mesh.audit(metadata)]
    return "\n".join(answers)


async def test_tenants_with_the_same_station_and_tag_charge_at_once(tenants: TenantMesh) -> None:
    """Each finds its own session, exactly, and no word of the others in any list, log, event, rollup or audit."""
    mesh, rig = tenants, tenants.mesh
    callers = {"acme": await mesh.add("acme"), "bolt": await mesh.add("bolt"), "default": rig.metadata}
    for metadata in callers.values():
        await add_token(mesh, metadata)
    urls = {"acme": rig.url("/ocpp/acme/CP1"), "bolt": rig.url("/ocpp/bolt/CP1"), "default": rig.station_url("CP1")}
    together = asyncio.Barrier(len(urls))
    charging = [
        charge(urls[name], model=MARKS[name], kwh=kwh, together=together)
        for name, kwh in (("acme", 1.5), ("bolt", 2.5), ("default", 3.5))
    ]
    stations = await asyncio.gather(*charging)
    try:
        for name, wh in (("acme", 1500), ("bolt", 2500), ("default", 3500)):
            request = transaction_service_pb2.GetTransactionRequest(station_id="CP1", transaction_id="tx-1")
            found = (await rig.transactions.GetTransaction(request, metadata=callers[name])).transaction
            assert (found.energy_wh, found.event_count, list(found.flags)) == (wh, 2, [])
        await eventually(lambda: _is_published(mesh, list(callers.values())))
        for name, wh in (("acme", 1500), ("bolt", 2500), ("default", 3500)):
            assert await eventually(partial(mesh.energy_wh, callers[name], DAY)) == [wh]
        seen = {name: await _sees(mesh, metadata) for name, metadata in callers.items()}
        for name, text in seen.items():
            assert MARKS[name] in text
            others = [word for other in MARKS if other != name for word in (MARKS[other], f'"{other}"')]
            assert [word for word in others if word in text] == []
    finally:
        for station in stations:
            await station.__aexit__(None, None, None)


async def _is_published(mesh: TenantMesh, callers: Sequence[Metadata]) -> bool:
    """Whether each tenant has the events and the logged frames of its session."""
    for metadata in callers:
        kinds = {event.type for event in await mesh.events(metadata)}
        request = station_service_pb2.ListMessagesRequest(station_id="CP1")
        frames = (await mesh.mesh.stations.ListMessages(request, metadata=metadata)).messages
        actions = {entry.action.rpartition("/")[2] for entry in await mesh.audit(metadata)}
        if not {"station.booted", "transaction.ended"} <= kinds or len(frames) < 6 or "CreateIdToken" not in actions:
            return False
    return True


async def test_a_command_goes_to_the_callers_own_station(tenants: TenantMesh) -> None:
    mesh, rig = tenants, tenants.mesh
    acme = await mesh.add("acme")
    request = command_service_pb2.SendCallRequest(station_id="CP1", action="ClearCache")
    async with RawStation(rig.station_url("CP1")) as ours:
        await ours.boot()
        assert (await _fails(rig.commands.SendCall(request, metadata=acme)))[0] == "STATION_NOT_FOUND"
        async with RawStation(rig.url("/ocpp/acme/CP1")) as theirs:
            await theirs.boot()
            call = asyncio.ensure_future(rig.commands.SendCall(request, metadata=acme, timeout=TIMEOUT_S))
            assert await theirs.answer({"status": "Accepted"}) == ["ClearCache", {}]
            await call
            closing = station_service_pb2.CloseConnectionRequest(station_id="CP1")
            await rig.stations.CloseConnection(closing, metadata=acme)
            assert await theirs.close_code() == 1012
        call = asyncio.ensure_future(rig.commands.SendCall(request, metadata=rig.metadata, timeout=TIMEOUT_S))
        assert await ours.answer({"status": "Rejected"}) == ["ClearCache", {}]
        assert json_format.MessageToDict((await call).payload) == {"status": "Rejected"}


async def test_errors_are_those_of_what_does_not_exist(tenants: TenantMesh) -> None:
    """For another tenant's station, transaction, id token and user: the same words as for made-up ones."""
    mesh, rig = tenants, tenants.mesh
    acme = await mesh.add("acme")
    await rig.create_station("CP7")
    await rig.create_id_token("TAG-7")
    tokens, users = IdTokenServiceStub(rig.auth_channel), UserServiceStub(rig.auth_channel)
    for real, made_up in (
        (
            rig.stations.GetStation(station_service_pb2.GetStationRequest(station_id=name), metadata=acme)
            for name in ("CP7", "CP8")
        ),
        (
            tokens.GetIdToken(id_token_service_pb2.GetIdTokenRequest(id_token=name), metadata=acme)
            for name in ("TAG-7", "TAG-8")
        ),
    ):
        errors = [await _fails(real), await _fails(made_up)]
        assert errors[0][0] == errors[1][0]
        assert errors[0][1].replace("7", "8") == errors[1][1]
    # A name that exists elsewhere can be added here.
    await rig.stations.CreateStation(station_service_pb2.CreateStationRequest(station_id="CP7"), metadata=acme)
    user = user_service_pb2.RegisterRequest(username="Admin2", password="a battery of horses")
    for metadata in (rig.metadata, acme):
        await users.Register(user, metadata=metadata)
    wrong = [
        await _fails(users.Login(user_service_pb2.LoginRequest(username=name, password="x" * 8, tenant_id=tenant)))
        for name, tenant in (("admin", "acme"), ("nobody", "acme"), ("admin", "nobody"), ("admin", "Not an id"))
    ]
    assert len(set(wrong)) == 1


async def test_a_credential_is_of_one_tenants_station(tenants: TenantMesh) -> None:
    mesh, rig = tenants, tenants.mesh
    acme = await mesh.add("acme")
    request = station_service_pb2.CreateStationRequest(station_id="CP1")
    theirs = (await rig.stations.CreateStation(request, metadata=acme)).credential
    ours = await rig.create_station("CP1")
    for path, right, wrong in (("/ocpp/acme/CP1", theirs, ours), ("/ocpp/CP1", ours, theirs)):
        async with RawStation(rig.url(path), headers=basic("CP1", right)) as station:
            await station.boot()
        with pytest.raises(InvalidStatus) as refused:
            await RawStation(rig.url(path), headers=basic("CP1", wrong)).__aenter__()
        assert refused.value.response.status_code == 401


async def test_a_host_name_is_a_tenants(tenants: TenantMesh) -> None:
    mesh, rig = tenants, tenants.mesh
    acme = await mesh.add("acme", host_name="acme.example.org")
    await eventually(lambda: _knows_host(mesh))
    port, subprotocols = rig.ocpp_port, [Subprotocol("ocpp1.6")]
    url = f"ws://acme.example.org:{port}/ocpp/CP5"
    async with connect(url, host="127.0.0.1", port=port, subprotocols=subprotocols, proxy=None):
        pass
    page = await rig.stations.ListStations(station_service_pb2.ListStationsRequest(), metadata=acme)
    assert [one.station_id for one in page.stations] == ["CP5"]


async def _knows_host(mesh: TenantMesh) -> bool:
    return mesh.mesh.gateway.tenants.find_host("acme.example.org") is not None


async def test_a_suspended_tenant_is_refused_until_it_is_resumed(tenants: TenantMesh) -> None:
    """Its sockets close within seconds, its stations get 403, its operators TENANT_SUSPENDED, also at a login."""
    mesh, rig = tenants, tenants.mesh
    acme = await mesh.add("acme")
    listing = station_service_pb2.ListStationsRequest()
    suspend = tenant_service_pb2.SuspendTenantRequest(tenant_id="acme")
    async with RawStation(rig.url("/ocpp/acme/CP1")) as theirs, RawStation(rig.station_url("CP1")) as ours:
        await theirs.boot()
        await mesh.tenants.SuspendTenant(suspend, metadata=mesh.platform)
        assert await theirs.close_code() == 1008
        with pytest.raises(InvalidStatus) as refused:
            await RawStation(rig.url("/ocpp/acme/CP1")).__aenter__()
        assert refused.value.response.status_code == 403
        await eventually(lambda: _is_refused(mesh, acme))
        await ours.boot()
    await rig.stations.ListStations(listing, metadata=rig.metadata)
    await mesh.tenants.ResumeTenant(tenant_service_pb2.ResumeTenantRequest(tenant_id="acme"), metadata=mesh.platform)
    await eventually(lambda: _is_served(mesh, acme))
    async with RawStation(rig.url("/ocpp/acme/CP1")) as theirs:
        await theirs.boot()


async def _is_refused(mesh: TenantMesh, metadata: Metadata) -> bool:
    try:
        await mesh.mesh.stations.ListStations(station_service_pb2.ListStationsRequest(), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error).reason == "TENANT_SUSPENDED"
    return False


async def _is_served(mesh: TenantMesh, metadata: Metadata) -> bool:
    tenant = mesh.mesh.gateway.tenants.find("acme")
    return tenant is not None and tenant.is_active and not await _is_refused(mesh, metadata)


async def test_a_platform_administrator_sees_no_tenants_data(tenants: TenantMesh) -> None:
    mesh, rig = tenants, tenants.mesh
    await mesh.add("acme")
    for call in (
        rig.stations.ListStations(station_service_pb2.ListStationsRequest(), metadata=mesh.platform),
        rig.transactions.ListTransactions(transaction_service_pb2.ListTransactionsRequest(), metadata=mesh.platform),
        IdTokenServiceStub(rig.auth_channel).ListIdTokens(
            id_token_service_pb2.ListIdTokensRequest(), metadata=mesh.platform
        ),
        mesh.events(mesh.platform),
    ):
        assert (await _fails(call))[0] == "ROLE_TOO_LOW"
    users = await UserServiceStub(rig.auth_channel).ListUsers(
        user_service_pb2.ListUsersRequest(), metadata=mesh.platform
    )
    assert [user.username for user in users.users] == ["platform"]
