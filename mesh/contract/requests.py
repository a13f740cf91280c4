"""Checks of operators' requests: fields that the contract marks as REQUIRED (AIP-203), request_id, texts."""

from functools import cache

from csms.options.v1 import options_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from mesh.contract.texts import MAX_REQUEST_ID, is_storable
from mesh.runtime.errors import invalid_field


def check_request(request: Message) -> None:
    """Raises MeshError INVALID_FIELD for the first required field that is missing or empty, at any depth.

    Also for a request_id that is too long, or that no database takes; and for a station in a message that is for many
    (`for_many_stations` of csms/options/v1/options.proto).
    """
    _check_required(request, "")
    if _has_request_id(request.DESCRIPTOR):
        check_text("request_id", request.request_id, most=MAX_REQUEST_ID)  # type: ignore[attr-defined]


def check_text(field: str, text: str, *, most: int, least: int = 0) -> None:
    """Raises MeshError INVALID_FIELD unless the text has `least` to `most` characters, and no NUL."""
    if not least <= len(text) <= most or not is_storable(text):
        length = f"{least} to {most} characters are needed" if least else f"at most {most} characters are taken"
        raise invalid_field(field, f"{length}, and none of them U+0000")


def _check_required(message: Message, path: str, *, for_many: bool = False) -> None:
    required, nested = _plan(message.DESCRIPTOR)
    if for_many:
        required = tuple(field for field in required if field.name not in _OF_ONE_STATION)
        _check_for_many(message, path)
    for field in required:
        value = getattr(message, field.name)
        missing = not message.HasField(field.name) if field.has_presence else not value
        if missing:
            raise invalid_field(path + field.name, "is required")
    for field in nested:
        if field.is_repeated:
            for index, item in enumerate(getattr(message, field.name)):
                _check_required(item, f"{path}{field.name}[{index}].")
        elif message.HasField(field.name):
            nested_path = f"{path}{field.name}."
            _check_required(getattr(message, field.name), nested_path, for_many=_is_for_many(field))


# Fields of a request about one station that are each station's own where it is for many.
_OF_ONE_STATION = ("station_id", "request_id")


def _check_for_many(message: Message, path: str) -> None:
    for name in _OF_ONE_STATION:
        if name in message.DESCRIPTOR.fields_by_name and getattr(message, name):
            raise invalid_field(path + name, "must be empty: each station has its own")


@cache
def _has_request_id(descriptor: Descriptor) -> bool:
    return "request_id" in descriptor.fields_by_name


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


def _is_for_many(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.for_many_stations])
