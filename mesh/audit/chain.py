"""The chain of hashes over a tenant's audit entries of one service, and its verification. Pure.

The hash of an entry covers the hash before it, its place in the chain, and all that is stored of it. An entry that was
changed, left out or put elsewhere makes a fault, which names the place.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

FIRST_HASH = "0" * 64
"""Stands before the first entry of a chain."""

MOST_FAULTS = 100
"""A verification names this many faults at most: after one of them, every later entry may be another."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class ChainEntry:
    """An entry as it is stored; those that are not linked yet have no place in a chain."""

    entry_id: int
    tenant_id: str
    time_us: int
    content: str
    sequence: int
    previous_hash: str
    hash: str


def hash_of(*, source: str, tenant_id: str, sequence: int, previous_hash: str, time_us: int, content: str) -> str:
    """The hash of an entry: SHA-256 over the JSON of these, hexadecimal. `source` is the service."""
    text = _encode(["csms.audit.1", source, tenant_id, sequence, previous_hash, time_us, content])
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A place where a chain is not what it was. `kind` is CHANGED, MISSING, REORDERED, or CUT."""

    kind: str
    sequence: int
    message: str


@dataclass(kw_only=True)
class Verifier:
    """Verifies one chain, entry by entry in the order of sequences: `check` for each, then `close`.

    It begins after the entry `sequence`, whose hash is `hash`: those before it were removed when their time was over.
    """

    source: str
    tenant_id: str
    sequence: int = 0
    hash: str = FIRST_HASH
    count: int = 0
    first_sequence: int = 0  # of the entries that were checked; 0: none were
    faults: list[Fault] = field(default_factory=list)

    def check(self, entry: ChainEntry) -> None:
        """Verifies the next entry."""
        expected = self.sequence + 1
        if entry.sequence > expected:
            self._fault("MISSING", expected, f"entries {expected} to {entry.sequence - 1} are missing")
        elif entry.previous_hash != self.hash:
            self._fault("REORDERED", entry.sequence, "it does not follow the entry before it")
        if entry.hash != self._hash(entry):
            self._fault("CHANGED", entry.sequence, "its content is not what was linked")
        self.sequence, self.hash = entry.sequence, entry.hash
        self.first_sequence = self.first_sequence or entry.sequence
        self.count += 1

    def close(self, *, sequence: int, hash_: str) -> None:
        """Compares the end of the chain with its head, which is stored beside it."""
        if self.sequence < sequence:
            self._fault("CUT", self.sequence + 1, f"entries {self.sequence + 1} to {sequence} are missing at the end")
        elif (self.sequence, self.hash) != (sequence, hash_):
            self._fault("CUT", sequence, "the head of the chain is not its last entry")

    def _hash(self, entry: ChainEntry) -> str:
        return hash_of(
            source=self.source,
            tenant_id=entry.tenant_id,
            sequence=entry.sequence,
            previous_hash=entry.previous_hash,
            time_us=entry.time_us,
            content=entry.content,
        )

    def _fault(self, kind: str, sequence: int, message: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(kind=kind, sequence=sequence, message=message))


def verify(source: str, tenant_id: str, entries: Iterable[ChainEntry]) -> Verifier:
    """The verification of the whole chain of a tenant, without its head."""
    verifier = Verifier(source=source, tenant_id=tenant_id)
    for entry in entries:
        verifier.check(entry)
    return verifier
