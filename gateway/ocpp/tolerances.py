"""Known faults of chargers, corrected before a message or an answer is refused for them.

The rule: a message that violates its official schema is accepted all the same when an entry of `QUIRKS` tolerates
**every** violation in it. There is no second, weaker schema: the validator lists the violations, each is looked up in
the table, and the station is answered with the first that no entry tolerates. A message is validated again once it was
corrected, so that a correction hides no other violation.

Tolerated are faults that leave the meaning clear. The meaning of a reading is never guessed (measurand, unit, phase,
location, format, multiplier), nor the status of an answer; identifiers are kept whole or refused.

The translators get the station's own words: an unknown enum word, a long id tag or a timestamp in another form stays as
it is. Only values that could not be handled otherwise are rewritten (a number as a sampled value becomes its text) or
left out (null where a field may be missing).

Some anomalies are valid by the schema (a sampled value of "12 kWh"); `anomalies.py` finds those in valid messages.
`mending.py` looks up the violations of a message in the table, and carries out the corrections.
Operators see the names of quirks per station, and in the metrics: they never change.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.ocpp.translation import Payload
from gateway.ocpp.values import clean, decimal_text, is_number, parse_us
from gateway.ocpp.versions import V16, V21, V201, OcppVersion
from gateway.ocpp.violations import ABSENT, Change, Violation


def _replace(mend: Callable[[Any], Any]) -> Callable[[Violation], Iterable[Change]]:
    return lambda found: [(found.path, mend(found.value))]


def _keep(_found: Violation) -> Iterable[Change]:
    return ()


def _leave_out(found: Violation) -> Iterable[Change]:
    return [(found.path, ABSENT)]


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """One known fault: its place, the violation that it causes, and its correction.

    No `versions` means all of them, no `actions` means all messages. The answer to a CALL of the gateway is named as in
    the schemas: GetConfigurationResponse.
    """

    name: str
    forgives: Callable[[Violation], bool]
    mend: Callable[[Violation], Iterable[Change]] = _keep
    versions: frozenset[OcppVersion] = frozenset()
    actions: frozenset[str] = frozenset()
    in_answers: bool = True

    def covers(self, version: OcppVersion, action: str) -> bool:
        """Whether the fault is known of this action of this OCPP version."""
        if self.versions and version not in self.versions:
            return False
        if self.actions:
            return action in self.actions
        return self.in_answers or not action.endswith("Response")


_V16 = frozenset({V16})
_V2 = frozenset({V201, V21})
# Messages with meter values in them.
METERED = frozenset({"MeterValues", "StopTransaction", "TransactionEvent"})
# Messages about transactions.
MONEY = METERED | {"StartTransaction"}
# Messages worth more than the time in them.
PRECIOUS = MONEY | {"StatusNotification", "SecurityEventNotification"}
IDENTIFIED = frozenset({"Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"})

# Words that determine the meaning of the rest of the message.
DECISIVE_WORDS = frozenset({"eventType", "hashAlgorithm"})

# Registers in watt-hours: 1.6 has no fractions of them, which are cut.
REGISTERS = frozenset({"meterStart", "meterStop"})
_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0*)?\s*")

MAX_ID_TAG = 255
MAX_WORD = 255

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
# Answers with one entry for each requested key, and the field with the entries: an unreadable entry does not
# invalidate the others.
_ENTRIES = {"GetConfigurationResponse": "configurationKey", "GetVariablesResponse": "getVariableResult"}
ANSWERS_OF_KEYS = frozenset(_ENTRIES)
_ENTRY_LISTS = frozenset(_ENTRIES.values())
# The fields of each key in an answer.
_KEY_VALUES = frozenset({"value", "attributeValue"})


def _is_sampled_value(violation: Violation) -> bool:
    return violation.keyword == "type" and violation.path[-3:-2] == ("sampledValue",) and violation.field == "value"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_odd_time(violation: Violation) -> bool:
    return violation.keyword == "format" and violation.limit == "date-time"


def _is_short_word(violation: Violation) -> bool:
    return violation.keyword == "enum" and isinstance(violation.value, str) and len(violation.value) <= MAX_WORD


def _is_long_id(violation: Violation, field: str) -> bool:
    return violation.keyword == "maxLength" and violation.field == field and len(violation.value) <= MAX_ID_TAG


def _is_loose_integer(violation: Violation) -> bool:
    if violation.keyword != "type" or violation.limit != ["integer"]:
        return False
    value = violation.value
    if isinstance(value, str):
        return _WHOLE_NUMBER.fullmatch(value) is not None
    if not isinstance(value, float) or not abs(value) < 2**63:
        return False
    return value.is_integer() or violation.field in REGISTERS


def _to_integer(value: str | float) -> int:
    if isinstance(value, str):
        match = _WHOLE_NUMBER.fullmatch(value)
        assert match is not None  # noqa: S101 - `_is_loose_integer` has seen it
        return int(match[1])
    return math.floor(value)


def _is_null(violation: Violation) -> bool:
    """Null where the field may be missing: it means the same. It violates the other rules of the field too."""
    return violation.value is None and violation.is_optional and violation.keyword in {"type", "enum"}


def _is_long_text(violation: Violation) -> bool:
    # Nothing that is indexed is allowed more than 255 characters by the standard.
    return violation.keyword == "maxLength" and len(violation.value) <= max(MAX_WORD, 4 * violation.limit)


def _is_type(violation: Violation, *wanted: str) -> bool:
    return violation.keyword == "type" and violation.limit == list(wanted)


def _is_number_for_text(violation: Violation) -> bool:
    return _is_type(violation, "string") and violation.is_free_text and _is_number(violation.value)


def _is_text_for_number(violation: Violation) -> bool:
    if not _is_type(violation, "number") or not isinstance(violation.value, str):
        return False
    text = violation.value.strip()
    return len(text) <= MAX_WORD and is_number(text) and math.isfinite(float(text))


def _is_text_for_boolean(violation: Violation) -> bool:
    return _is_type(violation, "boolean") and str(violation.value).strip().lower() in _BOOLEANS


def _is_value_of_key(violation: Violation) -> bool:
    return violation.field in _KEY_VALUES and _is_type(violation, "string") and violation.value is not None


def _without_fields(found: Violation) -> Iterable[Change]:
    return [((*found.path, name), ABSENT) for name in found.limit]


# Numbers in comments are those of docs/QUIRKS.md. The first entry that tolerates a violation is counted.
QUIRKS = (
    Quirk(  # 11
        name="timestamp_form",
        forgives=lambda found: _is_odd_time(found) and parse_us(found.value) is not None,
    ),
    Quirk(  # 11: the message is accepted, its time counts as not given
        name="timestamp_unreadable",
        actions=PRECIOUS,
        forgives=lambda found: _is_odd_time(found) and parse_us(found.value) is None,
    ),
    Quirk(  # 14
        name="sampled_value_number",
        versions=_V16,
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and _is_number(found.value),
        mend=lambda found: [(found.path, found.written or decimal_text(found.value))],
    ),
    Quirk(  # 14, the reverse: 2.x requires numbers
        name="sampled_value_string",
        versions=_V2,
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and isinstance(found.value, str),
    ),
    Quirk(  # 14: translators skip blank values
        name="sampled_value_blank",
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and found.value is None,
        mend=_replace(lambda _value: ""),
    ),
    Quirk(  # 15
        name="sampled_values_empty",
        actions=METERED,
        forgives=lambda found: found.keyword == "minItems" and found.field == "sampledValue",
    ),
    Quirk(  # 16: most words can be kept without being understood; not those of an answer, which are its outcome
        name="unknown_word",
        in_answers=False,
        forgives=lambda found: _is_short_word(found) and found.field not in DECISIVE_WORDS,
    ),
    Quirk(  # 17
        name="id_tag_long",
        versions=_V16,
        actions=IDENTIFIED,
        forgives=lambda found: _is_long_id(found, "idTag"),
    ),
    Quirk(  # 17
        name="id_token_long",
        versions=_V2,
        actions=IDENTIFIED,
        forgives=lambda found: _is_long_id(found, "idToken"),
    ),
    Quirk(  # 26
        name="null_field",
        forgives=_is_null,
        mend=_leave_out,
    ),
    Quirk(  # 27
        name="unknown_field",
        forgives=lambda found: found.keyword == "additionalProperties",
        mend=_without_fields,
    ),
    Quirk(  # 28: more supported measurands than CiString500Type can hold
        name="configuration_value_long",
        versions=_V16,
        actions=frozenset({"GetConfigurationResponse"}),
        forgives=lambda found: found.keyword == "maxLength" and found.field == "value",
    ),
    Quirk(  # 28: kept whole
        name="text_long",
        forgives=lambda found: found.field not in {"idTag", "idToken"} and _is_long_text(found),
    ),
    Quirk(  # 29: connectorId as "1", meterStart as 1000.0 or 1000.7
        name="whole_number_form",
        forgives=_is_loose_integer,
        mend=_replace(_to_integer),
    ),
    Quirk(  # 29
        name="number_for_text",
        forgives=_is_number_for_text,
        mend=lambda found: [(found.path, found.written or decimal_text(found.value))],
    ),
    Quirk(  # 29
        name="text_for_number",
        forgives=_is_text_for_number,
        mend=_replace(lambda value: float(value.strip())),
    ),
    Quirk(  # 29
        name="text_for_boolean",
        forgives=_is_text_for_boolean,
        mend=_replace(lambda value: _BOOLEANS[str(value).strip().lower()]),
    ),
    Quirk(  # 30
        name="empty_list",
        forgives=lambda found: found.keyword == "minItems" and found.is_optional and found.value == [],
        mend=_leave_out,
    ),
    Quirk(  # PostgreSQL does not accept it either
        name="nul_character",
        forgives=lambda found: found.keyword == "pattern",
        mend=_replace(clean),
    ),
    Quirk(  # 1.6 requires text; many send an object
        name="data_transfer_json",
        versions=_V16,
        actions=frozenset({"DataTransfer", "DataTransferResponse"}),
        forgives=lambda found: found.keyword == "type" and found.path == ("data",),
        mend=_replace(lambda value: msgspec.json.encode(value).decode()),
    ),
    Quirk(  # 29: true, or a list
        name="configuration_value_json",
        actions=ANSWERS_OF_KEYS,
        forgives=_is_value_of_key,
        mend=_replace(lambda value: msgspec.json.encode(value).decode()),
    ),
    Quirk(  # 31: whether it may be set is not known
        name="readonly_missing",
        versions=_V16,
        actions=frozenset({"GetConfigurationResponse"}),
        forgives=lambda found: found.keyword == "required" and found.limit == "readonly",
    ),
    Quirk(  # 31: the others are accepted; this one is reported as not answered
        name="key_left_out",
        actions=ANSWERS_OF_KEYS,
        forgives=lambda found: len(found.path) > 1 and found.path[0] in _ENTRY_LISTS,
        mend=lambda found: [(found.path[:2], ABSENT)],
    ),
)


class Mended(msgspec.Struct, frozen=True):
    """A payload that translators can read, and the quirks that were met in it, by name, sorted."""

    payload: Payload
    quirks: tuple[str, ...]
