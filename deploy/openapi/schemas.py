"""JSON Schema of messages, as the front door's transcoder reads them in requests and writes them in answers.

A type that stands in both has two schemas, since an answer has all its fields and a request needs few of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from deploy.openapi.comments import description
from deploy.openapi.contract import Contract, Enumeration, Field, Message
from deploy.openapi.limits import limits

Schema = dict[str, Any]

_TYPE = FieldDescriptorProto
INTEGER_64: Schema = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_SCALARS: Mapping[int, Schema] = {
    _TYPE.TYPE_STRING: {"type": "string"},
    _TYPE.TYPE_BYTES: {"type": "string", "format": "byte", "contentEncoding": "base64"},
    _TYPE.TYPE_BOOL: {"type": "boolean"},
    _TYPE.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _TYPE.TYPE_FLOAT: {"type": "number", "format": "float"},
    _TYPE.TYPE_INT32: {"type": "integer", "format": "int32"},
    _TYPE.TYPE_SINT32: {"type": "integer", "format": "int32"},
    _TYPE.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    _TYPE.TYPE_INT64: INTEGER_64,
    _TYPE.TYPE_SINT64: INTEGER_64,
    _TYPE.TYPE_UINT64: {"type": "string", "format": "int64", "pattern": "^[0-9]+$"},
}
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    },
}
REFERENCE = "#/components/schemas/"


def reference(name: str) -> Schema:
    """A reference to a schema of the components."""
    return {"$ref": REFERENCE + name}


class Schemas:
    """The schemas of the document's components, made as they are referred to."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self.components: dict[str, Schema] = {}

    def of_answer(self, name: str) -> Schema:
        """The schema of a message in an answer."""
        return self._of_message(name, "", self._answer)

    def of_request(self, name: str) -> Schema:
        """The schema of a message in a request's body."""
        return self._of_message(name, "Input", self._request)

    def body(self, message: Message, without: frozenset[str]) -> Schema:
        """The schema of a body that is a whole request, but for the fields that stand in the path."""
        return self._request(message, without)

    def resource(self, message: Message, in_path: frozenset[str]) -> Schema:
        """The schema of a body that is a resource. Its name stands in the path, and may be in the body too."""
        if any(field.is_required and field.name in in_path for field in message.fields):
            schema = self._request(message)
            required = [field.json_name for field in message.fields if field.is_required and field.name not in in_path]
            return {**schema, "required": required} if required else _without(schema, "required")
        return self.of_request(message.name)

    def of_parameter(self, field: Field) -> Schema:
        """The schema of a field in the path or the query."""
        schema = self._value(field, self.of_request)
        if field.proto.type in (_TYPE.TYPE_INT64, _TYPE.TYPE_UINT64):
            schema = {"type": "integer", "format": "int64"}
        schema = {"type": "array", "items": schema} if field.is_repeated else dict(schema)
        return schema | limits(field)

    def _of_message(self, name: str, suffix: str, make: Callable[[Message], Schema]) -> Schema:
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        component = component_name(name) + suffix
        if component not in self.components:
            self.components[component] = {}  # for a message that has itself
            self.components[component] = make(self._contract.messages[name])
        return reference(component)

    def _answer(self, message: Message) -> Schema:
        properties = {field.json_name: self._property(field, self.of_answer) for field in message.fields}
        required = [field.json_name for field in message.fields if not field.has_presence]
        return _object(message, properties, required)

    def _request(self, message: Message, without: frozenset[str] = frozenset()) -> Schema:
        # A field that is for answers alone is allowed, so that a resource that was read can be sent again.
        fields = [field for field in message.fields if field.name not in without]
        properties = {field.json_name: self._property(field, self.of_request, bounds=limits(field)) for field in fields}
        required = [field.json_name for field in fields if field.is_required]
        return _object(message, properties, required) | {"additionalProperties": False}

    def _property(self, field: Field, nested: Callable[[str], Schema], bounds: Schema | None = None) -> Schema:
        schema = self._value(field, nested)
        entry = self._contract.messages.get(field.type_name) if field.is_message else None
        if entry is not None and entry.is_map_entry:
            [value] = (each for each in entry.fields if each.name == "value")
            schema = {"type": "object", "additionalProperties": self._value(value, nested)}
        elif field.is_repeated:
            schema = {"type": "array", "items": schema}
        schema = {**schema, **(bounds or {})}
        if text := _field_description(field):
            schema["description"] = text
        if field.proto.options.deprecated:
            schema["deprecated"] = True
        if field.behaves(field_behavior_pb2.OUTPUT_ONLY):
            schema["readOnly"] = True
        return schema

    def _value(self, field: Field, nested: Callable[[str], Schema]) -> Schema:
        if field.is_message:
            entry = self._contract.messages.get(field.type_name)
            return {} if entry is not None and entry.is_map_entry else nested(field.type_name)
        if field.proto.type == _TYPE.TYPE_ENUM:
            return self._of_enumeration(self._contract.enumerations[field.type_name])
        return dict(_SCALARS[field.proto.type])

    def _of_enumeration(self, enumeration: Enumeration) -> Schema:
        component = component_name(enumeration.name)
        if component not in self.components:
            if enumeration.name == "google.protobuf.NullValue":
                return {"type": "null"}
            texts = {name: description(comment) for name, comment in enumeration.values.items()}
            self.components[component] = {
                "type": "string",
                "description": description(enumeration.comment),
                "enum": list(texts),
                "x-enumDescriptions": texts,
            }
        return reference(component)


def component_name(full_name: str) -> str:
    """The name of a type's schema: the full name, without the product's own package at its front."""
    return full_name.removeprefix("csms.")


def _without(schema: Schema, keyword: str) -> Schema:
    return {key: value for key, value in schema.items() if key != keyword}


def _object(message: Message, properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if text := description(message.comment):
        schema["description"] = text
    if required:
        schema["required"] = required
    return schema


def _field_description(field: Field) -> str:
    text = description(field.comment)
    return f"{text}\nOne of the `{field.oneof}` fields." if field.oneof else text
