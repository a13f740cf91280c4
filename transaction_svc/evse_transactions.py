"""The open transactions of EVSEs, for stations that report about the vehicle there without naming the transaction."""

from collections.abc import Sequence

from csms.transaction.v1.transaction_ingest_service_pb2 import FindEvseTransactionsItem
from sqlalchemy import Connection

from transaction_svc import store, stored_form
from transaction_svc.received_items import check_origin

Place = tuple[str, str, int]
"""Tenant, station, EVSE."""


def read_place(item: FindEvseTransactionsItem) -> Place:
    """Reads an item. Raises MeshError INVALID_FIELD."""
    check_origin(item.origin.tenant_id, item.origin.station_id)
    return item.origin.tenant_id, item.origin.station_id, item.evse_id


def open_at(connection: Connection, places: Sequence[Place]) -> Sequence[str]:
    """The latest open transaction of each place, empty where there is none; one that was refused does not count."""
    latest: dict[Place, tuple[int, str]] = {}
    stations = sorted({(tenant_id, station_id) for tenant_id, station_id, _evse_id in places})
    for row in store.find_open_transactions(connection, stations):
        state = stored_form.decode_state(row.fold)
        if not state.takes_evse or state.ended:
            continue
        place = (row.tenant_id, row.station_id, state.evse_id)
        latest[place] = max(latest.get(place, (state.begin_us, "")), (state.begin_us, row.transaction_id))
    return [latest.get(place, (0, ""))[1] for place in places]
