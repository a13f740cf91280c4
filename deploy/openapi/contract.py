"""The contract with its comments: messages, enumerations and operator methods of a descriptor set with source info."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from csms.options.v1 import options_pb2
from google.api import annotations_pb2, field_behavior_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES

# Numbers of fields in descriptor.proto: the steps of a path in source info.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM, _VALUE, _METHOD = 2, 3, 4, 2, 2

Path = tuple[int, ...]

_SERVICES = [name for names in (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values() for name in names]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a message. `type_name` is the full name of its message or enumeration."""

    proto: FieldDescriptorProto
    comment: str
    oneof: str  # the oneof that it belongs to; empty where it belongs to none that was written as one

    @property
    def name(self) -> str:
        """Its name in the contract."""
        return self.proto.name

    @property
    def json_name(self) -> str:
        """Its name in JSON."""
        return self.proto.json_name

    @property
    def type_name(self) -> str:
        """The full name of its type; empty for a scalar."""
        return self.proto.type_name.lstrip(".")

    @property
    def is_repeated(self) -> bool:
        """Whether it is a list, or a map."""
        return self.proto.label == FieldDescriptorProto.LABEL_REPEATED

    @property
    def is_message(self) -> bool:
        """Whether its value is a message."""
        return self.proto.type == FieldDescriptorProto.TYPE_MESSAGE

    @property
    def has_presence(self) -> bool:
        """Whether it may be absent from an answer: the transcoder prints all other fields, whatever their value."""
        return not self.is_repeated and (self.is_message or self.proto.HasField("oneof_index"))

    def behaves(self, behaviour: int) -> bool:
        """Whether google.api.field_behavior states this of the field."""
        return behaviour in self.proto.options.Extensions[field_behavior_pb2.field_behavior]

    @property
    def is_required(self) -> bool:
        """Whether a request is refused without it."""
        return self.behaves(field_behavior_pb2.REQUIRED)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message type."""

    name: str
    comment: str
    fields: Sequence[Field]
    is_map_entry: bool


@dataclass(frozen=True, kw_only=True)
class Enumeration:
    """An enumeration, with the comment of each value."""

    name: str
    comment: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method of a service for operators."""

    name: str
    service: "Service"
    comment: str
    proto: MethodDescriptorProto

    @property
    def full_name(self) -> str:
        """As in a gRPC path, without the slash before it."""
        return f"{self.service.name}/{self.name}"

    @property
    def request(self) -> str:
        """The full name of its request."""
        return self.proto.input_type.lstrip(".")

    @property
    def response(self) -> str:
        """The full name of its response, or of the messages that it streams."""
        return self.proto.output_type.lstrip(".")

    @property
    def access(self) -> options_pb2.Access:
        """The callers that may call it."""
        return self.proto.options.Extensions[options_pb2.access]

    @property
    def audit(self) -> options_pb2.Audit.ValueType:
        """The trace that a call leaves in the audit."""
        return self.proto.options.Extensions[options_pb2.audit]

    @property
    def bindings(self) -> list[HttpRule]:
        """Its REST bindings; none where it is for gRPC alone."""
        rule = self.proto.options.Extensions[annotations_pb2.http]
        return [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service for operators."""

    name: str
    comment: str

    @property
    def short_name(self) -> str:
        """Its name without the package; with a word of the package where several have a service of this name."""
        _, area, _, name = self.name.split(".")
        is_shared = sum(each.endswith(f".{name}") for each in _SERVICES) > 1
        return f"{area.capitalize()}{name}" if is_shared else name

    @property
    def is_optional(self) -> bool:
        """Whether there are meshes without it."""
        return any(self.name in names for names in OPTIONAL_OPERATOR_SERVICES.values())


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The contract as far as REST callers see it. Types are known by their full names."""

    messages: Mapping[str, Message]
    enumerations: Mapping[str, Enumeration]
    methods: Sequence[Method]  # sorted by process and service as in mesh/contract/services.py

    @property
    def rest_methods(self) -> list[Method]:
        """The methods with a REST binding."""
        return [method for method in self.methods if method.bindings]


def read_contract(serialized: bytes) -> Contract:
    """Reads a descriptor set that protoc made with --include_source_info."""
    files = FileDescriptorSet.FromString(serialized).file
    methods = [method for file in files for method in _methods(file)]
    methods.sort(key=lambda method: _SERVICES.index(method.service.name))
    return Contract(
        messages={message.name: message for file in files for message in _messages(file)},
        enumerations={each.name: each for file in files for each in _enumerations(file)},
        methods=methods,
    )


def _comments(file: FileDescriptorProto) -> dict[Path, str]:
    return {tuple(location.path): location.leading_comments for location in file.source_code_info.location}


def _nests(file: FileDescriptorProto) -> Iterator[tuple[str, Path, DescriptorProto]]:
    """All messages of a file with their full names and paths."""
    waiting: list[tuple[str, Path, DescriptorProto]] = [
        (f"{file.package}.{message.name}", (_MESSAGE, index), message)
        for index, message in enumerate(file.message_type)
    ]
    while waiting:
        name, path, message = waiting.pop()
        yield name, path, message
        waiting += [
            (f"{name}.{nested.name}", (*path, _NESTED, index), nested)
            for index, nested in enumerate(message.nested_type)
        ]


def _messages(file: FileDescriptorProto) -> Iterator[Message]:
    comments = _comments(file)
    for name, path, message in _nests(file):
        fields = [
            Field(proto=field, comment=comments.get((*path, _FIELD, index), ""), oneof=_oneof(message, field))
            for index, field in enumerate(message.field)
        ]
        yield Message(name=name, comment=comments.get(path, ""), fields=fields, is_map_entry=message.options.map_entry)


def _oneof(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    if not field.HasField("oneof_index") or field.proto3_optional:
        return ""
    return message.oneof_decl[field.oneof_index].name


def _enumerations(file: FileDescriptorProto) -> Iterator[Enumeration]:
    comments = _comments(file)
    found: list[tuple[str, Path, EnumDescriptorProto]] = [
        (f"{file.package}.{each.name}", (_ENUM, index), each) for index, each in enumerate(file.enum_type)
    ]
    for name, path, message in _nests(file):
        found += [
            (f"{name}.{each.name}", (*path, _NESTED_ENUM, index), each) for index, each in enumerate(message.enum_type)
        ]
    for name, path, each in found:
        values = {value.name: comments.get((*path, _VALUE, index), "") for index, value in enumerate(each.value)}
        yield Enumeration(name=name, comment=comments.get(path, ""), values=values)


def _methods(file: FileDescriptorProto) -> Iterator[Method]:
    comments = _comments(file)
    for index, proto in enumerate(file.service):
        name = f"{file.package}.{proto.name}"
        if name in _SERVICES:
            yield from _methods_of(name, proto, comments, (_SERVICE, index))


def _methods_of(name: str, proto: ServiceDescriptorProto, comments: Mapping[Path, str], path: Path) -> Iterator[Method]:
    service = Service(name=name, comment=comments.get(path, ""))
    for index, method in enumerate(proto.method):
        comment = comments.get((*path, _METHOD, index), "")
        yield Method(name=method.name, service=service, comment=comment, proto=method)
