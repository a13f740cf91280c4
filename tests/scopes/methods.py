"""The methods for operators as the contract has them, called by reflection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import grpc
from csms.options.v1 import options_pb2
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.contract.services import OPERATOR_SERVICES
from mesh.runtime.errors import MeshError, from_rpc_error

_MOST_DEPTH = 6


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method, and the service that serves it."""

    process: str
    descriptor: MethodDescriptor

    @property
    def name(self) -> str:
        """Its name, without that of its service."""
        name: str = self.descriptor.name
        return name

    @property
    def path(self) -> str:
        """Its name in calls."""
        return f"/{self.descriptor.containing_service.full_name}/{self.name}"

    @property
    def scope(self) -> int:
        """Its ScopeRule."""
        return self.descriptor.GetOptions().Extensions[options_pb2.access].scope

    @property
    def permission(self) -> options_pb2.Permission.ValueType:
        """The permission that it needs."""
        permission: options_pb2.Permission.ValueType = (
            self.descriptor.GetOptions().Extensions[options_pb2.access].permission
        )
        return permission

    def least(self, values: Mapping[str, str]) -> Message:
        """The least request that passes the check of required fields; `values` are of texts, by field name."""
        return least_request(self.descriptor, values)

    async def call(
        self, channels: Mapping[str, grpc.aio.Channel], request: Message, metadata: Any
    ) -> Message | MeshError:
        """The response, or the error."""
        call = channels[self.process].unary_unary(
            self.path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(self.descriptor.output_type).FromString,
        )
        try:
            response: Message = await call(request, metadata=metadata, timeout=60)
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error)
        return response

    async def first(self, channels: Mapping[str, grpc.aio.Channel], request: Message, metadata: Any) -> Any:
        """The first response of a method that answers with a stream, or the error."""
        call = channels[self.process].unary_stream(
            self.path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(self.descriptor.output_type).FromString,
        )(request, metadata=metadata, timeout=60)
        try:
            response = cast("Message", await call.read())
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error)
        finally:
            call.cancel()
        return response


def methods(*scopes: int, streams: bool = False) -> Iterator[Method]:
    """The methods for operators with one of these rules: those that answer with a stream, or else the others."""
    pool = descriptor_pool.Default()
    for process, services in OPERATOR_SERVICES.items():
        for service in services:
            for descriptor in pool.FindServiceByName(service).methods:
                method = Method(process=process, descriptor=descriptor)
                if method.scope in scopes and descriptor.server_streaming is streams:
                    yield method


def least_request(method: MethodDescriptor, values: Mapping[str, str]) -> Message:
    """The least request that passes the check of required fields; `values` are of texts, by field name."""
    return _least(method.input_type, values, 0)


def _least(descriptor: Descriptor, values: Mapping[str, str], depth: int) -> Message:
    message: Any = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.name in values and field.cpp_type == FieldDescriptor.CPPTYPE_STRING and not field.is_repeated:
            setattr(message, field.name, values[field.name])
        elif _is_required(field) and depth < _MOST_DEPTH:
            _fill(message, field, values, depth)
    made: Message = message
    return made


def _fill(message: Any, field: FieldDescriptor, values: Mapping[str, str], depth: int) -> None:
    value: Any = "x"
    if field.message_type is not None:
        value = _least(field.message_type, values, depth + 1)
    elif field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        value = 1
    elif field.type == FieldDescriptor.TYPE_BYTES:
        value = b"x"
    if field.is_repeated:
        getattr(message, field.name).append(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value)


def _is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
