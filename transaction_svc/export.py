"""The tables of transaction_svc as a tenant's export has them: events and readings as the contract has them."""

from base64 import b64decode
from typing import Any

import msgspec
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem
from google.protobuf.json_format import MessageToDict

from mesh.tenant_export import ExportedTables
from transaction_svc.models import METER_VALUES_ORDER, metadata
from transaction_svc.packed_form import unpack
from transaction_svc.rollup_form import decode_cells, decode_share


def _event(stored: str) -> Any:
    return MessageToDict(TransactionEvent.FromString(b64decode(stored)))


def _packed(stored: bytes) -> Any:
    return [{"event": _event(one.event), "receive_us": one.receive_us} for one in unpack(stored)]


def _meter_values(stored: str) -> Any:
    return MessageToDict(MeterValuesItem.FromString(b64decode(stored)))


def _share(stored: str) -> Any:
    share = decode_share(stored)
    return None if share is None else msgspec.structs.asdict(share)


def _cells(stored: str) -> Any:
    """Amounts by quarter hour of the day."""
    return [{"quarter": quarter, **amounts._asdict()} for quarter, amounts in decode_cells(stored, 0).items()]


EXPORTED = ExportedTables(
    metadata=metadata,
    left_out=(
        "driver_erasure_progress",
        "outbox",
    ),
    orders={"meter_values": METER_VALUES_ORDER},
    decoded={
        "tx.fold": msgspec.json.decode,
        "tx_event.event": _event,
        "tx_packed.events": _packed,
        "meter_values.item": _meter_values,
        "tx_rollup.share": _share,
        "rollup.cells": _cells,
    },
)
