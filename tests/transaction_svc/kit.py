"""Messages of stations about transactions, of 1.6 (without seq_no) and of 2.x (with it), and the service under test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from csms.common.v1 import meter_value_pb2 as meter
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_BLOCKED, IdToken
from csms.common.v1.meter_value_pb2 import MeterValue, SampledValue
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    AuthorizationItem,
    AuthorizationResult,
    ConnectorAvailable,
    NotifyStationEventsRequest,
    RecordAuthorizationsRequest,
    RecordTransactionEventsRequest,
    StationBooted,
    StationEventItem,
    StationEventResult,
    StationRemoved,
    TransactionEventItem,
    TransactionEventResult,
)
from csms.transaction.v1.transaction_service_pb2 import (
    EndTransactionRequest,
    GetTransactionRequest,
    ListTransactionEventsRequest,
    ListTransactionsRequest,
    ListUnmatchedEventsRequest,
    RecordedTransactionEvent,
    Transaction,
    UnmatchedEvent,
)
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.database.engine import Database
from mesh.identity.callers import Caller, Role, set_caller
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.conftest import FakeClock
from transaction_svc import models
from transaction_svc.energy_servicer import EnergyServicer
from transaction_svc.expiry import Expiry
from transaction_svc.ingest_servicer import TransactionIngestServicer
from transaction_svc.meter_profile_servicer import MeterProfileServicer
from transaction_svc.operator_servicer import TransactionServicer
from transaction_svc.rollup_worker import Rollups

CONTEXT: Any = None  # the servicers do not use it
START_US = 1_760_000_000_000_000 - 86_400 * SECOND_US  # a day before the tests' clock
OPERATOR = Caller(username="olga", tenant_id="default", role=Role.OPERATOR, session_id="o", expires_s=2**31)
VIEWER = Caller(username="eve", tenant_id="default", role=Role.VIEWER, session_id="s", expires_s=2**31)


StationEvent = StationBooted | ConnectorAvailable | StationRemoved


def at(seconds: float) -> Timestamp:
    """A time of the station, in seconds from START_US; the gateway receives all messages within the next day."""
    return to_timestamp(START_US + int(seconds * SECOND_US))


def register(value: str | int, *, context: Any = meter.READING_CONTEXT_UNSPECIFIED, **more: Any) -> SampledValue:
    """A sample of the imported-energy register, in Wh."""
    return SampledValue(value=str(value), context=context, **more)


def sampled(seconds: float, *samples: SampledValue) -> MeterValue:
    """Samples of one moment."""
    return MeterValue(sample_time=at(seconds), sampled_values=samples)


def begin(seconds: float, value: str | int) -> MeterValue:
    """1.6's meterStart."""
    return sampled(seconds, register(value, context=meter.READING_CONTEXT_TRANSACTION_BEGIN))


def end(seconds: float, value: str | int) -> MeterValue:
    """1.6's meterStop."""
    return sampled(seconds, register(value, context=meter.READING_CONTEXT_TRANSACTION_END))


def start_16(
    seconds: float = 0, *, meter_start: str | int = 1000, id_tag: str = "TAG", connector: int = 1
) -> TransactionEvent:
    """StartTransaction."""
    return TransactionEvent(
        event_type=tx.TRANSACTION_EVENT_TYPE_STARTED,
        event_time=at(seconds),
        evse=EvseRef(evse_id=connector, connector_id=1),
        id_token=IdToken(id_token=id_tag),
        meter_values=[begin(seconds, meter_start)],
    )


def values_16(
    number: str, seconds: float, value: str | int, *, connector: int = 1, samples: Sequence[SampledValue] = ()
) -> TransactionEvent:
    """MeterValues."""
    return TransactionEvent(
        event_type=tx.TRANSACTION_EVENT_TYPE_UPDATED,
        transaction_id=number,
        event_time=at(seconds),
        evse=EvseRef(evse_id=connector, connector_id=1),
        meter_values=[sampled(seconds, *(samples or (register(value),)))],
    )


def stop_16(
    number: str,
    seconds: float,
    meter_stop: str | int | None,
    *,
    id_tag: str = "TAG",
    reason: Any = tx.STOPPED_REASON_LOCAL,
) -> TransactionEvent:
    """StopTransaction."""
    return TransactionEvent(
        event_type=tx.TRANSACTION_EVENT_TYPE_ENDED,
        transaction_id=number,
        event_time=at(seconds),
        id_token=IdToken(id_token=id_tag) if id_tag else None,
        meter_values=[] if meter_stop is None else [end(seconds, meter_stop)],
        stopped_reason=reason,
    )


def event_2x(
    transaction_id: str, kind: str, seq_no: int, seconds: float, value: str | int | None = None, **more: Any
) -> TransactionEvent:
    """TransactionEvent; `kind` is STARTED, UPDATED or ENDED."""
    context = {"STARTED": meter.READING_CONTEXT_TRANSACTION_BEGIN, "ENDED": meter.READING_CONTEXT_TRANSACTION_END}
    sample = None if value is None else register(value, context=context.get(kind, 0))
    fields: dict[str, Any] = {
        "event_type": tx.TransactionEventType.Value(f"TRANSACTION_EVENT_TYPE_{kind}"),
        "transaction_id": transaction_id,
        "seq_no": seq_no,
        "event_time": at(seconds),
        "trigger_reason": tx.TRIGGER_REASON_METER_VALUE_PERIODIC,
        "meter_values": [] if sample is None else [sampled(seconds, sample)],
    }
    if kind == "STARTED":
        fields |= {"evse": EvseRef(evse_id=1, connector_id=1), "id_token": IdToken(id_token="TAG", type="ISO14443")}
    return TransactionEvent(**(fields | more))


def booted(vendor_name: str = "V", model: str = "M", firmware_version: str = "1", **more: Any) -> StationBooted:
    """A boot."""
    return StationBooted(vendor_name=vendor_name, model=model, firmware_version=firmware_version, **more)


def booted_with(attempts: int, interval_s: int) -> StationBooted:
    """A boot of a station whose message attempts are known."""
    return booted(message_attempts=attempts, message_attempt_interval_s=interval_s)


def available(seconds: float | None = None, *, evse_id: int = 1, connector_id: int = 1) -> ConnectorAvailable:
    """A connector that became available, at `seconds` by the station's clock."""
    evse = EvseRef(evse_id=evse_id, connector_id=connector_id)
    return ConnectorAvailable(evse=evse, status_time=None if seconds is None else at(seconds))


@dataclass(kw_only=True)
class Service:
    """The servicers of transaction_svc on a database."""

    database: Database
    clock: FakeClock
    ingest: TransactionIngestServicer
    operator: TransactionServicer
    profiles: MeterProfileServicer
    expiry: Expiry
    energy: EnergyServicer
    rollups: Rollups
    epoch: int = 1
    ordinal: int = 0

    def item(self, event: TransactionEvent, *, station: str = "CP1", tenant: str = "default") -> TransactionEventItem:
        """The item that a gateway sends for an event now."""
        return TransactionEventItem(origin=self.origin(station=station, tenant=tenant), event=event)

    def origin(self, *, station: str, tenant: str = "default") -> Origin:
        """The origin of a frame that a gateway reads now."""
        self.ordinal += 1
        return Origin(
            tenant_id=tenant,
            station_id=station,
            epoch=self.epoch,
            ordinal=self.ordinal,
            receive_time=to_timestamp(self.clock()),
        )

    def station_item(self, event: StationEvent, *, station: str = "CP1") -> StationEventItem:
        """The item that a gateway or station_svc sends for an event of a station now."""
        item = StationEventItem(origin=self.origin(station=station))
        if isinstance(event, StationBooted):
            item.boot.CopyFrom(event)
        elif isinstance(event, ConnectorAvailable):
            item.connector_available.CopyFrom(event)
        else:
            item.removal.CopyFrom(event)
        return item

    async def notify_items(self, items: Sequence[StationEventItem]) -> Sequence[StationEventResult]:
        """Sends a batch and returns the results."""
        request = NotifyStationEventsRequest(items=items)
        return list((await self.ingest.NotifyStationEvents(request, CONTEXT)).results)

    async def notify(self, event: StationEvent, *, station: str = "CP1") -> None:
        """Reports one event of a station, which has to be accepted."""
        (result,) = await self.notify_items([self.station_item(event, station=station)])
        assert not result.HasField("error"), result

    async def end(
        self,
        transaction_id: str,
        reason: str = "cable cut",
        *,
        caller: Caller | None = None,
        station: str = "CP1",
        generation: int = 0,
    ) -> Transaction:
        """Ends a transaction as an operator."""
        set_caller(caller or OPERATOR)
        request = EndTransactionRequest(
            station_id=station, transaction_id=transaction_id, reason=reason, generation=generation
        )
        return (await self.operator.EndTransaction(request, CONTEXT)).transaction

    async def send_items(self, items: Sequence[TransactionEventItem]) -> Sequence[TransactionEventResult]:
        """Sends a batch and returns the results."""
        request = RecordTransactionEventsRequest(items=items)
        response = await self.ingest.RecordTransactionEvents(request, CONTEXT)
        return list(response.results)

    async def send(self, *events: TransactionEvent, station: str = "CP1") -> Sequence[TransactionEventResult]:
        """Sends events of one station in one batch and returns the results."""
        return await self.send_items([self.item(event, station=station) for event in events])

    async def one(self, event: TransactionEvent, *, station: str = "CP1") -> TransactionEventResult:
        """Sends one event, which has to be accepted, and returns its result."""
        (result,) = await self.send(event, station=station)
        assert not result.HasField("error"), result
        return result

    async def refuse(
        self, result: TransactionEventResult, status: Any = AUTHORIZATION_STATUS_BLOCKED, *, station: str = "CP1"
    ) -> None:
        """Records that the id token of an event is refused."""
        assert result.event_key, result
        item = self.refusal(result.event_key, status, station=station)
        response = await self.ingest.RecordAuthorizations(RecordAuthorizationsRequest(items=[item]), CONTEXT)
        assert list(response.results) == [AuthorizationResult()]

    def refusal(self, event_key: str, status: Any, *, station: str = "CP1") -> AuthorizationItem:
        """The item of a refusal."""
        origin = Origin(tenant_id="default", station_id=station, epoch=1, ordinal=self.ordinal)
        return AuthorizationItem(origin=origin, event_key=event_key, status=status)

    async def get(self, transaction_id: str, *, station: str = "CP1", generation: int = 0) -> Transaction:
        """Reads a transaction as a viewer."""
        set_caller(VIEWER)
        request = GetTransactionRequest(station_id=station, transaction_id=transaction_id, generation=generation)
        return (await self.operator.GetTransaction(request, CONTEXT)).transaction

    async def all(self, **more: Any) -> Sequence[Transaction]:
        """All transactions, newest first."""
        set_caller(VIEWER)
        request = ListTransactionsRequest(page_size=1000, **more)
        return list((await self.operator.ListTransactions(request, CONTEXT)).transactions)

    async def unmatched(self, *, station: str = "CP1") -> Sequence[UnmatchedEvent]:
        """The unmatched events of a station, newest first."""
        set_caller(VIEWER)
        request = ListUnmatchedEventsRequest(station_id=station, page_size=1000)
        return list((await self.operator.ListUnmatchedEvents(request, CONTEXT)).unmatched_events)

    async def events(
        self, transaction_id: str, *, station: str = "CP1", generation: int = 0
    ) -> Sequence[RecordedTransactionEvent]:
        """The events of a transaction, in the order in which they are applied."""
        set_caller(VIEWER)
        request = ListTransactionEventsRequest(
            station_id=station, transaction_id=transaction_id, page_size=1000, generation=generation
        )
        return list((await self.operator.ListTransactionEvents(request, CONTEXT)).events)

    async def published(self, kind: str = "%") -> list[tuple[str, dict[str, Any]]]:
        """Types and data of the outbox's events, oldest first."""
        query = (
            sa.select(models.outbox.c.type, models.outbox.c.data)
            .where(models.outbox.c.type.like(kind))
            .order_by(models.outbox.c.outbox_id)
        )
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [(row.type, msgspec.json.decode(row.data)) for row in rows]


def error_of(result: TransactionEventResult) -> MeshError:
    """The error in a result."""
    assert result.HasField("error"), result
    return from_status(result.error)
