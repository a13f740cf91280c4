"""Payloads made from the official schemas themselves: minimal, maximal, and one for every word of every enumeration."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
Path = tuple[str | int, ...]

TIME = "2025-01-01T12:00:00.000Z"
_MOST_ITEMS = 2  # of a list without a maximum
_MOST_CHARACTERS = 3000  # of a text without one


def minimal(schema: Schema) -> Any:
    """The least that the schema takes: required fields only, shortest lists and texts."""
    return _Maker(schema, full=False).make(schema)


def maximal(schema: Schema) -> Any:
    """Every field that the schema knows, texts at their full length, in characters that take several bytes."""
    return _Maker(schema, full=True).make(schema)


def every_word(schema: Schema) -> Iterator[tuple[Path, Any]]:
    """The maximal payload once for each word of each enumeration in it, with the path to that word."""
    whole = maximal(schema)
    for path, words in enumerations(schema):
        for word in words:
            payload = copy.deepcopy(whole)
            put(payload, path, word)
            yield path, payload


def enumerations(schema: Schema) -> Iterator[tuple[Path, list[str]]]:
    """Where the maximal payload holds words of enumerations, and which are allowed there."""
    return _Maker(schema, full=True).enumerations(schema, ())


def put(payload: Any, path: Path, value: Any) -> None:
    """Puts a value into a payload, in place."""
    for step in path[:-1]:
        payload = payload[step]
    payload[path[-1]] = value


class _Maker:
    def __init__(self, root: Schema, *, full: bool) -> None:
        self._root = root
        self._full = full

    def make(self, schema: Schema) -> Any:
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][-1 if self._full else 0]
        kind = schema.get("type", "string")
        makers: dict[str, Callable[[Schema], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _schema: self._full,
        }
        return makers[kind](schema)

    def enumerations(self, schema: Schema, path: Path) -> Iterator[tuple[Path, list[str]]]:
        schema = self._resolved(schema)
        if "enum" in schema:
            yield path, schema["enum"]
        for name, field in schema.get("properties", {}).items():
            yield from self.enumerations(field, (*path, name))
        if schema.get("type") == "array" and self._array(schema):
            yield from self.enumerations(schema["items"], (*path, 0))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            schema = self._root["definitions"][name]
        return schema

    def _object(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        return {name: self.make(field) for name, field in fields.items() if self._full or name in required}

    def _array(self, schema: Schema) -> list[Any]:
        count = schema.get("minItems", 0)
        if self._full:
            count = max(count, min(schema.get("maxItems", _MOST_ITEMS), _MOST_ITEMS))
        return [self.make(schema["items"]) for _ in range(count)]

    def _string(self, schema: Schema) -> str:
        if schema.get("format") == "date-time":
            return TIME
        if schema.get("format") == "uri":
            return "https://example.org/file"
        length: int = schema.get("maxLength", _MOST_CHARACTERS) if self._full else max(schema.get("minLength", 0), 1)
        return "é" * length if self._full else "x" * length

    def _integer(self, schema: Schema) -> int:
        least, most = schema.get("minimum"), schema.get("maximum")
        if self._full:
            return int(most if most is not None else max(least or 0, 2**31 - 1))
        return int(least if least is not None else 0)

    def _number(self, schema: Schema) -> float:
        value = float(schema.get("minimum", 0)) if not self._full else 21.4
        return min(value, float(schema.get("maximum", value)))
