"""The contract as reflection shows it."""

from google.protobuf import descriptor_pool

from mesh.contract.published import published_files
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES

OPERATOR = {name for names in OPERATOR_SERVICES.values() for name in names}
MESH = {name for names in MESH_SERVICES.values() for name in names}


def test_operator_services_are_whole_and_mesh_services_are_not_there() -> None:
    """Every file can be loaded, so that no type is missing; what is left of a mesh file is what operators need."""
    files = published_files(OPERATOR)
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
        pool.FindFileByName(file.name)
    services = {f"{file.package}.{service.name}" for file in files for service in file.service}
    assert services == OPERATOR
    assert not services & MESH
    types = {message.name for file in files for message in file.message_type}
    assert not types & {
        "OpenConnectionItem",
        "RecordMessagesRequest",
        "CallRequest",
        "PublishEventItem",
        "TransactionEventItem",
    }
    [ingest] = [file for file in files if file.name.endswith("station_ingest_service.proto")]
    assert [enum.name for enum in ingest.enum_type] == ["DataTransferStatus"]
    assert list(ingest.message_type) == []


def test_one_services_contract_has_what_it_needs_alone() -> None:
    files = {file.name for file in published_files(["csms.event.v1.EventService"])}
    assert "csms/event/v1/event_service.proto" in files
    assert not any("station" in name or "ingest" in name for name in files)
