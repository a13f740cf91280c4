"""Block J, meter values. Of each case the name is known; its steps are our reading of the use cases of part 2."""

from typing import Any

import pytest
from csms.common.v1 import meter_value_pb2 as meter
from csms.transaction.v1 import transaction_service_pb2

from station_kit.messages import ENERGY_REGISTER, EventType
from station_kit.v201 import messages as v201
from tests.certification.played_station import now
from tests.certification.v201.station import EVSE, METER_START, METER_STOP, ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEGIN, PERIODIC, END, CLOCK = "Transaction.Begin", "Sample.Periodic", "Transaction.End", "Sample.Clock"
# As long as 2.0.1 lets them be.
SIGNED = {
    "signedMeterData": "T0NNRnx7" * 312,
    "signingMethod": "ECDSA-secp256r1-SHA256",
    "encodingMethod": "OCMF",
    "publicKey": "MFkwEwYH" * 312,
}


def _sample(value: float, context: str, **more: Any) -> Any:
    """A reading of the energy register."""
    unit = {"unitOfMeasure": {"unit": "Wh"}}
    return {"value": value, "context": context, "measurand": ENERGY_REGISTER, **unit, **more}


def _samples(energy: float, context: str) -> list[Any]:
    """All that a station may be set to measure: energy, power, and the current of each phase."""
    current = {"measurand": "Current.Import", "unitOfMeasure": {"unit": "A"}}
    phases = [{"value": 16.1, "context": context, "phase": phase, **current} for phase in ("L1", "L2", "L3")]
    power = {"measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW", "multiplier": 0}}
    return [_sample(energy, context), {"value": 11.1, "context": context, **power}, *phases]


async def _events(station: ChargingStation) -> Any:
    """The events of its transaction, as operators read them."""
    request = transaction_service_pb2.ListTransactionEventsRequest(
        station_id=station.station_id, transaction_id=station.transaction_id
    )
    service = station.mesh.transactions
    response = await service.ListTransactionEvents(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return [recorded.event for recorded in response.events]


async def _last_samples(station: ChargingStation) -> Any:
    """The readings of the last event of its transaction."""
    [values] = (await _events(station))[-1].meter_values
    assert values.HasField("sample_time")
    return values.sampled_values


async def _outside(station: ChargingStation) -> Any:
    """The readings that belong to no transaction, newest first."""
    request = transaction_service_pb2.ListMeterValuesRequest(station_id=station.station_id)
    service = station.mesh.transactions
    response = await service.ListMeterValues(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return response.meter_values


def _are(found: Any, sent: list[Any], context: Any) -> None:
    """They are the ones that were sent, to the digit and in their order."""
    assert [float(one.value) for one in found] == [one["value"] for one in sent]
    assert {one.context for one in found} == {context}
    assert [one.measurand for one in found][:2] == [
        meter.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
        meter.MEASURAND_POWER_ACTIVE_IMPORT,
    ]


def _is_whole(found: Any) -> None:
    """The signed value is what was sent: a signature over something shorter proves nothing."""
    signed = found.signed_meter_value
    kept = (signed.signed_meter_data, signed.signing_method, signed.encoding_method, signed.public_key)
    assert kept == tuple(SIGNED.values())


async def test_tc_j_01_csms(station: ChargingStation) -> None:
    """J01: no transaction; the meters of an EVSE and of the grid (EVSE 0) by the clock."""
    for evse_id in (1, 0):
        values = [v201.meter_value(_samples(METER_START, CLOCK), timestamp=now())]
        assert await station.call("MeterValues", evseId=evse_id, meterValue=values) == {}
    found = await _outside(station)
    assert [one.evse.evse_id for one in found] == [0, 1]
    for one in found:
        [values] = one.meter_values
        _are(values.sampled_values, _samples(METER_START, CLOCK), meter.READING_CONTEXT_SAMPLE_CLOCK)
    assert await station.transactions() == []


async def test_tc_j_02_csms(station: ChargingStation) -> None:
    """J01: values by the clock belong to the transaction that goes on."""
    await station.charge()
    sent = _samples(METER_START + 500, CLOCK)
    assert await station.event(EventType.UPDATED, "MeterValueClock", *sent) == {}
    _are(await _last_samples(station), sent, meter.READING_CONTEXT_SAMPLE_CLOCK)
    [found] = await station.transactions()
    assert found.energy_wh == 500


async def test_tc_j_03_csms(station: ChargingStation) -> None:
    """J01: the end brings all values by the clock, of several moments, and the register last."""
    await station.charge()
    values = [
        v201.meter_value([_sample(METER_START + 100 * number, CLOCK)], timestamp=now(number - 9)) for number in range(9)
    ]
    values.append(v201.meter_value([_sample(METER_STOP, END)], timestamp=now()))
    await station.event(EventType.ENDED, "StopAuthorized", info={"stoppedReason": "Local"}, meterValue=values)
    last = (await _events(station))[-1]
    assert [float(one.sampled_values[0].value) for one in last.meter_values] == [
        *(METER_START + 100 * number for number in range(9)),
        METER_STOP,
    ]
    await station.is_ended()


async def test_tc_j_04_csms(station: ChargingStation) -> None:
    """J01: signed values by the clock, with and without a transaction, are kept whole."""
    signed = _sample(METER_START, CLOCK, signedMeterValue=SIGNED)
    values = [v201.meter_value([signed], timestamp=now())]
    assert await station.call("MeterValues", evseId=1, meterValue=values) == {}
    [outside] = await _outside(station)
    _is_whole(outside.meter_values[0].sampled_values[0])
    await station.charge()
    await station.event(EventType.UPDATED, "MeterValueClock", signed)
    [found] = await _last_samples(station)
    _is_whole(found)


async def test_tc_j_07_csms(station: ChargingStation) -> None:
    """J02: the start has its values, and is at its EVSE."""
    sent = _samples(METER_START, BEGIN)
    token = v201.id_token_of(station.tag)
    await station.event(EventType.STARTED, "Authorized", *sent, evse=EVSE, idToken=token)
    _are(await _last_samples(station), sent, meter.READING_CONTEXT_TRANSACTION_BEGIN)
    [found] = await station.transactions()
    assert (found.evse.evse_id, found.meter_start_wh) == (1, METER_START)


async def test_tc_j_08_csms(station: ChargingStation) -> None:
    """J02: the EVSE becomes known after the start, and with it the values of the begin."""
    await station.event(EventType.STARTED, "Authorized", idToken=v201.id_token_of(station.tag))
    sent = _samples(METER_START, BEGIN)
    await station.event(EventType.UPDATED, "CablePluggedIn", *sent, evse=EVSE)
    _are(await _last_samples(station), sent, meter.READING_CONTEXT_TRANSACTION_BEGIN)
    [found] = await station.transactions()
    assert (found.evse.evse_id, found.meter_start_wh) == (1, METER_START)
    await station.stop()
    await station.is_ended()


async def test_tc_j_09_csms(station: ChargingStation) -> None:
    """J02: sampled values while it goes on."""
    await station.charge()
    for number in (1, 2, 3):
        sent = _samples(METER_START + 1000 * number, PERIODIC)
        assert await station.event(EventType.UPDATED, "MeterValuePeriodic", *sent) == {}
        _are(await _last_samples(station), sent, meter.READING_CONTEXT_SAMPLE_PERIODIC)
        [found] = await station.transactions()
        assert found.energy_wh == 1000 * number


async def test_tc_j_10_csms(station: ChargingStation) -> None:
    """J02: the end brings the values of the begin, those in between, and its own."""
    await station.charge()
    readings = ((METER_START, BEGIN), (METER_START + 1000, PERIODIC), (METER_STOP, END))
    values = [
        v201.meter_value([_sample(value, context)], timestamp=now(number - 3))
        for number, (value, context) in enumerate(readings)
    ]
    await station.event(EventType.ENDED, "StopAuthorized", info={"stoppedReason": "Local"}, meterValue=values)
    last = (await _events(station))[-1]
    assert [float(one.sampled_values[0].value) for one in last.meter_values] == [value for value, _context in readings]
    await station.is_ended()


async def test_tc_j_11_csms(station: ChargingStation) -> None:
    """J02: signed values of begin and end, and in between, are kept whole."""
    token = v201.id_token_of(station.tag)
    for kind, trigger, value, context in (
        (EventType.STARTED, "Authorized", METER_START, BEGIN),
        (EventType.UPDATED, "MeterValuePeriodic", METER_START + 500, PERIODIC),
        (EventType.ENDED, "StopAuthorized", METER_STOP, END),
    ):
        sample = _sample(value, context, signedMeterValue=SIGNED)
        await station.event(kind, trigger, sample, evse=EVSE, idToken=token)
    events = await _events(station)
    assert len(events) == 3
    for event in events:
        _is_whole(event.meter_values[0].sampled_values[0])
