"""A request as REST has it: by the routes of the contract, each variable in its path and the rest in body or query."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2, http_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

PATH_VALUE = "1"  # an id, and a number where one is needed


@dataclass(frozen=True, kw_only=True)
class RestCall:
    """A request over HTTP; without a body for None."""

    verb: str
    path: str
    body: Any


def rest_calls(method: MethodDescriptor, request: Message) -> Iterator[RestCall]:
    """The request by each route of the method."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for binding in (rule, *rule.additional_bindings):
        if binding.WhichOneof("pattern") is not None:
            yield _rest_call(binding, request)


def _rest_call(binding: http_pb2.HttpRule, request: Message) -> RestCall:
    fields = json_format.MessageToDict(request, preserving_proto_field_name=True)
    verb = str(binding.WhichOneof("pattern"))

    def fill(variable: re.Match[str]) -> str:
        return quote(_take(fields, variable[1].split(".")), safe="")

    path = re.sub(r"\{([^}=]*)(?:=[^}]*)?\}", fill, getattr(binding, verb))
    body: Any = None
    if binding.body == "*":
        body, fields = fields, {}
    elif binding.body:
        body = fields.pop(binding.body, {})
    query = urlencode(dict(_flat(fields)), doseq=True)
    return RestCall(verb=verb.upper(), path=f"{path}?{query}" if query else path, body=body)


def _take(fields: dict[str, Any], path: list[str]) -> str:
    """Removes a field and returns its value, or some id where it has none."""
    for name in path[:-1]:
        fields = fields.get(name, {})
    return str(fields.pop(path[-1], PATH_VALUE))


def _flat(fields: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
