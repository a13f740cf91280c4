"""Energy from the socket to what an operator reads, on both databases: meters as foreign fleets have them (ENERGY.md).

Each row is a connector's session; `-900` is 900 s ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from csms.transaction.v1.transaction_service_pb2 import (
    EnergyBasis,
    GetTransactionRequest,
    ListTransactionEventsRequest,
    Transaction,
)

from station_kit.messages import ENERGY_REGISTER
from station_kit.times import format_time
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig

REGISTER = ENERGY_REGISTER
_NOW = datetime.now(UTC)


def time_at(seconds: float) -> str:
    """A time as stations write it, that many seconds from when this module was read."""
    return format_time(_NOW + timedelta(seconds=seconds))


@dataclass
class Row:
    """A session as a station reports it, and its assessment."""

    name: str
    start: tuple[float, int]  # time, meterStart
    readings: Sequence[tuple[float, str | float]]  # time, register
    stop: tuple[float, int]
    wh: float
    flags: list[str] = field(default_factory=list)
    basis: str = "REGISTER"
    believed: tuple[float, float] | None = None  # at begin and end


ROWS_16 = (
    Row(
        "values per session between a life meter's",
        (-900, 936000),
        [(-800, 500), (-750, 1200)],
        (-100, 937500),
        1500,
        ["meter_rollback", "other_counter"],
    ),
    Row(
        "kWh labelled Wh between",
        (-900, 936000),
        [(-800, 936), (-750, 937)],
        (-100, 937500),
        1500,
        ["meter_rollback", "scale_mismatch"],
    ),
    Row(
        "two low readings between",
        (-900, 936000),
        [(-800, 936400), (-750, 0), (-700, 5), (-650, 937000)],
        (-100, 937500),
        1500,
        ["meter_rollback", "other_counter"],
    ),
    Row(
        "begin and end in kWh",
        (-900, 936),
        [(-800, 936100), (-600, 936900), (-200, 937900)],
        (-100, 938),
        2000,
        ["meter_rollback", "scale_mismatch"],
        "SCALED_REGISTER",
        (936000, 938000),
    ),
    Row(
        "begin alone in kWh",
        (-900, 936),
        [(-800, 936100), (-200, 937900)],
        (-100, 938000),
        2000,
        ["scale_mismatch"],
        "SCALED_REGISTER",
        (936000, 938000),
    ),
    Row(
        "end alone in kWh",
        (-900, 936000),
        [(-800, 936100), (-200, 937900)],
        (-100, 938),
        2000,
        ["meter_rollback", "scale_mismatch"],
        "SCALED_REGISTER",
        (936000, 938000),
    ),
    Row(
        "a meter replaced",
        (-3600, 500),
        [(-2400, 20500), (-2300, 10), (-600, 14000)],
        (-100, 15000),
        34990,
        ["meter_restart", "meter_rollback"],
        "RESTARTED_REGISTER",
    ),
    Row(
        "a begin of 0 and a reading 10 s later",
        (-900, 0),
        [(-890, 909948), (-500, 910000)],
        (-100, 910031),
        83,
        ["begin_placeholder"],
        "FIRST_READING",
        (909948, 910031),
    ),
    Row("a begin of 0 and no reading but the end", (-3600, 0), [], (0, 910031), 0, ["begin_placeholder"], "NONE"),
    Row(
        "a begin of 0 on a young meter",
        (-1800, 0),
        [(-900, 203000)],
        (-100, 211000),
        8000,
        ["begin_placeholder"],
        "FIRST_READING",
    ),
    Row("tenths and a whole meterStop", (-900, 0), [(-800, "29.07"), (-750, "29.32")], (-100, 29), 29),
    Row(
        "a register that counts in kWh, at 22 kW",
        (-1800, 52000),
        [(second - 1800, 52000 + 22 * second // 3600 * 1000) for second in range(10, 1800, 10)],
        (0, 63000),
        11000,
    ),
    Row("equal times", (-900, 1000), [(-800, 1100), (-800, 1300), (-800, 1200)], (-800, 1400), 400),
    Row(
        "a clock set back by an hour, and never set right",
        (-900, 1000),
        [(-800, 1400), (-700, 1800), (-4200, 2200), (-4100, 2600)],
        (-4000, 3000),
        2000,
    ),
    Row(
        "a clock set back by minutes",
        (-900, 1000),
        [(-800, 1400), (-700, 1800), (-850, 2200), (-750, 2600)],
        (-600, 3000),
        2000,
        ["meter_rollback"],
    ),
    Row(
        "one reading between, too high by far",
        (-900, 1000),
        [(-800, 1100), (-700, 90_000_000), (-600, 1300)],
        (-100, 1500),
        500,
        ["meter_rollback"],
    ),
    Row(
        "a meterStop of -1",
        (-900, 1000),
        [(-800, 1100), (-700, 1300)],
        (-100, -1),
        300,
        ["meter_rollback"],
        believed=(1000, 1300),
    ),
)


async def _play(station: RawStation, row: Row) -> str:
    started = await station.call(
        "StartTransaction",
        {"connectorId": 1, "idTag": "TAG-1", "meterStart": row.start[1], "timestamp": time_at(row.start[0])},
    )
    number = started["transactionId"]
    for seconds, value in row.readings:
        await station.call(
            "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [_entry(seconds, value)]}
        )
    stop = {"transactionId": number, "meterStop": row.stop[1], "timestamp": time_at(row.stop[0]), "idTag": "TAG-1"}
    await station.call("StopTransaction", stop)
    return str(number)


def _entry(seconds: float, value: str | float, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": time_at(seconds),
        "sampledValue": [{"measurand": REGISTER, "unit": "Wh", "value": str(value), **more}],
    }


async def _get(mesh: MeshRig, station_id: str, transaction_id: str) -> Transaction:
    request = GetTransactionRequest(station_id=station_id, transaction_id=transaction_id)
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: Transaction = response.transaction
    return transaction


async def test_the_energy_of_1_6(mesh_on_both: MeshRig, subtests: pytest.Subtests) -> None:
    """Right for each kind of meter, and flagged where a reading was not taken at its word."""
    for place, row in enumerate(ROWS_16):
        with subtests.test(row.name):
            async with RawStation(mesh_on_both.station_url(f"CP{place}")) as station:
                await station.boot()
                number = await _play(station, row)
            found = await _get(mesh_on_both, f"CP{place}", number)
            assert (found.energy_wh, list(found.flags)) == (row.wh, row.flags)
            assert EnergyBasis.Name(found.energy_basis) == f"ENERGY_BASIS_{row.basis}"
            assert (found.meter_start_wh, found.meter_stop_wh) == (row.start[1], row.stop[1])
            if row.believed:
                assert (found.believed_meter_start_wh, found.believed_meter_stop_wh) == row.believed
            if row.basis == "NONE":
                assert not found.HasField("believed_meter_start_wh")


async def test_two_locations_are_not_mixed(mesh_on_both: MeshRig) -> None:
    """Inlet and outlet report begin and end each: the outlet counts."""
    async with RawStation(mesh_on_both.station_url("CP1")) as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 90000, "timestamp": time_at(-900)}
        number = (await station.call("StartTransaction", start))["transactionId"]
        data = [
            {
                "timestamp": time_at(seconds),
                "sampledValue": [
                    {"measurand": REGISTER, "unit": "Wh", "location": place, "context": context, "value": str(value)}
                    for place, value in values
                ],
            }
            for seconds, context, values in (
                (-900, "Transaction.Begin", (("Inlet", 100000), ("Outlet", 90000))),
                (-100, "Transaction.End", (("Inlet", 120000), ("Outlet", 108000))),
            )
        ]
        stop = {
            "transactionId": number,
            "meterStop": 108000,
            "timestamp": time_at(-100),
            "transactionData": data,
        }
        await station.call("StopTransaction", stop)
    found = await _get(mesh_on_both, "CP1", str(number))
    assert (found.energy_wh, list(found.flags)) == (18000, [])


async def test_a_begin_of_0_after_a_transaction_that_ended_above(mesh_on_both: MeshRig) -> None:
    """The register goes on where it stood, however little power it would have taken; a meter per session does not."""
    async with RawStation(mesh_on_both.station_url("CP1")) as station:
        await station.boot()
        first = await _play(station, Row("", (-5000, 1000), [(-4900, 3000)], (-4800, 5000), 4000))
        second = await _play(station, Row("", (-4000, 0), [(-3900, 5200)], (-3700, 6000), 1000))
        third = await _play(station, Row("", (-3000, 0), [(-2900, 300)], (-2800, 700), 700))
        fourth = await _play(station, Row("", (-2000, 0), [], (-1800, 1700), 1000))
    for number, wh, flags in (
        (first, 4000, []),
        (second, 1000, ["begin_placeholder"]),
        (third, 700, []),
        (fourth, 1000, ["begin_placeholder"]),
    ):
        found = await _get(mesh_on_both, "CP1", number)
        assert (found.energy_wh, list(found.flags)) == (wh, flags)


# 2.0.1


def _value(seconds: float, *samples: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": time_at(seconds), "sampledValue": list(samples)}


def _event(name: str, kind: str, seq_no: int, seconds: float, *samples: dict[str, Any], **more: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": time_at(seconds),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": name},
        **more,
    }
    if kind == "Started":
        payload["evse"] = {"id": 1, "connectorId": 1}
    return payload | ({"meterValue": [_value(seconds, *samples)]} if samples else {})


def _register(value: float, **more: Any) -> dict[str, Any]:
    return {"measurand": REGISTER, "value": value, **more}


BEGIN, END = {"context": "Transaction.Begin"}, {"context": "Transaction.End"}


async def _tell(mesh: MeshRig, station_id: str, *events: dict[str, Any]) -> Transaction:
    async with RawStation(mesh.station_url(station_id), subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        for event in events:
            await station.call("TransactionEvent", event)
    return await _get(mesh, station_id, events[0]["transactionInfo"]["transactionId"])


async def test_a_placeholder_at_the_begin_in_2_0_1(mesh_on_both: MeshRig) -> None:
    """Started while offline, with a register of 0."""
    found = await _tell(
        mesh_on_both,
        "CP1",
        _event("a", "Started", 0, -600, _register(0, **BEGIN), offline=True),
        _event("a", "Updated", 1, -480, _register(909948)),
        _event("a", "Updated", 2, -360, _register(910000)),
        _event("a", "Ended", 3, -240, _register(910031, **END)),
    )
    assert (found.energy_wh, list(found.flags)) == (83, ["begin_placeholder"])
    assert (found.meter_start_wh, found.believed_meter_start_wh) == (0, 909948)


async def test_signed_readings_are_not_mixed_with_others(mesh_on_both: MeshRig) -> None:
    """They are sent in kWh without a unit: flagged, and not billed."""
    proof = {"signedMeterData": "AAECAw==", "signingMethod": "", "encodingMethod": "EDL", "publicKey": ""}
    ended = _event(
        "a",
        "Ended",
        1,
        -100,
        _register(2114135.6, **BEGIN),
        _register(2133854.3, **END),
        _register(2114.1356, signedMeterValue=proof, **BEGIN),
        _register(2133.8543, signedMeterValue=proof, **END),
    )
    found = await _tell(mesh_on_both, "CP1", _event("a", "Started", 0, -7200, _register(2114135.6, **BEGIN)), ended)
    assert found.energy_wh == pytest.approx(19718.7, abs=1e-9)
    assert list(found.flags) == ["scale_mismatch"]


async def test_the_end_is_the_ended_event(mesh_on_both: MeshRig, subtests: pytest.Subtests) -> None:
    """The context of its reading does not matter; an event after it is kept, changes nothing, and makes no gap."""
    mesh = mesh_on_both
    for place, (samples, wh) in enumerate(
        (
            ((_register(300),), 300),
            ((_register(300, context="Sample.Periodic"),), 300),
            ((_register(300, **END),), 300),
            ((), 200),
        )
    ):
        with subtests.test(place=place):
            found = await _tell(
                mesh,
                f"CP{place}",
                _event("a", "Started", 0, -600, _register(0, **BEGIN)),
                _event("a", "Updated", 1, -400, _register(200)),
                _event("a", "Ended", 2, -200, *samples),
                _event("a", "Updated", 3, -100, _register(777)),
            )
            assert (found.energy_wh, list(found.flags), found.event_count) == (wh, [], 4)
            request = ListTransactionEventsRequest(station_id=f"CP{place}", transaction_id="a")
            events = await mesh.transactions.ListTransactionEvents(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
            assert sorted(recorded.event.seq_no for recorded in events.events) == [0, 1, 2, 3]
