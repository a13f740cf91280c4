"""An event that fails for its content is kept as it came; the others of its batch are recorded."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import RawMessage, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    MeterValuesItem,
    RecordMeterValuesRequest,
    TransactionEventItem,
)
from csms.transaction.v1.transaction_service_pb2 import ListQuarantinedItemsRequest, QuarantinedItem
from sqlalchemy import Engine

from mesh.identity.callers import set_caller
from tests.transaction_svc.kit import CONTEXT, VIEWER, Service, error_of, event_2x, start_16
from transaction_svc import models, received_items

CLIENTS_TAKE_BYTES = 4 * 1024 * 1024  # gRPC's default
_REFUSE = {
    "sqlite": (
        "CREATE TRIGGER no BEFORE INSERT ON tx_event WHEN NEW.station_id = 'BAD' BEGIN SELECT RAISE(ABORT, 'x'); END"
    ),
    "postgresql": "ALTER TABLE tx_event ADD CONSTRAINT refuse CHECK (station_id <> 'BAD')",
}


async def kept(service: Service) -> Sequence[Any]:
    """The rows of the quarantine."""
    table = models.quarantine.c
    query = sa.select(table.station_id, table.kind, table.reason, table.item).order_by(table.station_id)
    return await service.database.read(lambda connection: connection.execute(query).all())


async def test_what_cannot_be_an_event_is_quarantined(service: Service) -> None:
    """The other items are committed; the message can be read back whole."""
    bad = [
        service.item(TransactionEvent(), station="KIND"),
        service.item(event_2x("", "UPDATED", 1, 0), station="NAMELESS"),
        service.item(event_2x("a", "UPDATED", -1, 0), station="SEQ"),
        TransactionEventItem(event=start_16()),
    ]
    good = [service.item(start_16(), station=f"CP{n}") for n in range(2)]
    results = await service.send_items([good[0], *bad, good[1]])
    assert [result.HasField("error") for result in results] == [False, True, True, True, True, False]
    error = error_of(results[1])
    assert (error.reason, error.metadata["cause"]) == ("QUARANTINED", "INVALID_FIELD")
    assert len(await service.all()) == 2
    rows = await kept(service)
    assert [row.station_id for row in rows] == ["", "KIND", "NAMELESS", "SEQ"]
    assert {row.kind for row in rows} == {"TransactionEventItem"}
    assert TransactionEventItem.FromString(received_items.decode(rows[2].item)) == bad[1]


async def test_what_the_database_refuses_is_quarantined(service: Service, engine: Engine) -> None:
    """The batch is halved until the item is alone; all others are committed once."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_REFUSE[engine.dialect.name])
    stations = [f"CP{n}" for n in range(9)]
    stations[4] = "BAD"
    results = await service.send_items([service.item(start_16(), station=station) for station in stations])
    assert [result.HasField("error") for result in results] == [station == "BAD" for station in stations]
    assert error_of(results[4]).reason == "QUARANTINED"
    assert sorted(found.station_id for found in await service.all()) == sorted(set(stations) - {"BAD"})
    assert [row.station_id for row in await kept(service)] == ["BAD"]


async def test_a_repeat_is_quarantined_once(service: Service) -> None:
    """It may come over another connection."""
    for _ in range(2):
        await service.send(TransactionEvent())
    assert len(await kept(service)) == 1


async def test_a_nul_at_the_end_of_a_token_costs_nothing(service: Service) -> None:
    """Some stations send one, and PostgreSQL cannot store it in text."""
    number = (await service.one(start_16(id_tag="TAG\0"))).transaction_id
    assert (await service.get(number)).id_token.id_token == "TAG"
    (recorded,) = await service.events(number)
    assert recorded.event.id_token.id_token == "TAG\0"


async def test_meter_values_of_no_station_are_quarantined(service: Service) -> None:
    items = [MeterValuesItem(), MeterValuesItem(origin=Origin(tenant_id="default", station_id="CP1"))]
    response = await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=items), CONTEXT)
    assert [result.HasField("error") for result in response.results] == [True, False]
    assert [row.kind for row in await kept(service)] == ["MeterValuesItem"]


async def test_a_page_of_large_items_can_be_sent(service: Service) -> None:
    """The items have the largest size of a frame, and their number is the default of a page."""
    payload = "x" * 500_000
    items = [TransactionEventItem(raw=RawMessage(payload=f"{n}{payload}")) for n in range(20)]
    for n, item in enumerate(items):
        item.origin.tenant_id, item.origin.station_id = "default", f"CP{n}"
    await service.send_items(items)
    set_caller(VIEWER)
    found: list[QuarantinedItem] = []
    token = ""
    while not found or token:
        request = ListQuarantinedItemsRequest(page_token=token)
        response = await service.operator.ListQuarantinedItems(request, CONTEXT)
        assert response.ByteSize() < CLIENTS_TAKE_BYTES
        found, token = [*found, *response.items], response.next_page_token
    assert {item.raw_message.raw.payload[:-500_000] for item in found} == {str(n) for n in range(20)}
    assert len(found) == 20
