"""Chains of audit entries in memory: what is changed, left out or put elsewhere is found, and named."""

from dataclasses import replace

from mesh.audit.chain import FIRST_HASH, ChainEntry, Fault, Verifier, hash_of, verify
from mesh.audit.verification import report


def _chain(count: int = 5, tenant_id: str = "default") -> list[ChainEntry]:
    entries: list[ChainEntry] = []
    previous_hash = FIRST_HASH
    for sequence in range(1, count + 1):
        content = f'{{"action":"a{sequence}"}}'
        digest = hash_of(
            source="auth",
            tenant_id=tenant_id,
            sequence=sequence,
            previous_hash=previous_hash,
            time_us=sequence,
            content=content,
        )
        entries.append(
            ChainEntry(
                entry_id=sequence,
                tenant_id=tenant_id,
                time_us=sequence,
                content=content,
                sequence=sequence,
                previous_hash=previous_hash,
                hash=digest,
            )
        )
        previous_hash = digest
    return entries


def _faults(entries: list[ChainEntry]) -> list[tuple[str, int]]:
    return [(fault.kind, fault.sequence) for fault in verify("auth", "default", entries).faults]


def test_a_whole_chain_has_no_fault() -> None:
    verified = verify("auth", "default", _chain())
    verified.close(sequence=5, hash_=_chain()[-1].hash)
    assert (verified.count, verified.sequence, verified.first_sequence, verified.faults) == (5, 5, 1, [])


def test_a_changed_entry_is_named() -> None:
    chain = _chain()
    chain[2] = replace(chain[2], content='{"action":"other"}')
    assert _faults(chain) == [("CHANGED", 3)]


def test_an_entry_that_is_hashed_again_does_not_fit_the_one_after_it() -> None:
    chain = _chain()
    forged = replace(chain[2], content='{"action":"other"}')
    digest = hash_of(
        source="auth",
        tenant_id="default",
        sequence=3,
        previous_hash=forged.previous_hash,
        time_us=3,
        content=forged.content,
    )
    chain[2] = replace(forged, hash=digest)
    assert _faults(chain) == [("REORDERED", 4)]


def test_missing_entries_are_named() -> None:
    chain = _chain()
    assert _faults([chain[0], *chain[3:]]) == [("MISSING", 2)]


def test_the_time_and_the_tenant_are_covered() -> None:
    chain = _chain()
    assert _faults([*chain[:4], replace(chain[4], time_us=1)]) == [("CHANGED", 5)]
    assert _faults([*chain[:4], replace(chain[4], tenant_id="other")]) == [("CHANGED", 5)]


def test_entries_in_each_other_s_places_are_named() -> None:
    chain = _chain()
    swapped = [replace(chain[1], sequence=3), replace(chain[2], sequence=2)]
    assert _faults([chain[0], swapped[1], swapped[0], *chain[3:]])[:2] == [("REORDERED", 2), ("CHANGED", 2)]


def test_a_chain_that_was_cut_does_not_reach_its_head() -> None:
    chain = _chain()
    verified = verify("auth", "default", chain[:3])
    verified.close(sequence=5, hash_=chain[-1].hash)
    assert verified.faults == [Fault(kind="CUT", sequence=4, message="entries 4 to 5 are missing at the end")]


def test_a_chain_goes_on_after_the_entries_that_were_removed_for_their_age() -> None:
    chain = _chain()
    verifier = Verifier(source="auth", tenant_id="default", sequence=2, hash=chain[1].hash)
    for entry in chain[2:]:
        verifier.check(entry)
    assert (verifier.faults, verifier.first_sequence) == ([], 3)


def test_the_report_has_a_line_for_each_chain_and_each_fault() -> None:
    chain = _chain()
    lines, has_faults = report([verify("auth", "default", [*chain[:2], *chain[3:]]), verify("auth", "b", [])])
    assert has_faults
    assert lines[0].startswith("auth tenant=default: 4 entries, the last is 5 with the hash ")
    assert lines[1] == "  MISSING at 3: entries 3 to 3 are missing"
    assert lines[2].endswith(": ok")
    assert report([]) == (["no audit entries are linked yet"], False)
