"""The walk over every operator RPC: who calls, over which of the three ways in, and what came back."""

import base64
import http.client
import json
import re
import struct
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import grpc
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import descriptor_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.front_door.transcoding import PATH_VALUE, RestCall

UNREADABLE = b"\xff"  # no message of any type: a service refuses it once it has let the caller in
ADMITTED = "admitted"
TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A kind of caller: the headers of its calls, and what it may do; None for one that is nobody."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    permissions: frozenset[int] | None = None
    is_outside: bool = False  # of another tenant: no answer at all has a trace of data

    def expected(self, rpc: "Rpc") -> str:
        """The outcome of a call."""
        access = rpc.access
        if access.WhichOneof("rule") == "public_access":
            refuses = access.public_access == options_pb2.PUBLIC_ACCESS_REFUSE_INVALID_TOKEN
            return "UNAUTHENTICATED" if refuses and self.headers and self.permissions is None else ADMITTED
        if self.permissions is None:
            return "UNAUTHENTICATED"
        return ADMITTED if access.permission in self.permissions else "PERMISSION_DENIED"


@dataclass(frozen=True, kw_only=True)
class Rpc:
    """A method of an operator service, as reflection describes it."""

    service: str
    method: descriptor_pb2.MethodDescriptorProto
    required: frozenset[str]  # the fields of the request without which a call is refused

    @property
    def path(self) -> str:
        """The path of gRPC."""
        return f"/{self.service}/{self.method.name}"

    @property
    def access(self) -> options_pb2.Access:
        """The callers that may call it."""
        return self.method.options.Extensions[options_pb2.access]

    def rest(self) -> tuple[str, str, str | None]:
        """Verb, path and body of REST, with PATH_VALUE for each variable of the path and nothing else."""
        rule = self.method.options.Extensions[annotations_pb2.http]
        verb = str(rule.WhichOneof("pattern"))
        path = re.sub(r"\{[^}]*\}", quote(PATH_VALUE), getattr(rule, verb))
        return verb.upper(), path, "{}" if rule.body else None

    @property
    def has_rest(self) -> bool:
        """Whether REST has a path to it."""
        return self.method.options.Extensions[annotations_pb2.http].WhichOneof("pattern") is not None

    def is_harmless_by_rest(self) -> bool:
        """Whether that REST call changes nothing where it is let in: it reads, or lacks a required field."""
        verb, _, _ = self.rest()
        if self.method.server_streaming:
            return False  # it would not end
        return verb == "GET" or bool(self._required_beside_path())

    def _required_beside_path(self) -> list[str]:
        rule = self.method.options.Extensions[annotations_pb2.http]
        in_path = {name.partition(".")[0] for name in re.findall(r"\{([^}=]*)", getattr(rule, self.rest()[0].lower()))}
        return sorted(self.required - in_path - {rule.body})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answer: ADMITTED or the name of gRPC's code, the reason, and all bytes of the answer."""

    code: str
    reason: str
    data: bytes = field(repr=False)
    message: str = ""


class Doors(ExitStack):
    """The three ways in at the front door. Each thread has a connection of its own."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._local = threading.local()

    def by_grpc(self, rpc: Rpc, visitor: Visitor) -> Outcome:
        """gRPC, with a request that no method can read."""
        return _outcome(self.ask_by_grpc(rpc, visitor.headers, UNREADABLE))

    def by_grpc_web(self, rpc: Rpc, visitor: Visitor) -> Outcome:
        """gRPC-web, with the same request."""
        return _outcome(self.ask_by_grpc_web(rpc, visitor.headers, UNREADABLE))

    def by_rest(self, rpc: Rpc, visitor: Visitor) -> Outcome:
        """REST, with the least that the path takes."""
        verb, path, body = rpc.rest()
        headers = {"content-type": "application/json", **visitor.headers}
        http_status, found, data = self._request(verb, path, None if body is None else body.encode(), headers)
        if http_status not in (401, 403, 429):
            return Outcome(code=ADMITTED, reason=str(http_status), data=data)
        details = json.loads(data)
        code = code_pb2.Code.Name(details["code"])
        assert {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429}[code] == http_status
        return Outcome(code=code, reason=details["details"][0]["reason"], data=data + repr(found).encode())

    def ask_by_grpc(self, rpc: Rpc, headers: Mapping[str, str], request: bytes) -> Outcome:
        """The answer to a serialized request, by gRPC."""
        make: Any = self._channel().unary_stream if rpc.method.server_streaming else self._channel().unary_unary
        call = make(rpc.path, request_serializer=lambda data: data, response_deserializer=lambda data: data)
        try:
            answer = call(request, metadata=tuple(headers.items()), timeout=TIMEOUT_S)
            data = b"".join(answer) if rpc.method.server_streaming else answer
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            reason = "" if status is None else _reason(status)
            text = repr(error) + str(status)
            return Outcome(code=error.code().name, reason=reason, data=text.encode(), message=error.details() or "")
        return Outcome(code="OK", reason="", data=data)

    def ask_by_grpc_web(self, rpc: Rpc, headers: Mapping[str, str], request: bytes) -> Outcome:
        """The answer to a serialized request, by gRPC-web."""
        body = b"\0" + struct.pack(">I", len(request)) + request
        web = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **headers}
        http_status, found, data = self._request("POST", rpc.path, body, web)
        assert http_status in (200, 401), (rpc.path, http_status)  # 401: the front door's own answer
        trailers = {**found, **_trailers(data)}
        encoded = trailers.get("grpc-status-details-bin", "")
        status = status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
        name = code_pb2.Code.Name(code_pb2.Code.ValueType(int(trailers["grpc-status"])))
        text = data + repr(found).encode() + status.SerializeToString()
        return Outcome(code=name, reason=_reason(status), data=text, message=status.message)

    def ask_by_rest(self, call: RestCall, headers: Mapping[str, str]) -> Outcome:
        """The answer to a request over REST."""
        body = None if call.body is None else json.dumps(call.body).encode()
        json_headers = {"content-type": "application/json", **headers}
        http_status, found, data = self._request(call.verb, call.path, body, json_headers)
        text = data + repr(found).encode()
        if http_status == http.HTTPStatus.OK:
            return Outcome(code="OK", reason="", data=text)
        status = json.loads(data)
        code = code_pb2.Code.Name(code_pb2.Code.ValueType(status["code"]))
        reason = status["details"][0].get("reason", "") if status.get("details") else ""
        return Outcome(code=code, reason=reason, data=text, message=status["message"])

    def _channel(self) -> grpc.Channel:
        if not hasattr(self._local, "channel"):
            self._local.channel = self.enter_context(grpc.insecure_channel(self._target))
        channel: grpc.Channel = self._local.channel
        return channel

    def _request(
        self, verb: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if not hasattr(self._local, "connection"):
            host, _, port = self._target.rpartition(":")
            self._local.connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
            self.callback(self._local.connection.close)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request(verb, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def permissions(*names: str) -> frozenset[int]:
    """Permissions by the names that the contract has for them."""
    return frozenset(Permission.Value(f"PERMISSION_{name.removeprefix('PERMISSION_')}") for name in names)


def _outcome(found: Outcome) -> Outcome:
    # The request cannot be read, which is noticed only once the caller has been let in.
    is_admitted = found.code == "OK" or (found.code, found.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    return replace(found, code=ADMITTED) if is_admitted else found


def _trailers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while data:
        kind, length = struct.unpack(">BI", data[:5])
        if kind & 0x80:
            lines = (line.partition(":") for line in data[5 : 5 + length].decode().split("\r\n") if line)
            found |= {name.strip().lower(): value.strip() for name, _, value in lines}
        data = data[5 + length :]
    return found


def _reason(status: status_pb2.Status) -> str:
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def required_fields(message: descriptor_pb2.DescriptorProto) -> frozenset[str]:
    """The fields of a message that are required (AIP-203)."""
    behaviour, required = field_behavior_pb2.field_behavior, field_behavior_pb2.REQUIRED
    return frozenset(each.name for each in message.field if required in each.options.Extensions[behaviour])
