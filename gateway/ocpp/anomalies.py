"""Faults of valid messages: no schema can find them."""

from collections.abc import Iterable, Iterator, Mapping

from gateway.ocpp.translation import Payload
from gateway.ocpp.values import is_number
from gateway.ocpp.versions import OcppVersion

# Where 1.6 has its meter values; 2.x has numbers there, which its schemas check.
_METER_VALUES_OF: Mapping[str, str] = {"MeterValues": "meterValue", "StopTransaction": "transactionData"}


def anomalies(version: OcppVersion, action: str, payload: Payload) -> tuple[str, ...]:
    """Quirks in a message that no schema can see, sorted: sampled values that are blank, padded or no numbers (14)."""
    if not version.has_text_readings or action not in _METER_VALUES_OF:
        return ()
    entries = payload.get(_METER_VALUES_OF[action], ())
    for entry in entries:
        for sample in entry["sampledValue"]:
            if not is_number(sample["value"]):
                return tuple(sorted(set(_odd_values(entries))))
    return ()


def _odd_values(entries: Iterable[Payload]) -> Iterator[str]:
    for sample in (sample for entry in entries for sample in entry["sampledValue"]):
        value = sample["value"]
        if is_number(value) or sample.get("format") == "SignedData":
            continue
        if not value.strip():
            yield "sampled_value_blank"
        else:
            yield "sampled_value_spaces" if is_number(value.strip()) else "sampled_value_text"
