"""The gateway's calls into the mesh: a lane per ingest RPC, and the calls that are not batched by a lane."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from csms.auth.v1 import authorization_service_pb2 as auth
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.station.v1 import station_ingest_service_pb2 as station
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub
from csms.transaction.v1 import transaction_ingest_service_pb2 as transaction
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub

from gateway.lanes import Lane
from gateway.recorder import LoggedFrame, to_request
from gateway.translation import LaneName
from mesh.errors import from_rpc_error, unavailable

# One attempt of a lane; the lane tries again within each item's own deadline.
ATTEMPT_TIMEOUT_S = 5.0

# What goes beside the messages of a session, once or twice in each: in a small batch it costs more than they do.
_PATIENCE_S = {LaneName.AUTHORIZE: 0.01}

Send = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


def _sender(method: Any, request: Callable[..., Any]) -> Send:
    """The sending end of a lane: one RPC for a batch, one result per item."""

    async def send(items: Sequence[Any]) -> Sequence[Any]:
        try:
            response = await method(request(items=items), timeout=ATTEMPT_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
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
        stations = StationIngestServiceStub(station_channel)
        transactions = TransactionIngestServiceStub(transaction_channel)
        authorization = AuthorizationServiceStub(auth_channel)
        self._stations = stations
        senders = {
            LaneName.BOOTS: _sender(stations.NotifyBoots, station.NotifyBootsRequest),
            LaneName.STATUSES: _sender(stations.NotifyStatuses, station.NotifyStatusesRequest),
            LaneName.DATA_TRANSFERS: _sender(stations.TransferData, station.TransferDataRequest),
            LaneName.CERTIFICATES: _sender(stations.RequestCertificates, station.RequestCertificatesRequest),
            LaneName.REPORTS: _sender(stations.NotifyReports, station.NotifyReportsRequest),
            LaneName.AUTHORIZE: _sender(authorization.Authorize, auth.AuthorizeRequest),
            LaneName.TRANSACTION_EVENTS: _sender(
                transactions.RecordTransactionEvents, transaction.RecordTransactionEventsRequest
            ),
            LaneName.METER_VALUES: _sender(transactions.RecordMeterValues, transaction.RecordMeterValuesRequest),
        }
        self.lanes: Mapping[LaneName, Lane[Any, Any]] = {
            name: Lane(name=name, send=send, patience_s=_PATIENCE_S.get(name)) for name, send in senders.items()
        }
        self.openings: Lane[station.OpenConnectionItem, station.OpenConnectionResult] = Lane(
            name="openings", send=_sender(stations.OpenConnections, station.OpenConnectionsRequest)
        )

    def all_lanes(self) -> Sequence[Lane[Any, Any]]:
        """Every lane, for metrics and for closing."""
        return (*self.lanes.values(), self.openings)

    async def renew_lease(self, node_id: str, address: str, *, timeout_s: float) -> int:
        """Takes or renews this node's lease; returns for how many milliseconds it holds. Raises MeshError."""
        request = station.RenewNodeLeaseRequest(node_id=node_id, address=address)
        response = await _call(self._stations.RenewNodeLease, request, timeout_s)
        duration_ms: int = response.lease_duration_ms
        return duration_ms

    async def close_connections(self, items: Sequence[station.CloseConnectionItem]) -> None:
        """Notes closed sockets. Raises MeshError."""
        await _call(self._stations.CloseConnections, station.CloseConnectionsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def record_sightings(self, items: Sequence[station.Sighting]) -> None:
        """Notes signs of life. Raises MeshError."""
        await _call(self._stations.RecordSightings, station.RecordSightingsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def note_asides(self, items: Sequence[station.ReportItem]) -> None:
        """Passes on reports that no answer waits for; one that is refused alone is lost. Raises MeshError."""
        await _call(self._stations.NotifyReports, station.NotifyReportsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def record_messages(self, frames: Sequence[LoggedFrame]) -> None:
        """Appends to the message log. Raises MeshError."""
        await _call(self._stations.RecordMessages, to_request(frames), ATTEMPT_TIMEOUT_S)

    async def close(self) -> None:
        """Waits for the batches in flight; what still waits fails."""
        for lane in self.all_lanes():
            await lane.close()


async def _call(method: Any, request: Any, timeout_s: float) -> Any:
    try:
        return await method(request, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
