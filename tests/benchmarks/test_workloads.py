"""What the load says is valid OCPP 1.6, differs each time, and is counted when it is answered."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ocpp.messages import Call, validate_payload

from benchmarks.workloads import WORKLOADS, Ledger, LoadedStation, Script

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
    workload, one = WORKLOADS[name], station(Ledger())
    parts = [one.boot(), *([workload.before(one)] if workload.before else [])]
    said = [message for script in parts for message in play(script, 10)] + play(workload.loop(one), 8)
    said += play(workload.after(one), 10) if workload.after else []
    for action, payload in said:
        asyncio.run(validate_payload(Call("1", action, payload), "1.6"))


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
