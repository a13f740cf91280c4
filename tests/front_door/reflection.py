"""All RPCs of the operator services, as reflection lists them at the front door."""

from collections.abc import Iterator
from typing import Any

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.front_door.walk import Rpc, required_fields

Metadata = tuple[tuple[str, str], ...]


class WithMetadata(grpc.StreamStreamClientInterceptor):
    """Sends this metadata with each call."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        metadata = grpc.aio.Metadata(*self._metadata)
        details = grpc.aio.ClientCallDetails(
            client_call_details.method, client_call_details.timeout, metadata, None, None
        )
        return continuation(details, request_iterator)


def reflected_rpcs(target: str, token: str) -> list[Rpc]:
    """The RPCs that a caller with this access token may look up."""
    metadata = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(target) as channel:
        database = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithMetadata(metadata)))
        names = [name for name in database.get_services() if name.startswith("csms.")]
        return [rpc for name in names for rpc in _methods(database, name)]


def _methods(database: ProtoReflectionDescriptorDatabase, service_name: str) -> Iterator[Rpc]:
    file = database.FindFileContainingSymbol(service_name)
    [service] = [each for each in file.service if f"{file.package}.{each.name}" == service_name]
    for method in service.method:
        name = method.input_type.removeprefix(".")
        messages = database.FindFileContainingSymbol(name).message_type
        [request] = [each for each in messages if name.endswith(f".{each.name}")]
        yield Rpc(service=service_name, method=method, required=required_fields(request))
