"""Messages in quarantine can be read, run again once their cause is gone, or dismissed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import RawMessage, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, RecordMeterValuesRequest
from csms.transaction.v1.transaction_service_pb2 import (
    QUARANTINE_STATE_DISMISSED,
    QUARANTINE_STATE_OPEN,
    QUARANTINE_STATE_RECORDED,
    DismissQuarantinedItemRequest,
    GetQuarantinedItemRequest,
    ListMeterValuesRequest,
    ListQuarantinedItemsRequest,
    QuarantinedItem,
    RerunQuarantinedItemRequest,
)
from sqlalchemy import Engine

from mesh.identity.callers import Role, set_caller
from mesh.runtime.errors import MeshError
from tests.transaction_svc.kit import (
    CONTEXT,
    VIEWER,
    Service,
    at,
    error_of,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
)
from transaction_svc.retention import retention_task

OPERATOR = replace(VIEWER, role=Role.OPERATOR)
_TRIGGER = "CREATE TRIGGER no BEFORE INSERT ON {} WHEN NEW.station_id = 'BAD' BEGIN SELECT RAISE(ABORT, 'x'); END"
_CHECK = "ALTER TABLE {} ADD CONSTRAINT refuse CHECK (station_id <> 'BAD') NOT VALID"
_NO_MORE = {"sqlite": "DROP TRIGGER no", "postgresql": "ALTER TABLE {} DROP CONSTRAINT refuse"}


def refuse(engine: Engine, table: str = "tx_event") -> None:
    """Makes the database refuse events of station BAD."""
    statement = {"sqlite": _TRIGGER, "postgresql": _CHECK}[engine.dialect.name]
    with engine.begin() as connection:
        connection.exec_driver_sql(statement.format(table))


def accept(engine: Engine, table: str = "tx_event") -> None:
    """Makes the database accept them again."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_NO_MORE[engine.dialect.name].format(table))


async def kept(service: Service, **more: Any) -> Sequence[QuarantinedItem]:
    """The messages in quarantine, newest first."""
    set_caller(VIEWER)
    return list((await service.operator.ListQuarantinedItems(ListQuarantinedItemsRequest(**more), CONTEXT)).items)


async def rerun(service: Service, quarantine_id: str) -> QuarantinedItem:
    """Runs an item again as an operator and returns the response."""
    set_caller(OPERATOR)
    request = RerunQuarantinedItemRequest(quarantine_id=quarantine_id)
    return (await service.operator.RerunQuarantinedItem(request, CONTEXT)).item


async def dismiss(service: Service, quarantine_id: str) -> QuarantinedItem:
    """Dismisses an item as an operator and returns the response."""
    set_caller(OPERATOR)
    request = DismissQuarantinedItemRequest(quarantine_id=quarantine_id)
    return (await service.operator.DismissQuarantinedItem(request, CONTEXT)).item


async def test_a_raw_message_is_kept_shown_and_dismissed(service: Service) -> None:
    """A message that the gateway could not read is kept once, with its own reason; a rerun fails again."""
    raw = RawMessage(
        ocpp_version="1.6", action="StartTransaction", payload="[1]", reason="SCHEMA_VIOLATION", message="no object"
    )
    items = [service.item(TransactionEvent()) for _ in range(3)]
    for item in items:
        item.ClearField("event")
        item.raw.CopyFrom(raw)
    items[2].raw.payload = "[2]"
    good = service.item(event_2x("a", "STARTED", 0, 0, 100))
    results = await service.send_items([*items, good])
    assert [error_of(result).reason for result in results[:3]] == ["QUARANTINED"] * 3
    assert results[3].transaction_id == "a"
    second, first = sorted(await kept(service), key=lambda one: one.raw_message.raw.payload, reverse=True)
    assert (first.reason, first.message, first.raw_message.raw) == ("SCHEMA_VIOLATION", "no object", raw)
    assert first.raw_message.receive_time.ToMicroseconds() > 0
    assert (await kept(service, filter='reason = "SCHEMA_VIOLATION"')) == [*(await kept(service))]
    again = await rerun(service, first.quarantine_id)
    assert (again.state, again.reason, again.run_count) == (QUARANTINE_STATE_OPEN, "SCHEMA_VIOLATION", 1)
    assert (await dismiss(service, second.quarantine_id)).state == QUARANTINE_STATE_DISMISSED
    assert {kind for kind, _data in await service.published("transaction.quarantined")} == {"transaction.quarantined"}


async def test_quarantine_is_kept_for_its_days(service: Service) -> None:
    """The days count from the last change, such as a rerun by an operator."""
    await service.send_items([service.item(TransactionEvent()), service.item(event_2x("", "STARTED", 0, 0))])
    retention = retention_task(database=service.database, clock=service.clock, outbox_days=99, quarantine_days=9)
    one, other = await kept(service)
    service.clock.advance(5 * 86_400)
    await rerun(service, one.quarantine_id)
    service.clock.advance(5 * 86_400)
    assert await retention.remove_old() == 1
    assert [item.quarantine_id for item in await kept(service)] == [one.quarantine_id]
    assert other.quarantine_id != one.quarantine_id
    service.clock.advance(5 * 86_400)
    assert await retention.remove_old() == 1
    assert not await kept(service)


async def test_an_item_is_recorded_once_its_cause_is_gone(service: Service, engine: Engine) -> None:
    """It is recorded once, with any number of runs; until then each run stores its error."""
    refuse(engine)
    sent = service.item(event_2x("a", "STARTED", 0, 0, 100), station="BAD")
    await service.send_items([sent])
    (item,) = await kept(service)
    assert (item.station_id, item.state, item.reason) == ("BAD", QUARANTINE_STATE_OPEN, "ITEM_FAILED")
    assert (item.transaction_event.event, item.transaction_event.ordinal) == (sent.event, 1)
    service.clock.advance(60)
    failed = await rerun(service, item.quarantine_id)
    assert (failed.state, failed.run_count, failed.transaction_id) == (QUARANTINE_STATE_OPEN, 1, "")
    assert (failed.create_time, failed.update_time != item.update_time) == (item.create_time, True)
    assert not await service.all()
    accept(engine)
    for _ in range(3):
        done = await rerun(service, item.quarantine_id)
        assert (done.state, done.run_count, done.transaction_id) == (QUARANTINE_STATE_RECORDED, 2, "a")
    assert (await service.get("a", station="BAD")).event_count == 1
    (recorded,) = await service.events("a", station="BAD")
    assert (recorded.event, recorded.receive_time) == (sent.event, sent.origin.receive_time)


async def test_a_start_out_of_quarantine_gets_its_number(service: Service, engine: Engine) -> None:
    """1.6: the stop that names it comes later, and finds it."""
    refuse(engine)
    await service.send(start_16(), station="BAD")
    accept(engine)
    (item,) = await kept(service)
    number = (await rerun(service, item.quarantine_id)).transaction_id
    await service.one(stop_16(number, 60, 1500), station="BAD")
    assert (await service.get(number, station="BAD")).energy_wh == 500


async def test_what_arrived_meanwhile_is_not_doubled(service: Service, engine: Engine) -> None:
    """The station repeats the message and it is recorded; a rerun finds it as a repeat."""
    refuse(engine)
    await service.send(event_2x("a", "STARTED", 0, 0, 0), station="BAD")
    accept(engine)
    await service.one(event_2x("a", "STARTED", 0, 0, 0), station="BAD")
    (item,) = await kept(service)
    assert (await rerun(service, item.quarantine_id)).state == QUARANTINE_STATE_RECORDED
    assert (await service.get("a", station="BAD")).event_count == 1


async def test_running_it_twice_at_once_records_it_once(service: Service, engine: Engine) -> None:
    """Both callers get the same answer; the second one waits for the first."""
    refuse(engine)
    await service.send(start_16(), station="BAD")
    accept(engine)
    (item,) = await kept(service)
    items = await asyncio.gather(*(rerun(service, item.quarantine_id) for _ in range(4)))
    assert [each.run_count for each in items] == [1] * 4
    assert len({each.transaction_id for each in items}) == 1
    assert len(await service.all()) == 1


async def test_an_item_that_fails_again_has_the_reason_of_the_recording(service: Service) -> None:
    """Its reason is the one of the recording."""
    await service.send(event_2x("a", "UPDATED", -1, 0))
    (item,) = await kept(service)
    failed = await rerun(service, item.quarantine_id)
    assert (failed.state, failed.reason, failed.run_count) == (QUARANTINE_STATE_OPEN, "INVALID_FIELD", 1)
    assert "event.seq_no" in failed.message


async def test_meter_values_are_run_again_too(service: Service, engine: Engine) -> None:
    """They belong to no transaction, so that the item has no transaction_id."""
    refuse(engine, "meter_values")
    sent = MeterValuesItem(
        origin=Origin(tenant_id="default", station_id="BAD", receive_time=at(5)),
        evse=EvseRef(evse_id=2),
        meter_values=[sampled(1, register(77))],
    )
    await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=[sent]), CONTEXT)
    accept(engine, "meter_values")
    (item,) = await kept(service)
    assert (item.meter_values.evse, item.meter_values.receive_time) == (sent.evse, at(5))
    done = await rerun(service, item.quarantine_id)
    assert (done.state, done.transaction_id) == (QUARANTINE_STATE_RECORDED, "")
    set_caller(VIEWER)
    listed = await service.operator.ListMeterValues(ListMeterValuesRequest(station_id="BAD"), CONTEXT)
    assert [found.meter_values for found in listed.meter_values] == [sent.meter_values]


async def test_dismissing(service: Service, engine: Engine) -> None:
    """A dismissed item is kept, and can be run again; a recorded one cannot be dismissed."""
    refuse(engine)
    await service.send(start_16(), station="BAD")
    accept(engine)
    (item,) = await kept(service)
    for _ in range(2):
        assert (await dismiss(service, item.quarantine_id)).state == QUARANTINE_STATE_DISMISSED
    assert not await kept(service, filter="state = OPEN")
    assert (await rerun(service, item.quarantine_id)).state == QUARANTINE_STATE_RECORDED
    with pytest.raises(MeshError) as caught:
        await dismiss(service, item.quarantine_id)
    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "QUARANTINED_ITEM_RECORDED",
    )


async def test_a_dismissed_message_that_fails_again_is_open_again(service: Service, engine: Engine) -> None:
    """The same content comes again: a station without a clock sends it for two transactions."""
    refuse(engine)
    await service.send(start_16(), station="BAD")
    (item,) = await kept(service)
    await dismiss(service, item.quarantine_id)
    await service.send(start_16(), station="BAD")
    (again,) = await kept(service)
    assert (again.quarantine_id, again.state) == (item.quarantine_id, QUARANTINE_STATE_OPEN)
    published = await service.published("transaction.quarantined")
    assert [data["quarantineId"] for _kind, data in published] == [item.quarantine_id]
    service.clock.advance(1)
    await dismiss(service, item.quarantine_id)
    await service.send(start_16(), start_16(), station="BAD")
    assert len(await service.published("transaction.quarantined")) == 2


async def test_lists_are_filtered_and_paged(service: Service) -> None:
    """Newest first; by station, state, reason and time."""
    for n in range(5):
        await service.send(TransactionEvent(), station=f"CP{n}")
        service.clock.advance(1)
    names = [item.station_id for item in await kept(service)]
    assert names == ["CP4", "CP3", "CP2", "CP1", "CP0"]
    assert [item.station_id for item in await kept(service, filter='station_id = "CP2"')] == ["CP2"]
    assert len(await kept(service, filter="reason = INVALID_FIELD AND state = OPEN")) == 5
    since = 'create_time >= "2025-10-09T08:53:23Z"'
    assert [item.station_id for item in await kept(service, filter=since)] == ["CP4", "CP3"]
    seen: list[str] = []
    token = ""
    while True:
        request = ListQuarantinedItemsRequest(page_size=2, page_token=token)
        response = await service.operator.ListQuarantinedItems(request, CONTEXT)
        seen.extend(item.station_id for item in response.items)
        token = response.next_page_token
        if not token:
            break
    assert seen == names
    with pytest.raises(MeshError, match="INVALID_FILTER"):
        await kept(service, filter="state = GONE")


async def test_nobody_else_sees_it(service: Service) -> None:
    """Reads, reruns and dismissals of another tenant, or of another id, find no item."""
    await service.send(TransactionEvent())
    (item,) = await kept(service)
    for caller, quarantine_id in (
        (replace(OPERATOR, tenant_id="other"), item.quarantine_id),
        (OPERATOR, "nothing"),
        (OPERATOR, "\0"),
    ):
        set_caller(caller)
        for asked in (
            service.operator.GetQuarantinedItem(GetQuarantinedItemRequest(quarantine_id=quarantine_id), CONTEXT),
            service.operator.RerunQuarantinedItem(RerunQuarantinedItemRequest(quarantine_id=quarantine_id), CONTEXT),
            service.operator.DismissQuarantinedItem(
                DismissQuarantinedItemRequest(quarantine_id=quarantine_id), CONTEXT
            ),
        ):
            with pytest.raises(MeshError) as caught:
                await asked
            assert (caught.value.code, caught.value.reason) == (
                grpc.StatusCode.NOT_FOUND,
                "QUARANTINED_ITEM_NOT_FOUND",
            )
    set_caller(VIEWER)
    found = await service.operator.GetQuarantinedItem(
        GetQuarantinedItemRequest(quarantine_id=item.quarantine_id), CONTEXT
    )
    assert found.item == item
