"""Tests that lack a tool are skipped with the reason, and fail where CI is set."""

from pathlib import Path

import pytest

from tests.dashboard.missing import chromium, package
from tests.dashboard.npm import DASHBOARD


@pytest.mark.parametrize(("ci", "outcome"), [(None, pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_tool(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ci: str | None, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="apt-get install chromium-headless-shell"):
        chromium()
    with pytest.raises(outcome, match="node_modules/none is not installed: `make install`"):
        package(DASHBOARD / "node_modules" / "none")
    assert package(DASHBOARD / "package.json").is_file()
