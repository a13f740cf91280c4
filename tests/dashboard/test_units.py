"""The dashboard's own unit tests, by Vitest."""

from tests.dashboard.missing import package
from tests.dashboard.npm import DASHBOARD, run


def test_vitest_passes() -> None:
    package(DASHBOARD / "node_modules" / "vitest")
    package(DASHBOARD / "src" / "stubs")
    result = run(["test"], capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout
