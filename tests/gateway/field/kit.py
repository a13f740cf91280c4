"""The operator's side of the field tests: the counts, the conditions, the transactions, the quarantine."""

import asyncio
import re
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from csms.station.v1 import station_pb2, station_service_pb2
from csms.transaction.v1 import transaction_service_pb2

from station_kit.messages import ENERGY_REGISTER
from station_kit.times import format_time
from station_kit.v16 import messages as v16
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

STATION = "CP1"
REGISTER = ENERGY_REGISTER


def at(seconds: float = 0) -> str:
    """The present, shifted, as stations write it that have no milliseconds."""
    return format_time(datetime.now(UTC) + timedelta(seconds=seconds), timespec="seconds")


def start(**fields: Any) -> dict[str, Any]:
    """A StartTransaction of 1.6."""
    return v16.start_transaction(id_tag="TAG-1", meter_start=1_000, timestamp=at()).payload | fields


def stop(number: int, **fields: Any) -> dict[str, Any]:
    """A StopTransaction of 1.6."""
    message = v16.stop_transaction(transaction_id=number, meter_stop=3_000, timestamp=at(60), idTag="TAG-1")
    return message.payload | fields


def metered(*samples: dict[str, Any], time: str = "", **fields: Any) -> dict[str, Any]:
    """A MeterValues of 1.6."""
    return v16.meter_values(*samples, timestamp=time or at(), **fields).payload


class Field:
    """The mesh around the station `CP1`."""

    def __init__(self, mesh: MeshRig) -> None:
        self.mesh = mesh

    def station(self, path: str = f"/ocpp/{STATION}", **options: Any) -> RawStation:
        """A station that comes in by this path."""
        return RawStation(self.mesh.url(path), **options)

    async def resource(self, station_id: str = STATION) -> station_pb2.Station:
        """The station as an operator sees it, with the gateway's latest reports."""
        await self.mesh.gateway.keepalive_monitor.sweep()
        request = station_service_pb2.GetStationRequest(station_id=station_id)
        response = await self.mesh.stations.GetStation(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        return response.station

    async def quirks(self, station_id: str = STATION) -> dict[str, int]:
        """How often each quirk of the station was met."""
        return dict((await self.resource(station_id)).quirks)

    async def expect_quirks(self, **expected: int) -> None:
        """Waits until these quirks of the station are counted so often, and no others; and so in the metrics."""

        async def are_there() -> bool:
            found = await self.quirks()
            assert found.keys() <= expected.keys(), found
            return found == expected

        await eventually(are_there)
        assert await self.metric_of_quirks() == expected

    async def metric_of_quirks(self) -> dict[str, int]:
        """csms_gateway_quirk_total, by label."""
        url = f"http://127.0.0.1:{self.mesh.gateway.metrics_port}/metrics"
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=TIMEOUT_S).read().decode())
        found = re.findall(r'^csms_gateway_quirk_total\{label="(\w+)"\} (\S+)$', text, re.MULTILINE)
        return {label: int(float(value)) for label, value in found}

    async def conditions(self) -> Sequence[station_pb2.StationCondition]:
        """The conditions of the station."""
        return (await self.resource()).conditions

    async def transaction(
        self, transaction_id: int | str, *, generation: int = 0
    ) -> transaction_service_pb2.Transaction:
        """A transaction of the station."""
        request = transaction_service_pb2.GetTransactionRequest(
            station_id=STATION, transaction_id=str(transaction_id), generation=generation
        )
        response = await self.mesh.transactions.GetTransaction(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        return response.transaction

    async def transactions(self) -> Sequence[transaction_service_pb2.Transaction]:
        """All of the station, newest first."""
        request = transaction_service_pb2.ListTransactionsRequest(station_id=STATION)
        response = await self.mesh.transactions.ListTransactions(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return response.transactions

    async def events(
        self, transaction_id: int | str, *, generation: int = 0
    ) -> Sequence[transaction_service_pb2.RecordedTransactionEvent]:
        """All that was said of a transaction."""
        request = transaction_service_pb2.ListTransactionEventsRequest(
            station_id=STATION, transaction_id=str(transaction_id), generation=generation
        )
        response = await self.mesh.transactions.ListTransactionEvents(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return response.events

    async def unmatched(self) -> Sequence[transaction_service_pb2.UnmatchedEvent]:
        """The unmatched events, newest first."""
        request = transaction_service_pb2.ListUnmatchedEventsRequest(station_id=STATION)
        response = await self.mesh.transactions.ListUnmatchedEvents(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return response.unmatched_events

    async def meter_values(self) -> Sequence[transaction_service_pb2.RecordedMeterValues]:
        """The meter values outside of any transaction, newest first."""
        request = transaction_service_pb2.ListMeterValuesRequest(station_id=STATION)
        response = await self.mesh.transactions.ListMeterValues(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        return response.meter_values

    async def quarantine(self) -> Sequence[transaction_service_pb2.QuarantinedItem]:
        """The station's messages in quarantine, newest first."""
        request = transaction_service_pb2.ListQuarantinedItemsRequest(filter=f'station_id = "{STATION}"')
        response = await self.mesh.transactions.ListQuarantinedItems(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return response.items

    async def dismiss(self, quarantine_id: str) -> transaction_service_pb2.QuarantinedItem:
        """Marks a message in quarantine as one that nobody need record."""
        request = transaction_service_pb2.DismissQuarantinedItemRequest(quarantine_id=quarantine_id)
        response = await self.mesh.transactions.DismissQuarantinedItem(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        return response.item
