"""The transactions of whole sessions, in order."""

from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ACTIVE, TRANSACTION_STATE_ENDED

from tests.transaction_svc.kit import Service, at, event_2x, start_16, stop_16, values_16


async def test_a_session_of_1_6_is_one_transaction(service: Service) -> None:
    """Start, meter values and stop give the energy between begin and end, exactly."""
    started = await service.one(start_16(0, meter_start=1000))
    number = started.transaction_id
    assert int(number) > 0
    assert not started.repeated
    assert not started.concurrent
    for step in range(1, 6):
        result = await service.one(values_16(number, step * 60, f"{1000 + step * 100}.1"))
        assert result.transaction_id == number
    going = await service.get(number)
    assert going.state == TRANSACTION_STATE_ACTIVE
    assert going.energy_wh == 500.1
    assert not going.HasField("meter_stop_wh")
    await service.one(stop_16(number, 400, 1512))
    ended = await service.get(number)
    assert ended.state == TRANSACTION_STATE_ENDED
    assert (ended.energy_wh, ended.meter_start_wh, ended.meter_stop_wh) == (512.0, 1000.0, 1512.0)
    assert (ended.start_time, ended.end_time) == (at(0), at(400))
    assert (ended.evse.evse_id, ended.evse.connector_id) == (1, 1)
    assert ended.id_token.id_token == "TAG"
    assert ended.stopped_reason == tx.STOPPED_REASON_LOCAL
    assert ended.event_count == 7
    assert list(ended.flags) == []


async def test_a_session_of_2_x_is_one_transaction(service: Service) -> None:
    """The station's own name stays, the state of charging is the latest."""
    await service.one(event_2x("abc", "STARTED", 0, 0, "10.5"))
    await service.one(event_2x("abc", "UPDATED", 1, 60, "20.25", charging_state=tx.CHARGING_STATE_CHARGING))
    await service.one(event_2x("abc", "ENDED", 2, 120, "30.751", stopped_reason=tx.STOPPED_REASON_EV_DISCONNECTED))
    ended = await service.get("abc")
    assert ended.state == TRANSACTION_STATE_ENDED
    assert ended.energy_wh == 20.251
    assert ended.charging_state == tx.CHARGING_STATE_CHARGING
    assert ended.stopped_reason == tx.STOPPED_REASON_EV_DISCONNECTED
    assert ended.id_token.type == "ISO14443"
    assert list(ended.flags) == []
