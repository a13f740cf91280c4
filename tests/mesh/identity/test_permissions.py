"""The rules of methods that follow from the contract, against roles that are committed as data."""

import csv
from pathlib import Path

import pytest
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from mesh.contract.options import access_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.identity.permissions import LEAST_ROLES, MethodRule, method_rules
from mesh.runtime.startup_errors import ContractError

SERVICES = [name for names in (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values() for name in names]
TABLE = Path(__file__).parent / "method_roles.csv"


def _text(rule: MethodRule) -> str:
    if rule.permission is not None:
        return LEAST_ROLES[rule.permission].name
    return "public" if rule.ignores_invalid_token else "public, but an invalid token is refused"


def test_roles_are_those_of_the_table() -> None:
    """The table has the roles as they were before methods stated permissions; a later method is not in it."""
    with TABLE.open(newline="") as file:
        expected = {row["method"]: row["role"] for row in csv.DictReader(file)}
    rules = {method: _text(rule) for method, rule in method_rules(contract_files(), SERVICES).items()}
    assert len(expected) == 94
    assert {method: rules.get(method) for method in expected} == expected


def test_each_permission_has_a_role() -> None:
    """And each is needed by a method, so that none is left over."""
    assert set(LEAST_ROLES) == set(Permission.values()) - {options_pb2.PERMISSION_UNSPECIFIED}
    assert {access.permission for access in access_of(contract_files(), SERVICES).values()} - {0} == set(LEAST_ROLES)


def test_what_is_to_be_granted_apart_has_permissions_of_its_own() -> None:
    """Payloads of stations, credentials, raw calls, and hardware."""
    access = access_of(contract_files(), SERVICES)
    apart = [
        "/csms.station.v1.StationService/GetStation",
        "/csms.station.v1.StationService/ListMessages",
        "/csms.station.v1.StationService/ListDataTransfers",
        "/csms.station.v1.StationService/UpdateStation",
        "/csms.station.v1.StationService/RotateCredential",
        "/csms.station.v1.CommandService/Reset",
        "/csms.station.v1.CommandService/SendCall",
        "/csms.transaction.v1.TransactionService/GetTransaction",
        "/csms.transaction.v1.TransactionService/GetQuarantinedItem",
        "/csms.transaction.v1.TransactionService/MendQuarantinedItem",
    ]
    assert len({access[method].permission for method in apart}) == len(apart)


def test_a_permission_that_no_role_has() -> None:
    """It is refused with its method and the place to add it."""
    files = FileDescriptorSet()
    files.CopyFrom(contract_files())
    [service] = [one for file in files.file for one in file.service if one.name == "EventService"]
    service.method[0].options.Extensions[options_pb2.access].permission = 9_999  # type: ignore[assignment]
    with pytest.raises(ContractError, match=r"EventService/ListEvents needs, number 9999: add it to LEAST_ROLES"):
        method_rules(files, ["csms.event.v1.EventService"])
