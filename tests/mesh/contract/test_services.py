"""Holds the list of services in mesh/contract/services.py against the contract itself."""

from csms.options.v1 import options_pb2
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2

from mesh.contract.published import CONTRACT
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.grpc.batch_streams import STREAM


def _services() -> dict[str, descriptor_pb2.ServiceDescriptorProto]:
    files = descriptor_pb2.FileDescriptorSet.FromString(CONTRACT.read_bytes())
    return {
        f"{file.package}.{service.name}": service
        for file in files.file
        if file.package.startswith("csms.")
        for service in file.service
    }


def test_every_service_of_the_contract_has_its_place() -> None:
    """A service is for operators or for the mesh, as it states, and none is forgotten."""
    operators = OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES
    groups = {options_pb2.AUDIENCE_OPERATORS: operators, options_pb2.AUDIENCE_MESH: MESH_SERVICES}
    listed = {name: kind for kind, group in groups.items() for names in group.values() for name in names}
    stated = {name: service.options.Extensions[options_pb2.audience] for name, service in _services().items()}
    assert listed == stated


def test_mesh_services_have_no_rest_binding() -> None:
    """A service that the front door must not reach has no path that leads to it."""
    services = _services()
    for name in (name for names in MESH_SERVICES.values() for name in names):
        assert not any(method.options.HasExtension(annotations_pb2.http) for method in services[name].method), name


def test_a_stream_of_the_mesh_stands_for_a_unary_method() -> None:
    """`MeshInterceptor` serves it by that one, so both have the same request and response."""
    services = _services()
    streams = 0
    for name in (name for names in MESH_SERVICES.values() for name in names):
        methods = {method.name: method for method in services[name].method}
        for method in methods.values():
            if method.client_streaming or method.server_streaming:
                streams += 1
                twin = methods[method.name.removeprefix(STREAM)]
                assert method.client_streaming
                assert method.server_streaming
                assert not twin.client_streaming
                assert not twin.server_streaming
                assert (method.input_type, method.output_type) == (twin.input_type, twin.output_type)
    assert streams
