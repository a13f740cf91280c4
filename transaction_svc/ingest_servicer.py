"""TransactionIngestService: batches from the gateways."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc
from csms.transaction.v1 import transaction_ingest_service_pb2_grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    MeterValuesItem,
    MeterValuesResult,
    RecordMeterValuesRequest,
    RecordMeterValuesResponse,
    RecordTransactionEventsRequest,
    RecordTransactionEventsResponse,
    TransactionEventItem,
    TransactionEventResult,
)
from sqlalchemy import Connection

from mesh.database import Database, commit_batch
from mesh.errors import MeshError
from mesh.grpc_types import Context
from mesh.logs import get_logger
from mesh.times import Clock
from transaction_svc import contents, intake, recorder, store
from transaction_svc.intake import IncomingMeterValues

log = get_logger(__name__)

Item = TypeVar("Item", TransactionEventItem, MeterValuesItem)
Read = TypeVar("Read")
Done = TypeVar("Done")


class TransactionIngestServicer(transaction_ingest_service_pb2_grpc.TransactionIngestServiceServicer):
    """Records what stations say about transactions. What cannot be recorded is kept raw, and said so."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def RecordTransactionEvents(
        self, request: RecordTransactionEventsRequest, context: Context
    ) -> RecordTransactionEventsResponse:
        """See the contract."""
        now_us = self._clock()
        outcomes = await self._take(
            request.items,
            read=partial(intake.read_event, now_us=now_us),
            work=partial(recorder.record, now_us=now_us),
            now_us=now_us,
        )
        return RecordTransactionEventsResponse(results=[_event_result(outcome) for outcome in outcomes])

    async def RecordMeterValues(self, request: RecordMeterValuesRequest, context: Context) -> RecordMeterValuesResponse:
        """See the contract."""
        now_us = self._clock()
        outcomes = await self._take(
            request.items, read=partial(intake.read_values, now_us=now_us), work=_record_values, now_us=now_us
        )
        return RecordMeterValuesResponse(results=[_values_result(outcome) for outcome in outcomes])

    async def _take(
        self,
        items: Sequence[Item],
        *,
        read: Callable[[Item], Read],
        work: Callable[[Connection, Sequence[Read]], Sequence[Done]],
        now_us: int,
    ) -> Sequence[Done | MeshError]:
        """Reads and commits the items; quarantines those that fail. Raises MeshError where the database is away."""
        readable: list[Read] = []
        places: list[int] = []
        outcomes: list[Any] = [None] * len(items)
        for place, item in enumerate(items):
            outcome = _read(read, item)
            outcomes[place] = outcome
            if not isinstance(outcome, MeshError):
                readable.append(outcome)
                places.append(place)
        for place, done in zip(places, await commit_batch(self._database, readable, work), strict=True):
            outcomes[place] = done
        failed = [(place, error) for place, error in enumerate(outcomes) if isinstance(error, MeshError)]
        if failed:
            rows = [_quarantine_row(items[place], error, now_us) for place, error in failed]
            await self._database.write(partial(store.insert_quarantine, rows=rows))
            for place, error in failed:
                outcomes[place] = _quarantined(error)
        return outcomes


def _read(read: Callable[[Item], Read], item: Item) -> Read | MeshError:
    """What an item says, or what is wrong with it: whatever it is, it must not touch its neighbours."""
    try:
        return read(item)
    except MeshError as error:
        return error
    except Exception as error:
        log.exception("item cannot be read", error=repr(error))
        return MeshError(grpc.StatusCode.INVALID_ARGUMENT, "ITEM_UNREADABLE", "this item cannot be read")


def _record_values(connection: Connection, items: Sequence[IncomingMeterValues]) -> Sequence[bool]:
    """Records meter values; for each, whether it had been recorded before."""
    added = set(store.insert_meter_values(connection, items))
    repeated = []
    for item in items:
        key = (item.tenant_id, item.station_id, item.content_key)
        repeated.append(key not in added)
        added.discard(key)
    return repeated


def _quarantine_row(item: Item, error: MeshError, now_us: int) -> dict[str, Any]:
    data = item.SerializeToString(deterministic=True)
    origin = item.origin
    return {
        "tenant_id": origin.tenant_id.replace("\0", "�"),
        "station_id": origin.station_id.replace("\0", "�"),
        "content_key": contents.raw_key(_content(item)),
        "kind": item.DESCRIPTOR.name,
        "item": intake.encode(data),
        "reason": error.reason,
        "message": error.message,
        "receive_us": now_us,
        "create_us": now_us,
    }


def _content(item: Item) -> bytes:
    """What the station said, without how it came here: a repeat is kept once."""
    bare = type(item)()
    bare.CopyFrom(item)
    bare.ClearField("origin")
    return bare.SerializeToString(deterministic=True)


def _quarantined(error: MeshError) -> MeshError:
    return MeshError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "QUARANTINED",
        f"kept as it came, for a person to look at: {error.message}",
        {"cause": error.reason},
    )


def _event_result(outcome: recorder.Recorded | MeshError) -> TransactionEventResult:
    if isinstance(outcome, MeshError):
        return TransactionEventResult(error=outcome.to_status())
    return TransactionEventResult(
        transaction_id=outcome.transaction_id, repeated=outcome.repeated, concurrent=outcome.concurrent
    )


def _values_result(outcome: bool | MeshError) -> MeterValuesResult:
    if isinstance(outcome, MeshError):
        return MeterValuesResult(error=outcome.to_status())
    return MeterValuesResult(repeated=outcome)
