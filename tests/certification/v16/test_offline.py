"""Messages about the time in which the charge point had no connection."""

from datetime import datetime

import pytest
from csms.transaction.v1 import transaction_event_pb2, transaction_service_pb2

from tests.certification.played_station import INVALID, now
from tests.certification.v16.charge_point import METER_START, METER_STOP, ChargePoint

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_tc_032_1_csms(offline: ChargePoint) -> None:
    """The power fails in a session, and the charge point ends it once it is back."""
    async with offline.connected():
        await offline.boot()
        number = await offline.charge()
    await offline.is_offline()
    [transaction] = await offline.transactions()
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ACTIVE
    async with offline.connected():
        await offline.boot()
        await offline.finish(number, "PowerLoss")


async def test_tc_037_1_csms(offline: ChargePoint) -> None:
    """A start while offline, with a good tag: taken with the time at which it was."""
    number = await _start_offline(offline, offline.tag, "Accepted")
    async with offline.connected():
        await offline.status("Charging")
        await offline.finish(number)


async def test_tc_037_3_csms(offline: ChargePoint) -> None:
    """A start while offline, with a tag that is invalid: recorded, and said to be; the charge point stops."""
    number = await _start_offline(offline, INVALID, "Invalid")
    async with offline.connected():
        await offline.finish(number, "DeAuthorized", flags=["refused_token"])


async def test_tc_039_csms(offline: ChargePoint) -> None:
    """A whole session while offline: told in order afterwards, under the number that its start gets."""
    async with offline.connected():
        await offline.boot()
    await offline.is_offline()
    began, ended = now(-1_800), now(-900)
    async with offline.connected():
        number = await offline.start(timestamp=began)
        sample = {"timestamp": now(-1_200), "sampledValue": [{"value": "2000"}]}
        assert await offline.call("MeterValues", connectorId=1, transactionId=number, meterValue=[sample]) == {}
        await offline.stop(number, "Local", timestamp=ended)
        await offline.is_ended(number, "Local")
        [transaction] = await offline.transactions()
        assert transaction.start_time.ToMilliseconds() / 1000 == pytest.approx(_seconds(began))
        assert transaction.end_time.ToMilliseconds() / 1000 == pytest.approx(_seconds(ended))
        assert transaction.stopped_reason == transaction_event_pb2.STOPPED_REASON_LOCAL
        assert transaction.meter_stop_wh - transaction.meter_start_wh == METER_STOP - METER_START


async def _start_offline(offline: ChargePoint, tag: str, status: str) -> int:
    """A session that begins between two connections; returns its number."""
    async with offline.connected():
        await offline.boot()
    await offline.is_offline()
    began = now(-600)
    async with offline.connected():
        answer = await offline.call(
            "StartTransaction", connectorId=1, idTag=tag, meterStart=METER_START, timestamp=began
        )
        assert answer["idTagInfo"]["status"] == status
        assert answer["transactionId"] > 0
    [transaction] = await offline.transactions()
    assert transaction.start_time.ToMilliseconds() / 1000 == pytest.approx(_seconds(began))
    number: int = answer["transactionId"]
    return number


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
