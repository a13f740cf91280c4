"""Quirks 26 to 34: messages, answers and frames whose form is wrong and whose meaning is clear."""

import asyncio
import json
from typing import Any

import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import station_pb2, station_service_pb2

from tests.gateway.field.kit import STATION, Field, at, metered, start, stop
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S

BOOT: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}
STATUS: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def test_quirk_26_null_for_nothing(field: Field) -> None:
    """Null where a field may be missing says the same, in every message."""
    async with field.station() as station:
        await station.call("BootNotification", BOOT | {"iccid": None, "meterType": None})
        await station.call("StatusNotification", STATUS | {"vendorId": None, "timestamp": None})
        number = (await station.call("StartTransaction", start(reservationId=None)))["transactionId"]
        sample = {"value": "1500", "phase": None, "unit": "Wh"}
        await station.call("MeterValues", metered(sample, transactionId=number))
        await station.call("StopTransaction", stop(number, idTag=None, reason=None))
        assert (await field.transaction(number)).energy_wh == 2_000
        assert not await field.quarantine()
        await field.expect_quirks(null_field=5)


async def test_quirk_27_unknown_fields(field: Field) -> None:
    """A vendor's own field, whatever it holds, costs no message and no answer."""
    async with field.station() as station:
        await station.call("BootNotification", BOOT | {"chargePointColour": {"r": [1]}})
        assert (await station.call("Authorize", {"idTag": "T", "connectorId": 1}))["idTagInfo"]["status"]
        await station.call("Heartbeat", {"meterValue": 5})
        resetting = asyncio.ensure_future(
            field.mesh.commands.Reset(
                command.ResetRequest(station_id=STATION, type=command.RESET_TYPE_IMMEDIATE),
                metadata=field.mesh.metadata,
                timeout=TIMEOUT_S,
            )
        )
        await station.answer({"status": "Accepted", "vendorInfo": "x"})
        assert (await resetting).status == command.RESET_STATUS_ACCEPTED
        await field.expect_quirks(unknown_field=4)


async def test_quirk_28_long_texts(field: Field) -> None:
    """Kept whole: a serial of 31 characters is one, and no other."""
    serial, vendor, info = "S" * 31, "V" * 40, "i" * 80
    async with field.station() as station:
        boot = {"chargePointVendor": vendor, "chargePointModel": "M", "chargePointSerialNumber": serial}
        assert (await station.call("BootNotification", boot))["status"] == "Accepted"
        await station.call("StatusNotification", STATUS | {"info": info, "errorCode": "OtherError"})
        identity = (await field.resource()).identity
        assert (identity.serial_number, identity.vendor_name) == (serial, vendor)
        request = station_service_pb2.ListStatusReportsRequest(station_id=STATION)
        history = await field.mesh.stations.ListStatusReports(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
        assert [one.info for one in history.status_reports] == [info]
        await station.send(json.dumps([2, "x", "BootNotification", boot | {"chargePointSerialNumber": "S" * 256}]))
        assert (await station.receive())[:3] == [4, "x", "PropertyConstraintViolation"]
        await field.expect_quirks(text_long=2)


async def test_quirk_29_numbers_and_truths_in_other_forms(field: Field) -> None:
    """A number as text and the other way round, with the characters that were sent."""
    async with field.station() as station:
        await station.send(
            '[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":1.50,'
            '"chargePointSerialNumber":98765432109876543210}]'
        )
        assert (await station.receive())[:2] == [3, "b"]
        identity = (await field.resource()).identity
        assert (identity.model, identity.serial_number) == ("1.50", "98765432109876543210")
        await station.call("StatusNotification", STATUS | {"connectorId": "1"})
        assert [evse.evse_id for evse in (await field.resource()).evses] == [1]
        results = await _configuration(field, station, '{"key":"A","value":40000,"readonly":"true"}', "A")
        assert [(one.variable.value, one.variable.readonly) for one in results] == [("40000", True)]
        results = await _configuration(field, station, '{"key":"B","value":true,"readonly":false}', "B")
        assert [one.variable.value for one in results] == ["true"]
        await field.expect_quirks(
            number_for_text=2, whole_number_form=1, text_for_boolean=1, configuration_value_json=1
        )


async def test_quirk_30_empty_lists(field: Field) -> None:
    """Where 2.x wants one entry at the least, or no list: no list."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        event = {
            "eventType": "Started",
            "timestamp": at(),
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "tx"},
            "meterValue": [],
        }
        await station.call("TransactionEvent", event)
        assert (await field.transaction("tx")).event_count == 1
        await field.expect_quirks(empty_list=1)


async def test_quirk_31_keys_that_cannot_be_read(field: Field) -> None:
    """Each costs itself only: the others are taken."""
    entries = (
        '{"key":"A","value":"1"},{"key":5,"readonly":[]},{"value":"x"},null,{"key":"B","value":"2","readonly":true}'
    )
    async with field.station() as station:
        await station.boot()
        results = await _configuration(field, station, entries, "A", "B", "C")
        assert [one.variable.value for one in results] == ["1", "2", ""]
        assert not results[0].variable.HasField("readonly")
        assert results[2].status == command.GET_VARIABLE_STATUS_REJECTED
        await field.expect_quirks(readonly_missing=1, number_for_text=1, key_left_out=1)


@pytest.mark.parametrize(
    "frame",
    [
        '\ufeff[2,"x","Heartbeat",{}]',
        '[2,"x","DataTransfer",{"vendorId":"a\nb"}]',
        '[2,"x","DataTransfer",{"vendorId":"v","data":"\\ud83d"},]',
        '[2,"x","DataTransfer",{"vendorId":"v",}]',
        '[2,"x","Heartbeat",{}]\0',
    ],
)
async def test_quirk_32_frames_that_are_nearly_json(field: Field, frame: str) -> None:
    """A byte order mark, a raw line feed, a comma too many, half a surrogate pair, a NUL behind the end: served."""
    async with field.station() as station:
        await station.boot()
        await station.send(frame)
        assert (await station.receive())[:2] == [3, "x"]
        await field.expect_quirks(frame_form=1)


async def test_quirk_33_message_ids_of_other_forms(field: Field) -> None:
    """Answered as they came, a number digit for digit; another call with the same digits as text is another call."""
    async with field.station() as station:
        await station.boot()
        for connector, number in enumerate(("4711", "98765432109876543210"), start=1):
            await station.send(f'[2,{number},"StartTransaction",{json.dumps(start(connectorId=connector))}]')
            answer = await _text(station)
            assert answer.startswith(f'[3,{number},{{"transactionId":')
        await station.send('[2,"","Heartbeat",{}]')
        assert (await _text(station)).startswith('[3,"",{')
        await station.send('[2,5,"Authorize",{}]')
        assert (await _text(station)).startswith('[4,5,"OccurenceConstraintViolation"')
        assert len(await field.transactions()) == 2
        await field.expect_quirks(message_id_number=3, message_id_empty=1)


async def test_quirk_34_sub_protocol_in_other_letters(field: Field) -> None:
    """Answered as it was offered: a client closes the socket over any other spelling."""
    async with field.station(subprotocols=["OCPP1.6"]) as station:
        assert station.socket.subprotocol == "OCPP1.6"
        assert (await station.boot())["status"] == "Accepted"
        await field.expect_quirks(subprotocol_case=1)


async def _text(station: RawStation) -> str:
    async with asyncio.timeout(TIMEOUT_S):
        return str(await station.socket.recv())


async def _configuration(field: Field, station: RawStation, entries: str, *keys: str) -> Any:
    """The variables that an operator reads who asked for these keys, if the station answers with these entries."""
    request = command.GetVariablesRequest(
        station_id=STATION, variables=[station_pb2.Variable(component="ChargingStation", variable=key) for key in keys]
    )
    reading = asyncio.ensure_future(
        field.mesh.commands.GetVariables(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
    )
    call = await station.receive()
    await station.send(f'[3,"{call[1]}",{{"configurationKey":[{entries}]}}]')
    return (await reading).results
