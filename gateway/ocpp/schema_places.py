"""The part of a JSON schema that rules a place in a payload, as far as OCPP's schemas go. Off the hot path."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.ocpp.lenient import WrittenNumbers
from gateway.ocpp.violations import Violation

Schema = Mapping[str, Any]

# Violations for which the validator does not give all details.
_DETAILED = frozenset({"type", "enum", "minItems"})


def detailed(violation: Violation, schema: Schema, numbers: WrittenNumbers) -> Violation:
    """The violation with the details from its place in the schema and from the message's own text."""
    if violation.keyword not in _DETAILED:
        return violation
    rule, is_optional = _place(schema, violation.path)
    is_free_text = rule.get("type") == "string" and not rule.keys() & {"enum", "format"}
    is_number = isinstance(violation.value, int | float) and not isinstance(violation.value, bool)
    written = ""
    if is_free_text and is_number:
        # Whole numbers are read with all their digits; but for -0, which is 0.
        is_whole = isinstance(violation.value, int) and violation.value != 0
        written = str(violation.value) if is_whole else numbers.text(violation.path)
    return violation._replace(is_optional=is_optional, is_free_text=is_free_text, written=written)


def _place(root: Schema, path: Sequence[str | int]) -> tuple[Schema, bool]:
    """The schema at a path, and whether the path is a field that may be missing."""
    schema, is_optional = root, False
    for step in path:
        if isinstance(step, int):
            is_optional = False
            schema = _resolved(root, schema.get("items", {}))
        else:
            is_optional = step not in schema.get("required", ())
            schema = _resolved(root, schema.get("properties", {}).get(step, {}))
    return schema, is_optional


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return schema
