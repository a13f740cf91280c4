"""Faults that stations put into their 1.6 messages, by the numbers of simulator.misbehaviour. No I/O."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from station_kit.times import format_time, parse_time

Payload = dict[str, Any]
LOCAL_OFFSET = timedelta(hours=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENERGY = "Energy.Active.Import.Register"
_LONG_TAG = "-0123456789" * 4
_NEVER_STARTED = 2_000_000_000
_TRANSACTION_ID = re.compile(r'("transactionId":)\s*-?\d+')


class Garbler:
    """Changes payloads of one station as its quirks say. Its turns go on over all its connections."""

    def __init__(self, *, station_id: str, quirks: frozenset[int]) -> None:
        self._turns: Counter[str] = Counter()
        self._lost_zero: datetime | None = None  # what the clock took for 1970
        self._even = station_id[-1:].isdigit() and int(station_id[-1:]) % 2 == 0
        self._resets: dict[int, int] = {}  # by transaction: what the counter showed when it was reset
        table: dict[int, Callable[[str, Payload], None]] = {
            14: self._odd_values,
            15: self._empty_sample,
            16: self._unknown_words,
            17: self._long_tag,
            18: self._wrong_stop,
            21: self._wrong_meter,
            11: self._odd_times,
            12: self._wrong_clock,
        }
        # The clock is wrong before its time is written oddly.
        self._garbles = [table[number] for number in (21, 14, 15, 16, 17, 18, 12, 11) if number in quirks]

    def garble(self, action: str, payload: Payload) -> Payload:
        """The payload of a CALL as the station sends it."""
        for change in self._garbles:
            change(action, payload)
        return payload

    def _turn(self, name: str, of: int) -> int:
        self._turns[name] += 1
        return (self._turns[name] - 1) % of

    def _odd_times(self, _: str, payload: Payload) -> None:
        for holder, name in _times(payload):
            moment = parse_time(holder[name])
            local = moment + LOCAL_OFFSET
            forms = (
                moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
                local.strftime("%Y-%m-%dT%H:%M:%S+02"),
                moment.strftime("%Y-%m-%d %H:%M:%SZ"),
            )
            holder[name] = forms[self._turn("times", len(forms))]

    def _wrong_clock(self, _: str, payload: Payload) -> None:
        for holder, name in _times(payload):
            moment = parse_time(holder[name])
            self._lost_zero = self._lost_zero or moment
            holder[name] = format_time(_EPOCH + (moment - self._lost_zero) if self._even else moment + LOCAL_OFFSET)

    def _odd_values(self, _: str, payload: Payload) -> None:
        for sample in _samples(payload):
            text = sample["value"]
            forms: tuple[Any, ...] = (float(text), f" {text} ", "", "n/a")
            energy = sample.get("measurand", _ENERGY) == _ENERGY
            sample["value"] = forms[self._turn("energy" if energy else "others", 2 if energy else 4)]

    def _empty_sample(self, action: str, payload: Payload) -> None:
        if action == "MeterValues":
            payload["meterValue"].append({"timestamp": payload["meterValue"][0]["timestamp"], "sampledValue": []})

    def _unknown_words(self, action: str, payload: Payload) -> None:
        if action == "StatusNotification":
            payload["errorCode"] = "Error"
        for value in payload.get("meterValue", ()):
            value["sampledValue"].append({"value": "49.98", "measurand": "Frequency", "unit": "Hz"})

    def _long_tag(self, _: str, payload: Payload) -> None:
        if "idTag" in payload:
            payload["idTag"] = f"{payload['idTag']}{_LONG_TAG}"[:40]

    def _wrong_stop(self, action: str, payload: Payload) -> None:
        if action == "StopTransaction":
            payload["transactionId"] = (-1, 0, _NEVER_STARTED)[self._turn("stops", 3)]

    def _wrong_meter(self, action: str, payload: Payload) -> None:
        """By the number of the transaction: -1, below the start, or a counter that was reset after the first sample."""
        transaction_id = payload.get("transactionId")
        if transaction_id is None:
            return
        form = transaction_id % 3
        if action == "StopTransaction":
            forms = (-1, 0, payload["meterStop"] - self._resets.pop(transaction_id, 0))
            payload["meterStop"] = forms[form]
        elif form == 2:
            for sample in _samples(payload):
                if sample.get("measurand") == _ENERGY:
                    self._reset(transaction_id, sample)

    def _reset(self, transaction_id: int, sample: Payload) -> None:
        register = int(sample["value"])
        zero = self._resets.setdefault(transaction_id, register)
        sample["value"] = str(register if zero == register else register - zero)


def without_number(text: str) -> str:
    """Quirk 10: a frame that is no JSON, since its transaction's number is missing; as it was where it has none."""
    found = _TRANSACTION_ID.search(text)
    if found is None:
        return text
    # It stands first, so that a comma follows.
    rest = text.replace(found[0], "", 1).replace(",}", "}")
    return rest.replace("{", f"{{{found[1]},", 1)


def _times(payload: Payload) -> list[tuple[Payload, str]]:
    """Where the times of a payload are."""
    holders = [payload, *payload.get("meterValue", ()), *payload.get("transactionData", ())]
    return [(holder, "timestamp") for holder in holders if "timestamp" in holder]


def _samples(payload: Payload) -> list[Payload]:
    return [sample for value in payload.get("meterValue", ()) for sample in value["sampledValue"]]
