"""The SQL of meter values outside of transactions. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database import partitions
from mesh.database.rowset import RowStatement, columns_of, run_prepared
from transaction_svc.models import meter_values
from transaction_svc.received_items import ReceivedMeterValues

_INSERT_METER_VALUES = RowStatement(
    """
    INSERT INTO meter_values (tenant_id, station_id, content_key, item, receive_us, sample_us)
    SELECT tenant_id, station_id, content_key, item, receive_us, sample_us FROM {rows} WHERE true
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, station_id, content_key
    """,
    **columns_of(meter_values),
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
            "sample_us": item.sample_us,
        }
        for item in sorted(items, key=lambda item: (item.tenant_id, item.station_id, item.content_key))
    ]
    added = run_prepared(connection, (_INSERT_METER_VALUES, rows))
    return frozenset((tenant, station, key) for tenant, station, key in added)


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` meter values that came before a moment, but those that go with their partition."""
    key = [meter_values.c[name] for name in ("tenant_id", "station_id", "content_key", "sample_us")]
    old = sa.select(*key).where(meter_values.c.receive_us < before_us).limit(limit)
    if found := partitions.spans(connection, meter_values.name):
        old = old.where(partitions.is_undated(found, meter_values.c.sample_us))
    return connection.execute(sa.delete(meter_values).where(sa.tuple_(*key).in_(old))).rowcount
