"""The gateway's calls into the mesh: a batcher for each ingest RPC, and calls that buffers make."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from csms.auth.v1 import authorization_service_pb2 as auth
from csms.auth.v1 import certificate_authority_service_pb2 as authority
from csms.auth.v1 import certificate_exchange_service_pb2 as other_parties
from csms.station.v1 import station_ingest_service_pb2 as station
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub
from csms.transaction.v1 import transaction_ingest_service_pb2 as transaction
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.batching.batch_stream import BatchStream
from gateway.batching.ingest_batcher import Flow, IngestBatcher
from gateway.ocpp.protobuf_wire import repeated
from gateway.ocpp.translation import IngestRpc
from mesh.grpc.batch_streams import STREAM
from mesh.identity.mesh_identity import Proofs
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import from_rpc_error, unavailable

# One attempt of a batcher, which tries again within each item's own deadline.
ATTEMPT_TIMEOUT_S = 5.0

# Authorize comes beside the messages of a session, once or twice in each: in a small batch it costs more than they do,
# and the wait is too short to be noticed at a card reader.
_MAX_LINGER_S = {IngestRpc.AUTHORIZE: 0.02}

# These wait for machines of other parties: a batch that waits must not hold back the items of other stations.
_FAR = Flow(max_in_flight=32, next_batch_items=1)
# Certificates of stations; so do those of another authority. A request has at most 64.
_CERTIFICATES = Flow(max_in_flight=32, next_batch_items=1, max_items=64)

_STATIONS = station.DESCRIPTOR.services_by_name["StationIngestService"]
_TRANSACTIONS = transaction.DESCRIPTOR.services_by_name["TransactionIngestService"]
_AUTHORIZATION = auth.DESCRIPTOR.services_by_name["AuthorizationService"]
_AUTHORITY = authority.DESCRIPTOR.services_by_name["CertificateAuthorityService"]
_OTHER_PARTIES = other_parties.DESCRIPTOR.services_by_name["CertificateExchangeService"]

# The method of each ingest RPC; those of the background are called by the methods of MeshClient.
METHODS: Mapping[IngestRpc, MethodDescriptor] = {
    IngestRpc.BOOTS: _STATIONS.methods_by_name["NotifyBoots"],
    IngestRpc.STATUSES: _STATIONS.methods_by_name["NotifyStatuses"],
    IngestRpc.DATA_TRANSFERS: _STATIONS.methods_by_name["TransferData"],
    IngestRpc.CERTIFICATES: _STATIONS.methods_by_name["RequestCertificates"],
    IngestRpc.REPORTS: _STATIONS.methods_by_name["NotifyReports"],
    IngestRpc.BACKGROUND_REPORTS: _STATIONS.methods_by_name["NotifyReports"],
    IngestRpc.AUTHORIZE: _AUTHORIZATION.methods_by_name["Authorize"],
    IngestRpc.CERTIFICATE_STATUSES: _OTHER_PARTIES.methods_by_name["GetCertificateStatuses"],
    IngestRpc.CONTRACT_CERTIFICATES: _OTHER_PARTIES.methods_by_name["CheckContractCertificates"],
    IngestRpc.EV_CERTIFICATES: _OTHER_PARTIES.methods_by_name["GetEvCertificates"],
    IngestRpc.TRANSACTION_EVENTS: _TRANSACTIONS.methods_by_name["RecordTransactionEvents"],
    IngestRpc.METER_VALUES: _TRANSACTIONS.methods_by_name["RecordMeterValues"],
    IngestRpc.AUTHORIZATIONS: _TRANSACTIONS.methods_by_name["RecordAuthorizations"],
    IngestRpc.OPEN_TRANSACTIONS: _TRANSACTIONS.methods_by_name["CountOpenTransactions"],
    IngestRpc.EVSE_TRANSACTIONS: _TRANSACTIONS.methods_by_name["FindEvseTransactions"],
    IngestRpc.STATION_EVENTS: _TRANSACTIONS.methods_by_name["NotifyStationEvents"],
}
# Stations that come back send these: their boots and statuses, and the transactions that they kept.
_FILLED_BY_A_FLEET = (
    IngestRpc.BOOTS,
    IngestRpc.STATUSES,
    IngestRpc.REPORTS,
    IngestRpc.AUTHORIZE,
    IngestRpc.TRANSACTION_EVENTS,
    IngestRpc.METER_VALUES,
)
_BACKGROUND = frozenset({IngestRpc.BACKGROUND_REPORTS, IngestRpc.STATION_EVENTS})

Send = Callable[[Sequence[bytes]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, kw_only=True)
class MeshLink:
    """The channel to a service, and the proofs that streams on it are opened with; not all channels have streams."""

    channel: grpc.aio.Channel
    proofs: Proofs
    has_streams: bool = True


def path_of(method: MethodDescriptor) -> str:
    """The method's path in gRPC: /package.Service/Method."""
    return f"/{method.containing_service.full_name}/{method.name}"


def _raw(method: MethodDescriptor, channel: grpc.aio.Channel) -> Callable[[bytes], Awaitable[Any]]:
    """An RPC for a request that is serialized already; it raises MeshError."""
    call = channel.unary_unary(
        path_of(method),
        request_serializer=lambda request: request,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    async def send(request: bytes) -> Any:
        return await _call(call, request, ATTEMPT_TIMEOUT_S)

    return send


def _streamed(method: MethodDescriptor, link: MeshLink) -> BatchStream | None:
    """The same RPC as a stream of batches (mesh/grpc/batch_streams.py); None where contract or channel has none."""
    stream = method.containing_service.methods_by_name.get(STREAM + method.name)
    if stream is None or not link.has_streams:
        return None
    call = link.channel.stream_stream(
        path_of(stream),
        request_serializer=lambda request: request,
        response_deserializer=GetMessageClass(stream.output_type).FromString,
    )
    return BatchStream(
        open_stream=lambda: call(metadata=link.proofs()),
        unary=_raw(method, link.channel),
        timeout_s=ATTEMPT_TIMEOUT_S,
    )


def _sender(method: MethodDescriptor, record: Callable[[bytes], Awaitable[Any]]) -> Send:
    """The sending end of a batcher: one call of `record` for a batch, one result per item.

    Its request has a field `items` and no other, so that serialized items need not become messages once more.
    """
    [items_field] = method.input_type.fields

    async def send(items: Sequence[bytes]) -> Sequence[Any]:
        response = await record(repeated(items_field, items))
        results: Sequence[Any] = response.results
        if len(results) != len(items):
            raise unavailable(Reason.WRONG_RESULTS, f"{len(results)} results came back for {len(items)} items")
        return results

    return send


class MeshClient:
    """All calls of the gateway to the services. Build it within the event loop in which it is used."""

    def __init__(
        self,
        *,
        stations: MeshLink,
        transactions: MeshLink,
        authorization: MeshLink,
    ) -> None:
        self._stations = StationIngestServiceStub(stations.channel)
        self._transactions = TransactionIngestServiceStub(transactions.channel)
        self._record_messages = _raw(_STATIONS.methods_by_name["RecordMessages"], stations.channel)
        links = {
            _STATIONS.full_name: stations,
            _TRANSACTIONS.full_name: transactions,
            _AUTHORIZATION.full_name: authorization,
            _OTHER_PARTIES.full_name: authorization,
        }
        self._streams: list[BatchStream] = []
        self.batchers: Mapping[IngestRpc, IngestBatcher[Any, Any]] = {
            name: IngestBatcher(
                name=name,
                send=self._send(method, links[method.containing_service.full_name]),
                max_linger_s=_MAX_LINGER_S.get(name),
                flow=_FAR if method.containing_service is _OTHER_PARTIES else Flow(),
            )
            for name, method in METHODS.items()
            if name not in _BACKGROUND
        }
        opening = _STATIONS.methods_by_name["OpenConnections"]
        self.openings: IngestBatcher[station.OpenConnectionItem, station.OpenConnectionResult] = IngestBatcher(
            name="openings", send=_sender(opening, _raw(opening, stations.channel))
        )
        check = _AUTHORITY.methods_by_name["CheckClientCertificates"]
        self.client_certificates: IngestBatcher[
            authority.CheckClientCertificatesItem, authority.CheckClientCertificatesResult
        ] = IngestBatcher(
            name="client_certificates", send=_sender(check, _raw(check, authorization.channel)), flow=_CERTIFICATES
        )

    def _send(self, method: MethodDescriptor, link: MeshLink) -> Send:
        stream = _streamed(method, link)
        if stream is None:
            return _sender(method, _raw(method, link.channel))
        self._streams.append(stream)
        return _sender(method, stream.call)

    def all_batchers(self) -> Sequence[IngestBatcher[Any, Any]]:
        """Every batcher, for metrics and for closing."""
        return (*self.batchers.values(), self.openings, self.client_certificates)

    def most_outstanding(self) -> int:
        """The items without a result of the RPC that has most, of those that a returning fleet sends items of.

        RPCs of services that do not answer do not count: their items wait for other reasons than their number.
        """
        filled = (self.batchers[name] for name in _FILLED_BY_A_FLEET)
        queues: tuple[IngestBatcher[Any, Any], ...] = (self.openings, self.client_certificates, *filled)
        return max((one.outstanding for one in queues if not one.unavailable_for_s()), default=0)

    async def close_connections(self, items: Sequence[station.CloseConnectionItem]) -> None:
        """Notes closed sockets. Raises MeshError."""
        await _call(self._stations.CloseConnections, station.CloseConnectionsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def record_sightings(self, items: Sequence[station.Sighting]) -> None:
        """Notes signs of life. Raises MeshError."""
        await _call(self._stations.RecordSightings, station.RecordSightingsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def record_background_reports(self, items: Sequence[station.ReportItem]) -> None:
        """Passes on reports that no answer waits for; one that is refused alone is lost. Raises MeshError."""
        await _call(self._stations.NotifyReports, station.NotifyReportsRequest(items=items), ATTEMPT_TIMEOUT_S)

    async def notify_station_events(self, items: Sequence[transaction.StationEventItem]) -> None:
        """Passes on boots and available connectors; one that is refused alone is lost. Raises MeshError."""
        request = transaction.NotifyStationEventsRequest(items=items)
        await _call(self._transactions.NotifyStationEvents, request, ATTEMPT_TIMEOUT_S)

    async def record_messages(self, entries: Sequence[bytes]) -> None:
        """Appends to the message log; see gateway/message_log/log_entry.py. Raises MeshError."""
        await self._record_messages(b"".join(entries))

    async def close(self) -> None:
        """Waits for the batches in flight; what still waits fails."""
        for batcher in self.all_batchers():
            await batcher.close()
        for stream in self._streams:
            stream.close()


async def _call(method: Any, request: Any, timeout_s: float) -> Any:
    try:
        return await method(request, timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
