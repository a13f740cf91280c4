"""Tools that a test of the dashboard needs: without one it is skipped with the reason, and in CI it fails."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tests.dashboard.npm import DASHBOARD

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
AXE = DASHBOARD / "node_modules" / "axe-core" / "axe.min.js"


def missing(reason: str) -> NoReturn:
    """Skips the test; where CI is set it fails, because CI installs everything."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def chromium() -> str:
    """The browser of this machine; a browser of Playwright's own is never used."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing("no Chromium on this machine: `apt-get install chromium-headless-shell` brings it")
    return found


def package(path: Path) -> Path:
    """A file or folder of the dashboard's packages."""
    if not path.exists():
        missing(f"{path.relative_to(DASHBOARD.parent)} is not installed: `make install` does it")
    return path
