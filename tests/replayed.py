"""The methods of a service that change something, held against those of a test that replays the audit."""

from collections.abc import Collection, Mapping, Sequence

from csms.options.v1 import options_pb2

from mesh.audit.chain import ChainEntry
from mesh.contract.options import audit_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES
from tests.audited import contents, expect_tampering_found


def changing_methods(service: str) -> set[str]:
    """The methods of a service whose audit is AUDIT_CHANGE, as `Service/Method`."""
    audits = audit_of(contract_files(), OPERATOR_SERVICES[service])
    return {name.rpartition(".")[2] for name, audit in audits.items() if audit == options_pb2.AUDIT_CHANGE}


def expect_each_method(service: str, replayed: Collection[str], stateless: Mapping[str, str]) -> None:
    """Each method that changes something is replayed, or has a reason why it changes no audited field; and no other."""
    assert not set(replayed) & set(stateless)
    assert {*replayed, *stateless} == changing_methods(service), "a new method needs a row or a reason"


def expect_actions(chain: Sequence[ChainEntry], replayed: Collection[str]) -> None:
    """Each of these methods has left an entry that changes audited fields."""
    actions = {entry.action.rpartition(".")[2] for entry in contents(chain) if entry.change}
    assert set(replayed) - actions == set()


def expect_each_fault_found(source: str, chain: Sequence[ChainEntry], tenant_id: str) -> None:
    """Any entry of a chain that is changed or missing is found."""
    for index in range(len(chain)):
        expect_tampering_found(source, chain, index, tenant_id=tenant_id)
