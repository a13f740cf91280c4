"""The gateway's calls into the mesh: a lane per ingest RPC, and the calls that are not batched by a lane."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import grpc
from csms.auth.v1 import authorization_service_pb2 as auth
from csms.station.v1 import station_ingest_service_pb2 as station
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub
from csms.transaction.v1 import transaction_ingest_service_pb2 as transaction
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.lanes import Lane
from gateway.translation import LaneName
from gateway.wire import repeated
from mesh.errors import from_rpc_error, unavailable

# One attempt of a lane; the lane tries again within each item's own deadline.
ATTEMPT_TIMEOUT_S = 5.0

# What goes beside the messages of a session, once or twice in each: in a small batch it costs more than they do. Nobody
# who holds a card to a reader notices.
_PATIENCE_S = {LaneName.AUTHORIZE: 0.02}

_STATIONS = station.DESCRIPTOR.services_by_name["StationIngestService"]
_TRANSACTIONS = transaction.DESCRIPTOR.services_by_name["TransactionIngestService"]
_AUTHORIZATION = auth.DESCRIPTOR.services_by_name["AuthorizationService"]

Send = Callable[[Sequence[bytes]], Awaitable[Sequence[Any]]]


def _raw(service: ServiceDescriptor, channel: grpc.aio.Channel, name: str) -> Callable[[bytes], Awaitable[Any]]:
    """An RPC for a request that is serialized already; it raises MeshError."""
    method = service.methods_by_name[name]
    call = channel.unary_unary(
        f"/{service.full_name}/{name}",
        request_serializer=lambda request: request,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    async def send(request: bytes) -> Any:
        return await _call(call, request, ATTEMPT_TIMEOUT_S)

    return send


def _sender(service: ServiceDescriptor, channel: grpc.aio.Channel, name: str) -> Send:
    """The sending end of a lane: one RPC for a batch, one result per item.

    Its request has a field `items` and no other, so that serialized items need not become messages once more.
    """
    record = _raw(service, channel, name)
    [items_field] = service.methods_by_name[name].input_type.fields

    async def send(items: Sequence[bytes]) -> Sequence[Any]:
        response = await record(repeated(items_field, items))
        results: Sequence[Any] = response.results
        if len(results) != len(items):
            raise unavailable("WRONG_RESULTS", f"{len(results)} results came back for {len(items)} items")
        return results

    return send


class MeshClient:
    """Everything the gateway asks of the services. Build it within the event loop it is used from."""

    def __init__(
        self,
        *,
        station_channel: grpc.aio.Channel,
        transaction_channel: grpc.aio.Channel,
        auth_channel: grpc.aio.Channel,
    ) -> None:
        self._stations = StationIngestServiceStub(station_channel)
        self._transactions = TransactionIngestServiceStub(transaction_channel)
        self._record_messages = _raw(_STATIONS, station_channel, "RecordMessages")
        stations = partial(_sender, _STATIONS, station_channel)
        transactions = partial(_sender, _TRANSACTIONS, transaction_channel)
        authorization = partial(_sender, _AUTHORIZATION, auth_channel)
        senders = {
            LaneName.BOOTS: stations("NotifyBoots"),
            LaneName.STATUSES: stations("NotifyStatuses"),
            LaneName.DATA_TRANSFERS: stations("TransferData"),
            LaneName.CERTIFICATES: stations("RequestCertificates"),
            LaneName.REPORTS: stations("NotifyReports"),
            LaneName.AUTHORIZE: authorization("Authorize"),
            LaneName.TRANSACTION_EVENTS: transactions("RecordTransactionEvents"),
            LaneName.METER_VALUES: transactions("RecordMeterValues"),
            LaneName.AUTHORIZATIONS: transactions("RecordAuthorizations"),
            LaneName.OPEN_TRANSACTIONS: transactions("CountOpenTransactions"),
        }
        self.lanes: Mapping[LaneName, Lane[Any, Any]] = {
            name: Lane(name=name, send=send, patience_s=_PATIENCE_S.get(name)) for name, send in senders.items()
        }
        self.openings: Lane[station.OpenConnectionItem, station.OpenConnectionResult] = Lane(
            name="openings", send=stations("OpenConnections")
        )

    def all_lanes(self) -> Sequence[Lane[Any, Any]]:
        """Every lane, for metrics and for closing."""
        return (*self.lanes.values(), self.openings)

    async def close_connections(self, items: Sequence[station.CloseConnectionItem]) -> None:
        """Notes closed sockets. Raises MeshError."""
        await _call(self._stations.CloseConnections, station.CloseConnectionsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def record_sightings(self, items: Sequence[station.Sighting]) -> None:
        """Notes signs of life. Raises MeshError."""
        await _call(self._stations.RecordSightings, station.RecordSightingsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def note_asides(self, items: Sequence[station.ReportItem]) -> None:
        """Passes on reports that no answer waits for; one that is refused alone is lost. Raises MeshError."""
        await _call(self._stations.NotifyReports, station.NotifyReportsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def notify_station_events(self, items: Sequence[transaction.StationEventItem]) -> None:
        """Passes on boots and available connectors; one that is refused alone is lost. Raises MeshError."""
        request = transaction.NotifyStationEventsRequest(items=items)
        await _call(self._transactions.NotifyStationEvents, request, ATTEMPT_TIMEOUT_S)

    async def record_messages(self, entries: Sequence[bytes]) -> None:
        """Appends to the message log; see gateway/log_entry.py. Raises MeshError."""
        await self._record_messages(b"".join(entries))

    async def close(self) -> None:
        """Waits for the batches in flight; what still waits fails."""
        for lane in self.all_lanes():
            await lane.close()


async def _call(method: Any, request: Any, timeout_s: float) -> Any:
    try:
        return await method(request, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
