"""TransactionIngestService: batches from the gateways."""

from collections.abc import Sequence
from typing import Any

import grpc
from csms.transaction.v1 import transaction_ingest_service_pb2_grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    MeterValuesResult,
    RecordMeterValuesRequest,
    RecordMeterValuesResponse,
    RecordTransactionEventsRequest,
    RecordTransactionEventsResponse,
    TransactionEventResult,
)
from sqlalchemy import Connection

from mesh.database import Database, commit_batch
from mesh.errors import MeshError
from mesh.grpc_types import Context
from mesh.quirks import QuirkName
from mesh.times import Clock
from transaction_svc.kinds import EVENTS, METER_VALUES, Done, Item, Kind, Read, RecordedValues
from transaction_svc.quarantine import Quarantine
from transaction_svc.recorder import Recorded


class TransactionIngestServicer(transaction_ingest_service_pb2_grpc.TransactionIngestServiceServicer):
    """Records what stations say about transactions. What cannot be recorded is kept raw, and said so."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._quarantine = Quarantine(database=database, clock=clock)
        self._clock = clock

    async def RecordTransactionEvents(
        self, request: RecordTransactionEventsRequest, context: Context
    ) -> RecordTransactionEventsResponse:
        """See the contract."""
        outcomes = await self._take(EVENTS, request.items)
        return RecordTransactionEventsResponse(results=[_event_result(outcome) for outcome in outcomes])

    async def RecordMeterValues(self, request: RecordMeterValuesRequest, context: Context) -> RecordMeterValuesResponse:
        """See the contract."""
        outcomes = await self._take(METER_VALUES, request.items)
        return RecordMeterValuesResponse(results=[_values_result(outcome) for outcome in outcomes])

    async def _take(self, kind: Kind[Item, Read, Done], items: Sequence[Item]) -> Sequence[Done | MeshError]:
        """Reads and commits the items; quarantines those that fail. Raises MeshError where the database is away."""
        now_us = self._clock()
        readable: list[Read] = []
        places: list[int] = []
        outcomes: list[Any] = [None] * len(items)
        for place, item in enumerate(items):
            try:
                readable.append(kind.read(item, now_us))
                places.append(place)
            except MeshError as error:
                outcomes[place] = error

        def work(connection: Connection, some: Sequence[Read]) -> Sequence[Done]:
            return kind.record(connection, some, now_us)

        for place, done in zip(places, await commit_batch(self._database, readable, work), strict=True):
            outcomes[place] = done
        failed = [(place, outcome) for place, outcome in enumerate(outcomes) if isinstance(outcome, MeshError)]
        if failed:
            await self._quarantine.keep([(items[place], failure) for place, failure in failed])
            for place, failure in failed:
                outcomes[place] = _quarantined(failure)
        return outcomes


def _quarantined(error: MeshError) -> MeshError:
    return MeshError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "QUARANTINED",
        f"kept as it came, for a person to look at: {error.message}",
        {"cause": error.reason},
    )


def _event_result(outcome: Recorded | MeshError) -> TransactionEventResult:
    if isinstance(outcome, MeshError):
        return TransactionEventResult(error=outcome.to_status())
    return TransactionEventResult(
        transaction_id=outcome.transaction_id,
        repeated=outcome.repeated,
        concurrent=outcome.concurrent,
        quirks=outcome.quirks,
    )


def _values_result(outcome: RecordedValues | MeshError) -> MeterValuesResult:
    if isinstance(outcome, MeshError):
        return MeterValuesResult(error=outcome.to_status())
    quirks = (QuirkName.REPEATED_EVENT,) if outcome.repeated else ()
    return MeterValuesResult(repeated=outcome.repeated, quirks=quirks)
