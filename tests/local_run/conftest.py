"""Shared by the tests of the local run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_run.children import Keepers


@pytest.fixture
def keepers(tmp_path: Path) -> Iterator[Keepers]:
    """Makes keepers of small real processes."""
    made = Keepers(tmp_path)
    yield made
    made.close()
