"""Messages of the load are valid OCPP 1.6, differ each time, and are counted when they are answered."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ocpp.messages import Call, validate_payload

from benchmarks.catalogue import WORKLOADS
from benchmarks.templates import NUMBER, NUMBER_AS_BYTES, TEXT, template
from benchmarks.workloads import Ledger, LoadedStation, Script
from benchmarks.workloads_v201 import LoadedStation201
from station_kit.messages import Message

ANSWERS: Mapping[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "interval": 300, "currentTime": "2026-01-31T12:00:00.000Z"},
    "StartTransaction": {"transactionId": 17, "idTagInfo": {"status": "Accepted"}},
}


def play(script: Script, most: int) -> list[tuple[str, dict[str, Any]]]:
    """Plays a script with a system that accepts all, for at most so many messages."""
    said: list[tuple[str, dict[str, Any]]] = []
    rest = next(script, None)
    while rest is not None and len(said) < most:
        action, payload = json.loads(b"[%s]" % rest)
        said.append((action, payload))
        try:
            rest = script.send(json.dumps(ANSWERS.get(action, {})).encode())
        except StopIteration:
            return said
    return said


def station(ledger: Ledger) -> LoadedStation:
    """A station with a ledger."""
    return LoadedStation(station_id="S1", id_tag="TAG-S1", ledger=ledger)


def station_201(ledger: Ledger) -> LoadedStation201:
    """A station of OCPP 2.0.1 with a ledger."""
    return LoadedStation201(station_id="S1", id_tag="TAG-S1", ledger=ledger)


def test_a_session_has_its_messages_in_order() -> None:
    """Authorize, start, three meter values, stop; the ledger counts them and their energy."""
    ledger = Ledger()
    said = play(station(ledger).sessions(), 12)
    once = ["Authorize", "StartTransaction", "MeterValues", "MeterValues", "MeterValues", "StopTransaction"]
    assert [action for action, _ in said] == once * 2
    assert (ledger.starts, ledger.meter_values, ledger.stops) == (2, 6, 2)
    stops = [p["meterStop"] for a, p in said if a == "StopTransaction"]
    starts = [p["meterStart"] for a, p in said if a == "StartTransaction"]
    assert ledger.energy_wh == sum(stops) - sum(starts) == 56
    assert ledger.names == {"S1/17"}


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_every_message_is_valid(name: str) -> None:
    """By the official schemas, in the whole of a workload."""
    workload = WORKLOADS[name]
    one = workload.station(station_id="S1", id_tag="TAG-S1", ledger=Ledger())
    parts = [one.boot(), *([workload.before(one)] if workload.before else [])]
    said = [message for script in parts for message in play(script, 10)] + play(workload.loop(one), 8)
    said += play(workload.after(one), 10) if workload.after else []
    for action, payload in said:
        asyncio.run(validate_payload(Call("1", action, payload), one.subprotocol.removeprefix("ocpp")))


def test_a_session_of_201_is_told_in_events() -> None:
    """Authorize, Started, three Updated, Ended, numbered without a gap; the ledger counts them and their energy."""
    ledger = Ledger()
    said = play(station_201(ledger).sessions(), 12)
    assert [action for action, _ in said] == (["Authorize"] + ["TransactionEvent"] * 5) * 2
    events = [payload for action, payload in said if action == "TransactionEvent"]
    assert [event["eventType"] for event in events] == ["Started", *["Updated"] * 3, "Ended"] * 2
    assert [event["seqNo"] for event in events] == [0, 1, 2, 3, 4] * 2
    assert (ledger.starts, ledger.meter_values, ledger.stops) == (2, 6, 2)
    registers = [event["meterValue"][0]["sampledValue"][0]["value"] for event in events]
    assert ledger.energy_wh == registers[4] - registers[0] + registers[9] - registers[5] == 56
    assert ledger.names == {"S1/S1-1", "S1/S1-2"}


def test_a_201_session_cut_short_ends_without_a_gap() -> None:
    """An Updated that was made and never sent has no number; the stop after it takes that number."""
    one = station_201(Ledger())
    play(one.sessions(), 4)  # Authorize, Started, two Updated; the third was not sent
    ((_, ended),) = play(one.stop(), 2)
    assert (ended["eventType"], ended["seqNo"]) == ("Ended", 3)


def test_half_of_the_fleet_begins_with_a_heartbeat() -> None:
    """So that both kinds are said at every time."""
    said = []
    for name in ("S1", "S2"):
        one = LoadedStation(station_id=name, id_tag="TAG", ledger=Ledger())
        play(one.start(), 1)
        said.append([action for action, _ in play(one.mixed(), 3)])
    assert said == [["Heartbeat", "MeterValues", "Heartbeat"], ["MeterValues", "Heartbeat", "MeterValues"]]


def test_no_two_meter_values_are_alike() -> None:
    """Equal ones would be taken for repeats of one, and recorded once."""
    one = station(Ledger())
    play(one.start(), 1)
    stamps = [payload["meterValue"][0]["timestamp"] for _, payload in play(one.meter_values(), 200)]
    assert len(set(stamps)) == 200
    assert stamps == sorted(stamps)


def test_a_refused_boot_ends_the_run() -> None:
    """Nothing can be measured on a system that lets nobody in."""
    script = station(Ledger()).boot()
    next(script)
    with pytest.raises(RuntimeError, match="Rejected"):
        script.send(b'{"status":"Rejected","interval":60,"currentTime":"2026-01-31T12:00:00.000Z"}')


def test_what_is_not_answered_is_not_counted() -> None:
    """The ledger is of acknowledgements."""
    ledger = Ledger()
    script = station(ledger).start()
    next(script)
    assert ledger.starts == 0
    with pytest.raises(StopIteration):
        script.send(b'{"transactionId":5,"idTagInfo":{"status":"Invalid"}}')
    assert (ledger.starts, ledger.names) == (1, {"S1/5"})


def test_slots_of_a_template_are_filled_in_by_their_kind() -> None:
    payload = {"text": TEXT, "number": NUMBER, "bytes": NUMBER_AS_BYTES, "quoted": "%d", "kept": "# 1"}
    made = template(Message("Action", payload))
    assert made % (b"a", 1, b"2", 3) == b'"Action",{"text":"a","number":1,"bytes":2,"quoted":"3","kept":"# 1"}'
