"""Records of the mesh, as operators see them: transactions with their events, stations, the stream of events."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import grpc
from csms.event.v1 import event_service_pb2 as event
from csms.event.v1 import event_service_pb2_grpc as event_grpc
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import command_service_pb2_grpc as command_grpc
from csms.station.v1 import station_pb2
from csms.station.v1 import station_service_pb2 as station
from csms.station.v1 import station_service_pb2_grpc as station_grpc
from csms.transaction.v1 import energy_service_pb2 as energy
from csms.transaction.v1 import energy_service_pb2_grpc as energy_grpc
from csms.transaction.v1 import transaction_event_pb2 as tx_event
from csms.transaction.v1 import transaction_service_pb2 as tx
from csms.transaction.v1 import transaction_service_pb2_grpc as tx_grpc
from google.protobuf.field_mask_pb2 import FieldMask

from benchmarks.operator_calls import Metadata, Operated, logged_in
from chaos.ledger import Entry, Kind, Recorded
from chaos.rollups import HOUR_US, Hour, Hours
from mesh.runtime.times import DAY_US, SECOND_US, from_timestamp, now_us, to_timestamp

TIMEOUT_S = 30.0
PAGE = 1000
AT_ONCE = 8

_KINDS = {
    tx_event.TRANSACTION_EVENT_TYPE_STARTED: Kind.START,
    tx_event.TRANSACTION_EVENT_TYPE_UPDATED: Kind.METER,
    tx_event.TRANSACTION_EVENT_TYPE_ENDED: Kind.STOP,
}
_MWH = {"Wh": 1000, "kWh": 1_000_000}


@dataclass(frozen=True, kw_only=True)
class NewStation:
    """A station that connects over TLS: its security profile, with its password or its serial number."""

    station_id: str
    profile: int
    password: str = ""
    serial_number: str = ""


async def add_stations(mesh: Operated, stations: Iterable[NewStation]) -> None:
    """Adds stations; the serial number is the one that their certificates name (OCPP 2.0.1 part 2, A00.FR.405)."""
    async with logged_in(mesh, "station") as (channel, metadata):
        stub = station_grpc.StationServiceStub(channel)
        for one in stations:
            new = station.CreateStationRequest(
                station_id=one.station_id, security_profile=one.profile, credential=one.password
            )
            await stub.CreateStation(new, metadata=metadata, timeout=TIMEOUT_S)
            if one.serial_number:
                stated = station_pb2.Station(station_id=one.station_id, expected_serial_number=one.serial_number)
                mask = FieldMask(paths=["expected_serial_number"])
                change = station.UpdateStationRequest(station=stated, update_mask=mask)
                await stub.UpdateStation(change, metadata=metadata, timeout=TIMEOUT_S)


async def read_transactions(mesh: Operated) -> list[Recorded]:
    """Every transaction with every event of it."""
    async with logged_in(mesh, "transaction") as (channel, metadata):
        stub = tx_grpc.TransactionServiceStub(channel)
        listed: list[tx.Transaction] = []
        request = tx.ListTransactionsRequest(page_size=PAGE)
        while True:
            page = await stub.ListTransactions(request, metadata=metadata, timeout=TIMEOUT_S)
            listed += page.transactions
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(one: tx.Transaction) -> Recorded:
            async with gate:
                return _recorded(one, await _events(stub, metadata, one))

        return list(await asyncio.gather(*map(read, listed)))


async def _events(
    stub: "tx_grpc.TransactionServiceAsyncStub", metadata: Metadata, one: tx.Transaction
) -> Sequence[tx_event.TransactionEvent]:
    request = tx.ListTransactionEventsRequest(
        station_id=one.station_id, transaction_id=one.transaction_id, page_size=PAGE
    )
    found: list[tx_event.TransactionEvent] = []
    while True:
        page = await stub.ListTransactionEvents(request, metadata=metadata, timeout=TIMEOUT_S)
        found += (each.event for each in page.events)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _recorded(one: tx.Transaction, events: Sequence[tx_event.TransactionEvent]) -> Recorded:
    return Recorded(
        station_id=one.station_id,
        transaction_id=one.transaction_id,
        generation=one.generation,
        ended=one.state == tx.TRANSACTION_STATE_ENDED,
        energy_mwh=one.energy_wh * 1000,
        flags=tuple(one.flags),
        entries=tuple(_entry(one, each) for each in events),
    )


def _entry(one: tx.Transaction, each: tx_event.TransactionEvent) -> Entry:
    """The fleet's messages hold one value of the register each."""
    samples = [sample for value in each.meter_values for sample in value.sampled_values]
    register = int(Decimal(samples[0].value) * _MWH[samples[0].unit]) if len(samples) == 1 else -1
    return Entry(
        station_id=one.station_id,
        transaction_id=one.transaction_id,
        kind=_KINDS[each.event_type],
        time_us=from_timestamp(each.event_time),
        register_mwh=register,
    )


async def read_hours(mesh: Operated) -> Hours:
    """Energy and sessions of each station in each hour of yesterday and today."""
    async with logged_in(mesh, "transaction") as (channel, metadata):
        stub = energy_grpc.EnergyServiceStub(channel)
        request = energy.ListEnergyRollupsRequest(
            page_size=PAGE,
            start_time=to_timestamp(now_us() - DAY_US),
            end_time=to_timestamp(now_us() + DAY_US),
            granularity=energy.ROLLUP_GRANULARITY_HOUR,
            group=energy.ROLLUP_GROUP_STATION,
        )
        found: dict[tuple[str, int], Hour] = {}
        while True:
            page = await stub.ListEnergyRollups(request, metadata=metadata, timeout=TIMEOUT_S)
            for one in page.energy_rollups:
                found[one.station_id, from_timestamp(one.start_time) // HOUR_US] = Hour(
                    energy_mwh=round(one.energy_wh * 1000),
                    connected_us=round(one.connected_s * SECOND_US),
                    started=one.started_count,
                    ended=one.ended_count,
                )
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


async def connected_stations(mesh: Operated) -> set[str]:
    """The stations that count as connected."""
    async with logged_in(mesh, "station") as (channel, metadata):
        request = station.ListStationsRequest(page_size=PAGE, filter="connected = true")
        page = await station_grpc.StationServiceStub(channel).ListStations(
            request, metadata=metadata, timeout=TIMEOUT_S
        )
    return {one.station_id for one in page.stations}


async def connections_over_tls(mesh: Operated) -> Mapping[str, station_pb2.ConnectionTls]:
    """TLS of the last connection of each station, where it had any."""
    async with logged_in(mesh, "station") as (channel, metadata):
        request = station.ListStationsRequest(page_size=PAGE)
        page = await station_grpc.StationServiceStub(channel).ListStations(
            request, metadata=metadata, timeout=TIMEOUT_S
        )
    return {one.station_id: one.connection.tls for one in page.stations if one.connection.HasField("tls")}


async def unreachable_stations(mesh: Operated, station_ids: Sequence[str]) -> dict[str, str]:
    """Those of the stations that a command does not reach, and why."""
    failed = {}
    async with logged_in(mesh, "station") as (channel, metadata):
        stub = command_grpc.CommandServiceStub(channel)
        for station_id in station_ids:
            request = command.ClearCacheRequest(station_id=station_id)
            try:
                await stub.ClearCache(request, metadata=metadata, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                failed[station_id] = str(error.details())
    return failed


async def told_transactions(mesh: Operated, kind: str) -> list[tuple[str, str]]:
    """Station and transaction of every event of a kind ("transaction.started") in the stream, in its order."""
    async with logged_in(mesh, "notification") as (channel, metadata):
        stub = event_grpc.EventServiceStub(channel)
        request = event.ListEventsRequest(page_size=PAGE, filter=f'type = "{kind}"')
        found: list[tuple[str, str]] = []
        while True:
            page = await stub.ListEvents(request, metadata=metadata, timeout=TIMEOUT_S)
            found += ((each.station_id, str(each.data["transactionId"])) for each in page.events)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token
