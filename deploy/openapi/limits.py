"""Limits of a field that its comment states: lengths, numbers of items, ranges. They are those of requests."""

import re
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from deploy.openapi.contract import Field
from mesh.contract.texts import MAX_REQUEST_ID

_LENGTH = re.compile(r"\b(?:(\d+) to|up to|at most) (\d+) characters", re.IGNORECASE)
_ITEMS = re.compile(r"\b(?:at most|up to|(\d+) to) (\d+)(?: items)?\s*[.;]", re.IGNORECASE)
_RANGE = re.compile(r", (?:from )?(-?\d+) to (-?\d+)\b(?! characters)")
_DEFAULT = re.compile(r"\b0 means (\d+)(?:, more than (\d+) means \2)?")
_NUMBERS = frozenset(
    {FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FLOAT}
)


def limits(field: Field) -> dict[str, Any]:
    """Keywords of JSON Schema for the limits of a field in a request."""
    comment = " ".join(field.comment.split())
    if field.is_repeated:
        return _of_items(comment)
    if field.name == "request_id":
        return {"maxLength": MAX_REQUEST_ID}
    if field.proto.type == FieldDescriptorProto.TYPE_STRING:
        return _of_length(comment, required=field.is_required)
    if field.proto.type in _NUMBERS:
        return _of_number(comment, has_presence=field.has_presence)
    return {}


def _of_items(comment: str) -> dict[str, Any]:
    found = _ITEMS.search(comment)
    return {"maxItems": int(found[2])} if found else {}


def _of_length(comment: str, *, required: bool) -> dict[str, Any]:
    found = _LENGTH.search(comment)
    keywords = {"maxLength": int(found[2])} if found else {}
    if required:  # one that is empty counts as missing
        keywords["minLength"] = int(found[1]) if found and found[1] else 1
    return keywords


def _of_number(comment: str, *, has_presence: bool) -> dict[str, Any]:
    if usual := _DEFAULT.search(comment):
        return {"minimum": 0, "default": int(usual[1])}
    found = _RANGE.search(comment)
    if found is None:
        return {}
    least, most = int(found[1]), int(found[2])
    # 0 is a field that was left out, where the field has no presence.
    return {"minimum": least if has_presence else min(least, 0), "maximum": most}
