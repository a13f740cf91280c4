"""The open transactions of EVSEs, for stations that report about the vehicle there without naming the transaction."""

from collections.abc import Sequence

from csms.transaction.v1.transaction_ingest_service_pb2 import FindEvseTransactionsItem
from sqlalchemy import Connection

from transaction_svc import store, stored_form
from transaction_svc.received_items import check_origin

EvseKey = tuple[str, str, int]
"""Tenant, station, EVSE."""


def read_evse(item: FindEvseTransactionsItem) -> EvseKey:
    """Reads an item. Raises MeshError INVALID_FIELD."""
    check_origin(item.origin.tenant_id, item.origin.station_id)
    return item.origin.tenant_id, item.origin.station_id, item.evse_id


def open_at(connection: Connection, evses: Sequence[EvseKey]) -> Sequence[str]:
    """The latest open transaction of each EVSE, empty where there is none; one that was refused does not count."""
    latest: dict[EvseKey, tuple[int, str]] = {}
    stations = sorted({(tenant_id, station_id) for tenant_id, station_id, _evse_id in evses})
    for row in store.find_open_transactions(connection, stations):
        state = stored_form.decode_state(row.fold)
        if not state.takes_evse or state.ended:
            continue
        evse = (row.tenant_id, row.station_id, state.evse_id)
        latest[evse] = max(latest.get(evse, (state.begin_us, "")), (state.begin_us, row.transaction_id))
    return [latest.get(evse, (0, ""))[1] for evse in evses]
