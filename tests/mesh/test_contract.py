"""Holds the list of services in mesh/contract.py against the contract itself."""

from google.protobuf import descriptor_pb2

from mesh.contract import MESH_SERVICES, OPERATOR_SERVICES
from mesh.published_contract import CONTRACT


def _services() -> dict[str, descriptor_pb2.ServiceDescriptorProto]:
    files = descriptor_pb2.FileDescriptorSet.FromString(CONTRACT.read_bytes())
    return {
        f"{file.package}.{service.name}": service
        for file in files.file
        if file.package.startswith("csms.")
        for service in file.service
    }


def test_every_service_of_the_contract_has_its_place() -> None:
    """A service is either for operators or for the mesh, and none is forgotten."""
    listed = [name for group in (OPERATOR_SERVICES, MESH_SERVICES) for names in group.values() for name in names]
    assert sorted(listed) == sorted(_services())


def test_mesh_services_have_no_rest_binding() -> None:
    """A service that the front door must not reach has no path that leads to it."""
    services = _services()
    for name in (name for names in MESH_SERVICES.values() for name in names):
        assert not any(method.options.ByteSize() for method in services[name].method), name
