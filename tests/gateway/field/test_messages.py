"""Quirks 10 to 17: messages that are not as the standard has them."""

import json
import re
from typing import Any

import pytest
from csms.common.v1 import meter_value_pb2
from csms.station.v1 import station_pb2
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ACTIVE

from tests.gateway.field.kit import REGISTER, STATION, Field, at, metered, start, stop
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("subprotocol", "frame", "error"),
    [
        (
            "ocpp1.6",
            '[2,"x","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]',
            ["x", "FormationViolation"],
        ),
        ("ocpp1.6", "transactionId:,", None),
        ("ocpp2.0.1", '[2,"x","MeterValues",{"evseId":,}]', ["x", "RpcFrameworkError"]),
        ("ocpp2.0.1", "transactionId:,", ["-1", "RpcFrameworkError"]),
    ],
)
async def test_quirk_10_text_that_is_not_json(field: Field, subprotocol: str, frame: str, error: Any) -> None:
    """CALLERROR where an id can be read, or 2.x's own for none; the frame is in the log as it came."""
    async with field.station(subprotocols=[subprotocol]) as station:
        await station.boot()
        await station.send(frame)
        if error is not None:
            answer = await station.receive()
            assert answer[0] == 4
            assert answer[1:3] == error
        assert "currentTime" in await station.call("Heartbeat", {})
        await eventually(lambda: _is_logged(field, frame))
        await field.expect_quirks(malformed_frame=1)


@pytest.mark.parametrize("cut", [1, 2, 4])
async def test_quirk_10_a_truncated_frame_about_a_transaction_is_kept(field: Field, cut: int) -> None:
    """Acknowledged, in quarantine as it came, and never completed: a meter value may have lost digits."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(timestamp=at(-60))))["transactionId"]
        whole = json.dumps(
            [2, "cut", "StopTransaction", {"transactionId": number, "timestamp": at(), "meterStop": 3000}]
        )
        await station.send(whole[:-cut])
        assert await station.receive() == [3, "cut", {}]
        await station.send(whole.replace("}]", "]").replace('"cut"', '"brace"'))
        assert await station.receive() == [3, "brace", {}]
        assert (await field.transaction(number)).state == TRANSACTION_STATE_ACTIVE
        items = await field.quarantine()
        assert {item.reason for item in items} == {"FRAME_TRUNCATED"}
        kept = [json.loads(item.raw_message.raw.payload) for item in reversed(items)]
        assert whole[:-cut].endswith(kept[0])
        assert kept[0].startswith('{"transactionId"')
        await field.expect_quirks(malformed_frame=2, message_quarantined=2)


@pytest.mark.parametrize("cut", [1, 3])
async def test_quirk_10_another_truncated_frame_is_refused(field: Field, cut: int) -> None:
    """A message that can be sent again without harm is refused with its error."""
    async with field.station() as station:
        await station.boot()
        await station.send('[2,"cut","Authorize",{"idTag":"TAG"}]'[:-cut])
        assert (await station.receive())[:3] == [4, "cut", "FormationViolation"]
        assert not await field.quarantine()
        await field.expect_quirks(malformed_frame=1)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-21T10:00:00", "2026-11-21T10:00:00Z"),
        ("2026-11-21T12:00:00+02", "2026-11-21T10:00:00Z"),
        ("2026-11-21T12:00:00+0200", "2026-11-21T10:00:00Z"),
        ("2026-11-21 10:00:00Z", "2026-11-21T10:00:00Z"),
        ("2026-11-21 10:00", "2026-11-21T10:00:00Z"),
    ],
)
async def test_quirk_11_forms_of_timestamps(field: Field, written: str, read: str) -> None:
    """Read as UTC, or with the offset given."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(timestamp=written)))["transactionId"]
        assert (await field.transaction(number)).start_time.ToJsonString() == read
        await field.expect_quirks(timestamp_form=1)


async def test_quirk_11_a_timestamp_that_cannot_be_read(field: Field) -> None:
    """The message counts, its time is taken as not given."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(timestamp="yesterday")))["transactionId"]
        await station.call("StopTransaction", stop(number))
        assert (await field.transaction(number)).energy_wh == 2_000
        await field.expect_quirks(timestamp_unreadable=1)


@pytest.mark.parametrize(("shift_s", "least_s", "most_s"), [(7200, 7190, 7210), (None, -2_000_000_000, -1_700_000_000)])
async def test_quirk_12_a_wrong_clock(field: Field, shift_s: int | None, least_s: int, most_s: int) -> None:
    """Its time and ours are kept, the station is flagged with the size, and the flag goes when the clock is right."""
    wrong = "1970-01-01T00:10:00Z" if shift_s is None else at(shift_s)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(timestamp=wrong)))["transactionId"]
        [event] = await field.events(number)
        assert event.event.event_time.ToJsonString() == wrong
        assert abs(event.receive_time.ToSeconds() - event.event.event_time.ToSeconds()) > 7000
        assert list((await field.transaction(number)).flags) == ["clock_skew"]
        await eventually(field.conditions)
        [condition] = await field.conditions()
        assert condition.type == station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
        assert least_s <= condition.clock_skew_s <= most_s
        await station.call("StatusNotification", status | {"timestamp": at()})
        await eventually(lambda: _has_no_condition(field))
        await station.call("StopTransaction", stop(number))
        assert (await field.transaction(number)).energy_wh == 2_000
        await field.expect_quirks(clock_skew=1)


async def test_quirk_13_the_form_of_our_times(field: Field) -> None:
    """Every time that we send is YYYY-MM-DDTHH:MM:SS.mmmZ."""
    async with field.station() as station:
        answers = [await station.boot(), await station.call("Heartbeat", {})]
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        answers += [await station.boot(), await station.call("Heartbeat", {})]
    assert len(answers) == 4
    for answer in answers:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["currentTime"])


async def test_quirk_14_sampled_values_of_all_kinds(field: Field) -> None:
    """Numbers are taken, padding is cut, blanks are skipped, the rest is kept raw; the energy is right."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        values: list[Any] = [1500.5, " 1600 ", "", None, "17 kWh", "1800"]
        entries = [
            {"timestamp": at(second), "sampledValue": [{"value": value, "measurand": REGISTER}]}
            for second, value in enumerate(values, start=1)
        ]
        await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": entries})
        [_start, told] = await field.events(number)
        stored = [sample.value for entry in told.event.meter_values for sample in entry.sampled_values]
        assert stored == ["1500.5", "1600", "17 kWh", "1800"]
        assert (await field.transaction(number)).energy_wh == 800
        await field.expect_quirks(
            sampled_value_number=1, sampled_value_spaces=1, sampled_value_blank=1, sampled_value_text=1
        )


async def test_quirk_14_the_other_way_round_in_2_0_1(field: Field) -> None:
    """2.x wants numbers, and gets text."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        entry = {"timestamp": at(), "sampledValue": [{"value": "12.50"}]}
        await station.call("MeterValues", {"evseId": 1, "meterValue": [entry]})
        [recorded] = await field.meter_values()
        assert recorded.meter_values[0].sampled_values[0].value == "12.50"
        await field.expect_quirks(sampled_value_string=1)


async def test_quirk_15_an_empty_list_of_sampled_values(field: Field) -> None:
    """Accepted, and on record."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        assert await station.call("MeterValues", metered(transactionId=number)) == {}
        assert len(await field.events(number)) == 2
        await field.expect_quirks(sampled_values_empty=1)


async def test_quirk_16_words_outside_an_enumeration(field: Field) -> None:
    """Kept as they came, taken as unspecified."""
    async with field.station() as station:
        await station.boot()
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "Error", "status": "Napping"})
        sample = {"value": "50", "unit": "Hz", "measurand": "Power.Cosinus"}
        await station.call("MeterValues", metered(sample))
        [evse] = (await field.resource()).evses
        [connector] = evse.connectors
        assert (connector.error_code, connector.reported_status) == ("Error", "Napping")
        assert connector.status == station_pb2.CONNECTOR_STATUS_UNSPECIFIED
        [recorded] = await field.meter_values()
        [told] = recorded.meter_values[0].sampled_values
        assert told.measurand == meter_value_pb2.MEASURAND_UNSPECIFIED
        assert (told.value, told.unit, told.raw_words) == ("50", "Hz", "measurand=Power.Cosinus")
        await field.expect_quirks(unknown_word=2)


@pytest.mark.parametrize("length", [21, 255])
async def test_quirk_17_a_long_id_tag(field: Field, length: int) -> None:
    """Accepted up to 255 characters, and kept whole."""
    id_tag = "A" * length
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(idTag=id_tag)))["transactionId"]
        await station.call("StopTransaction", stop(number, idTag=id_tag))
        transaction = await field.transaction(number)
        assert (transaction.id_token.id_token, transaction.energy_wh) == (id_tag, 2_000)
        await field.expect_quirks(id_tag_long=2)


async def test_quirk_17_a_long_id_token_in_2_0_1(field: Field) -> None:
    """2.0.1 allows 36."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        answer = await station.call("Authorize", {"idToken": {"idToken": "A" * 255, "type": "Central"}})
        assert "status" in answer["idTokenInfo"]
        await field.expect_quirks(id_token_long=1)


async def test_numbers_as_text_and_fields_of_a_vendor(field: Field) -> None:
    """Beside the 25: they cost no session its data."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(meterStart="1000", vendorField={"a": 1})))[
            "transactionId"
        ]
        assert number > 0
        await station.call("StopTransaction", stop(number, meterStop=3000.0))
        assert (await field.transaction(number)).energy_wh == 2_000
        await field.expect_quirks(whole_number_form=2, unknown_field=1)


async def test_a_message_of_money_that_cannot_be_read_is_in_quarantine(field: Field) -> None:
    """ADR 8: acknowledged, kept as it came, read and dismissed by an operator."""
    broken = start(meterStart="1000 Wh")
    async with field.station() as station:
        await station.boot()
        answer = await station.call("StartTransaction", broken)
        assert answer["transactionId"] == 0
        assert await station.call("StopTransaction", {"transactionId": 10**30, "meterStop": 1, "timestamp": at()}) == {}
        found = {item.raw_message.raw.action: item for item in await field.quarantine()}
        assert {action: item.reason for action, item in found.items()} == {
            "StartTransaction": "SCHEMA_VIOLATION",
            "StopTransaction": "VALUE_OUT_OF_RANGE",
        }
        item = found["StartTransaction"]
        assert json.loads(item.raw_message.raw.payload) == broken
        assert "meterStart must be a whole number" in item.message
        assert item.raw_message.receive_time.ToSeconds() > 0
        dismissed = await field.dismiss(item.quarantine_id)
        assert dismissed.raw_message == item.raw_message
        await field.expect_quirks(message_quarantined=2)


async def _is_logged(field: Field, frame: str) -> bool:
    unreadable = [message.payload for message in await field.mesh.messages(STATION) if not message.message_type]
    return unreadable == [frame]


async def _has_no_condition(field: Field) -> bool:
    return not await field.conditions()
