"""Checks that a request has the fields which the contract marks as REQUIRED (AIP-203)."""

from functools import cache

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from mesh.runtime.errors import invalid_field


def check_required(request: Message) -> None:
    """Raises MeshError INVALID_FIELD for the first required field that is missing or empty, at any depth."""
    _check(request, "")


def _check(message: Message, path: str) -> None:
    required, nested = _plan(message.DESCRIPTOR)
    for field in required:
        value = getattr(message, field.name)
        missing = not message.HasField(field.name) if field.has_presence else not value
        if missing:
            raise invalid_field(path + field.name, "is required")
    for field in nested:
        if field.is_repeated:
            for index, item in enumerate(getattr(message, field.name)):
                _check(item, f"{path}{field.name}[{index}].")
        elif message.HasField(field.name):
            _check(getattr(message, field.name), f"{path}{field.name}.")


@cache
def _plan(descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, ...], tuple[FieldDescriptor, ...]]:
    required = tuple(field for field in descriptor.fields if _is_required(field))
    nested = tuple(
        field
        for field in descriptor.fields
        if field.message_type is not None
        and field.message_type.file.package.startswith("csms.")
        and not field.message_type.GetOptions().map_entry
    )
    return required, nested


def _is_required(field: FieldDescriptor) -> bool:
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviours
