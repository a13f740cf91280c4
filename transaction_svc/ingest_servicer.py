"""TransactionIngestService: batches from the gateways."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc
from csms.common.v1.id_token_pb2 import AuthorizationStatus
from csms.transaction.v1 import transaction_ingest_service_pb2_grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    CountOpenTransactionsRequest,
    CountOpenTransactionsResponse,
    FindEvseTransactionsRequest,
    FindEvseTransactionsResponse,
    FindTransactionRequest,
    FindTransactionResponse,
    MeterValuesResult,
    NotifyStationEventsRequest,
    NotifyStationEventsResponse,
    RecordAuthorizationsRequest,
    RecordAuthorizationsResponse,
    RecordMeterValuesRequest,
    RecordMeterValuesResponse,
    RecordTransactionEventsRequest,
    RecordTransactionEventsResponse,
    TransactionEventItem,
    TransactionEventResult,
)
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.quirk_names import QuirkName
from mesh.contract.texts import is_storable
from mesh.database.engine import Database, commit_batch
from mesh.grpc.batch_streams import served_by_twin
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock
from transaction_svc import ingestion, reading_store
from transaction_svc.authorizations import Refusal, count_open, read_question, read_refusal, save_refusals
from transaction_svc.evse_transactions import open_at, read_evse
from transaction_svc.gateway_client import AnyItem
from transaction_svc.grace import Grace
from transaction_svc.ingestion import IngestResult
from transaction_svc.item_types import EVENTS, METER_VALUES, Done, Item, ItemType, Read, RecordedValues
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.pricing import Pricing
from transaction_svc.quarantine import Quarantine
from transaction_svc.settings import GRACE
from transaction_svc.station_events import StationEvents

M = TypeVar("M", bound=Message)
T = TypeVar("T")


class TransactionIngestServicer(transaction_ingest_service_pb2_grpc.TransactionIngestServiceServicer):
    """Records messages of stations about transactions. Messages that cannot be recorded go into quarantine.

    Also stores refusals of id tokens, and counts the open transactions of tokens.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        meters: MeterTerms,
        grace: Grace = GRACE,
        pricing: Pricing | None = None,
    ) -> None:
        self._database = database
        self._pricing = pricing
        self._meters = meters
        self._quarantine = Quarantine(database=database, clock=clock, meters=meters)
        self._station_events = StationEvents(database=database, clock=clock, meters=meters, grace=grace)
        self._clock = clock

    StreamRecordTransactionEvents = served_by_twin

    async def RecordTransactionEvents(
        self, request: RecordTransactionEventsRequest, context: Context
    ) -> RecordTransactionEventsResponse:
        """See the contract."""
        outcomes = await self._ingest(EVENTS, request.items)
        response = RecordTransactionEventsResponse()
        for outcome in outcomes:
            result = response.results.add()
            _write_event_result(result, outcome)
            if self._pricing is not None and isinstance(outcome, IngestResult):
                _write_cost(result, outcome, self._pricing)
        return response

    StreamRecordMeterValues = served_by_twin

    async def RecordMeterValues(self, request: RecordMeterValuesRequest, context: Context) -> RecordMeterValuesResponse:
        """See the contract."""
        outcomes = await self._ingest(METER_VALUES, request.items)
        response = RecordMeterValuesResponse()
        for outcome in outcomes:
            _write_values_result(response.results.add(), outcome)
        return response

    async def RecordAuthorizations(
        self, request: RecordAuthorizationsRequest, context: Context
    ) -> RecordAuthorizationsResponse:
        """See the contract."""
        now_us = self._clock()

        def work(connection: Connection, refusals: Sequence[Refusal]) -> Sequence[None]:
            return save_refusals(connection, refusals, now_us)

        refusals, errors = _read_each(request.items, read_refusal)
        outcomes = await commit_batch(self._database, [refusal for _index, refusal in refusals], work)
        for (index, _refusal), outcome in zip(refusals, outcomes, strict=True):
            if isinstance(outcome, MeshError):
                errors[index] = outcome
        response = RecordAuthorizationsResponse()
        for index in range(len(request.items)):
            result = response.results.add()
            if index in errors:
                result.error.CopyFrom(errors[index].to_status())
        return response

    async def CountOpenTransactions(
        self, request: CountOpenTransactionsRequest, context: Context
    ) -> CountOpenTransactionsResponse:
        """See the contract."""
        questions, errors = _read_each(request.items, read_question)
        asked = [question for _index, question in questions]
        counts = await self._database.read(lambda connection: count_open(connection, asked)) if asked else ()
        found = {index: count for (index, _question), count in zip(questions, counts, strict=True)}
        response = CountOpenTransactionsResponse()
        for index in range(len(request.items)):
            result = response.results.add()
            if index in errors:
                result.error.CopyFrom(errors[index].to_status())
            else:
                result.count, result.held_by_station = found[index]
        return response

    async def NotifyStationEvents(
        self, request: NotifyStationEventsRequest, context: Context
    ) -> NotifyStationEventsResponse:
        """See the contract."""
        response = NotifyStationEventsResponse()
        for error in await self._station_events.ingest(request.items):
            result = response.results.add()
            if error is not None:
                result.error.CopyFrom(error.to_status())
        return response

    async def FindEvseTransactions(
        self, request: FindEvseTransactionsRequest, context: Context
    ) -> FindEvseTransactionsResponse:
        """See the contract."""
        questions, errors = _read_each(request.items, read_evse)
        asked = [evse for _index, evse in questions]
        names = await self._database.read(lambda connection: open_at(connection, asked)) if asked else ()
        found = {index: name for (index, _evse), name in zip(questions, names, strict=True)}
        response = FindEvseTransactionsResponse()
        for index in range(len(request.items)):
            result = response.results.add()
            if index in errors:
                result.error.CopyFrom(errors[index].to_status())
            else:
                result.transaction_id = found[index]
        return response

    async def FindTransaction(self, request: FindTransactionRequest, context: Context) -> FindTransactionResponse:
        """See the contract."""
        names = request.tenant_id, request.station_id, request.transaction_id
        if not all(map(is_storable, names)):
            return FindTransactionResponse(found=False)
        found = await self._database.read(lambda connection: reading_store.has_transaction(connection, *names))
        return FindTransactionResponse(found=found)

    async def _ingest(self, item_type: ItemType[Item, Read, Done], items: Sequence[Item]) -> Sequence[Done | MeshError]:
        """Reads and commits the items; quarantines those that fail. Raises MeshError UNAVAILABLE."""
        now_us = self._clock()
        readable: dict[int, Read] = {}  # by index
        of_known: dict[int, Read] = {}  # items that may not begin a transaction
        outcomes: list[Any] = [None] * len(items)
        for index, item in enumerate(items):
            try:
                (of_known if _is_of_known(item) else readable)[index] = item_type.read(item, now_us)
            except MeshError as error:
                outcomes[index] = error
        await self._commit(
            readable, lambda connection, some: item_type.ingest(connection, some, now_us, self._meters), outcomes
        )
        # In a batch of their own: a refused item has its batch halved until it is alone, which slows down the others.
        of_known_only = partial(ingestion.ingest_batch, now_us=now_us, meters=self._meters, may_begin=False)
        await self._commit(of_known, of_known_only, outcomes)
        failed = [(index, outcome) for index, outcome in enumerate(outcomes) if isinstance(outcome, MeshError)]
        if failed:
            await self._quarantine_failed(items, failed, outcomes)
        return outcomes

    async def _commit(
        self,
        items: Mapping[int, Any],
        record: Callable[[Connection, Sequence[Any]], Sequence[Any]],
        outcomes: list[Any],
    ) -> None:
        """Commits items, and writes the outcome of each to its index."""
        done = await commit_batch(self._database, list(items.values()), record)
        for index, outcome in zip(items, done, strict=True):
            outcomes[index] = outcome

    async def _quarantine_failed(
        self, items: Sequence[AnyItem], failed: Sequence[tuple[int, MeshError]], outcomes: list[Any]
    ) -> None:
        """Puts failed items into quarantine, and writes the errors for the gateway to their indexes."""
        keeping = [_to_quarantine(items[index], failure) for index, failure in failed]
        kept = await self._quarantine.add(keeping)
        for (index, _failure), (_item, reported), is_kept in zip(failed, keeping, kept, strict=True):
            outcomes[index] = _quarantined(reported) if is_kept else _refused(reported)


def _is_of_known(item: AnyItem) -> bool:
    return isinstance(item, TransactionEventItem) and item.known_transaction_only


def _to_quarantine(item: AnyItem, failure: MeshError) -> tuple[AnyItem, MeshError]:
    """The item to quarantine, with its error; of a station that is not accepted, the raw message."""
    if not isinstance(item, TransactionEventItem) or not item.known_transaction_only:
        return item, failure
    raw = item.raw
    kept = TransactionEventItem(origin=item.origin, raw=raw)
    return kept, MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.STATION_NOT_ACCEPTED, raw.message)


def _refused(error: MeshError) -> MeshError:
    return MeshError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.QUARANTINE_FULL,
        f"not kept, since too much of this station is in quarantine already: {error.message}",
        {"cause": error.reason},
    )


def _read_each(items: Sequence[M], read: Callable[[M], T]) -> tuple[Sequence[tuple[int, T]], dict[int, MeshError]]:
    """The items that can be read, with their indexes; and the errors of the others, by index."""
    done, errors = [], {}
    for index, item in enumerate(items):
        try:
            done.append((index, read(item)))
        except MeshError as error:
            errors[index] = error
    return done, errors


def _quarantined(error: MeshError) -> MeshError:
    return MeshError(
        grpc.StatusCode.INVALID_ARGUMENT,
        Reason.QUARANTINED,
        f"kept as it came, for a person to look at: {error.message}",
        {"cause": error.reason},
    )


# Results are written in place, field by field, since most have the id alone. To make each with all its fields, and copy
# it into the response, costs four times as much.


def _write_event_result(result: TransactionEventResult, outcome: IngestResult | MeshError) -> None:
    if isinstance(outcome, MeshError):
        result.error.CopyFrom(outcome.to_status())
        return
    result.transaction_id = outcome.transaction_id
    if outcome.repeated:
        result.repeated = True
    token = outcome.token
    if token.event_key:
        result.event_key = token.event_key
        if token.concurrent_count is not None:
            result.concurrent_count = token.concurrent_count
            result.concurrent = token.concurrent_count > 0
    elif token.refused_status:
        result.authorization_status = AuthorizationStatus.ValueType(token.refused_status)
    if outcome.quirks:
        result.quirks.extend(outcome.quirks)


def _write_cost(result: TransactionEventResult, outcome: IngestResult, pricing: Pricing) -> None:
    usage = None if outcome.priced is None else ingestion.usage_of(outcome.priced)
    if usage is not None and (cost := pricing.cost(usage)) is not None:
        result.total_cost = cost


def _write_values_result(result: MeterValuesResult, outcome: RecordedValues | MeshError) -> None:
    if isinstance(outcome, MeshError):
        result.error.CopyFrom(outcome.to_status())
    elif outcome.repeated:
        result.repeated = True
        result.quirks.append(QuirkName.REPEATED_EVENT)
