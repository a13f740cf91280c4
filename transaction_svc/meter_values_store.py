"""The SQL of meter values outside of transactions. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Iterable

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of, run_prepared
from transaction_svc import models
from transaction_svc.received_items import ReceivedMeterValues

_INSERT_METER_VALUES = RowStatement(
    """
    INSERT INTO meter_values (tenant_id, station_id, content_key, item, receive_us)
    SELECT tenant_id, station_id, content_key, item, receive_us FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id, content_key) DO NOTHING
    RETURNING tenant_id, station_id, content_key
    """,
    **columns_of(models.meter_values),
)


def insert_meter_values(
    connection: Connection, items: Iterable[ReceivedMeterValues]
) -> frozenset[tuple[str, str, str]]:
    """Adds meter values; returns the keys (tenant_id, station_id, content_key) of the new ones."""
    rows = [
        {
            "tenant_id": item.tenant_id,
            "station_id": item.station_id,
            "content_key": item.content_key,
            "item": item.item,
            "receive_us": item.receive_us,
        }
        for item in sorted(items, key=lambda item: (item.tenant_id, item.station_id, item.content_key))
    ]
    added = run_prepared(connection, (_INSERT_METER_VALUES, rows))
    return frozenset((tenant, station, key) for tenant, station, key in added)
