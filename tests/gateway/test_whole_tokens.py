"""Whose session it is and how many a token may hold, from the socket to what an operator reads, on both databases."""

import asyncio
import itertools
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from csms.common.v1 import id_token_pb2
from csms.station.v1 import command_service_pb2, reservation_pb2, station_pb2, station_service_pb2
from csms.transaction.v1 import transaction_service_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh
from tests.mesh_identities import mesh_environment
from tests.ports import held_port
from tests.waiting import eventually, until

BLOCKED = id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
CONCURRENT = id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX
UNSPECIFIED = id_token_pb2.AUTHORIZATION_STATUS_UNSPECIFIED


@asynccontextmanager
async def _stations(mesh: MeshRig, *station_ids: str, version: str = "1.6") -> AsyncIterator[list[RawStation]]:
    """Stations that have booted."""
    async with AsyncExitStack() as stack:
        stations = []
        for station_id in station_ids:
            station = RawStation(mesh.station_url(station_id), subprotocols=[f"ocpp{version}"])
            await stack.enter_async_context(station)
            await station.boot()
            stations.append(station)
        yield stations


async def _start(station: RawStation, id_tag: str, *, minute: int = 0, connector: int = 1) -> tuple[str, int]:
    """StartTransaction; the tag's status and the transaction's number."""
    start = {
        "connectorId": connector,
        "idTag": id_tag,
        "meterStart": 1000,
        "timestamp": f"2026-11-21T10:{minute:02}:00Z",
    }
    answer = await station.call("StartTransaction", start)
    return answer["idTagInfo"]["status"], answer["transactionId"]


async def _stop(station: RawStation, number: int, *, minute: int = 30, meter: int = 1500) -> None:
    stop = {"transactionId": number, "meterStop": meter, "timestamp": f"2026-11-21T10:{minute:02}:00Z"}
    await station.call("StopTransaction", stop)


async def _authorize(station: RawStation, text: str) -> str:
    if station.socket.subprotocol == "ocpp1.6":
        return str((await station.call("Authorize", {"idTag": text}))["idTagInfo"]["status"])
    answer = await station.call("Authorize", {"idToken": {"idToken": text, "type": "ISO14443"}})
    return str(answer["idTokenInfo"]["status"])


_seconds = itertools.count()


async def _event(
    station: RawStation,
    kind: str,
    seq_no: int,
    text: str | None = None,
    *,
    trigger: str = "Authorized",
    wh: float | None = None,
    name: str = "tx-1",
) -> str | None:
    """TransactionEvent; the token's status, where there is a token."""
    second = next(_seconds)
    time = f"2026-11-21T10:{second // 60:02}:{second % 60:02}Z"
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": time,
        "triggerReason": trigger,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": name},
        "evse": {"id": 1, "connectorId": 1},
    }
    if text is not None:
        payload["idToken"] = {"idToken": text, "type": "ISO14443"}
    if wh is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}[kind]
        payload["meterValue"] = [{"timestamp": time, "sampledValue": [{"value": wh, "context": context}]}]
    answer = await station.call("TransactionEvent", payload)
    return answer["idTokenInfo"]["status"] if "idTokenInfo" in answer else None


async def _transaction(mesh: MeshRig, station_id: str, name: str | int) -> transaction_service_pb2.Transaction:
    request = transaction_service_pb2.GetTransactionRequest(station_id=station_id, transaction_id=str(name))
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: transaction_service_pb2.Transaction = response.transaction
    return transaction


async def _of_token(mesh: MeshRig, text: str) -> list[str]:
    """The stations at which a token has transactions."""
    request = transaction_service_pb2.ListTransactionsRequest(filter=f'id_token = "{text}"')
    response = await mesh.transactions.ListTransactions(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return [found.station_id for found in response.transactions]


async def _statuses(mesh: MeshRig, station_id: str, name: str | int) -> Sequence[tuple[str, int]]:
    """The tokens of a transaction's events, with why each was refused."""
    request = transaction_service_pb2.ListTransactionEventsRequest(station_id=station_id, transaction_id=str(name))
    response = await mesh.transactions.ListTransactionEvents(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return [(found.event.id_token.id_token, found.authorization_status) for found in response.events]


async def test_a_refused_start_holds_no_tag(mesh_on_both: MeshRig) -> None:
    """A Start Accepted, B Start ConcurrentTx, A Stop, C Start Accepted."""
    mesh = mesh_on_both
    await mesh.create_id_token("TAG", max_concurrent_transactions=1)
    async with _stations(mesh, "A", "B", "C") as (a, b, c):
        status, number = await _start(a, "TAG")
        assert status == "Accepted"
        for minute in range(1, 4):  # each try adds nothing
            status, refused = await _start(b, "tag", minute=minute)
            assert status == "ConcurrentTx"
        await _stop(a, number)
        assert (await _start(c, "TAG", minute=31))[0] == "Accepted"
        assert (await _start(b, "TAG", minute=32))[0] == "ConcurrentTx"
    assert await _statuses(mesh, "B", refused) == [("tag", CONCURRENT)] * len(range(1, 4))
    assert (await _transaction(mesh, "B", refused)).authorization_status == CONCURRENT
    assert (await _transaction(mesh, "A", number)).authorization_status == UNSPECIFIED


async def test_a_refused_start_that_is_sent_again_is_judged_anew(mesh_on_both: MeshRig) -> None:
    """The driver tries again once the tag is free; it is still one transaction."""
    mesh = mesh_on_both
    await mesh.create_id_token("TAG", max_concurrent_transactions=1)
    async with _stations(mesh, "A", "B", "C") as (a, b, c):
        _status, number = await _start(a, "TAG")
        status, refused = await _start(b, "TAG", minute=1)
        assert status == "ConcurrentTx"
        await _stop(a, number, minute=2)
        assert await _start(b, "TAG", minute=3) == ("Accepted", refused)
        assert (await _start(c, "TAG", minute=4))[0] == "ConcurrentTx"
    assert (await _transaction(mesh, "B", refused)).authorization_status == UNSPECIFIED


async def test_without_a_limit_a_fleet_shares_its_tag(mesh_on_both: MeshRig) -> None:
    """The default; a number of its own is a limit all the same."""
    mesh = mesh_on_both
    await mesh.create_id_token("TWO", max_concurrent_transactions=2)
    async with _stations(mesh, "A", "B", "C", "D") as stations:
        assert [(await _start(station, "FLEET"))[0] for station in stations] == ["Accepted"] * 4
        told = [(await _start(station, "TWO", minute=1, connector=2))[0] for station in stations]
        assert told == ["Accepted", "Accepted", "ConcurrentTx", "ConcurrentTx"]


async def test_two_starts_at_once(mesh_on_both: MeshRig) -> None:
    """In two batches that wait for the database together: exactly one of the two may charge."""
    mesh = mesh_on_both
    await mesh.create_id_token("TAG", max_concurrent_transactions=1)
    async with _stations(mesh, "A", "B") as (a, b):
        mesh.transaction_service.hold()
        one = asyncio.ensure_future(_start(a, "TAG"))
        await until(lambda: mesh.transaction_service.waiting)
        other = asyncio.ensure_future(_start(b, "TAG", minute=1))
        await until(lambda: mesh.batcher_of_transactions().depth)
        mesh.transaction_service.release()
        assert sorted([(await one)[0], (await other)[0]]) == ["Accepted", "ConcurrentTx"]


@pytest.mark.parametrize("brought_by_start", [False, True])
async def test_the_session_is_the_accepted_tokens(mesh_on_both: MeshRig, brought_by_start: bool) -> None:
    """2.0.1: a blocked token, then a good one, then 5,000 Wh."""
    mesh = mesh_on_both
    await mesh.create_id_token("BAD", status="Blocked")
    await mesh.create_id_token("GOOD")
    async with _stations(mesh, "CP1", version="2.0.1") as (station,):
        if brought_by_start:
            assert await _event(station, "Started", 0, "BAD", wh=1000) == "Blocked"
        else:
            assert await _event(station, "Started", 0, trigger="CablePluggedIn", wh=1000) is None
            assert await _event(station, "Updated", 1, "BAD") == "Blocked"
        assert await _event(station, "Updated", 2 - brought_by_start, "GOOD") == "Accepted"
        await _event(station, "Ended", 3 - brought_by_start, trigger="EVDeparted", wh=6000)
    found = await _transaction(mesh, "CP1", "tx-1")
    assert (found.id_token.id_token, found.energy_wh, list(found.flags)) == ("GOOD", 5000, [])
    assert found.authorization_status == UNSPECIFIED
    assert (await _of_token(mesh, "GOOD"), await _of_token(mesh, "BAD")) == (["CP1"], [])
    told = [token for token in await _statuses(mesh, "CP1", "tx-1") if token[0]]
    assert told == [("BAD", BLOCKED), ("GOOD", UNSPECIFIED)]


async def test_energy_of_a_refused_token_is_flagged(mesh_on_both: MeshRig) -> None:
    """A station that goes on all the same: the refused token is shown as such, for a person to judge."""
    mesh = mesh_on_both
    await mesh.create_id_token("BAD", status="Blocked")
    async with _stations(mesh, "CP1") as (station,):
        status, number = await _start(station, "BAD")
        await _stop(station, number)
    found = await _transaction(mesh, "CP1", number)
    assert (status, found.id_token.id_token, found.authorization_status) == ("Blocked", "BAD", BLOCKED)
    assert (found.energy_wh, list(found.flags)) == (500, ["refused_token"])


async def test_cable_first_is_judged_when_the_token_comes(mesh_on_both: MeshRig) -> None:
    """2.0.1: with the limit; the token of the session itself, and one that stops, are not."""
    mesh = mesh_on_both
    await mesh.create_id_token("TAG", max_concurrent_transactions=1)
    await mesh.create_id_token("OTHER", max_concurrent_transactions=1)
    async with _stations(mesh, "A", "B", version="2.0.1") as (a, b):
        assert await _event(a, "Started", 0, "TAG") == "Accepted"
        assert await _event(b, "Started", 0, trigger="CablePluggedIn") is None
        assert await _event(b, "Updated", 1, "TAG") == "ConcurrentTx"
        assert await _event(b, "Updated", 2, "OTHER") == "Accepted"
        assert await _event(b, "Updated", 3, "OTHER") == "Accepted"
        assert await _event(a, "Updated", 1, "OTHER", trigger="StopAuthorized") == "Accepted"
        assert await _event(a, "Ended", 2, "TAG", trigger="StopAuthorized") == "Accepted"
        assert await _event(b, "Ended", 4, "TAG", trigger="StopAuthorized") == "Accepted"
    assert (await _transaction(mesh, "A", "tx-1")).id_token.id_token == "TAG"
    assert (await _transaction(mesh, "B", "tx-1")).id_token.id_token == "OTHER"


@pytest.mark.parametrize("asked_for", [False, True])
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_authorize_keeps_no_driver_from_stopping(database_url: str, version: str, asked_for: bool) -> None:
    """ConcurrentTx to a station without a session of the token, where the setting asks for it; never to one with it."""
    settings = {"CSMS_MAX_CONCURRENT_TRANSACTIONS": "1", "CSMS_AUTHORIZE_CONCURRENT_TX": str(int(asked_for))}
    async with (
        running_mesh(database_url, **settings) as mesh,
        _stations(mesh, "A", "B", version=version) as (a, b),
    ):
        assert await _authorize(a, "TAG") == "Accepted"
        if version == "1.6":
            assert (await _start(a, "TAG"))[0] == "Accepted"
        else:
            assert await _event(a, "Started", 0, "TAG") == "Accepted"
        assert await _authorize(a, "TAG") == "Accepted"
        assert await _authorize(b, "TAG") == ("ConcurrentTx" if asked_for else "Accepted")
        assert await _authorize(b, "OTHER") == "Accepted"


async def test_a_token_is_refused_while_the_station_is_not_accepted(mesh_on_both: MeshRig) -> None:
    """A session that began before goes on: a token that is refused then is not its own either."""
    mesh = mesh_on_both
    await mesh.create_id_token("BAD", status="Blocked")
    await mesh.create_id_token("GOOD")
    async with _stations(mesh, "CP1", version="2.0.1") as (station,):
        await _event(station, "Started", 0, trigger="CablePluggedIn", wh=1000)
        request = station_service_pb2.UpdateStationRequest()
        request.station.station_id = "CP1"
        request.station.registration_status = station_pb2.REGISTRATION_STATUS_PENDING
        request.update_mask.paths.append("registration_status")
        await mesh.stations.UpdateStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    async with _stations(mesh, "CP1", version="2.0.1") as (station,):
        assert await _event(station, "Updated", 1, "BAD") == "Blocked"
        assert await _event(station, "Updated", 2, "GOOD") == "Accepted"
        await _event(station, "Ended", 3, trigger="EVDeparted", wh=6000)
    found = await _transaction(mesh, "CP1", "tx-1")
    assert (found.id_token.id_token, found.energy_wh, list(found.flags)) == ("GOOD", 5000, [])


async def test_a_gateway_killed_between_the_record_and_the_refusal(mesh_on_both: MeshRig) -> None:
    """The station was not answered: it sends its start again, elsewhere, and the same happens."""
    mesh = mesh_on_both
    await mesh.create_id_token("TAG", max_concurrent_transactions=1)
    async with _stations(mesh, "A") as (a,):
        number = (await _start(a, "TAG"))[1]
        with held_port() as port:
            process = await _other_gateway(mesh, port)
            try:
                async with await _connect(f"ws://127.0.0.1:{port}/ocpp/B") as b:
                    await b.boot()
                    mesh.transaction_service.hold(after=1)
                    starting = asyncio.ensure_future(_start(b, "TAG", minute=1))
                    await until(lambda: mesh.transaction_service.waiting)
                    process.kill()
                    await process.wait()
                    with pytest.raises(ConnectionClosed):
                        await starting
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
        await until(lambda: not mesh.transaction_service.waiting)  # the call ended with its caller
        mesh.transaction_service.release()
        assert sorted(await _of_token(mesh, "TAG")) == ["A", "B"]
        async with _stations(mesh, "B") as (b,):
            status, refused = await _start(b, "TAG", minute=1)
            assert status == "ConcurrentTx"
            assert await _statuses(mesh, "B", refused) == [("TAG", CONCURRENT)]
        await _stop(a, number)
        async with _stations(mesh, "C") as (c,):
            assert (await _start(c, "TAG", minute=31))[0] == "Accepted"


async def _other_gateway(mesh: MeshRig, port: int) -> Process:
    """A gateway in a process of its own."""
    settings = mesh.gateway_settings
    environment = {
        **os.environ,
        "CSMS_OCPP_PORT": str(port),
        "CSMS_GATEWAY_ADDRESS": "127.0.0.1:0",
        **mesh_environment("gateway"),
        "CSMS_STATION_ADDRESS": settings.station_address,
        "CSMS_TRANSACTION_ADDRESS": settings.transaction_address,
        "CSMS_AUTH_ADDRESS": settings.auth_address,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment, stdout=DEVNULL, stderr=DEVNULL
    )


async def _connect(url: str) -> RawStation:
    """A station that can connect by now."""

    async def is_open() -> bool:
        try:
            async with RawStation(url):
                return True
        except (OSError, InvalidHandshake):
            return False

    await eventually(is_open)
    return RawStation(url)


_EMAID, _READ = "DE-ABC-C12345678-5", "DEABCC123456785"
_COMMANDS = [
    ("1.6", "RemoteStartTransaction", lambda payload: payload["idTag"]),
    ("1.6", "ReserveNow", lambda payload: payload["idTag"]),
    ("2.0.1", "RequestStartTransaction", lambda payload: payload["idToken"]),
]


@pytest.mark.parametrize(("version", "action", "token_of"), _COMMANDS)
async def test_a_station_is_sent_what_its_reader_sends(
    mesh: MeshRig, version: str, action: str, token_of: Callable[[Any], Any]
) -> None:
    """From the reader's first Authorize on, whatever form an operator types; an unknown token goes as typed."""
    await mesh.create_id_token(_EMAID)

    def told(text: str) -> Any:
        return text if version == "1.6" else {"idToken": text, "type": "eMAID"}

    async with _stations(mesh, "CP1", version=version) as (station,):
        for typed, sent in ((_READ.lower(), _EMAID), ("Nobody's", "Nobody's")):
            assert token_of(await _name_token(mesh, station, action, typed)) == told(sent)
        assert await _authorize(station, _READ) == "Accepted"
        assert token_of(await _name_token(mesh, station, action, _EMAID)) == told(_READ)


async def _name_token(mesh: MeshRig, station: RawStation, action: str, text: str) -> Any:
    """Has the station sent a command that names a token; its payload, which the station accepts."""
    options: Any = {"metadata": mesh.metadata, "timeout": TIMEOUT_S}
    token = id_token_pb2.IdToken(id_token=text, type="eMAID")
    asking: Any
    if action == "ReserveNow":
        reserve = reservation_pb2.ReserveNowRequest(
            station_id="CP1", id_token=token, expire_time=Timestamp(seconds=4_000_000_000)
        )
        asking = mesh.commands.ReserveNow(reserve, **options)
    else:
        start = command_service_pb2.RequestStartTransactionRequest(station_id="CP1", id_token=token)
        asking = mesh.commands.RequestStartTransaction(start, **options)
    asked = asyncio.ensure_future(asking)
    received, payload = await station.answer({"status": "Accepted"})
    assert received == action
    await asked
    return payload
