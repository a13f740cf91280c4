"""TransactionService: the transactions, events and quarantined items that operators read and change."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import grpc
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdToken
from csms.transaction.v1 import transaction_service_pb2_grpc
from csms.transaction.v1.transaction_event_pb2 import ChargingState, StoppedReason, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem
from csms.transaction.v1.transaction_service_pb2 import (
    TRANSACTION_STATE_ACTIVE,
    TRANSACTION_STATE_ENDED,
    UNMATCHED_REASON_AWAITING_START,
    UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
    DismissQuarantinedItemRequest,
    DismissQuarantinedItemResponse,
    EndTransactionRequest,
    EndTransactionResponse,
    EnergyBasis,
    GetQuarantinedItemRequest,
    GetQuarantinedItemResponse,
    GetTransactionRequest,
    GetTransactionResponse,
    GetTransactionSummaryRequest,
    GetTransactionSummaryResponse,
    ListMeterValuesRequest,
    ListMeterValuesResponse,
    ListQuarantinedItemsRequest,
    ListQuarantinedItemsResponse,
    ListTransactionEventsRequest,
    ListTransactionEventsResponse,
    ListTransactionsRequest,
    ListTransactionsResponse,
    ListUnmatchedEventsRequest,
    ListUnmatchedEventsResponse,
    MendQuarantinedItemRequest,
    MendQuarantinedItemResponse,
    OperatorEnd,
    ReassessTransactionRequest,
    ReassessTransactionResponse,
    RecordedMeterValues,
    RecordedTransactionEvent,
    RerunQuarantinedItemRequest,
    RerunQuarantinedItemResponse,
    Transaction,
    TransactionEndOrigin,
    UnmatchedEvent,
)
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.filters import is_search, to_condition
from mesh.database.orders import Order
from mesh.database.pages import Page, page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.placements.conditions import both
from mesh.placements.scopes import PlacementScopes
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, to_timestamp
from transaction_svc import ends, quarantine_store, received_items
from transaction_svc import reading_store as store
from transaction_svc.ends import Closure
from transaction_svc.gateway_client import Translator
from transaction_svc.mends import find, not_found
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.models import PLACEMENTS
from transaction_svc.operator_ends import OperatorEnds
from transaction_svc.quarantine import Quarantine
from transaction_svc.quarantine_store import Quarantined
from transaction_svc.quarantined_items import to_new_mend, to_quarantined_item
from transaction_svc.reassessments import Reassessments
from transaction_svc.summaries import Summaries

T = TypeVar("T")

# Transactions that one page of a search looks at: no index finds a part of a text. docs/PERFORMANCE.md has the price.
SEARCH_ROWS = 50_000


class TransactionServicer(transaction_service_pb2_grpc.TransactionServiceServicer):
    """Reads recorded transactions and events, and runs quarantined items again; of the caller's tenant alone."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        meters: MeterTerms,
        translator: Translator | None = None,
        search_rows: int = SEARCH_ROWS,
    ) -> None:
        self._database = database
        self._search_rows = search_rows
        self._quarantine = Quarantine(database=database, clock=clock, meters=meters, translator=translator)
        self._reassessments = Reassessments(database=database, clock=clock, meters=meters)
        self._summaries = Summaries(database=database, clock=clock)
        self._ends = OperatorEnds(database=database, clock=clock)
        self._scopes = PlacementScopes(database=database, tables=PLACEMENTS)

    async def GetTransaction(self, request: GetTransactionRequest, context: Context) -> GetTransactionResponse:
        """Reads one transaction: the generation of the request, or the latest."""
        found = await self._get(request)
        return GetTransactionResponse(transaction=to_transaction(found))

    async def GetTransactionSummary(
        self, request: GetTransactionSummaryRequest, context: Context
    ) -> GetTransactionSummaryResponse:
        """Counts open transactions, and sums up their power and the energy of the present day."""
        return GetTransactionSummaryResponse(summary=await self._summaries.sum_up(request))

    async def ReassessTransaction(
        self, request: ReassessTransactionRequest, context: Context
    ) -> ReassessTransactionResponse:
        """Assesses the energy of a transaction again."""
        await self._get(request)
        await self._reassessments.reassess(current_caller(), request.station_id, request.transaction_id)
        reassessed = await self._get(request)
        return ReassessTransactionResponse(transaction=to_transaction(reassessed))

    async def EndTransaction(self, request: EndTransactionRequest, context: Context) -> EndTransactionResponse:
        """Ends a transaction of which nothing more is expected."""
        await self._get(request)
        name = (current_caller().tenant_id, request.station_id, request.transaction_id)
        await self._ends.end(current_caller(), name, request.generation, request.reason)
        ended = await self._get(request)
        return EndTransactionResponse(transaction=to_transaction(ended))

    async def ListTransactions(self, request: ListTransactionsRequest, context: Context) -> ListTransactionsResponse:
        """Lists transactions, newest first or in the order that is asked for."""
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.filters(tenant_id))
        condition = both(wanted, store.conditions(tenant_id).in_scope(current_scope()))
        order = store.transaction_order(request.order_by)
        names = (request.station_id, request.filter, request.order_by)
        binding = "\n".join(names if request.order_by else names[:2])
        page = page_of(request, order.types, binding=binding, condition=condition)
        if is_search(request.filter) and not request.station_id:
            return await self._search(tenant_id, order, page)
        listing = partial(
            store.list_transactions, tenant_id=tenant_id, station_id=request.station_id, order=order, page=page
        )
        rows, token = page.cut(await self._list(request.station_id, listing), lambda row: row[1])
        return ListTransactionsResponse(transactions=[to_transaction(row) for row, _ in rows], next_page_token=token)

    async def _search(self, tenant_id: str, order: Order, page: Page) -> ListTransactionsResponse:
        searching = partial(
            store.search_transactions, tenant_id=tenant_id, order=order, page=page, rows=self._search_rows
        )
        found, behind = await self._database.read(searching)
        rows, token = page.cut(found, lambda row: row[1])
        if not token and behind is not None:
            token = page.token(behind)
        return ListTransactionsResponse(transactions=[to_transaction(row) for row, _ in rows], next_page_token=token)

    async def ListTransactionEvents(
        self, request: ListTransactionEventsRequest, context: Context
    ) -> ListTransactionEventsResponse:
        """Lists the events of a transaction, in the order of `EventRecord.key`."""
        found = await self._get(request)
        binding = f"{request.station_id}\n{request.transaction_id}\n{found.generation}"
        page = page_of(request, (int, int, int, int, str, int), binding=binding, default=100)
        listing = partial(
            store.list_events,
            tenant_id=current_caller().tenant_id,
            station_id=request.station_id,
            transaction_id=request.transaction_id,
            generation=found.generation,
            after=page.after,
            most=page.limit,
        )
        rows = await self._database.read(listing)
        rows, token = page.cut(rows, lambda row: row.key, text=lambda row: row.event)
        return ListTransactionEventsResponse(events=[_to_event(row) for row in rows], next_page_token=token)

    async def ListMeterValues(self, request: ListMeterValuesRequest, context: Context) -> ListMeterValuesResponse:
        """Lists meter values outside of transactions, newest first."""
        page = page_of(request, (int, str), binding=request.station_id)
        listing = partial(
            store.list_meter_values,
            tenant_id=current_caller().tenant_id,
            station_id=request.station_id,
            after=page.after,
            most=page.limit,
        )
        rows = await self._list(request.station_id, listing)
        rows, token = page.cut(rows, lambda row: row.key, text=lambda row: row.item)
        return ListMeterValuesResponse(meter_values=[_to_meter_values(row) for row in rows], next_page_token=token)

    async def ListQuarantinedItems(
        self, request: ListQuarantinedItemsRequest, context: Context
    ) -> ListQuarantinedItemsResponse:
        """Lists messages that could not be recorded, newest first."""
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, quarantine_store.filters(tenant_id))
        condition = both(wanted, quarantine_store.conditions(tenant_id).in_scope(current_scope()))
        page = page_of(request, (int, str), binding=request.filter, condition=condition)
        listing = partial(
            quarantine_store.list_items,
            tenant_id=tenant_id,
            condition=page.condition,
            after=page.after,
            most=page.limit,
        )
        rows = await self._database.read(listing)
        rows, token = page.cut(rows, lambda row: (row.create_us, row.quarantine_id), text=lambda row: row.item)
        return ListQuarantinedItemsResponse(items=[to_quarantined_item(row) for row in rows], next_page_token=token)

    async def GetQuarantinedItem(
        self, request: GetQuarantinedItemRequest, context: Context
    ) -> GetQuarantinedItemResponse:
        """Reads one item of the quarantine."""
        return GetQuarantinedItemResponse(item=to_quarantined_item(await self._find(request.quarantine_id)))

    async def RerunQuarantinedItem(
        self, request: RerunQuarantinedItemRequest, context: Context
    ) -> RerunQuarantinedItemResponse:
        """Records an item as the ingest does."""
        await self._find(request.quarantine_id)
        row = await self._quarantine.rerun(current_caller().tenant_id, request.quarantine_id)
        return RerunQuarantinedItemResponse(item=to_quarantined_item(row))

    async def DismissQuarantinedItem(
        self, request: DismissQuarantinedItemRequest, context: Context
    ) -> DismissQuarantinedItemResponse:
        """Marks an item as dealt with."""
        await self._find(request.quarantine_id)
        row = await self._quarantine.dismiss(current_caller().tenant_id, request.quarantine_id)
        return DismissQuarantinedItemResponse(item=to_quarantined_item(row))

    async def MendQuarantinedItem(
        self, request: MendQuarantinedItemRequest, context: Context
    ) -> MendQuarantinedItemResponse:
        """Replaces an item's content and records it."""
        caller = current_caller()
        mend = to_new_mend(request, caller.username)
        await self._find(request.quarantine_id)
        row = await self._quarantine.mend(caller.tenant_id, request.quarantine_id, mend)
        return MendQuarantinedItemResponse(item=to_quarantined_item(row))

    async def ListUnmatchedEvents(
        self, request: ListUnmatchedEventsRequest, context: Context
    ) -> ListUnmatchedEventsResponse:
        """Lists events that belong to no transaction."""
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.unmatched_filters(tenant_id))
        page = page_of(
            request,
            (int, str, str, int, int, str, int),
            binding=f"{request.station_id}\n{request.filter}" if request.filter else request.station_id,
            condition=both(wanted, store.conditions(tenant_id).in_scope(current_scope())),
            default=100,
        )
        listing = partial(
            store.list_unmatched,
            tenant_id=tenant_id,
            station_id=request.station_id,
            condition=page.condition,
            after=page.after,
            most=page.limit,
        )
        rows = await self._list(request.station_id, listing)
        rows, token = page.cut(rows, lambda row: row.key, text=lambda row: row.event)
        return ListUnmatchedEventsResponse(unmatched_events=[_to_unmatched(row) for row in rows], next_page_token=token)

    async def _find(self, quarantine_id: str) -> Quarantined:
        """An item whose station the caller's permission covers. Raises MeshError QUARANTINED_ITEM_NOT_FOUND."""
        tenant_id = current_caller().tenant_id
        finding = partial(find, tenant_id=tenant_id, quarantine_id=quarantine_id)
        found = await self._database.read(finding)
        if not await self._scopes.contains(tenant_id, found.station_id, current_scope()):
            raise not_found(quarantine_id)
        return found

    async def _list(self, station_id: str, listing: Callable[[Connection], Sequence[T]]) -> Sequence[T]:
        return await self._database.read(listing) if is_storable(station_id) else []

    async def _get(
        self,
        request: GetTransactionRequest
        | ListTransactionEventsRequest
        | EndTransactionRequest
        | ReassessTransactionRequest,
    ) -> store.Transaction:
        station_id, transaction_id = request.station_id, request.transaction_id
        generation = 0 if isinstance(request, ReassessTransactionRequest) else request.generation
        getting = partial(
            store.get_transaction,
            tenant_id=current_caller().tenant_id,
            station_id=station_id,
            transaction_id=transaction_id,
            generation=generation,
        )
        found = await self._database.read(getting) if is_storable(station_id + transaction_id) else None
        if found is None:
            raise MeshError(
                grpc.StatusCode.NOT_FOUND,
                Reason.TRANSACTION_NOT_FOUND,
                f"station {station_id!r} has no transaction {transaction_id!r}"
                + (f" of generation {generation}" if generation else ""),
            )
        return found


def to_transaction(row: store.Transaction) -> Transaction:
    """The message of a row."""
    state = row.state
    token, token_type = state.held_by
    return Transaction(
        station_id=row.station_id,
        transaction_id=row.transaction_id,
        generation=row.generation,
        state=TRANSACTION_STATE_ENDED if state.ended else TRANSACTION_STATE_ACTIVE,
        evse=EvseRef(evse_id=state.evse_id, connector_id=state.connector_id) if state.evse_id else None,
        id_token=IdToken(id_token=token, type=token_type) if token else None,
        start_time=_optional_time(state.start_us),
        end_time=_optional_time(state.end_us),
        energy_wh=state.meter.energy_mwh / 1000,
        meter_start_wh=_optional_wh(state.meter.meter_start_mwh),
        meter_stop_wh=_optional_wh(state.meter.meter_stop_mwh),
        charging_state=ChargingState.ValueType(state.charging_state),
        stopped_reason=StoppedReason.ValueType(state.reason),
        flags=state.flags,
        event_count=state.event_count,
        create_time=to_timestamp(state.created_us),
        update_time=to_timestamp(state.updated_us),
        believed_meter_start_wh=_optional_wh(state.meter.energy.begin_mwh),
        believed_meter_stop_wh=_optional_wh(state.meter.energy.end_mwh),
        energy_basis=EnergyBasis.ValueType(state.meter.basis),
        authorization_status=AuthorizationStatus.ValueType(state.authorization_status),
        meter_profile_id=state.meter.terms.profile_id,
        reassess_time=to_timestamp(state.reassessment.at_us) if state.reassessment else None,
        reassessed_by=state.reassessment.username if state.reassessment else "",
        hanging=state.hanging,
        hanging_time=to_timestamp(state.mark.since_us) if state.mark is not None and state.hanging else None,
        end_origin=TransactionEndOrigin.ValueType(state.end_origin),
        operator_end=_operator_end(state.closure),
        power_w=state.power_w,
        remote_start_id=state.remote_start_id,
    )


def _operator_end(closure: Closure | None) -> OperatorEnd | None:
    if closure is None or closure.origin != ends.OPERATOR:
        return None
    return OperatorEnd(username=closure.username, reason=closure.reason, request_time=to_timestamp(closure.request_us))


def _optional_time(us: int | None) -> Timestamp | None:
    return None if us is None else to_timestamp(us)


def _optional_wh(mwh: int | None) -> float | None:
    return None if mwh is None else mwh / 1000


def _to_unmatched(row: store.Unmatched) -> UnmatchedEvent:
    return UnmatchedEvent(
        station_id=row.station_id,
        event=_to_event(row),
        reason=UNMATCHED_REASON_AWAITING_START if row.awaits_start else UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
    )


def _to_event(row: store.Event | store.Unmatched) -> RecordedTransactionEvent:
    return RecordedTransactionEvent(
        event=TransactionEvent.FromString(received_items.decode(row.event)),
        receive_time=to_timestamp(row.receive_us),
        epoch=row.epoch,
        ordinal=row.ordinal,
        authorization_status=AuthorizationStatus.ValueType(row.refused_status),
    )


def _to_meter_values(row: store.MeterValues) -> RecordedMeterValues:
    item = MeterValuesItem.FromString(received_items.decode(row.item))
    return RecordedMeterValues(
        evse=item.evse, meter_values=item.meter_values, receive_time=to_timestamp(row.receive_us)
    )
