"""A folder whose path is short enough for a socket, and that PostgreSQL's own user may enter."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder that is removed after the test."""
    folder = Path(tempfile.mkdtemp(prefix="csms-chaos-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
