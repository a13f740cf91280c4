"""Messages with anomalies are recorded, and their transactions are flagged (quirks 12, 14, 18, 21, 22, 23)."""

import pytest
from csms.common.v1 import meter_value_pb2 as meter
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.meter_value_pb2 import SampledValue
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ACTIVE, TRANSACTION_STATE_ENDED
from google.protobuf.timestamp_pb2 import Timestamp

from tests.transaction_svc.kit import Service, at, event_2x, register, sampled, start_16, stop_16, values_16


async def test_a_start_ends_an_open_transaction_on_its_connector(service: Service) -> None:
    """It is superseded at the time of the new start; the transaction of another connector goes on."""
    other = (await service.one(start_16(0, connector=2))).transaction_id
    first = (await service.one(start_16(0))).transaction_id
    await service.one(values_16(first, 60, 1400))
    second = (await service.one(start_16(100, meter_start=1500))).transaction_id
    ended = await service.get(first)
    assert ended.state == TRANSACTION_STATE_ENDED
    assert ended.stopped_reason == tx.STOPPED_REASON_SUPERSEDED
    assert (ended.end_time, ended.energy_wh, list(ended.flags)) == (at(100), 400, ["superseded"])
    assert (await service.get(second)).state == TRANSACTION_STATE_ACTIVE
    assert (await service.get(other)).state == TRANSACTION_STATE_ACTIVE


async def test_the_late_stop_of_a_superseded_transaction_corrects_it(service: Service) -> None:
    """The result is that of a stop in time; a stop with a time after the next start is flagged."""
    first = (await service.one(start_16(0))).transaction_id
    second = (await service.one(start_16(100, meter_start=1500))).transaction_id
    await service.one(start_16(200, meter_start=1600))
    await service.one(stop_16(first, 90, 1490, reason=tx.STOPPED_REASON_EV_DISCONNECTED))
    ended = await service.get(first)
    assert (ended.energy_wh, ended.stopped_reason) == (490, tx.STOPPED_REASON_EV_DISCONNECTED)
    assert (ended.end_time, list(ended.flags)) == (at(90), [])
    await service.one(stop_16(second, 250, 1590))
    assert list((await service.get(second)).flags) == ["late_stop"]


async def test_a_late_start_is_superseded_by_the_one_after_it(service: Service) -> None:
    """The order of the starts' times counts, not that of their arrival."""
    second = (await service.one(start_16(100, meter_start=1500))).transaction_id
    first = (await service.one(start_16(0))).transaction_id
    assert (await service.get(second)).state == TRANSACTION_STATE_ACTIVE
    assert (await service.get(first)).end_time == at(100)


async def test_a_late_start_moves_its_transaction_on_the_evse(service: Service) -> None:
    """2.x: by its end it was after the other transaction, which was superseded; by its start it is before that."""
    evse = EvseRef(evse_id=1, connector_id=1)
    await service.one(event_2x("second", "STARTED", 0, 120, 500))
    await service.one(event_2x("first", "ENDED", 1, 300, 400, evse=evse))
    assert (await service.get("second")).end_time == at(300)
    await service.one(event_2x("first", "STARTED", 0, 0, 100))
    assert (await service.get("first")).end_time == at(300)
    second = await service.get("second")
    assert (second.state, list(second.flags)) == (TRANSACTION_STATE_ACTIVE, [])
    await service.one(event_2x("second", "ENDED", 1, 400, 900))
    assert [kind for kind, _data in await service.published()][-1] == "transaction.ended"
    assert (await service.get("second")).energy_wh == 400


async def test_a_late_update_does_not_reopen(service: Service) -> None:
    await service.one(event_2x("a", "STARTED", 0, 0, 100))
    await service.one(event_2x("a", "ENDED", 2, 120, 300, charging_state=tx.CHARGING_STATE_IDLE))
    await service.one(event_2x("a", "UPDATED", 1, 60, 200, charging_state=tx.CHARGING_STATE_CHARGING))
    found = await service.get("a")
    assert found.state == TRANSACTION_STATE_ENDED
    assert (found.charging_state, found.energy_wh, list(found.flags)) == (tx.CHARGING_STATE_IDLE, 200, [])


async def test_a_stop_before_its_start(service: Service) -> None:
    """2.x, from a queue sent backwards: the transaction has ended at once, and is complete with the start."""
    await service.one(event_2x("a", "ENDED", 1, 120, 300))
    early = await service.get("a")
    assert (early.state, list(early.flags)) == (
        TRANSACTION_STATE_ENDED,
        ["begin_placeholder", "missing_start", "seq_gap"],
    )
    assert not early.HasField("start_time")
    await service.one(event_2x("a", "STARTED", 0, 0, 100))
    found = await service.get("a")
    assert (found.generation, found.state, found.energy_wh) == (1, TRANSACTION_STATE_ENDED, 200)
    assert (found.start_time, found.end_time, list(found.flags)) == (at(0), at(120), [])


async def test_closing_meter_values_after_the_stop(service: Service) -> None:
    """Quirk 22: they are recorded in the ended transaction; the stop's register stays the end."""
    number = (await service.one(start_16())).transaction_id
    await service.one(stop_16(number, 60, 1500))
    await service.one(values_16(number, 65, 1501))
    found = await service.get(number)
    assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ENDED, 500, 3)
    assert list(found.flags) == []


async def test_all_seq_nos_zero(service: Service) -> None:
    """Quirk 23: no event is taken for a repeat, times give the order, and the transaction is flagged."""
    events = [
        event_2x("a", "STARTED", 0, 0, 100),
        event_2x("a", "UPDATED", 0, 120, 300, charging_state=tx.CHARGING_STATE_SUSPENDED_EV),
        event_2x("a", "UPDATED", 0, 60, 200, charging_state=tx.CHARGING_STATE_CHARGING),
        event_2x("a", "ENDED", 0, 180, 400),
    ]
    for event in events:
        assert not (await service.one(event)).repeated
    found = await service.get("a")
    assert (found.energy_wh, found.event_count, list(found.flags)) == (300, 4, ["seq_gap"])
    assert found.charging_state == tx.CHARGING_STATE_SUSPENDED_EV
    published = [recorded.event.event_time for recorded in await service.events("a")]
    assert published == [at(0), at(60), at(120), at(180)]


async def test_a_gap_in_seq_nos_is_flagged_until_it_is_filled(service: Service) -> None:
    """Quirk 23."""
    await service.one(event_2x("a", "STARTED", 0, 0, 100))
    await service.one(event_2x("a", "UPDATED", 2, 120, 300))
    assert list((await service.get("a")).flags) == ["seq_gap"]
    await service.one(event_2x("a", "UPDATED", 1, 60, 200))
    assert list((await service.get("a")).flags) == []


@pytest.mark.parametrize("number", ["-1", "0", "987654"])
async def test_a_stop_without_its_number_finds_the_open_transaction(service: Service, number: str) -> None:
    """Quirk 18: token and meter agree with the only one that is open."""
    started = (await service.one(start_16())).transaction_id
    await service.one(values_16(started, 60, 1300))
    result = await service.one(stop_16(number, 90, 1400))
    assert result.transaction_id == started
    found = await service.get(started)
    assert (found.state, found.energy_wh, list(found.flags)) == (TRANSACTION_STATE_ENDED, 400, [])
    assert (await service.one(stop_16(number, 90, 1400))).repeated


async def test_meter_values_without_a_number_find_the_transaction_of_their_connector(service: Service) -> None:
    """A station that does not have the number yet sends -1."""
    await service.one(start_16(connector=2, meter_start=7))
    number = (await service.one(start_16())).transaction_id
    assert (await service.one(values_16("-1", 60, 1100))).transaction_id == number
    assert (await service.get(number)).energy_wh == 100


@pytest.mark.parametrize(
    ("readings", "stop", "believed", "more_flags"),
    [
        ([1200, 1500], -1, (500, 1500), []),  # no stop at all
        ([1200, 1500], 0, (500, 1500), ["end_implausible"]),  # below the start
        ([1200, 1500], 900, (500, 1500), ["end_implausible"]),
        ([], 900, (0, 1000), ["end_implausible"]),  # never negative
        ([1500, 3, 103], 203, (700, 203), ["meter_restart"]),
        ([1200, 0, 1400], 1500, (500, 1500), []),  # one wrong reading, too low
        ([1200, 0, 0, 1400], 1500, (500, 1500), []),  # the same twice
        ([1200, 99_999_999, 1300], 1500, (500, 1500), []),  # one wrong reading, too high
        ([1200, 1199, 1300], 1500, (500, 1500), []),  # a fall of 1 Wh
    ],
)
async def test_energy_comes_from_readings_that_can_be_trusted(
    service: Service, readings: list[int], stop: int, believed: tuple[float, float], more_flags: list[str]
) -> None:
    """Quirk 21: energy is never negative, and is flagged; the station's meterStop stays as reported."""
    number = (await service.one(start_16())).transaction_id
    for step, value in enumerate(readings):
        await service.one(values_16(number, 10 * step + 10, value))
    await service.one(stop_16(number, 100, stop))
    found = await service.get(number)
    assert (found.energy_wh, found.believed_meter_stop_wh) == believed
    assert (found.meter_start_wh, found.meter_stop_wh) == (1000, stop)
    assert list(found.flags) == [*more_flags, "meter_rollback"]


async def test_a_lost_clock_is_flagged_and_both_times_are_kept(service: Service) -> None:
    """Quirk 12: the event keeps 1970 as sent, and the receive time."""
    start = start_16()
    start.event_time.CopyFrom(Timestamp(seconds=5))
    number = (await service.one(start)).transaction_id
    found = await service.get(number)
    assert found.start_time == Timestamp(seconds=5)
    assert list(found.flags) == ["clock_skew"]
    (recorded,) = await service.events(number)
    assert recorded.receive_time.seconds == service.clock() // 1_000_000
    assert recorded.event == start


async def test_a_clock_lost_on_the_way_does_not_disturb_the_energy(service: Service) -> None:
    """Values with a time of 1970 are ordered by their receive time."""
    number = (await service.one(start_16())).transaction_id
    await service.one(values_16(number, 60, 1100))
    for second, value in ((3, 1200), (4, 1300)):
        event = values_16(number, 0, value)
        event.event_time.CopyFrom(Timestamp(seconds=second))
        event.meter_values[0].sample_time.CopyFrom(Timestamp(seconds=second))
        service.clock.advance(10)
        await service.one(event)
    assert (await service.get(number)).energy_wh == 300


async def test_a_clock_ahead_is_flagged(service: Service) -> None:
    """Local time labelled as UTC, east of Greenwich."""
    number = (await service.one(start_16(86_400 + 7200))).transaction_id
    assert list((await service.get(number)).flags) == ["clock_skew"]


@pytest.mark.parametrize("text", ["", " ", "n/a", "1,5", "NaN", "Infinity", "1e999", "0x10", "1_0", "٣", "9" * 30])
async def test_values_that_are_no_numbers_are_kept_and_left_out(service: Service, text: str) -> None:
    """Quirk 14: the text of the station can be read back; the energy is that of the other values."""
    number = (await service.one(start_16())).transaction_id
    event = values_16(number, 60, text)
    await service.one(event)
    await service.one(stop_16(number, 100, " 1500.0 "))
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (500, [])
    assert (await service.events(number))[1].event == event


async def test_tenths_do_not_add_up_to_drift(service: Service) -> None:
    """A thousand steps of 0.1 Wh are 100 Wh, and of three thirds of a kWh no mWh is lost."""
    number = (await service.one(start_16(meter_start="0.0"))).transaction_id
    await service.send(*(values_16(number, n, f"{n / 10:.1f}") for n in range(1, 1001)))
    assert (await service.get(number)).energy_wh == 100
    samples = [SampledValue(value="12.345678234", unit="kWh")]
    await service.one(values_16(number, 2000, 0, samples=samples))
    await service.one(stop_16(number, 3000, "12345.679"))
    assert (await service.get(number)).energy_wh == 12345.679


async def test_units_multipliers_phases_and_locations(service: Service) -> None:
    """The outlet's value for all phases is preferred to a sum of phases; kWh and powers of ten are converted."""
    import_register = meter.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER
    phases = [register(100 * n, phase=n, measurand=import_register) for n in (1, 2, 3)]
    inlet = register(99_999, location=meter.MEASURAND_LOCATION_INLET)
    power = SampledValue(value="7", measurand=meter.MEASURAND_POWER_ACTIVE_IMPORT, unit="kW")
    export = SampledValue(value="8", measurand=meter.MEASURAND_ENERGY_ACTIVE_EXPORT_REGISTER)
    strange = SampledValue(value="5", raw_words="measurand=Energy.Magic")
    number = (await service.one(start_16(meter_start=0))).transaction_id
    for step, samples, energy in (
        (1, [inlet, power, export, strange, *phases], 600),
        (2, [inlet, *phases, register("0.7", unit="kWh")], 700),
        (3, [register("8", multiplier=2)], 800),
        (4, [register("900", location=meter.MEASURAND_LOCATION_OUTLET)], 900),
    ):
        await service.one(values_16(number, step, 0, samples=samples))
        assert (await service.get(number)).energy_wh == energy, step
    assert list((await service.get(number)).flags) == []


async def test_intervals_without_a_register(service: Service) -> None:
    """The energy is their sum; one that the end repeats counts once."""

    def interval(value: int) -> SampledValue:
        return SampledValue(value=str(value), measurand=meter.MEASURAND_ENERGY_ACTIVE_IMPORT_INTERVAL)

    await service.one(event_2x("a", "STARTED", 0, 0))
    for step in (2, 1):
        values = [sampled(60 * step, interval(10 * step))]
        await service.one(event_2x("a", "UPDATED", step, 60 * step, meter_values=values))
    last = [sampled(60, interval(10)), sampled(120, interval(20)), sampled(180, interval(5))]
    await service.one(event_2x("a", "ENDED", 3, 180, meter_values=last))
    found = await service.get("a")
    assert found.energy_wh == 35
    assert not found.HasField("meter_start_wh")
    assert not found.HasField("meter_stop_wh")


async def test_a_stop_that_repeats_all_values(service: Service) -> None:
    """1.6's transactionData has begin, samples and end in the stop."""
    number = (await service.one(start_16())).transaction_id
    for step in range(1, 4):
        await service.one(values_16(number, step * 60, 1000 + step * 100))
    stop = stop_16(number, 250, 1400)
    stop.meter_values.append(sampled(0, register(1000, context=meter.READING_CONTEXT_TRANSACTION_BEGIN)))
    stop.meter_values.extend(sampled(step * 30, register(1000 + step * 50)) for step in range(1, 9))
    await service.one(stop)
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (400, [])


async def test_a_token_that_holds_another_transaction_is_concurrent(service: Service) -> None:
    """In any case and at any station; superseded and ended transactions do not count."""
    first = await service.one(start_16())
    assert not first.concurrent
    assert not (await service.one(start_16(50, meter_start=1100))).concurrent  # supersedes the first
    second = await service.one(start_16(100, id_tag="tag"), station="CP2")
    assert second.concurrent
    assert not (await service.one(start_16(100, id_tag="OTHER"), station="CP3")).concurrent
    assert (await service.one(start_16(100, id_tag="tag"), station="CP2")).concurrent
    await service.one(stop_16(second.transaction_id, 200, 1500), station="CP2")
    for found in await service.all(filter='state = "ACTIVE"'):
        await service.one(stop_16(found.transaction_id, 300, 2000), station=found.station_id)
    assert not (await service.one(start_16(400))).concurrent


async def test_of_two_starts_with_one_token_in_a_batch_the_later_is_concurrent(service: Service) -> None:
    """One of the two may charge."""
    results = await service.send_items(
        [service.item(start_16(5), station="CP1"), service.item(start_16(4), station="CP2")]
    )
    assert [result.concurrent for result in results] == [True, False]


async def test_a_token_after_the_start_is_counted_then(service: Service) -> None:
    """2.x: the cable comes first, the token later."""
    await service.one(start_16())
    started = event_2x("a", "STARTED", 0, 10, 0)
    started.ClearField("id_token")
    assert not (await service.one(started, station="CP2")).concurrent
    update = event_2x("a", "UPDATED", 1, 20, 0)
    update.id_token.id_token = "TAG"
    assert (await service.one(update, station="CP2")).concurrent
    assert (await service.get("a", station="CP2")).id_token.id_token == "TAG"


async def test_anomalies_are_reported_for_the_gateway_to_count(service: Service) -> None:
    """By the names of docs/QUIRKS.md: those of an event each time, those of a transaction once."""
    number = (await service.one(start_16(0))).transaction_id
    published = [
        list((await service.one(event)).quirks)
        for event in (
            values_16(number, 10, 1400),
            values_16(number, 10, 1400),
            values_16(number, 20, 1300),
            values_16(number, 30, 1200),
            values_16("-1", 40, 1500),
            stop_16("0", 60, 1600),
            values_16(number, 61, 1601),
            stop_16("-1", 70, -1),
        )
    ]
    assert published == [
        [],
        ["repeated_event"],
        ["meter_rollback"],
        [],
        ["unknown_transaction"],
        ["unknown_transaction"],
        ["values_after_end"],
        ["unknown_transaction", "meter_rollback"],
    ]


async def test_anomalies_of_one_batch_are_reported_once(service: Service) -> None:
    """A gap in the sequence numbers is reported with one event, also where the transaction is rebuilt."""
    results = await service.send(
        event_2x("a", "STARTED", 0, 0, 100),
        event_2x("a", "UPDATED", 5, 10, 150),
        event_2x("a", "UPDATED", 9, 20, 170),
        event_2x("a", "UPDATED", 7, 15, 160),
        event_2x("b", "STARTED", 0, 100, 0, evse=EvseRef(evse_id=2, connector_id=1)),
    )
    published = [list(result.quirks) for result in results]
    assert sorted(map(len, published)) == [0, 0, 0, 0, 1]
    assert [name for names in published for name in names] == ["seq_gap"]
    assert published[4] == []
