"""Mends: an operator replaces the content of a quarantined message, which is recorded with user and reason."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import grpc
import msgspec
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import RawMessage, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    MeterValuesItem,
    RecordMeterValuesRequest,
    TransactionEventItem,
)
from csms.transaction.v1.transaction_service_pb2 import (
    QUARANTINE_STATE_DISMISSED,
    QUARANTINE_STATE_OPEN,
    QUARANTINE_STATE_RECORDED,
    ListMeterValuesRequest,
    MendQuarantinedItemRequest,
    MeterValuesReplacement,
    QuarantinedItem,
)
from google.protobuf.struct_pb2 import Struct
from sqlalchemy import Engine, func, select

from gateway.message_translator import MessageTranslator
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.v16.routes import ROUTES as V16
from gateway.ocpp.v201.routes import ROUTES as V201
from mesh.identity.callers import set_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from tests.conftest import FakeClock
from tests.transaction_svc.conftest import make_service
from tests.transaction_svc.kit import CONTEXT, VIEWER, Service, at, event_2x, register, sampled, start_16, stop_16
from tests.transaction_svc.test_rerun import OPERATOR, accept, dismiss, kept, refuse, rerun
from transaction_svc import models
from transaction_svc.gateway_client import AnyItem
from transaction_svc.mends import MOST_MENDS
from transaction_svc.retention import retention_task

_TRANSLATOR = MessageTranslator([ServedVersion(routes, Schemas(routes.ocpp)) for routes in (V16, V201)])
BROKEN = {"connectorId": 1, "idTag": "TAG", "meterStart": "1000 Wh", "timestamp": "2025-10-08T08:53:20Z"}
MENDED = BROKEN | {"meterStart": 1000}


class Gateway:
    """The translator of a gateway, without the call; it may be unavailable."""

    def __init__(self) -> None:
        self.available = True

    async def translate(self, item: TransactionEventItem, payload: str) -> AnyItem:
        """See transaction_svc.gateway_client.Translator."""
        if not self.available:
            raise unavailable(Reason.GATEWAY_UNAVAILABLE, "no gateway is available")
        return _TRANSLATOR.translate(item.raw.ocpp_version, item.raw.action, payload, item.origin)


@pytest.fixture
def gateway() -> Gateway:
    """Translates for the service."""
    return Gateway()


@pytest.fixture
async def service(engine: Engine, clock: FakeClock, gateway: Gateway) -> AsyncIterator[Service]:
    """The servicers, which know a gateway."""
    service = make_service(engine, clock, gateway)
    yield service
    await service.database.close()


def raw_item(
    service: Service, payload: Any, *, action: str = "StartTransaction", label: str = "1.6", **more: str
) -> TransactionEventItem:
    """The item that a gateway sends for a message that it could not read."""
    item = service.item(TransactionEvent())
    item.ClearField("event")
    text = msgspec.json.encode(payload).decode()
    item.raw.CopyFrom(
        RawMessage(ocpp_version=label, action=action, payload=text, reason=more.get("reason", "SCHEMA_VIOLATION"))
    )
    return item


async def mend(service: Service, quarantine_id: str, *, reason: str = "seen on the display", **what: Any) -> Any:
    """Mends an item as an operator and returns the response; a dict is a payload."""
    set_caller(OPERATOR)
    if isinstance(what.get("payload"), dict):
        struct = Struct()
        struct.update(what["payload"])
        what["payload"] = struct
    request = MendQuarantinedItemRequest(quarantine_id=quarantine_id, reason=reason, **what)
    return (await service.operator.MendQuarantinedItem(request, CONTEXT)).item


async def refused(service: Service, quarantine_id: str, **what: Any) -> MeshError:
    """Expects that a mend is refused and changes nothing; returns the error."""
    before = await kept(service)
    with pytest.raises(MeshError) as caught:
        await mend(service, quarantine_id, **what)
    assert await kept(service) == before
    return caught.value


async def only(service: Service) -> QuarantinedItem:
    """The one item in quarantine."""
    [item] = await kept(service)
    return item


async def test_a_raw_start_is_mended_and_gets_its_number(service: Service) -> None:
    """It keeps the origin of the message; the original content stays readable beside the mend."""
    sent = raw_item(service, BROKEN)
    await service.send_items([sent])
    service.clock.advance(3600)
    item = await only(service)
    done = await mend(service, item.quarantine_id, payload=MENDED)
    assert (done.state, done.run_count) == (QUARANTINE_STATE_RECORDED, 1)
    assert done.raw_message == item.raw_message
    [record] = done.mends
    assert (record.reason, record.username, record.failure_reason) == ("seen on the display", "eve", "")
    assert record.mend_time.ToMicroseconds() == service.clock()
    assert msgspec.json.decode(record.payload) == MENDED
    assert '"meterStart":1000' in record.payload
    assert "1000.0" not in record.payload
    [event] = await service.events(done.transaction_id)
    assert (event.receive_time, event.epoch, event.ordinal) == (
        sent.origin.receive_time,
        sent.origin.epoch,
        sent.origin.ordinal,
    )
    await service.one(stop_16(done.transaction_id, 60, 1500))
    assert (await service.get(done.transaction_id)).energy_wh == 500


async def test_the_same_mend_again_changes_nothing(service: Service) -> None:
    """A caller without an answer may call again; other content is refused, since the item is recorded."""
    await service.send_items([raw_item(service, BROKEN)])
    item = await only(service)
    answers = await asyncio.gather(*(mend(service, item.quarantine_id, payload=MENDED) for _ in range(3)))
    answers.append(await mend(service, item.quarantine_id, payload=MENDED))
    assert answers == [answers[0]] * 4
    assert len(answers[0].mends) == 1
    error = await refused(service, item.quarantine_id, payload=MENDED | {"meterStart": 1001})
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUARANTINED_ITEM_RECORDED")
    assert len(await service.all()) == 1


async def test_a_mended_message_that_came_again_is_a_repeat(service: Service) -> None:
    """The station has sent the right message itself: it is recorded once."""
    await service.send_items([raw_item(service, BROKEN)])
    number = (await service.one(start_16(0))).transaction_id
    done = await mend(service, (await only(service)).quarantine_id, payload=MENDED)
    assert (done.state, done.transaction_id) == (QUARANTINE_STATE_RECORDED, number)
    assert (await service.get(number)).event_count == 1


async def test_the_same_frame_again_opens_nothing(service: Service) -> None:
    """A gateway sends an item again where the answer was lost; only another frame opens it again."""
    sent = raw_item(service, BROKEN)
    await service.send_items([sent])
    item = await only(service)
    await mend(service, item.quarantine_id, payload=MENDED)
    await service.send_items([sent])
    assert (await only(service)).state == QUARANTINE_STATE_RECORDED
    again = raw_item(service, BROKEN)
    await service.send_items([again])
    opened = await only(service)
    assert (opened.state, len(opened.mends)) == (QUARANTINE_STATE_OPEN, 1)
    assert (await mend(service, item.quarantine_id, payload=MENDED)).state == QUARANTINE_STATE_RECORDED
    assert len(await service.all()) == 1


@pytest.mark.parametrize(
    ("payload", "reason", "code"),
    [
        (BROKEN, "SCHEMA_VIOLATION", "TypeConstraintViolation"),
        (MENDED | {"connectorId": -1}, "VALUE_OUT_OF_RANGE", "PropertyConstraintViolation"),
        ({}, "SCHEMA_VIOLATION", "OccurenceConstraintViolation"),
    ],
)
async def test_a_payload_that_breaks_its_schema_is_refused(
    service: Service, payload: dict[str, Any], reason: str, code: str
) -> None:
    """The operator gets the error that a station would get, and nothing is changed."""
    await service.send_items([raw_item(service, BROKEN)])
    error = await refused(service, (await only(service)).quarantine_id, payload=payload)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert (error.metadata["ocpp_error_code"], error.metadata["field"]) == (code, "payload")
    assert not await service.all()


async def test_without_a_gateway_nothing_is_changed(engine: Engine, clock: FakeClock, gateway: Gateway) -> None:
    """Mends and reruns fail where no gateway is configured, and while it is unavailable."""
    alone = make_service(engine, clock)
    await alone.send_items([raw_item(alone, BROKEN)])
    item = await only(alone)
    error = await refused(alone, item.quarantine_id, payload=MENDED)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "GATEWAY_NOT_CONFIGURED")
    await alone.database.close()
    service = make_service(engine, clock, gateway)
    gateway.available = False
    error = await refused(service, item.quarantine_id, payload=MENDED)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNAVAILABLE")
    with pytest.raises(MeshError, match="GATEWAY_UNAVAILABLE"):
        await rerun(service, item.quarantine_id)
    assert await only(service) == item
    gateway.available = True
    assert (await mend(service, item.quarantine_id, payload=MENDED)).state == QUARANTINE_STATE_RECORDED
    await service.database.close()


async def test_a_raw_message_is_translated_when_it_is_run_again(service: Service) -> None:
    """A newer translator may be able to read it; otherwise the item has the reason."""
    items = [
        raw_item(service, MENDED, reason="OTHER_VERSION"),
        raw_item(service, BROKEN),
        raw_item(service, {}, action="StartTransaction", label="1.5"),
    ]
    await service.send_items(items)
    readable, broken, unknown = sorted(await kept(service), key=lambda item: item.raw_message.ordinal)
    done = await rerun(service, readable.quarantine_id)
    assert (done.state, not done.mends, done.transaction_id != "") == (QUARANTINE_STATE_RECORDED, True, True)
    failed = await rerun(service, broken.quarantine_id)
    assert (failed.state, failed.reason, failed.run_count) == (QUARANTINE_STATE_OPEN, "SCHEMA_VIOLATION", 1)
    assert "meterStart must be a whole number" in failed.message
    assert (await rerun(service, unknown.quarantine_id)).reason == "UNSUPPORTED_ACTION"


async def test_typed_items_are_mended_in_kind(service: Service) -> None:
    """An event replaces an event, without a gateway; a replacement of another type, or none, is refused."""
    await service.send(event_2x("a", "ENDED", -1, 0, 700))
    item = await only(service)
    for wrong in ({"payload": {"x": 1}}, {"meter_values": MeterValuesReplacement()}, {}):
        error = await refused(service, item.quarantine_id, **wrong)
        assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "replacement")
    right = event_2x("a", "ENDED", 1, 0, 700)
    done = await mend(service, item.quarantine_id, transaction_event=right)
    assert (done.state, done.transaction_id) == (QUARANTINE_STATE_RECORDED, "a")
    assert done.transaction_event == item.transaction_event
    assert done.mends[0].transaction_event == right
    assert (await service.events("a"))[0].event == right


async def test_meter_values_are_mended_too(service: Service, engine: Engine) -> None:
    """Typed ones, and a raw message with meter values outside of transactions."""
    refuse(engine, "meter_values")
    origin = Origin(tenant_id="default", station_id="BAD", receive_time=at(5))
    sent = MeterValuesItem(origin=origin, evse=EvseRef(evse_id=2), meter_values=[sampled(1, register(77))])
    await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=[sent]), CONTEXT)
    accept(engine, "meter_values")
    values = MeterValuesReplacement(evse=EvseRef(evse_id=3), meter_values=[sampled(1, register(78))])
    done = await mend(service, (await only(service)).quarantine_id, meter_values=values)
    assert (done.state, done.mends[0].meter_values) == (QUARANTINE_STATE_RECORDED, values)
    set_caller(VIEWER)
    [listed] = (await service.operator.ListMeterValues(ListMeterValuesRequest(station_id="BAD"), CONTEXT)).meter_values
    assert (listed.evse, listed.receive_time) == (values.evse, at(5))
    await service.send_items([raw_item(service, {"meterValue": []}, action="MeterValues")])
    entry = {"timestamp": "2025-10-08T08:53:20Z", "sampledValue": [{"value": "5"}]}
    done = await mend(
        service, (await kept(service))[0].quarantine_id, payload={"connectorId": 2, "meterValue": [entry]}
    )
    assert (done.state, done.transaction_id) == (QUARANTINE_STATE_RECORDED, "")
    set_caller(VIEWER)
    [listed] = (await service.operator.ListMeterValues(ListMeterValuesRequest(station_id="CP1"), CONTEXT)).meter_values
    assert listed.evse.evse_id == 2


async def test_a_mend_that_cannot_be_recorded_is_kept_and_run_again(service: Service, engine: Engine) -> None:
    """It is stored with its failure; once the cause is gone, the mend is recorded."""
    refuse(engine)
    await service.send(event_2x("a", "ENDED", -1, 0, 700), station="BAD")
    item = await only(service)
    right = event_2x("a", "ENDED", 1, 0, 700)
    failed = await mend(service, item.quarantine_id, transaction_event=right)
    assert (failed.state, failed.reason, failed.run_count) == (QUARANTINE_STATE_OPEN, "ITEM_FAILED", 1)
    assert (failed.mends[0].failure_reason, failed.mends[0].transaction_event) == ("ITEM_FAILED", right)
    accept(engine)
    done = await rerun(service, item.quarantine_id)
    assert (done.state, done.transaction_id, len(done.mends)) == (QUARANTINE_STATE_RECORDED, "a", 1)
    assert [event.event for event in await service.events("a", station="BAD")] == [right]


async def test_a_dismissed_item_can_be_mended(service: Service) -> None:
    await service.send_items([raw_item(service, BROKEN)])
    item = await only(service)
    assert (await dismiss(service, item.quarantine_id)).state == QUARANTINE_STATE_DISMISSED
    assert (await mend(service, item.quarantine_id, payload=MENDED)).state == QUARANTINE_STATE_RECORDED


async def test_an_item_that_was_recorded_without_a_mend_is_refused(service: Service, engine: Engine) -> None:
    refuse(engine)
    await service.send(start_16(), station="BAD")
    accept(engine)
    item = await only(service)
    await rerun(service, item.quarantine_id)
    error = await refused(service, item.quarantine_id, transaction_event=start_16(1))
    assert error.reason == "QUARANTINED_ITEM_RECORDED"


async def test_mends_are_bounded(service: Service) -> None:
    """Failed mends count; the item stays as it is."""
    await service.send(event_2x("a", "UPDATED", -1, 0))
    item = await only(service)
    for n in range(MOST_MENDS):
        failed = await mend(service, item.quarantine_id, transaction_event=event_2x("a", "UPDATED", -2 - n, 0))
        assert len(failed.mends) == n + 1
    error = await refused(service, item.quarantine_id, transaction_event=event_2x("a", "UPDATED", 1, 0))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEND_LIMIT_REACHED")


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\0b"])
async def test_a_mend_needs_a_reason(service: Service, reason: str) -> None:
    """The reason is text that can be stored."""
    await service.send_items([raw_item(service, BROKEN)])
    error = await refused(service, (await only(service)).quarantine_id, payload=MENDED, reason=reason)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "reason")


async def test_nobody_else_mends_it(service: Service) -> None:
    """An operator of another tenant does not find the item."""
    await service.send_items([raw_item(service, BROKEN)])
    item = await only(service)
    set_caller(replace(OPERATOR, tenant_id="other"))
    request = MendQuarantinedItemRequest(quarantine_id=item.quarantine_id, reason="x", transaction_event=start_16())
    with pytest.raises(MeshError, match="QUARANTINED_ITEM_NOT_FOUND"):
        await service.operator.MendQuarantinedItem(request, CONTEXT)


async def test_mends_go_with_their_item(service: Service) -> None:
    """They are deleted at the end of the item's retention."""
    await service.send_items([raw_item(service, BROKEN)])
    await mend(service, (await only(service)).quarantine_id, payload=MENDED)
    service.clock.advance(10 * 86_400)
    retention = retention_task(database=service.database, clock=service.clock, outbox_days=99, quarantine_days=9)
    assert await retention.remove_old() >= 1
    assert not await kept(service)
    counting = select(func.count()).select_from(models.quarantine_mend)
    assert await service.database.read(lambda connection: connection.execute(counting).scalar_one()) == 0


async def test_lists_show_the_mends_of_each(service: Service) -> None:
    await service.send_items([raw_item(service, BROKEN), raw_item(service, BROKEN | {"idTag": "OTHER"})])
    names: Sequence[QuarantinedItem] = await kept(service)
    for number, item in enumerate(names):
        await mend(service, item.quarantine_id, reason=f"reason {number}", payload=MENDED | {"connectorId": 1 + number})
    assert {item.quarantine_id: [one.reason for one in item.mends] for item in await kept(service)} == {
        item.quarantine_id: [f"reason {number}"] for number, item in enumerate(names)
    }
