"""Known faults of chargers, mended before a message is refused for them.

The rule: a message that its official schema refuses is taken all the same when **every** violation in it is one that
an entry of `QUIRKS` forgives. There is no second, weaker schema: the validator lists the violations, each is put to the
table, and the first that no entry forgives is what the station is told. What a forgiven violation touches is always
a leaf (a scalar or an empty list), so nothing can hide behind it.

The one exception is an unknown field in a message of money, whatever it holds: no translator reads it.

The translators get the station's own words: an unknown enum word, a long id tag or an odd timestamp stays as it is.
Only what could not be handled otherwise is rewritten (a number as a sampled value becomes its decimal text).

Some oddities no schema can see (a sampled value of "12 kWh"); `oddities` finds those in messages that are valid.
Names of quirks are what operators see per station, and in the metrics: they never change.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from gateway.translation import Payload
from gateway.values import clean, decimal_text, is_number, parse_us


class Violation(NamedTuple):
    """One way in which a payload breaks its schema."""

    keyword: str  # of JSON Schema: "type", "enum", "maxLength", …
    path: tuple[str | int, ...]  # to the value; () is the payload itself
    value: Any  # what stands there
    limit: Any  # what the keyword asks for: the allowed types, the words, the length, the missing or unknown field, …

    @property
    def field(self) -> str:
        """The innermost field's name; empty for the payload itself."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


def _keep(value: Any) -> Any:
    return value


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """One known fault: where it is met, which violation it makes, and how it is mended.

    No `versions` means all of them, no `actions` means all messages. The answer to a CALL of ours is named as in the
    schemas: GetConfigurationResponse.
    """

    name: str
    forgives: Callable[[Violation], bool]
    mend: Callable[[Any], Any] = _keep
    versions: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()

    def covers(self, label: str, action: str) -> bool:
        """Whether the fault is known of this action of this OCPP version."""
        return (not self.versions or label in self.versions) and (not self.actions or action in self.actions)


V16 = frozenset({"1.6"})
V2 = frozenset({"2.0.1", "2.1"})
# Messages with meter values in them.
METERED = frozenset({"MeterValues", "StopTransaction", "TransactionEvent"})
# Messages of money.
MONEY = METERED | {"StartTransaction"}
# Messages worth more than the time and the words in them.
PRECIOUS = MONEY | {"StatusNotification"}
IDENTIFIED = frozenset({"Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"})

# Words that say how the rest of the message is to be read.
DECISIVE_WORDS = frozenset({"eventType", "hashAlgorithm"})

# Registers in watt-hours: what is below one cannot be said in 1.6, and is cut.
REGISTERS = frozenset({"meterStart", "meterStop"})
_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0*)?\s*")

MAX_ID_TAG = 255
MAX_WORD = 255


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


# Numbers in comments are those that this project has given the faults it knows of.
QUIRKS = (
    Quirk(  # 11
        name="timestamp_form",
        forgives=lambda found: _is_odd_time(found) and parse_us(found.value) is not None,
    ),
    Quirk(  # 11: the message counts, its time is taken as not given
        name="timestamp_unreadable",
        actions=PRECIOUS,
        forgives=lambda found: _is_odd_time(found) and parse_us(found.value) is None,
    ),
    Quirk(  # 14
        name="sampled_value_number",
        versions=V16,
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and _is_number(found.value),
        mend=decimal_text,
    ),
    Quirk(  # 14, the other way round: 2.x wants numbers
        name="sampled_value_string",
        versions=V2,
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and isinstance(found.value, str),
    ),
    Quirk(  # 14: translators skip blank values
        name="sampled_value_blank",
        actions=METERED,
        forgives=lambda found: _is_sampled_value(found) and found.value is None,
        mend=lambda _value: "",
    ),
    Quirk(  # 15
        name="sampled_values_empty",
        actions=METERED,
        forgives=lambda found: found.keyword == "minItems" and found.field == "sampledValue",
    ),
    Quirk(  # 16: most words can be kept without being understood
        name="unknown_word",
        actions=PRECIOUS | IDENTIFIED | {"BootNotification"},
        forgives=lambda found: _is_short_word(found) and found.field not in DECISIVE_WORDS,
    ),
    Quirk(  # 17
        name="id_tag_long",
        versions=V16,
        actions=IDENTIFIED,
        forgives=lambda found: _is_long_id(found, "idTag"),
    ),
    Quirk(  # 17
        name="id_token_long",
        versions=V2,
        actions=IDENTIFIED,
        forgives=lambda found: _is_long_id(found, "idToken"),
    ),
    Quirk(  # meterStart as "1000", 1000.0 or 1000.7
        name="whole_number_form",
        actions=MONEY,
        forgives=_is_loose_integer,
        mend=_to_integer,
    ),
    Quirk(  # a vendor's own field beside the standard's
        name="unknown_field",
        actions=MONEY,
        forgives=lambda found: found.keyword == "additionalProperties",
    ),
    Quirk(  # more supported measurands than CiString500Type can hold
        name="configuration_value_long",
        versions=V16,
        actions=frozenset({"GetConfigurationResponse"}),
        forgives=lambda found: found.keyword == "maxLength" and found.field == "value",
    ),
    Quirk(  # not even PostgreSQL takes it
        name="nul_character",
        forgives=lambda found: found.keyword == "pattern",
        mend=clean,
    ),
    Quirk(  # 1.6 wants text; many send an object
        name="data_transfer_json",
        versions=V16,
        actions=frozenset({"DataTransfer"}),
        forgives=lambda found: found.keyword == "type" and found.path == ("data",),
        mend=lambda value: msgspec.json.encode(value).decode(),
    ),
)


class Mended(NamedTuple):
    """A payload that translators can read, and the quirks that were met in it, by name, sorted."""

    payload: Payload
    quirks: tuple[str, ...]


# Of what nothing forgives so many violations are looked at.
MAX_FAULTS = 20


def mend(label: str, action: str, payload: Any, violations: Iterable[Violation]) -> Mended | Sequence[Violation]:
    """Mends a message whose violations these are, in a copy; or returns those that nothing forgives, twenty at most."""
    known = [quirk for quirk in QUIRKS if quirk.covers(label, action)]
    met: set[str] = set()
    changes: list[tuple[tuple[str | int, ...], Any]] = []
    faults: list[Violation] = []
    for violation in violations:
        quirk = next((quirk for quirk in known if quirk.forgives(violation)), None)
        if quirk is None:
            faults.append(violation)
            if len(faults) == MAX_FAULTS:
                break
        elif not faults:
            met.add(quirk.name)
            if quirk.mend is not _keep:
                changes.append((violation.path, quirk.mend(violation.value)))
    if faults:
        return faults
    mended = _with(payload, changes)
    met.update(oddities(label, action, mended))
    return Mended(mended, tuple(sorted(met)))


def unforgiven(label: str, action: str, violations: Iterable[Violation]) -> Sequence[Violation]:
    """Those of the violations of a message that nothing forgives, twenty at most."""
    known = [quirk for quirk in QUIRKS if quirk.covers(label, action)]
    faults = (violation for violation in violations if not any(quirk.forgives(violation) for quirk in known))
    return list(islice(faults, MAX_FAULTS))


def _with(payload: Payload, changes: Sequence[tuple[tuple[str | int, ...], Any]]) -> Payload:
    if not changes:
        return payload
    mended: Payload = _copy(payload)
    for path, value in changes:
        place: Any = mended
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    return mended


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


# Where 1.6 has its meter values; 2.x has numbers there, which its schemas check.
_METER_VALUES_OF: Mapping[str, str] = {"MeterValues": "meterValue", "StopTransaction": "transactionData"}


def oddities(label: str, action: str, payload: Payload) -> tuple[str, ...]:
    """Quirks in a message that no schema can see, sorted: sampled values that are blank, padded or no numbers (14)."""
    if label != "1.6" or action not in _METER_VALUES_OF:
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
