"""The verifications of a service's chains, as text for people: `python -m auth_svc verify-audit`."""

from collections.abc import Sequence

from mesh.audit.chain import Verifier


def report(verified: Sequence[Verifier]) -> tuple[list[str], bool]:
    """A line for each chain and for each of its faults, and whether there are faults."""
    lines = []
    for one in verified:
        verdict = "ok" if not one.faults else f"{len(one.faults)} faults"
        lines.append(
            f"{one.source} tenant={one.tenant_id}: {one.count} entries, the last is {one.sequence} "
            f"with the hash {one.hash}: {verdict}"
        )
        lines += [f"  {fault.kind} at {fault.sequence}: {fault.message}" for fault in one.faults]
    if not lines:
        lines.append("no audit entries are linked yet")
    return lines, any(one.faults for one in verified)
