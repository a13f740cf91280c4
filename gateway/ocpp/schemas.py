"""The official JSON schemas of OCPP 1.6 (with its security extension), 2.0.1 and 2.1, compiled.

They come with the `ocpp` package and are used unchanged, with one rule added: no text may have U+0000, which
PostgreSQL cannot store. `format` is checked (RFC 3339 times), and `multipleOf: 0.1` exactly, in decimal.
"""

import importlib.resources
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import jsonschema_rs
import msgspec

from gateway.ocpp.anomalies import anomalies
from gateway.ocpp.lenient import WrittenNumbers
from gateway.ocpp.mending import MAX_FAULTS, Round, forgive, unforgiven
from gateway.ocpp.schema_places import detailed
from gateway.ocpp.tolerances import Mended
from gateway.ocpp.values import shorten
from gateway.ocpp.versions import OcppVersion
from gateway.ocpp.violations import Violation

PayloadKind = Literal["request", "response"]
KINDS: tuple[PayloadKind, ...] = ("request", "response")

_NO_NUL = "^[^\\x00]*$"
_MAX_VALUES = 10_000
# Mending one fault may show another in the same place: a number as text, then its length.
_MAX_ROUNDS = 4
# Of larger payloads: items of each list, and fields of each object, that are looked at for what is wrong.
_MAX_LOOKED_AT = 5
_MAX_FIELDS = 100
_MAX_DESCRIPTION = 255  # of a CALLERROR, in every version


@dataclass(frozen=True, kw_only=True)
class SchemaFault:
    """Why a payload is refused: an OCPP-J error code of the version in question, and a sentence for an engineer."""

    code: str
    message: str


# Keywords of JSON Schema. All others constrain the values that the field may have.
_OCCURRENCE = frozenset({"required", "additionalProperties", "minItems", "maxItems"})


class Schemas:
    """The schemas of one OCPP version, each compiled when it is first needed (about a millisecond)."""

    def __init__(self, version: OcppVersion) -> None:
        self._version = version
        self._folder = importlib.resources.files("ocpp") / version.schema_folder / "schemas"
        self._files = {file.name.removesuffix(".json") for file in self._folder.iterdir()}
        self._validators: dict[tuple[str, PayloadKind], jsonschema_rs.Validator] = {}
        self._schemas: dict[tuple[str, PayloadKind], dict[str, Any]] = {}
        self._tests: dict[tuple[str, PayloadKind], Callable[[Any], bool]] = {}
        self.actions = frozenset(name.removesuffix("Request") for name in self._files if not name.endswith("Response"))

    def warm(self, actions: Iterable[str], kind: PayloadKind = "request") -> None:
        """Compiles the schemas of these actions now, so that no station waits for it."""
        for action in actions:
            self._compile(action, kind)

    def check(self, action: str, kind: PayloadKind, payload: Any) -> SchemaFault | None:
        """Says what is wrong with a payload by the official schema, None where nothing is.

        Raises KeyError for what the version does not have: an action that is not in `actions`, or the response of one
        that is only sent (2.1's NotifyPeriodicEventStream).
        """
        if self._is_valid(action, kind, payload):
            return None
        return self._fault(min(islice(self.violations(action, kind, payload), MAX_FAULTS), key=_gravity))

    def fits(self, action: str, kind: PayloadKind, payload: Any) -> bool:
        """Whether a payload is valid. Raises KeyError as `check` does."""
        return self._is_valid(action, kind, payload)

    def accept(
        self, action: str, payload: Any, kind: PayloadKind = "request", *, source: bytes = b""
    ) -> Mended | SchemaFault:
        """Accepts a station's payload, with known faults corrected (gateway/ocpp/tolerances.py), or returns violations.

        `source` is the text of the frame or of the payload; without it a number that becomes text may lose zeros or
        digits. Raises KeyError as `check` does.
        """
        message = action if kind == "request" else f"{action}Response"
        test = self._tests.get((action, kind)) or self._compile(action, kind)
        if test(payload):
            return Mended(payload, anomalies(self._version, message, payload))
        numbers = WrittenNumbers(source)
        if is_large(payload):
            # The faults at its beginning are nearly always all of them, and finding them costs next to nothing.
            faults = unforgiven(self._version, message, self._errors(action, kind, _beginning(payload), numbers))
            if faults:
                return self._fault(min(faults, key=_gravity))
        if _count(payload) > _MAX_VALUES:
            return self._fault(min(islice(self.violations(action, kind, payload), MAX_FAULTS), key=_gravity))
        return self._mend(action, kind, payload, numbers)

    def _mend(self, action: str, kind: PayloadKind, payload: Any, numbers: WrittenNumbers) -> Mended | SchemaFault:
        message = action if kind == "request" else f"{action}Response"
        met: set[str] = set()
        for _ in range(_MAX_ROUNDS):
            mended = forgive(self._version, message, payload, self._errors(action, kind, payload, numbers))
            if not isinstance(mended, Round):
                return self._fault(min(mended, key=_gravity))
            payload = mended.payload
            met |= mended.quirks
            if not mended.changed or self._is_valid(action, kind, payload):
                met.update(anomalies(self._version, message, payload))
                return Mended(payload, tuple(sorted(met)))
        return self._fault(min(islice(self.violations(action, kind, payload), MAX_FAULTS), key=_gravity))

    def violations(self, action: str, kind: PayloadKind, payload: Any) -> Iterator[Violation]:
        """Violations of the official schema in a payload. Raises KeyError as `check` does.

        In a payload of more than 10,000 values only the beginnings of its lists are checked; faults after those are
        reported without details: finding a violation costs about 3 µs, and each holds a copy of the value.
        """
        if self._is_valid(action, kind, payload):
            return
        if _count(payload) > _MAX_VALUES:
            payload = _beginning(payload)
            if self._is_valid(action, kind, payload):
                yield Violation("size", (), None, None)
        yield from self._errors(action, kind, payload, WrittenNumbers(b""))

    def _errors(self, action: str, kind: PayloadKind, payload: Any, numbers: WrittenNumbers) -> Iterator[Violation]:
        validator = self._validators[action, kind]
        schema = self._schemas[action, kind]
        for error in validator.iter_errors(payload):
            path = tuple(error.instance_path)
            if error.kind.name == "falseSchema":  # a field in an object that may have none at all, not named
                owner = _at(payload, path)
                yield Violation("additionalProperties", path, owner, list(owner))
                return
            yield detailed(Violation(error.kind.name, path, error.instance, _limit(error)), schema, numbers)

    def schema(self, action: str, kind: PayloadKind) -> dict[str, Any]:
        """The official schema itself, as parsed JSON. Raises KeyError as `check` does."""
        name = action + ("Response" if kind == "response" else self._version.request_suffix)
        if name not in self._files and kind == "request":
            name = action  # 2.1's NotifyPeriodicEventStream has no answer, and a schema name of its own
        if action not in self.actions or name not in self._files:
            raise KeyError(f"OCPP {self._version.label} has no {kind} of {action}")
        text = (self._folder / f"{name}.json").read_bytes().removeprefix(b"\xef\xbb\xbf")
        return msgspec.json.decode(text, type=dict[str, Any])

    def _is_valid(self, action: str, kind: PayloadKind, payload: Any) -> bool:
        test = self._tests.get((action, kind))
        return (test or self._compile(action, kind))(payload)

    def _compile(self, action: str, kind: PayloadKind) -> Callable[[Any], bool]:
        schema = self.schema(action, kind)
        _forbid_nul(schema)
        validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        self._schemas[action, kind] = schema
        self._validators[action, kind] = validator
        self._tests[action, kind] = validator.is_valid
        return validator.is_valid

    def _fault(self, violation: Violation) -> SchemaFault:
        if not violation.path and violation.keyword == "type":
            return SchemaFault(code=self._version.no_object_code, message="The payload must be a JSON object.")
        message = f"{_path(violation)} {_complaint(violation)}."
        return SchemaFault(code=self._code(violation.keyword), message=shorten(message, _MAX_DESCRIPTION))

    def _code(self, keyword: str) -> str:
        if keyword == "type":
            return "TypeConstraintViolation"
        return self._version.occurrence_code if keyword in _OCCURRENCE else "PropertyConstraintViolation"


def is_large(payload: Any) -> bool:
    """Whether a payload has so many values that it is worked on in a thread (connection/large_frames.py)."""
    return _count(payload, 1_000) > 1_000


def _count(payload: Any, most: int = _MAX_VALUES) -> int:
    """Number of values in a payload, lists and objects counted too; stops counting soon after `most`."""
    waiting, count = [payload], 0
    while waiting and count <= most:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return count


def _at(payload: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        payload = payload[step]
    return payload


def _beginning(value: Any) -> Any:
    """A payload with its lists cut, and objects that have more fields than any schema has."""
    if isinstance(value, list):
        return [_beginning(item) for item in value[:_MAX_LOOKED_AT]]
    if isinstance(value, dict):
        return {key: _beginning(item) for key, item in islice(value.items(), _MAX_FIELDS)}
    return value


def _forbid_nul(schema: Any) -> None:
    """Adds the rule to every free text of a schema, in place. Enumerations and formats have stricter ones."""
    if isinstance(schema, list):
        for item in schema:
            _forbid_nul(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "string" and not schema.keys() & {"enum", "format"}:
            schema["pattern"] = _NO_NUL
        for item in schema.values():
            _forbid_nul(item)


def _gravity(violation: Violation) -> int:
    """Rank of a fault: a wrong type tells most, a missing field comes next. Among equals, the schema's order."""
    return 0 if violation.keyword == "type" else 1 if violation.keyword in _OCCURRENCE else 2


# The keyword's value in jsonschema-rs.
_LIMITS = {
    "type": "types",
    "required": "property",
    "additionalProperties": "unexpected",
    "enum": "options",
    "format": "format",
    "multipleOf": "multiple_of",
    "minLength": "limit",
    "maxLength": "limit",
    "minItems": "limit",
    "maxItems": "limit",
    "minimum": "limit",
    "maximum": "limit",
}


def _limit(error: jsonschema_rs.ValidationError) -> Any:
    name = _LIMITS.get(error.kind.name)
    return getattr(error.kind, name) if name else None


def _path(violation: Violation) -> str:
    steps = violation.path
    if violation.keyword == "required":
        steps = (*steps, violation.limit)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{shorten(step)}" for step in steps)
    return text.removeprefix(".") or "The payload"


_KINDS_OF_VALUE = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
_KINDS_OF_TYPE = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "a boolean",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}

_COMPLAINTS: Mapping[str, Callable[[Violation], str]] = {
    "type": lambda found: (
        f"must be {' or '.join(_KINDS_OF_TYPE[name] for name in found.limit)}, "
        f"not {_KINDS_OF_VALUE.get(type(found.value), 'a number')}"
    ),
    "required": lambda _found: "is missing",
    "additionalProperties": lambda found: (
        f"must not have the field{'s' * (len(found.limit) > 1)} {', '.join(shorten(name) for name in found.limit[:3])}"
    ),
    "enum": lambda found: f"is {_quote(found.value)}, which is none of the words it may be",
    "format": lambda found: f"is {_quote(found.value)}, which is no {found.limit}",
    "minLength": lambda found: f"has {len(found.value)} characters, and needs at least {found.limit}",
    "maxLength": lambda found: f"has {len(found.value)} characters, and may have at most {found.limit}",
    "minItems": lambda found: f"has {len(found.value)} items, and needs at least {found.limit}",
    "maxItems": lambda found: f"has {len(found.value)} items, and may have at most {found.limit}",
    "minimum": lambda found: f"must be at least {found.limit}",
    "maximum": lambda found: f"must be at most {found.limit}",
    "multipleOf": lambda found: f"must be a multiple of {found.limit}",
    "pattern": lambda _found: "holds the character U+0000",
    "size": lambda _found: f"breaks its schema; more is not told of one with more than {_MAX_VALUES} values",
}


def _complaint(violation: Violation) -> str:
    complaint = _COMPLAINTS.get(violation.keyword)
    return complaint(violation) if complaint else f"breaks the schema's rule {violation.keyword}"


def _quote(value: Any) -> str:
    return f'"{shorten(value)}"' if isinstance(value, str) else _KINDS_OF_VALUE.get(type(value), "a number")
