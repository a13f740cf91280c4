"""The fields that the contract allows in a REST body, as tables for envoy/body-fields.lua.

Envoy's transcoder drops unknown fields, so that a call with a misspelt field would do something else than its caller
intends: ADR 19.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pb2

# Messages that JSON writes as a value of its own (a time, a text), and those that accept any value.
_VALUES = frozenset(
    f"google.protobuf.{name}"
    for name in (
        "Timestamp",
        "Duration",
        "FieldMask",
        *("BoolValue", "StringValue", "BytesValue", "FloatValue", "DoubleValue"),
        *("Int32Value", "Int64Value", "UInt32Value", "UInt64Value"),
    )
)
_ANYTHING = frozenset(
    {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Any"}
)
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_SPECIAL = re.compile(r"([^\w/])", re.ASCII)
_PARAMETER = re.compile(r"\{[^}]*\}")

Fields = Mapping[str, str]
"""Field by both of its names, to its kind: see envoy/body-fields.lua."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A REST call that writes: a Lua pattern for its path, and the message of its body ("": it has none)."""

    method: str
    pattern: str
    message: str


def script(template: str, files: descriptor_pb2.FileDescriptorSet, services: Sequence[str]) -> str:
    """The Lua script for the REST calls of these services."""
    messages = all_messages(files)
    calls = read_calls(files, services, messages)
    wanted = reachable({call.message for call in calls if call.message}, messages)
    fields = {name: _table(_quoted(wanted[name])) for name in sorted(wanted)}
    return template.replace("${calls}", _calls_table(calls)).replace("${messages}", _table(fields))


def read_calls(
    files: descriptor_pb2.FileDescriptorSet,
    services: Sequence[str],
    messages: Mapping[str, descriptor_pb2.DescriptorProto],
) -> list[Call]:
    """The REST calls that write. One with a verb comes before one without, whose pattern would match its path too."""
    calls: list[Call] = []
    for file in files.file:
        for service in file.service:
            if f"{file.package}.{service.name}" in services:
                for method in service.method:
                    rule = method.options.Extensions[annotations_pb2.http]
                    for one in (rule, *rule.additional_bindings):
                        calls.extend(_call(one, method.input_type.lstrip("."), messages))
    return sorted(calls, key=lambda call: (":" not in call.pattern, call.pattern, call.method))


def _call(rule: HttpRule, request: str, messages: Mapping[str, descriptor_pb2.DescriptorProto]) -> Iterator[Call]:
    verb = (rule.WhichOneof("pattern") or "").upper()
    if verb not in _WRITES:
        return
    message = request if rule.body == "*" else ""
    if rule.body not in ("", "*"):
        [field] = (field for field in messages[request].field if field.name == rule.body)
        message = field.type_name.lstrip(".")
    yield Call(method=verb, pattern=_pattern(getattr(rule, verb.lower())), message=message)


def _pattern(path: str) -> str:
    """A Lua pattern for a path of google.api.http, each of whose parameters is one segment."""
    parts = _PARAMETER.split(path)
    return "^" + "[^/]+".join(_SPECIAL.sub(r"%\1", part) for part in parts) + "$"


def all_messages(files: descriptor_pb2.FileDescriptorSet) -> dict[str, descriptor_pb2.DescriptorProto]:
    """Every message by its full name."""
    return {name: message for file in files.file for name, message in _messages(file)}


def _messages(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, descriptor_pb2.DescriptorProto]]:
    waiting = [(f"{file.package}.{message.name}", message) for message in file.message_type]
    while waiting:
        name, message = waiting.pop()
        yield name, message
        waiting += [(f"{name}.{nested.name}", nested) for nested in message.nested_type]


def reachable(names: set[str], messages: Mapping[str, descriptor_pb2.DescriptorProto]) -> dict[str, Fields]:
    """These messages and those in them, with their fields."""
    found: dict[str, Fields] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = _fields(messages[name], messages)
        kinds = set(found[name].values())
        waiting += sorted(kind.lstrip("{}>") for kind in kinds if ">" in kind)
    return found


def _fields(message: descriptor_pb2.DescriptorProto, messages: Mapping[str, descriptor_pb2.DescriptorProto]) -> Fields:
    fields = {}
    for field in message.field:
        fields[field.name] = fields[field.json_name] = _kind(field, messages)
    return fields


def _kind(field: descriptor_pb2.FieldDescriptorProto, messages: Mapping[str, descriptor_pb2.DescriptorProto]) -> str:
    name = field.type_name.lstrip(".")
    if field.type != descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE or name in _VALUES:
        return ""
    if name in _ANYTHING:
        return "*"
    if messages[name].options.map_entry:
        [value] = (entry for entry in messages[name].field if entry.name == "value")
        return "{}" + _kind(value, messages)
    return f">{name}"


def _calls_table(calls: Sequence[Call]) -> str:
    rows = {
        method: _list(
            _list((json.dumps(call.pattern), json.dumps(call.message))) for call in calls if call.method == method
        )
        for method in _WRITES
    }
    return _table(rows)


def _quoted(fields: Fields) -> dict[str, str]:
    return {name: json.dumps(kind) for name, kind in sorted(fields.items())}


def _table(entries: Mapping[str, str]) -> str:
    return "{" + ",".join(f"[{json.dumps(name)}]={value}" for name, value in entries.items()) + "}"


def _list(values: Iterator[str] | Sequence[str]) -> str:
    return "{" + ",".join(values) + "}"
