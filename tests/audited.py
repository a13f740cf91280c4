"""A check beside the tests of a service: each successful change of an operator has left an audit entry."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mesh.audit import chain_store
from mesh.audit.chain import ChainEntry, verify
from mesh.audit.entries import Content, decode
from mesh.audit.linker import Linker
from mesh.database.engine import Database
from mesh.grpc.call_watch import UNAUDITED


def _counts() -> dict[str, float]:
    return {
        sample.labels["method"]: sample.value
        for family in UNAUDITED.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


@pytest.fixture(autouse=True)
def every_change_is_audited() -> Iterator[None]:
    """Fails a test in which an operator's change left no entry."""
    before = _counts()
    yield
    without = sorted(method for method, count in _counts().items() if count > before.get(method, 0))
    assert not without, f"these changes left no audit entry (docs/AUDIT.md): {', '.join(without)}"


async def linked_entries(database: Database, source: str, tenant_id: str = "default") -> list[ChainEntry]:
    """The chain of a tenant in a service, after all its entries are linked."""
    await Linker(database=database, source=source, pass_on=_keep).link_all()
    return await database.read(lambda connection: list(chain_store.read_chain(connection, tenant_id)))


def contents(chain: Sequence[ChainEntry]) -> list[Content]:
    """The contents of the entries of a chain."""
    return [decode(entry.content) for entry in chain]


def expect_tampering_found(source: str, chain: Sequence[ChainEntry], index: int, *, tenant_id: str = "default") -> None:
    """A chain is whole; without one of its entries, and with another content in its place, it is not."""
    assert verify(source, tenant_id, chain).faults == []
    without = verify(source, tenant_id, [*chain[:index], *chain[index + 1 :]])
    without.close(sequence=chain[-1].sequence, hash_=chain[-1].hash)
    [fault] = without.faults
    assert (fault.kind, fault.sequence) == ("CUT" if index == len(chain) - 1 else "MISSING", chain[index].sequence)
    changed = replace(chain[index], content=chain[index].content.replace('"action":"', '"action":"x', 1))
    faults = verify(source, tenant_id, [*chain[:index], changed, *chain[index + 1 :]]).faults
    assert [(fault.kind, fault.sequence) for fault in faults] == [("CHANGED", index + 1)]


def _keep(_connection: Connection, _source: str, _linked: Sequence[ChainEntry]) -> None:
    pass
