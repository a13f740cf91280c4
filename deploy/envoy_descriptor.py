"""The contract as Envoy's transcoder can read it, and what that leaves out for envoy/unwrap.lua to do.

The transcoder refuses `response_body` (google/api/http.proto) but for HttpBody; without it, the REST answer is the
whole response, `{"station": {...}}`, where the contract promises what is in the named field.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2

from mesh.contract.published import CONTRACT
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The part of the contract that the front door needs. Methods are `package.Service/Method`."""

    descriptor: bytes  # a serialized FileDescriptorSet without response_body
    unwrapped: dict[str, str]  # method to the JSON name of the field that is its REST answer
    streaming: tuple[str, ...]  # methods that answer with a stream


def read_contract() -> Contract:
    """Reads the generated descriptor set."""
    files = descriptor_pb2.FileDescriptorSet.FromString(CONTRACT.read_bytes())
    unwrapped: dict[str, str] = {}
    streaming: list[str] = []
    for name, method in _operator_methods(files):
        if method.server_streaming:
            streaming.append(name)
        rule = method.options.Extensions[annotations_pb2.http]
        if rule.response_body:
            unwrapped[name] = _json_name(rule.response_body)
            rule.ClearField("response_body")
    return Contract(descriptor=files.SerializeToString(), unwrapped=unwrapped, streaming=tuple(streaming))


def _operator_methods(
    files: descriptor_pb2.FileDescriptorSet,
) -> Iterator[tuple[str, descriptor_pb2.MethodDescriptorProto]]:
    groups = (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values()
    wanted = {service for services in groups for service in services}
    for file in files.file:
        for service in file.service:
            if f"{file.package}.{service.name}" in wanted:
                for method in service.method:
                    yield f"{file.package}.{service.name}/{method.name}", method


def _json_name(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(part.capitalize() for part in rest)
