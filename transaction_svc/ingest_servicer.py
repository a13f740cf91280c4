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
        response = RecordTransactionEventsResponse()
        for outcome in outcomes:
            _write_event_result(response.results.add(), outcome)
        return response

    async def RecordMeterValues(self, request: RecordMeterValuesRequest, context: Context) -> RecordMeterValuesResponse:
        """See the contract."""
        outcomes = await self._take(METER_VALUES, request.items)
        response = RecordMeterValuesResponse()
        for outcome in outcomes:
            _write_values_result(response.results.add(), outcome)
        return response

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


# Results are written in place, and of most there is nothing to tell but the id: a quarter of the price of making each
# with all its fields, and copying it into the response.


def _write_event_result(result: TransactionEventResult, outcome: Recorded | MeshError) -> None:
    if isinstance(outcome, MeshError):
        result.error.CopyFrom(outcome.to_status())
        return
    result.transaction_id = outcome.transaction_id
    if outcome.repeated:
        result.repeated = True
    if outcome.concurrent:
        result.concurrent = True
    if outcome.quirks:
        result.quirks.extend(outcome.quirks)


def _write_values_result(result: MeterValuesResult, outcome: RecordedValues | MeshError) -> None:
    if isinstance(outcome, MeshError):
        result.error.CopyFrom(outcome.to_status())
    elif outcome.repeated:
        result.repeated = True
        result.quirks.append(QuirkName.REPEATED_EVENT)
