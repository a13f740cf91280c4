"""A check beside the tests of a service: each successful change of an operator has left an audit entry."""

from collections.abc import Iterator

import pytest

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
