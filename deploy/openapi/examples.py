"""Examples of requests and answers: written by hand for the core calls (examples.json), else made from the fields.

A made example has the required fields of a request, and all fields of an answer. Each one is held against its schema by
tests/openapi/test_document.py.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from deploy.openapi.contract import Contract, Field, Message, Method
from deploy.openapi.limits import limits
from mesh.runtime.error_reasons import Reason

_TYPE = FieldDescriptorProto
_DEEPEST = 4
_QUOTED = re.compile(r"for example `([^`]+)`")
_TEXTS: Mapping[str, str] = {
    "station_id": "CP001",
    "site_id": "berlin-mitte",
    "tenant_id": "default",
    "transaction_id": "4711",
    "username": "ada",
    "password": "correct horse battery",
    "current_password": "correct horse battery",
    "new_password": "longer horse battery",
    "id_token": "04AB12CD",
    "type": "ISO14443",
    "display_name": "Car park north",
    "vendor_name": "ACME",
    "model": "DC-150",
    "firmware_version": "2.1.0",
    "version": "2.1.0",
    "ocpp_version": "1.6",
    "location": "https://example.org/firmware-2.1.0.bin",
    "remote_location": "https://example.org/logs/",
    "request_id": "7f9c24e8-order-17",
    "role_id": "OPERATOR",
    "prefix": "k3v9x2ab",
    "component": "ChargingStation",
    "variable": "HeartbeatInterval",
    "value": "300",
    "time_zone": "Europe/Berlin",
    "actor": "user:ada",
    "vendor_id": "com.example",
    "page_token": "",
    "next_page_token": "",
    "reason": "The meter was replaced on site",
    "csv": "station_id,display_name\nCP901,Car park\n",
    "action": "GetConfiguration",
    "refresh_token": "0V7fV0mB2tq4r5s6",
    "token": "0V7fV0mB2tq4r5s6",
    "address": "127.0.0.1",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n",
}
_TIMES = ("2026-12-01T08:30:00Z", "2026-12-01T17:45:00Z")
_ENDS = ("end", "stop", "expire", "update")
_NUMBERS: Mapping[str, int] = {"page_size": 50, "evse_id": 1, "connector_id": 1, "timeout_s": 30, "duration_s": 3600}


@cache
def written() -> Mapping[str, Mapping[str, Any]]:
    """The examples that were written by hand: method to `request` (the body), `query` and `response`."""
    found: Mapping[str, Mapping[str, Any]] = json.loads((Path(__file__).parent / "examples.json").read_text())
    return found


class Examples:
    """Makes examples from the fields of messages."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def request(self, method: Method, message: Message, without: frozenset[str]) -> Any:
        """The body of a request."""
        if "request" in (by_hand := written().get(method.full_name, {})):
            return by_hand["request"]
        return self._required(message, without)

    def answer(self, method: Method, message: Message) -> Any:
        """The body of an answer."""
        if "response" in (by_hand := written().get(method.full_name, {})):
            return by_hand["response"]
        return self._whole(message, ())

    def parameter(self, method: Method, field: Field) -> Any:
        """The value of a parameter; None for one that an example leaves out."""
        query = written().get(method.full_name, {}).get("query", {})
        if field.json_name in query:
            return query[field.json_name]
        return self._value(field, ()) if field.is_required else None

    def in_path(self, field: Field) -> Any:
        """The value of a parameter in the path."""
        return self._value(field, ())

    def _required(self, message: Message, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        fields = [field for field in message.fields if field.is_required and field.name not in without]
        return {field.json_name: self._in_request(field) for field in fields}

    def _in_request(self, field: Field) -> Any:
        message = self._contract.messages.get(field.type_name)
        if message is None or message.name.startswith("google.") or message.is_map_entry:
            return self._value(field, ())
        value = self._required(message)
        return [value] if field.is_repeated else value

    def _whole(self, message: Message, above: tuple[str, ...]) -> dict[str, Any]:
        chosen: set[str] = set()
        example = {}
        for field in message.fields:
            if field.oneof in chosen or (field.has_presence and self._is_too_deep(field, above)):
                continue
            if field.oneof:
                chosen.add(field.oneof)
            example[field.json_name] = self._value(field, (*above, message.name))
        return example

    def _is_too_deep(self, field: Field, above: tuple[str, ...]) -> bool:
        return field.is_message and (field.type_name in above or len(above) >= _DEEPEST)

    def _value(self, field: Field, above: tuple[str, ...]) -> Any:
        message = self._contract.messages.get(field.type_name) if field.is_message else None
        if message is not None and message.is_map_entry:
            value = next(each for each in message.fields if each.name == "value")
            return {"region": "north"} if value.proto.type == _TYPE.TYPE_STRING else {"half_open_socket": "2"}
        if field.is_repeated and self._is_too_deep(field, above):
            return []
        value = self._single(field, message, above)
        return [value] if field.is_repeated else value

    def _single(self, field: Field, message: Message | None, above: tuple[str, ...]) -> Any:
        if message is not None:
            known = _well_known(field)
            return self._whole(message, above) if known is None else known
        if field.proto.type == _TYPE.TYPE_ENUM:
            names = list(self._contract.enumerations[field.type_name].values)
            return names[min(1, len(names) - 1)]
        return _scalar(field)


def _well_known(field: Field) -> Any:
    """The example of a type that JSON writes in its own way; None for other messages."""
    return {
        "google.protobuf.Timestamp": _TIMES[field.name.startswith(_ENDS)],
        "google.protobuf.Duration": "90s",
        "google.protobuf.FieldMask": "displayName",
        "google.protobuf.Struct": {"energyWh": 7400},
        "google.protobuf.Value": "text",
        "google.protobuf.Any": {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": Reason.STATION_OFFLINE.value,
            "domain": "csms",
        },
    }.get(field.type_name)


def _scalar(field: Field) -> Any:
    kind = field.proto.type
    if kind == _TYPE.TYPE_STRING:
        return _text(field)
    if kind == _TYPE.TYPE_BOOL:
        return False
    if kind == _TYPE.TYPE_BYTES:
        return "AQID"
    if kind in (_TYPE.TYPE_DOUBLE, _TYPE.TYPE_FLOAT):
        return 7.4
    if kind in (_TYPE.TYPE_INT64, _TYPE.TYPE_UINT64, _TYPE.TYPE_SINT64):
        return "1042"
    return _NUMBERS.get(field.name, limits(field).get("minimum", 1))


def _text(field: Field) -> str:
    if field.name in _TEXTS:
        return _TEXTS[field.name]
    if found := _QUOTED.search(" ".join(field.comment.split())):
        return found[1]
    return field.name.replace("_", "-")[: limits(field).get("maxLength", 255)]
