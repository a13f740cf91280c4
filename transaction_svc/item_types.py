"""The types of items that gateways send: how they are read and recorded, at once or from the quarantine later."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from transaction_svc import ingestion, meter_values_store, received_items
from transaction_svc.ingestion import IngestResult
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.received_items import ReceivedMeterValues

log = get_logger(__name__)

Item = TypeVar("Item", TransactionEventItem, MeterValuesItem)
Read = TypeVar("Read")
Done = TypeVar("Done")


@dataclass(frozen=True, kw_only=True)
class ItemType(Generic[Item, Read, Done]):
    """A type of items. `ingest` records items in the caller's transaction, and returns one outcome per item."""

    message: type[Item]
    reader: Callable[[Item, int], Read]
    ingest: Callable[[Connection, Sequence[Read], int, MeterTerms], Sequence[Done]]

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self.message.DESCRIPTOR.name

    def read(self, item: Item, now_us: int) -> Read:
        """Reads an item. Any failure is a MeshError about this item, so that the others of its batch are recorded."""
        try:
            return self.reader(item, now_us)
        except MeshError:
            raise
        except Exception as error:
            log.exception("item cannot be read", error=repr(error))
            raise MeshError(
                grpc.StatusCode.INVALID_ARGUMENT, Reason.ITEM_UNREADABLE, "this item cannot be read"
            ) from error


@dataclass(frozen=True)
class RecordedValues:
    """The outcome of meter values outside of transactions."""

    repeated: bool
    transaction_id: str = ""


def _ingest_values(
    connection: Connection, items: Sequence[ReceivedMeterValues], _now_us: int, _meters: MeterTerms
) -> Sequence[RecordedValues]:
    added = set(meter_values_store.insert_meter_values(connection, items))
    recorded = []
    for item in items:
        key = (item.tenant_id, item.station_id, item.content_key)
        recorded.append(RecordedValues(repeated=key not in added))
        added.discard(key)
    return recorded


EVENTS: ItemType[TransactionEventItem, received_items.ReceivedEvent, IngestResult] = ItemType(
    message=TransactionEventItem, reader=received_items.read_event, ingest=ingestion.ingest_batch
)
METER_VALUES: ItemType[MeterValuesItem, ReceivedMeterValues, RecordedValues] = ItemType(
    message=MeterValuesItem, reader=received_items.read_values, ingest=_ingest_values
)
ITEM_TYPES: Mapping[str, ItemType[Any, Any, Any]] = {item_type.name: item_type for item_type in (EVENTS, METER_VALUES)}
"""By their names in tables."""
